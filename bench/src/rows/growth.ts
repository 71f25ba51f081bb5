/** Whether a write and an opening take longer when the index holds more: its tables are what this is about. */
import type { Resource } from '@medplum/fhirtypes'
import type { Client, Vault, WriteItem } from '@scelle/sdk'
import { fromHex } from '@scelle/seal/verify'
import { median, ms, type Row, times } from '../measure.ts'
import { Parties, TRUSTEES } from '../parties.ts'
import { type Address, itemOf, newClient, newVault, writeAll, RECORD_CATEGORIES } from '../sdk.ts'
import { context, resourcesOf } from '../sealing.ts'
import { capsulesIn, ofCapsules } from '../state.ts'

const WRITES = 60
const VISIT = 3
const OPENS = 25
const CHART = 100
const CAPSULES = 10
const FILLED = 400
const FILLED_TOGETHER = 16

const codes = RECORD_CATEGORIES

class Filler {
  readonly #address: Address
  readonly #parties: Parties
  readonly #resources = resourcesOf('bench', FILLED) as Resource[]
  readonly #client: Client

  private constructor(address: Address, parties: Parties, client: Client) {
    this.#address = address
    this.#parties = parties
    this.#client = client
  }

  static async start(parties: Parties): Promise<Filler> {
    const address = { index: parties.url('index'), trustees: TRUSTEES.map((one) => parties.url(one)) }
    return new Filler(address, parties, await newClient(address, parties.client))
  }

  /** Items of one category, under names never used before. */
  #items(count: number, category: string): WriteItem[] {
    return this.#resources
      .slice(0, count)
      .map((resource) => ({ ...itemOf(resource, category), handle: context.random(16) }))
  }

  /** A chart of {@link CHART} records in {@link CAPSULES} capsules. */
  async chart(): Promise<Vault> {
    const vault = await newVault(this.#client)
    const items = codes.slice(0, CAPSULES).flatMap((code) => this.#items(CHART / CAPSULES, code))
    await writeAll(await newClient(this.#address, this.#parties.client), new Map([[vault, items]]))
    return this.#client.vault(fromHex(vault) as Uint8Array)
  }

  /** Adds records in other vaults until the index holds so many. */
  async fill(records: number): Promise<void> {
    for (let held = capsulesIn(this.#parties).records; held < records;) {
      const batches = new Map<string, WriteItem[]>()
      while (batches.size < FILLED_TOGETHER && held < records) {
        const items = this.#items(Math.min(FILLED, records - held), codes[0] as string)
        batches.set(await newVault(this.#client), items)
        held += items.length
      }
      await writeAll(this.#client, batches)
    }
  }

  /** Milliseconds of each visit written: three records of one new vault at a time, in turn over twenty vaults. */
  async writes(): Promise<number[]> {
    const vaults: Vault[] = []
    for (let i = 0; i < 20; i++)
      vaults.push(await this.#client.vault(fromHex(await newVault(this.#client)) as Uint8Array))
    const took: number[] = []
    for (let i = 0; i < WRITES; i++) {
      const items = this.#items(VISIT, codes[0] as string)
      const started = performance.now()
      await (vaults[i % vaults.length] as Vault).write(items)
      if (i >= vaults.length) took.push(performance.now() - started)
    }
    return took
  }
}

const opens = async (vault: Vault): Promise<number[]> => {
  const took: number[] = []
  for (let i = 0; i < OPENS; i++) {
    const started = performance.now()
    const chart = await vault.open()
    took.push(performance.now() - started)
    chart.close()
  }
  return took.slice(5)
}

/** `sizes`: records that the index shall hold at each step, ascending. */
export const growthRows = async (sizes: readonly number[]): Promise<Row[]> => {
  const parties = await Parties.start({ parties: ['index', ...TRUSTEES] })
  try {
    const filler = await Filler.start(parties)
    const chart = await filler.chart()
    await filler.writes()
    const rows: Row[] = []
    let first: { write: number; open: number } | undefined
    for (const size of sizes) {
      const before = capsulesIn(parties)
      await filler.fill(size)
      const perCapsule = ofCapsules(before, capsulesIn(parties))
      const now = { write: median(await filler.writes()), open: median(await opens(chart)) }
      first ??= now
      rows.push({
        what:
          `index holding ${size.toLocaleString('en-GB')} records: ` +
          `write of ${VISIT}, open of ${CHART} in ${CAPSULES}`,
        perCapsule,
        reached: `p50 ${ms(now.write)}, ${ms(now.open)}`,
        target: '1.50 × of the first',
        beside: `${times(now.write / first.write)}, ${times(now.open / first.open)}`,
      })
    }
    return rows
  } finally {
    await parties.close()
  }
}
