/**
 * The code blocks of our documents, and what each promises by the words after its fence:
 *
 * - `ts run`          a whole program: executed on Node.js, must end with status 0
 * - `ts run browser`  the same, and also executed in Chromium from the published packages, with the same output
 * - `ts`              must type-check as a module of its own
 * - `sh start`        the command that starts everything; `sh test` the one that runs all tests (also by .ci/run)
 * - `sh`              executed line by line beside a running `npm start`, each line must end with status 0;
 *                     an indented line belongs to the one before
 *
 * Any other language (text, json, http) is only shown.
 */
import { readText, repositoryFiles } from '../repository.ts'

export type Block = { file: string; line: number; info: string; code: string }

/**
 * The documents whose blocks are executed. Decisions and specifications are prose about code, but get the same test.
 */
export const documents = (): string[] =>
  repositoryFiles().filter((path) => path.endsWith('.md') && !path.includes('/test/'))

export const blocksOf = (file: string, markdown: string): Block[] => {
  const blocks: Block[] = []
  let open: { line: number; info: string; lines: string[] } | undefined
  for (const [at, line] of markdown.split('\n').entries()) {
    const fence = /^```(.*)$/.exec(line)
    if (fence === null) open?.lines.push(line)
    else if (open === undefined) open = { line: at + 1, info: (fence[1] ?? '').trim(), lines: [] }
    else {
      blocks.push({ file, line: open.line, info: open.info, code: `${open.lines.join('\n')}\n` })
      open = undefined
    }
  }
  if (open !== undefined) throw new Error(`${file}:${open.line}: the code block is never closed`)
  return blocks
}

export const allBlocks = (): Block[] => documents().flatMap((file) => blocksOf(file, readText(file)))

/** The commands of a shell block, each with the place of its first line. */
export const commandsOf = (code: string): { command: string; at: number }[] => {
  const commands: { command: string; at: number }[] = []
  for (const [at, line] of code.split('\n').entries()) {
    const before = commands.at(-1)
    if (line.startsWith('  ') && before !== undefined) before.command += `\n${line}`
    else commands.push({ command: line, at })
  }
  return commands
}

const KNOWN = ['ts', 'ts run', 'ts run browser', 'sh', 'sh start', 'sh test']

/**
 * A block that claims to be TypeScript or shell, in words that no test here understands, would be executed by nobody.
 */
export const isUnknown = ({ info }: Block): boolean =>
  /^(ts|js|typescript|javascript|sh|bash|shell|console|zsh)\b/.test(info) && !KNOWN.includes(info)

/** A file name that tells where a failing block stands. */
export const fileNameOf = ({ file, line }: Block): string => `${file.replaceAll(/[/.]/g, '-')}-line-${line}.ts`
