/** Files to import and the JSON values in them. A file may be anything: what it holds is refused, never guessed. */
import { createReadStream } from 'node:fs'
import { lstat, readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { createGunzip, gunzipSync } from 'node:zlib'
import { parseJson } from '@scelle/fhir/validate'
import { CLI_LIMITS } from '../limits.ts'

export interface ImportFile {
  readonly path: string
  readonly bytes: number
  /** Milliseconds since 1970: a corrected file of the same size is another one. */
  readonly changed: number
}

const WANTED = /\.(json|ndjson|jsonl)(\.gz)?$/i
const LINES = /\.(ndjson|jsonl)(\.gz)?$/i

/** All importable files under the paths given, in a stable order. Links are not followed: they may lead anywhere. */
export const filesUnder = async (paths: readonly string[]): Promise<ImportFile[]> => {
  const files: ImportFile[] = []
  for (const path of paths) {
    const info = await lstat(path)
    if (info.isFile()) files.push({ path, bytes: info.size, changed: info.mtimeMs })
    else if (info.isDirectory()) {
      const names = (await readdir(path)).toSorted()
      files.push(...(await filesUnder(names.filter((name) => !name.startsWith('.')).map((name) => join(path, name)))))
    }
  }
  return files.filter((file) => WANTED.test(file.path))
}

const FIRST = /^(Organization|Practitioner|Location|Medication|Device)/
const SECOND = /^Patient/

/** Files named after what others refer to come first: `Patient.ndjson` before `Observation.ndjson`. */
export const rankOf = (path: string): number => {
  const name = basename(path)
  if (FIRST.test(name)) return 0
  return SECOND.test(name) ? 1 : 2
}

interface Source {
  readonly source?: string
}

/** `JSON.rawJSON` of Node.js 24 (ECMA-262 proposal json-parse-with-source). */
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown }

/** Numbers that JavaScript would write otherwise keep their digits: 5.0 mmol/L was measured to a tenth, 5 was not. */
const exact = (_key: string, value: unknown, { source }: Source): unknown =>
  typeof value === 'number' && source !== undefined && String(value) !== source ? rawJSON(source) : value

/** Throws on what is not UTF-8, not JSON, or says one thing twice: the second `criticality` would win silently. */
const parse = (bytes: Uint8Array): unknown => {
  // A file in Latin-1 would otherwise come in with every accent replaced.
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  parseJson(text, CLI_LIMITS.importFile)
  return JSON.parse(text, exact as (key: string, value: unknown) => unknown)
}

/** Lines as bytes, at most `CLI_LIMITS.importLine` each. */
async function* linesOf(path: string): AsyncGenerator<Uint8Array> {
  const raw = createReadStream(path)
  const gunzip = createGunzip()
  // A pipe does not hand on its source's errors; without this, a file that vanishes would never end.
  raw.on('error', (error) => gunzip.destroy(error))
  let rest: Buffer = Buffer.alloc(0)
  for await (const piece of (path.endsWith('.gz') ? raw.pipe(gunzip) : raw) as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, piece])
    let start = 0
    for (let end = rest.indexOf(10, start); end >= 0; end = rest.indexOf(10, start)) {
      yield rest.subarray(start, end)
      start = end + 1
    }
    rest = rest.subarray(start)
    if (rest.length > CLI_LIMITS.importLine) throw new RangeError('a line is too long')
  }
  yield rest
}

const isBlank = (line: Uint8Array): boolean => line.every((byte) => byte === 32 || byte === 9 || byte === 13)

/** Each JSON value of a file, or the reason why there is none. A broken line of NDJSON does not stop the others. */
export async function* valuesOf(path: string): AsyncGenerator<{ value: unknown } | { reason: string }> {
  const read = (bytes: Uint8Array): { value: unknown } | { reason: string } => {
    try {
      return { value: parse(bytes) }
    } catch (cause) {
      return { reason: cause instanceof TypeError ? 'not UTF-8' : 'not JSON, or a key stands twice in it' }
    }
  }
  if (LINES.test(path)) {
    for await (const line of linesOf(path)) if (!isBlank(line)) yield read(line)
    return
  }
  const bytes = await readFile(path)
  yield read(path.endsWith('.gz') ? gunzipSync(bytes, { maxOutputLength: CLI_LIMITS.importFile }) : bytes)
}
