/** Bulk import: FHIR validated, sealed, logged and durable, through a real edge over loopback, beside its twin. */
import { Generator } from '../load/generator.ts'
import { median, perSecond, type Row, times } from '../measure.ts'
import { Parties } from '../parties.ts'
import { importRequest, patients } from '../patients.ts'
import { spending, spentSoFar } from '../spending.ts'
import { capsulesIn, ofCapsules } from '../state.ts'

/** What `scelle import` keeps under way. */
const PARALLEL = 4
const PATIENTS = 60
const ROUNDS = 4

export const importRows = async (profiles?: string): Promise<Row[]> => {
  const parties = await Parties.start({ profiles })
  const generator = new Generator(parties.application)
  try {
    const rates: { edge: number; twin: number }[] = []
    let before = capsulesIn(parties)
    let spent = spentSoFar(parties, generator)
    let imported = 0
    for (let round = 0; round <= ROUNDS; round++) {
      if (round === 1) {
        before = capsulesIn(parties)
        spent = spentSoFar(parties, generator)
      }
      await generator.use(
        patients(round * PATIENTS, (round + 1) * PATIENTS).map((patient) => importRequest(patient.bundle())),
      )
      const rate = async (party: 'edge' | 'twin'): Promise<number> => {
        const { resources, took } = await generator.all(parties.url(party), PARALLEL)
        imported += round > 0 ? resources : 0
        return (resources * 1_000) / took
      }
      const twin = await rate('twin')
      const edge = await rate('edge')
      if (round > 0) rates.push({ edge, twin })
    }
    const size = parties.stored('edge') / capsulesIn(parties).records
    return [
      {
        what: `bulk import, new patients, ${PARALLEL} transactions under way`,
        perCapsule: ofCapsules(before, capsulesIn(parties)),
        reached: perSecond(median(rates.map(({ edge }) => edge))),
        target: '5,000/s, then 8,000/s',
        beside:
          `${times(median(rates.map(({ edge, twin }) => edge / twin)))} of the plain twin` +
          ` (${perSecond(median(rates.map(({ twin }) => twin)))}); ` +
          `edge's directory ${Math.round(size)} B a resource; ` +
          spending(spent, spentSoFar(parties, generator), { edge: imported / 2, twin: imported / 2 }),
      },
    ]
  } finally {
    generator.close()
    await parties.close()
  }
}
