/** `npm run bench [part...]`: DESIGN section 10, measured in one run on this machine. Never a test: it judges nothing. */
import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'
import type { Row } from './measure.ts'

const PARTS: Record<string, () => Promise<Row[]>> = {
  seal: async () => (await import('./rows/seal.ts')).sealRows(),
}

const commit = (): string => {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return 'no commit'
  }
}

const print = (rows: readonly (readonly string[])[]): void => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  for (const row of rows) console.log(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd())
}

const asked = process.argv.slice(2)
const unknown = asked.find((part) => !Object.hasOwn(PARTS, part))
if (unknown !== undefined) {
  console.error(`There is no part "${unknown}". Parts: ${Object.keys(PARTS).join(', ')}`)
  process.exit(2)
}

const [processor] = cpus()
console.log(`${processor?.model ?? 'unknown processor'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB,`,
  `Node.js ${process.version}, seed bench, commit ${commit()}`)
const rows: string[][] = [['what', 'records a capsule', 'reached', 'to reach', 'beside it, in this run']]
for (const [part, measure] of Object.entries(PARTS)) {
  if (asked.length > 0 && !asked.includes(part)) continue
  console.error(`measuring: ${part}`)
  for (const row of await measure()) rows.push([row.what, row.perCapsule, row.reached, row.target, row.beside])
}
console.log('')
print(rows)
