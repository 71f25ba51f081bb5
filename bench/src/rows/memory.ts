/** How soon parties serve again over what they hold, what they need while idle, and what open charts need. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Generator } from '../load/generator.ts'
import type { Request } from '../load/requests.ts'
import { ms, type Row } from '../measure.ts'
import { Parties, type Party, STARTS } from '../parties.ts'
import { importRequest, largePatient, patients } from '../patients.ts'

const SETTLE = 1_500
const RESOURCES = 1_000
const TOGETHER = 10
const SHOWN = ['index', 'trustee-1', 'edge', 'twin'] as const
const TARGETS: Readonly<Partial<Record<Party, string>>> = {
  index: '< 1 s, 120 MB',
  'trustee-1': '< 1 s, 90 MB',
  edge: '< 1 s, 300 MB',
}

const mb = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`

const startRows = async (parties: Parties): Promise<Row[]> => {
  await parties.stop()
  const starts = new Map<Party, number>()
  for (const party of STARTS) starts.set(party, await parties.startOne(party))
  await sleep(SETTLE)
  return SHOWN.map((party) => ({
    what: `warm start, idle memory: ${party.replace(/-\d$/, '')}`,
    perCapsule: '-',
    reached: `${ms(starts.get(party) ?? Number.NaN)}, ${mb(parties.memory(party))}`,
    target: TARGETS[party] ?? '-',
    beside: party === 'twin' ? 'the plain twin' : 'Medplum 2.8-6.1 s, 475 MB + Redis 196 MB',
  }))
}

/** Signed some at a time: a signature is good for a minute. Milliseconds in all. */
const inTurns = async (generator: Generator, parties: Parties, requests: readonly Request[]): Promise<number> => {
  let took = 0
  for (let from = 0; from < requests.length; from += TOGETHER) {
    await generator.use(requests.slice(from, from + TOGETHER))
    took += (await generator.all(parties.url('edge'), 4)).took
  }
  return took
}

const chartsRow = async (parties: Parties, generator: Generator, charts: number): Promise<Row> => {
  const large = Array.from({ length: charts }, (_, number) => largePatient(1_000 + number, RESOURCES))
  await inTurns(generator, parties, large.flatMap(({ requests }) => requests))
  // Started anew, so that what the import left behind is not counted as what open charts need.
  await parties.stopOne('edge')
  await parties.startOne('edge')
  await sleep(SETTLE)
  const idle = parties.memory('edge')
  const took = await inTurns(generator, parties,
    large.map(({ id }) => ({ method: 'GET', path: `/fhir/Observation?patient=Patient/${id}&_sort=-date&_count=5` })))
  await sleep(SETTLE)
  const grown = parties.memory('edge') - idle
  return {
    what: `edge with ${charts} open charts of ${RESOURCES.toLocaleString('en-GB')} resources`,
    perCapsule: '-',
    reached: `${mb(parties.memory('edge'))}, ${(grown / charts / 1e6).toFixed(2)} MB a chart`,
    target: '3 GB with 500',
    beside:
      charts === 500
        ? ''
        : `500 would need ${mb(idle + (grown * 500) / charts)}; ` +
          `opened ${((charts * 1_000) / took).toFixed(0)} charts/s`,
  }
}

/** `charts`: how many to open; 500 take minutes to import. */
export const memoryRows = async (charts: number): Promise<Row[]> => {
  const parties = await Parties.start()
  const generator = new Generator(parties.application)
  try {
    await generator.use(patients(0, 20).map((patient) => importRequest(patient.bundle())))
    for (const party of ['edge', 'twin'] as const) await generator.all(parties.url(party), 4)
    return [...(await startRows(parties)), await chartsRow(parties, generator, charts)]
  } finally {
    generator.close()
    await parties.close()
  }
}
