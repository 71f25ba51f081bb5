import { civilDate, instant, workingDay } from './calendar.ts'
import { ACTS, type Act, ADMITTING, DELIVERY, type Service } from './care-tables.ts'
import type { Chart, Suffered } from './chart.ts'
import type { PanelName } from './analytes.ts'
import { dischargeDocument, referralDocument } from './documents.ts'
import { consultation, type Contact, stay } from './encounters.ts'
import { laboratoryReport, type Levels } from './laboratory.ts'
import { prescription } from './medication.ts'
import { episodeCondition } from './problem-list.ts'
import { type Episode, EPISODES } from './problems.ts'
import { type Prng, Weighted } from './prng.ts'
import { concept, labels, SYSTEM } from './systems.ts'
import { type Build, moodScore, vitalSigns } from './vital-signs.ts'

const ROUTINE = concept(SYSTEM.icd10, 'Z00.0', 'Examen médical général')

/** Consultations and what comes of them: short illnesses, measurements, renewals, letters. */
export function consultations(chart: Chart, build: Build): void {
  const { rng, person } = chart
  const span = chart.today - chart.since
  const perYear = Math.min((person.age < 4 ? 3.2 : 1.1) + chart.suffered.length * 0.35, 4)
  const count = Math.max(1, Math.round((perYear * span) / 365 + rng.normal()))
  const days = Array.from({ length: count }, () => workingDay(chart.since + rng.int(0, span)))
  for (const day of days.toSorted((a, b) => a - b)) visit(chart, build, Math.max(day, person.birthDay))
}

function visit(chart: Chart, build: Build, day: number): void {
  const { rng } = chart
  const episode = rng.chance(0.5) ? drawEpisode(rng, chart, day) : undefined
  const followed = episode ? undefined : presentProblem(chart, day)
  const sensitivity = episode?.sensitivity ?? followed?.problem.sensitivity
  const cause = episode ?? followed?.problem
  const reason = cause ? concept(SYSTEM.icd10, cause.icd10, cause.label) : ROUTINE
  const contact = consultation(chart, day, reason, sensitivity)
  if (rng.chance(0.75)) vitalSigns(chart, contact, build, episode?.fever === true)
  if (episode) treatEpisode(chart, episode, contact)
  if (followed?.problem.icd10.startsWith('F3') && rng.chance(0.7)) moodScore(chart, contact)
  if (followed && rng.chance(0.16)) referralDocument(chart, contact, followed.problem.label)
}

function presentProblem(chart: Chart, day: number): Suffered | undefined {
  const present = chart.suffered.filter(({ onset }) => onset <= day)
  return present.length > 0 && chart.rng.chance(0.8) ? chart.rng.pick(present) : undefined
}

const EPISODES_BY_WEIGHT = new Weighted(EPISODES.map((episode): [Episode, number] => [episode, episode.weight]))

function drawEpisode(rng: Prng, chart: Chart, day: number): Episode | undefined {
  const age = chart.ageOn(day)
  const { month } = civilDate(day)
  for (let attempt = 0; attempt < 4; attempt++) {
    const episode = EPISODES_BY_WEIGHT.draw(rng)
    const fits = age >= episode.ages[0] && age <= episode.ages[1]
      && (episode.sex === undefined || episode.sex === chart.person.sex)
      && (episode.months?.includes(month) ?? true)
    if (fits) return episode
  }
  return undefined
}

function treatEpisode(chart: Chart, episode: Episode, contact: Contact): void {
  const condition = episodeCondition(chart, episode, contact)
  chart.resources.push(condition)
  for (const atc of episode.drugs) {
    chart.resources.push(prescription(chart, {
      atc, contact, days: Math.min(episode.days, 28), renewals: 0, conditionId: condition.id ?? '',
      reason: episode.label, sensitivity: episode.sensitivity, replaced: false,
    }))
  }
}

/** Yearly renewals of the treatment of each long-term problem, the last of them still running. */
export function treatments(chart: Chart): void {
  const { rng } = chart
  for (const { problem, onset, conditionId } of chart.suffered) {
    const first = Math.max(onset, chart.today - 2 * 365 - rng.int(0, 180))
    const chosen = (problem.drugs ?? []).map((line) => rng.pick(line)).filter((atc) => atc !== '')
    if (chosen.length === 0) continue
    for (let day = first; day <= chart.today; day += 365) {
      const contact = consultation(chart, Math.max(workingDay(day), chart.person.birthDay),
        concept(SYSTEM.icd10, problem.icd10, problem.label), problem.sensitivity)
      for (const atc of chosen) {
        chart.resources.push(prescription(chart, {
          atc, contact, days: 30, renewals: 11, conditionId, reason: problem.label,
          sensitivity: problem.sensitivity, replaced: day + 365 <= chart.today,
        }))
      }
    }
  }
}

/** Blood tests: what the problems ask for every year, and a plain check every few years for adults. */
export function bloodTests(chart: Chart, levels: Levels): void {
  const { rng, person } = chart
  if (person.age < 16 && chart.suffered.length === 0) return
  for (let year = 2; year >= 0; year--) {
    const day = workingDay(chart.today - year * 365 - rng.int(3, 300))
    if (day < chart.since) continue
    const panels = new Set<PanelName>()
    for (const { problem, onset } of chart.suffered) {
      if (onset <= day) for (const panel of problem.panels ?? []) panels.add(panel)
    }
    if (panels.size === 0 && person.age >= 18 && rng.chance(0.3)) addCheck(rng, panels, person.age)
    for (const panel of panels) laboratoryReport(chart, levels, panel, day)
  }
}

function addCheck(rng: Prng, panels: Set<PanelName>, age: number): void {
  panels.add('bloodCount')
  if (age > 40) panels.add('lipids').add('kidney')
  if (rng.chance(0.3)) panels.add('thyroid')
}

const COMPLAINTS = [
  ['R07.4', 'Douleur thoracique, sans précision'], ['R06.0', 'Dyspnée'], ['R55', 'Syncope et collapsus'],
  ['R50.9', 'Fièvre, sans précision'], ['S06.0', 'Commotion cérébrale'], ['R10.4', 'Douleurs abdominales'],
] as const
const OPERATION = ['Z48.8', 'Autres soins de contrôle chirurgicaux précisés'] as const

/** Hospital stays: those that problems cause, and now and then one that they do not. */
export function stays(chart: Chart, levels: Levels): void {
  const { rng, person } = chart
  for (const sick of chart.suffered) {
    const span = chart.today - Math.max(sick.onset, chart.since)
    if (span < 30 || !rng.chance(Math.min(((sick.problem.stays ?? 0) * span) / 365, 0.8))) continue
    const service = ADMITTING.find(([prefix]) => sick.problem.icd10.startsWith(prefix))?.[1] ?? 'medecine'
    admit(chart, levels, chart.today - rng.int(20, span), service, sick)
  }
  const span = chart.today - chart.since
  if (span < 60) return
  const day = chart.today - rng.int(20, span - 20)
  const age = chart.ageOn(day)
  if (person.sex === 'female' && age >= 20 && age <= 41 && rng.chance(0.13)) deliver(chart, day)
  else if (rng.chance(0.05 + age * 0.0012)) admit(chart, levels, day, rng.chance(0.6) ? 'urgences' : 'chirurgie')
}

function admit(chart: Chart, levels: Levels, day: number, service: Service, sick?: Suffered): void {
  const { rng } = chart
  const days = service === 'urgences' ? 0 : service === 'psychiatrie' ? rng.int(8, 19) : rng.int(1, 9)
  const start = Math.min(day, chart.today - days)
  const act = drawAct(chart, service, sick?.problem.icd10)
  const [code, label] = sick ? [sick.problem.icd10, sick.problem.label]
    : service === 'urgences' ? rng.pick(COMPLAINTS) : OPERATION
  const reason = concept(SYSTEM.icd10, code, label)
  const sensitivity = sick?.problem.sensitivity
  const contact = stay(chart, { day: start, days, service, reason, sensitivity, conditionId: sick?.conditionId })
  if (act) perform(chart, act, contact)
  laboratoryReport(chart, levels, 'bloodCount', start, contact)
  laboratoryReport(chart, levels, 'inflammation', start, contact)
  dischargeDocument(chart, contact, service === 'chirurgie' && act ? act.label : label, days)
}

function drawAct(chart: Chart, service: Service, icd10: string | undefined): Act | undefined {
  const fitting = ACTS.filter((act) => act.service === service && chart.person.age >= act.from
    && (act.sex === undefined || act.sex === chart.person.sex)
    && (act.problem === undefined ? icd10 === undefined : icd10?.startsWith(act.problem) === true))
  return fitting.length > 0 ? chart.rng.pick(fitting) : undefined
}

function deliver(chart: Chart, day: number): void {
  const days = chart.rng.int(2, 4)
  const contact = stay(chart, {
    day: Math.min(day, chart.today - days), days, service: 'maternite',
    reason: concept(SYSTEM.icd10, 'O80.0', 'Accouchement spontané par présentation du sommet'),
    sensitivity: 'SEX', conditionId: undefined,
  })
  perform(chart, DELIVERY, contact)
  dischargeDocument(chart, contact, DELIVERY.label, days)
}

function perform(chart: Chart, act: Act, contact: Contact): void {
  chart.resources.push({
    resourceType: 'Procedure',
    id: chart.rng.uuid(),
    ...labels(contact.sensitivity),
    status: 'completed',
    code: concept(SYSTEM.ccam, act.code, act.label),
    subject: chart.subject,
    encounter: contact.encounter,
    performedDateTime: instant(contact.day, Math.min(contact.minute + 90, 1439)),
    performer: [{ actor: contact.doctor }],
  })
}
