/** From an access to two trustees' shares: on record, cosigned, proven, released. Through the sdk, over loopback. */
import type { Fetch } from '@scelle/wire/ask'
import { type Client, connect } from '@scelle/sdk'
import { createIdentity } from '@scelle/seal/identity'
import { fromHex } from '@scelle/seal/verify'
import type { Resource } from '@medplum/fhirtypes'
import { median, ms, quantile, type Row } from '../measure.ts'
import { Parties, TRUSTEES } from '../parties.ts'
import { itemOf, newVault, writeAll } from '../sdk.ts'
import { context, resourcesOf } from '../sealing.ts'

const RECORDS = 10
const TIMES = 100
/** Openings that do not count: everybody's keys are verified in the first ones. */
const WARM = 10
const REGISTERED = 30

/** Milliseconds of `performance.now()`, of what an opening asked. */
interface Asked {
  begun: number
  /** The index's answer, with the quorum's proof. */
  logged: number
  /** Shares that were released. */
  readonly released: number[]
}

/** Notes when requests begin and end; `statement` milliseconds of a statement that nobody cosigns before it is told. */
class Stopwatch {
  readonly statement: number[] = []
  asked: Asked = { begun: 0, logged: 0, released: [] }

  readonly fetch: Fetch = async (url, init) => {
    const { asked } = this
    const { pathname } = new URL(url)
    const begun = performance.now()
    if (pathname === '/v1/accesses') asked.begun = begun
    const answer = await fetch(url, init)
    const now = performance.now()
    if (pathname === '/v1/accesses') asked.logged = now
    if (pathname === '/v1/releases' && answer.ok) asked.released.push(now)
    if (pathname === '/v1/principals' && init.method === 'POST') this.statement.push(now - begun)
    return answer
  }
}

const connected = async (parties: Parties, watch: Stopwatch, identity = parties.client): Promise<Client> =>
  connect({
    index: parties.url('index'), trustees: TRUSTEES.map((one) => parties.url(one)), identity, context,
    fetch: watch.fetch, ...(identity === parties.client ? { standing: parties.standing } : {}),
  })

const measure = async (parties: Parties, watch: Stopwatch): Promise<Asked[]> => {
  const client = await connected(parties, watch)
  const id = await newVault(client)
  const items = (resourcesOf('bench', RECORDS) as Resource[]).map((resource) => itemOf(resource, 'laboratory'))
  await writeAll(client, new Map([[id, items]]))
  const vault = await client.vault(fromHex(id) as Uint8Array)
  const all: Asked[] = []
  for (let i = 0; i < TIMES + WARM; i++) {
    watch.asked = { begun: 0, logged: 0, released: [] }
    const chart = await vault.open()
    if (chart.opened().length !== RECORDS || watch.asked.released.length < 2) throw new Error('the chart did not open')
    chart.close()
    if (i >= WARM) all.push(watch.asked)
  }
  for (let i = 0; i < REGISTERED; i++) await connected(parties, watch, await createIdentity('person', context))
  return all
}

const both = (values: readonly number[]): string => `p50 ${ms(median(values))}, p99 ${ms(quantile(values, 0.99))}`

export const releaseRows = async (profiles?: string): Promise<Row[]> => {
  const parties = await Parties.start({ parties: ['index', ...TRUSTEES], profiles })
  const watch = new Stopwatch()
  try {
    const all = await measure(parties, watch)
    const index = median(watch.statement.slice(-REGISTERED))
    const logged = all.map((one) => one.logged - one.begun)
    const released = all.map((one) => (one.released[1] as number) - one.logged)
    return [{
      what: 'from an access to two shares of three',
      perCapsule: `${RECORDS}.0`,
      reached: both(all.map((one) => (one.released[1] as number) - one.begun)),
      target: '',
      beside: `on record and cosigned ${both(logged)}, of which ${ms(index)} are a statement on record alone; `
        + `two trustees ${both(released)}`,
    }]
  } finally {
    await parties.close()
  }
}
