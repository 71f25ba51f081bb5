/** `npm run bench [part...]`: DESIGN section 10, measured in one run. Never a test: it judges nothing. */
import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { speed } from './machine.ts'
import type { Row } from './measure.ts'

const { values: options, positionals: asked } = parseArgs({
  allowPositionals: true,
  options: {
    /** Growth to a million records, memory of 500 charts. */
    long: { type: 'boolean', default: false },
    /** A folder for CPU profiles of every process. */
    profile: { type: 'string' },
    /** Of the part `fhir`, one row: read, search, everything or create. */
    only: { type: 'string' },
  },
})
const { long, profile, only } = options

const PARTS: Record<string, () => Promise<Row[]>> = {
  seal: async () => (await import('./rows/seal.ts')).sealRows(),
  import: async () => (await import('./rows/import.ts')).importRows(profile),
  fhir: async () => (await import('./rows/fhir.ts')).fhirRows(profile, only),
  open: async () => (await import('./rows/open.ts')).openRows(profile),
  release: async () => (await import('./rows/release.ts')).releaseRows(profile),
  sessions: async () => [
    ...await (await import('./rows/sessions.ts')).sessionRows(profile),
    ...await (await import('./rows/doors.ts')).doorRows(profile),
  ],
  stored: async () => (await import('./rows/stored.ts')).storedRows(),
  memory: async () => (await import('./rows/memory.ts')).memoryRows(long ? 500 : 40),
  log: async () => (await import('./rows/log.ts')).logRows([1e3, 1e4, 1e5, 1e6, 1e7]),
  leaves: async () => (await import('./rows/leaves.ts')).leavesRows(long ? 2_000 : 100),
  growth: async () => (await import('./rows/growth.ts')).growthRows(long ? [1e3, 1e4, 1e5, 1e6] : [1e3, 1e4, 1e5]),
}

const commit = (): string => {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return 'no commit'
  }
}

const print = (rows: readonly (readonly string[])[]): void => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
}

const unknown = asked.find((part) => !Object.hasOwn(PARTS, part))
if (unknown !== undefined) {
  console.error(`There is no part "${unknown}". Parts: ${Object.keys(PARTS).join(', ')}`)
  process.exit(2)
}

const [processor] = cpus()
console.log(
  `${processor?.model ?? 'unknown processor'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB,`,
  `Node.js ${process.version}, seed bench, commit ${commit()}`,
)
console.log(
  'Load generators, servers and databases share these cores. Targets are for two cores of the reference machine,',
  `each 1.00: a core gives ${speed().toFixed(2)} now.`,
)
const HEAD = ['what', 'records a capsule', 'reached', 'to reach', 'beside it, in this run']
const failed: string[] = []
for (const [part, measure] of Object.entries(PARTS)) {
  if (asked.length > 0 && !asked.includes(part)) continue
  const started = performance.now()
  process.stderr.write(`measuring: ${part}`)
  try {
    const rows = (await measure()).map((row) => [row.what, row.perCapsule, row.reached, row.target, row.beside])
    process.stderr.write(`, ${Math.round((performance.now() - started) / 1_000)} s\n`)
    console.log('')
    print([HEAD, ...rows])
  } catch (error) {
    // The other parts are measured all the same: a run takes minutes.
    failed.push(part)
    process.stderr.write(`, not measured: ${error instanceof Error ? error.message : String(error)}\n`)
  }
}
console.log(`\nAt the end a core gave ${speed().toFixed(2)}.`)
if (failed.length > 0) {
  console.log(`Not measured: ${failed.join(', ')}.`)
  process.exitCode = 1
}
