import type { Condition } from '@medplum/fhirtypes'
import { instant, isoDate } from './calendar.ts'
import type { Chart, Suffered } from './chart.ts'
import type { Contact } from './encounters.ts'
import type { Theme } from './notes.ts'
import { type Episode, type Problem, PROBLEMS } from './problems.ts'
import { concept, labels, type Sensitivity, status, SYSTEM } from './systems.ts'

/** What people write about a sensitive problem. */
const THEMES: Readonly<Record<Sensitivity, Theme>> =
  { HIV: 'hiv', PSY: 'mind', SEX: 'sexuality', STD: 'sexuality', ETH: 'addiction', SDV: 'violence' }

function ratePerThousand(problem: Problem, age: number): number {
  let rate = 0
  for (const [from, perThousand] of problem.rates) if (age >= from) rate = perThousand
  return rate
}

/** Draws the long-term problems of a person: by age and sex, and by what the person already has. */
export function drawProblems(chart: Chart): void {
  const { rng, person } = chart
  for (const problem of PROBLEMS) {
    if (problem.sex !== undefined && problem.sex !== person.sex) continue
    let rate = ratePerThousand(problem, person.age)
    if (rate === 0) continue
    for (const earlier of chart.suffered) rate *= problem.after?.[earlier.problem.icd10] ?? 1
    if (!rng.chance(Math.min(rate / 1000, 0.9))) continue
    const youngest = problem.rates[0]?.[0] ?? 0
    const years = Math.min(Math.max(person.age - youngest, 0), 14)
    const onset = Math.max(person.birthDay, chart.today - rng.int(20, 200 + years * 365))
    chart.suffered.push({ problem, conditionId: rng.uuid(), onset, severity: 0.6 + rng.float() * 0.8 })
  }
}

/** One entry of the problem list. */
export function problemCondition(chart: Chart, { problem, conditionId, onset }: Suffered): Condition {
  const { rng } = chart
  const recorded = Math.min(onset + rng.int(0, 60), chart.today)
  const sensitive = problem.sensitivity
  const annotated = rng.chance(sensitive ? 0.6 : 0.12)
  const note = annotated ? chart.write(sensitive ? THEMES[sensitive] : 'clinical', recorded) : undefined
  return {
    resourceType: 'Condition',
    id: conditionId,
    ...labels(sensitive),
    clinicalStatus: status(SYSTEM.conditionClinical, 'active'),
    verificationStatus: status(SYSTEM.conditionVerification, 'confirmed'),
    category: [status(SYSTEM.conditionCategory, 'problem-list-item')],
    code: concept(SYSTEM.icd10, problem.icd10, problem.label),
    subject: chart.subject,
    onsetDateTime: isoDate(onset),
    recordedDate: isoDate(recorded),
    recorder: chart.generalist,
    ...(note ? { note: [{ authorString: 'Secrétariat', time: instant(recorded, 700), text: note }] } : {}),
  }
}

/** The diagnosis of a short illness, made at a consultation. */
export function episodeCondition(chart: Chart, episode: Episode, contact: Contact): Condition {
  const id = chart.rng.uuid()
  const end = contact.day + episode.days
  const over = end <= chart.today
  return {
    resourceType: 'Condition',
    id,
    ...labels(episode.sensitivity),
    clinicalStatus: status(SYSTEM.conditionClinical, over ? 'resolved' : 'active'),
    verificationStatus: status(SYSTEM.conditionVerification, 'confirmed'),
    category: [status(SYSTEM.conditionCategory, 'encounter-diagnosis')],
    code: concept(SYSTEM.icd10, episode.icd10, episode.label),
    subject: chart.subject,
    encounter: contact.encounter,
    onsetDateTime: isoDate(Math.max(contact.day - 2, chart.person.birthDay)),
    ...(over ? { abatementDateTime: isoDate(end) } : {}),
    recordedDate: isoDate(contact.day),
    recorder: contact.doctor,
  }
}
