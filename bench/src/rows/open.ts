/** Opening a chart through the sdk: feed, access, two trustees of three, commitments, records. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { exportIdentity } from '@scelle/seal/identity'
import type { OpenJob } from '../load/opener.ts'
import { median, ms, quantile, type Row } from '../measure.ts'
import { Parties, TRUSTEES } from '../parties.ts'

const RECORDS = 1_000
const TIMES = 60
const LONGEST = 20_000
const AT_LEAST = 12

const rowFor = async (parties: Parties, capsules: number, profiles: string | undefined): Promise<Row> => {
  const job: OpenJob = {
    address: { index: parties.url('index'), trustees: TRUSTEES.map((one) => parties.url(one)) },
    identity: Buffer.from(exportIdentity(parties.client)).toString('hex'),
    records: RECORDS,
    capsules,
    times: TIMES,
    milliseconds: LONGEST,
    atLeast: AT_LEAST,
  }
  const execArgv =
    profiles === undefined
      ? []
      : ['--cpu-prof', `--cpu-prof-dir=${profiles}`, `--cpu-prof-name=open-${capsules}.cpuprofile`]
  const child = fork(fileURLToPath(new URL('../load/opener.ts', import.meta.url)), [JSON.stringify(job)], { execArgv })
  const ended = once(child, 'exit')
  const answer = await Promise.race([once(child, 'message'), ended.then(() => undefined)])
  if (answer === undefined) throw new Error('the reader ended without an answer')
  const [{ warm, cold }] = answer as [{ warm: number[]; cold: number[] }]
  await ended
  return {
    what: `open a chart, ${RECORDS.toLocaleString('en-GB')} records in ${capsules} capsules, 2 of 3 trustees`,
    perCapsule: (RECORDS / capsules).toFixed(1),
    reached: `p50 ${ms(median(warm))}, p99 ${ms(quantile(warm, 0.99))} of ${warm.length}`,
    target: capsules === 100 ? 'p50 150 ms, p99 400 ms' : 'p50 300 ms, p99 400 ms',
    beside: `from a new client, parties and vault verified first: p50 ${ms(median(cold))}`,
  }
}

export const openRows = async (profiles?: string): Promise<Row[]> => {
  const parties = await Parties.start({ parties: ['index', ...TRUSTEES], profiles })
  try {
    return [await rowFor(parties, 100, profiles), await rowFor(parties, 300, profiles)]
  } finally {
    await parties.close()
  }
}
