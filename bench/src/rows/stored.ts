/** What the index keeps, everything included, against the JSON that came in. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import type { Bundle, Resource } from '@medplum/fhirtypes'
import type { WriteItem } from '@scelle/sdk'
import type { Row } from '../measure.ts'
import { Parties, TRUSTEES } from '../parties.ts'
import { patients } from '../patients.ts'
import { type Address, itemOf, newClient, newVault, writeAll } from '../sdk.ts'
import { capsulesIn, ofCapsules } from '../state.ts'

/** Resources of one patient, as they came. */
type Chart = readonly Resource[]

const PATIENTS = 50
const RESOURCES = 8_000

const folder = join(
  process.env['SCELLE_SHARED'] ?? fileURLToPath(new URL('../../../../shared', import.meta.url)),
  'data/synthea-r4/dev',
)

/** A population that the dictionary was not made from; undefined where the material is not there. */
const synthea = (): Chart[] | undefined => {
  if (!existsSync(folder)) return undefined
  const charts: Chart[] = []
  let resources = 0
  for (const name of readdirSync(folder)
    .filter((each) => each.endsWith('.json.gz'))
    .toSorted()) {
    const bundle = JSON.parse(gunzipSync(readFileSync(join(folder, name))).toString('utf8')) as Bundle
    const chart = (bundle.entry ?? []).flatMap(({ resource }) => resource ?? [])
    charts.push(chart)
    resources += chart.length
    if (charts.length === PATIENTS || resources > RESOURCES) break
  }
  return charts
}

/** In turns: of each turn, one capsule a category holds at most `size` records. One turn is one day of one writer. */
const turnsOf = (chart: Chart, size: number, together: boolean): WriteItem[][] => {
  const byCategory = Map.groupBy(
    chart.map((resource) => itemOf(resource)),
    ({ category }) => category,
  )
  const capsules = [...byCategory.values()].flatMap((items) =>
    Array.from({ length: Math.ceil(items.length / size) }, (_, turn) => ({
      turn,
      items: items.slice(turn * size, (turn + 1) * size),
    })),
  )
  if (!together) return capsules.map(({ items }) => items)
  const turns: WriteItem[][] = []
  for (const { turn, items } of capsules) turns[turn] = [...(turns[turn] ?? []), ...items]
  return turns
}

const measure = async (
  charts: readonly Chart[],
  size: number,
  together: boolean,
): Promise<{ ratio: number; perCapsule: string; perRecord: number }> => {
  const parties = await Parties.start({ parties: ['index', ...TRUSTEES] })
  try {
    const address: Address = { index: parties.url('index'), trustees: TRUSTEES.map((one) => parties.url(one)) }
    const first = await newClient(address, parties.client)
    const vaults = new Map<string, WriteItem[][]>()
    for (const chart of charts) vaults.set(await newVault(first), turnsOf(chart, size, together))
    const days = Math.max(...[...vaults.values()].map((turns) => turns.length))
    for (let day = 0; day < days; day++) {
      // A new client has no open capsules and new encapsulations: the next day of the same writer.
      const client = await newClient(address, parties.client)
      await writeAll(client, new Map([...vaults].map(([vault, turns]) => [vault, turns[day] ?? []] as const)))
    }
    const counted = capsulesIn(parties)
    await parties.stopOne('index') // checkpoints the write-ahead log
    const plain = charts.flat().reduce((sum, resource) => sum + Buffer.byteLength(JSON.stringify(resource)), 0)
    const stored = parties.stored('index')
    const perCapsule = ofCapsules({ records: 0, capsules: 0 }, counted)
    return { ratio: stored / plain, perCapsule, perRecord: stored / counted.records }
  } finally {
    await parties.close()
  }
}

/** Bulk: as many as a capsule may hold, so a chart has one a category. A visit: three records, in a new one. */
const CASES = [
  { name: 'bulk', size: 500, together: true, target: '0.50 ×' },
  { name: 'live visits', size: 3, together: false, target: '1.00 ×' },
] as const

export const storedRows = async (): Promise<Row[]> => {
  const populations = {
    Synthea: synthea(),
    'demonstration population': patients(0, PATIENTS).map(({ resources }) => resources),
  }
  const rows: Row[] = []
  for (const { name, size, together, target } of CASES) {
    for (const [source, charts] of Object.entries(populations)) {
      if (charts === undefined) continue
      const { ratio, perCapsule, perRecord } = await measure(charts, size, together)
      rows.push({
        what: `stored bytes, ${name}, ${source}`,
        perCapsule,
        target,
        reached: `${ratio.toFixed(2)} × minified JSON`,
        beside: `${Math.round(perRecord)} B a record in all; ${charts.length} vaults, ${charts.flat().length} records`,
      })
    }
  }
  return rows
}
