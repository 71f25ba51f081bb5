/** A reader's process: writes a chart of so many capsules, then opens it again and again, as a new chart. */
import process from 'node:process'
import type { Resource } from '@medplum/fhirtypes'
import type { Client, WriteItem } from '@scelle/sdk'
import { importIdentity } from '@scelle/seal/identity'
import { fromHex } from '@scelle/seal/verify'
import { type Address, itemOf, newClient, newVault, RECORD_CATEGORIES, writeAll } from '../sdk.ts'
import { resourcesOf } from '../sealing.ts'

export interface OpenJob {
  readonly address: Address
  /** Hex of the exported identity. */
  readonly identity: string
  readonly records: number
  readonly capsules: number
  readonly times: number
  /** On a slow machine fewer times: no longer than so many milliseconds, but `atLeast` times. */
  readonly milliseconds: number
  readonly atLeast: number
}

/** A capsule belongs to one client and one category, so a new client for every round of the categories. */
const writeChart = async (job: OpenJob, connected: () => Promise<Client>): Promise<string> => {
  const vault = await newVault(await connected())
  const resources = resourcesOf('bench', job.records) as Resource[]
  const codes = RECORD_CATEGORIES
  for (let from = 0; from < job.capsules; from += codes.length) {
    const width = Math.min(codes.length, job.capsules - from)
    const items: WriteItem[] = []
    for (const [place, resource] of resources.entries()) {
      const capsule = place % job.capsules
      if (capsule >= from && capsule < from + width) items.push(itemOf(resource, codes[capsule - from]))
    }
    await writeAll(await connected(), new Map([[vault, items]]))
  }
  return vault
}

const job = JSON.parse(process.argv[2] ?? '') as OpenJob
const identity = await importIdentity(Buffer.from(job.identity, 'hex'))
const connected = (): Promise<Client> => newClient(job.address, identity)
const id = fromHex(await writeChart(job, connected)) as Uint8Array
const client = await connected()
const vault = await client.vault(id)
const warm: number[] = []
const cold: number[] = []
const begun = performance.now()
for (let i = 0; i < job.times + 5; i++) {
  const started = performance.now()
  if (warm.length >= job.atLeast && started > begun + job.milliseconds) break
  const chart = await vault.open()
  const took = performance.now() - started
  const opened = chart.opened().length
  if (opened !== job.records) throw new Error(`opened ${opened} of ${job.records} records`)
  chart.close()
  if (i >= 5) warm.push(took)
}
for (let i = 0; i < 5; i++) {
  const started = performance.now()
  const other = await newClient(job.address, identity)
  const chart = await (await other.vault(id)).open()
  cold.push(performance.now() - started)
  chart.close()
}
process.send?.({ warm, cold })
process.disconnect()
