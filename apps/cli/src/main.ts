/** The program: real clock, randomness, terminal and signals, handed to the commands. */
import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseCommand, run } from './cli.ts'
import { EXIT } from './errors.ts'
import { Home } from './home.ts'
import type { Io } from './io.ts'
import { languageOf, MESSAGES } from './messages.ts'

const stop = new AbortController()
let asked = 0
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    stop.abort()
    if (++asked > 1) process.exit(EXIT.failed)
  })
}

/** A reader that had enough (`scelle open … | head`) is no failure. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.done)
  throw error
})

/** Names and ids come from files and servers: a terminal would obey the escape sequences in them. */
// oxlint-disable-next-line no-control-regex -- these are the characters that it is about
const harmless = (line: string): string => line.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd')

// Whatever is made from here on, by the parties too, is its owner's alone: it holds keys.
process.umask(0o077)

const main = async (): Promise<number> => {
  const environment = languageOf(undefined, process.env)
  let parsed
  try {
    parsed = parseCommand(process.argv.slice(2))
  } catch (cause) {
    process.stderr.write(`${MESSAGES[environment].unknownOption(cause instanceof Error ? cause.message : '')}\n`)
    return EXIT.usage
  }
  const io: Io = {
    home: new Home(resolve(process.env['SCELLE_HOME'] ?? '.scelle')),
    database: process.env['DATABASE_URL'],
    language: languageOf(parsed.values.lang, process.env),
    out: (line) => process.stdout.write(`${harmless(line)}\n`),
    terminal: {
      isTTY: process.stderr.isTTY,
      columns: process.stderr.columns ?? 80,
      write: (text) => process.stderr.write(text),
    },
    now: () => Date.now(),
    random: (length) => new Uint8Array(randomBytes(length)),
    sleep: (ms) => sleep(ms, undefined, { ref: true }),
    stopped: stop.signal,
  }
  return run(io, parsed)
}

process.exitCode = await main()
