/** FHIR through a real edge, eight clients, beside the plain twin under the same requests in turn. */
import type { DemoPatient } from '@scelle/testing/population'
import { Generator } from '../load/generator.ts'
import type { Request } from '../load/requests.ts'
import { median, ms, perSecond, quantile, type Row, times } from '../measure.ts'
import { Parties } from '../parties.ts'
import { importRequest, largePatient, patients } from '../patients.ts'
import { spending, spentSoFar } from '../spending.ts'
import { capsulesIn, ofCapsules } from '../state.ts'

const CLIENTS = 8
const PATIENTS = 40
const ROUNDS = 3
const ROUND = 2_000
const WARM_UP = 1_000

interface Compared {
  readonly edge: number
  readonly twin: number
  readonly ratio: number
  readonly p50: number
  readonly p99: number
  readonly twinP99: number
  readonly spending: string
}

const compare = async (parties: Parties, generator: Generator, requests: readonly Request[]): Promise<Compared> => {
  await generator.use(requests)
  for (const party of ['edge', 'twin'] as const) {
    await generator.timed(parties.url(party), CLIENTS, WARM_UP)
    await generator.timed(parties.url(party), CLIENTS, WARM_UP)
  }
  const before = spentSoFar(parties, generator)
  const rounds: { edge: number; twin: number }[] = []
  const all = { edge: [] as number[], twin: [] as number[] }
  for (let round = 0; round < ROUNDS; round++) {
    const rate = async (party: 'edge' | 'twin'): Promise<number> => {
      const outcome = await generator.timed(parties.url(party), CLIENTS, ROUND)
      all[party].push(...outcome.times)
      return (outcome.times.length * 1_000) / outcome.took
    }
    const edge = await rate('edge')
    rounds.push({ edge, twin: await rate('twin') })
  }
  return {
    edge: median(rounds.map(({ edge }) => edge)),
    twin: median(rounds.map(({ twin }) => twin)),
    ratio: median(rounds.map(({ edge, twin }) => edge / twin)),
    p50: quantile(all.edge, 0.5),
    p99: quantile(all.edge, 0.99),
    twinP99: quantile(all.twin, 0.99),
    spending: spending(before, spentSoFar(parties, generator), { edge: all.edge.length, twin: all.twin.length }),
  }
}

const rowOf = (what: string, target: string, peer: string, compared: Compared, perCapsule: string): Row => ({
  what: `${what}, ${CLIENTS} clients`,
  perCapsule,
  reached: `${perSecond(compared.edge)}, p50 ${ms(compared.p50)}, p99 ${ms(compared.p99)}`,
  target,
  beside:
    `${times(compared.ratio)} of the plain twin (${perSecond(compared.twin)}, p99 ${ms(compared.twinP99)}); ` +
    `${peer}; ${compared.spending}`,
})

interface Measurable {
  readonly name: string
  readonly what: string
  readonly target: string
  readonly peer: string
  readonly requests: readonly Request[]
}

const get = (path: string): Request => ({ method: 'GET', path: `/fhir/${path}` })

/** Creates last: they make the charts longer that the others read. */
const measurables = (people: readonly DemoPatient[], large: string): Measurable[] => {
  const observations = people.flatMap(({ resources }) =>
    resources.filter(({ resourceType }) => resourceType === 'Observation'),
  )
  return [
    {
      name: 'read',
      what: 'FHIR read of an open chart',
      target: '8,000/s; 0.90 × twin',
      peer: 'Medplum 1,282/s',
      requests: shuffled(
        people.flatMap(({ resources }) => resources.map(({ resourceType, id }) => get(`${resourceType}/${id ?? ''}`))),
      ),
    },
    {
      name: 'search',
      what: 'search patient + code, 5 newest',
      target: '3,500/s; 1.00 × twin',
      peer: 'Medplum 594/s',
      requests: shuffled(observations.map((each) => get(queryFor(each)))),
    },
    {
      name: 'everything',
      what: '$everything of 1,000 resources',
      target: '100/s',
      peer: 'Medplum 22/s',
      requests: [get(`Patient/${large}/$everything`)],
    },
    {
      name: 'create',
      what: 'FHIR create, durable and logged',
      target: '2,500/s, p99 12 ms; 0.70 × twin',
      peer: 'Medplum 259/s',
      requests: shuffled(
        observations.map((resource) => ({
          method: 'POST',
          path: '/fhir/Observation',
          body: JSON.stringify({ ...resource, id: undefined }),
        })),
      ),
    },
  ]
}

/** `only`: the name of one row, for profiles. */
export const fhirRows = async (profiles?: string, only?: string): Promise<Row[]> => {
  const parties = await Parties.start({ profiles })
  const generator = new Generator(parties.application)
  try {
    const people = patients(0, PATIENTS)
    const large = largePatient(7, 1_000)
    await generator.use([...people.map((patient) => importRequest(patient.bundle())), ...large.requests])
    for (const party of ['edge', 'twin'] as const) await generator.all(parties.url(party), 4)
    const rows: Row[] = []
    for (const { name, what, target, peer, requests } of measurables(people, large.id)) {
      if (only !== undefined && only !== name) continue
      const before = capsulesIn(parties)
      const compared = await compare(parties, generator, requests)
      rows.push(rowOf(what, target, peer, compared, ofCapsules(before, capsulesIn(parties))))
    }
    return rows
  } finally {
    generator.close()
    await parties.close()
  }
}

const queryFor = (observation: object): string => {
  const { subject, code } = observation as {
    subject?: { reference?: string }
    code?: { coding?: { system?: string; code?: string }[] }
  }
  const coding = code?.coding?.[0]
  const token = encodeURIComponent(`${coding?.system ?? ''}|${coding?.code ?? ''}`)
  return `Observation?patient=${subject?.reference ?? ''}&code=${token}&_sort=-date&_count=5`
}

/** In another order, the same in every run: requests in a row should not be about one patient. */
const shuffled = <T>(items: readonly T[]): T[] => {
  const mixed = [...items]
  let state = 1
  for (let place = mixed.length - 1; place > 0; place--) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    const other = state % (place + 1)
    ;[mixed[place], mixed[other]] = [mixed[other] as T, mixed[place] as T]
  }
  return mixed
}
