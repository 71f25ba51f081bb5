import type { CodeableConcept, Coding, Encounter, EncounterLocation, Practitioner, Reference } from '@medplum/fhirtypes'
import type { Service } from './care-tables.ts'
import { instant } from './calendar.ts'
import type { Chart } from './chart.ts'
import { concept, labels, type Sensitivity, SYSTEM } from './systems.ts'

/** A contact with care that other records refer to. */
export interface Contact {
  readonly encounter: Reference<Encounter>
  readonly day: number
  readonly minute: number
  readonly doctor: Reference<Practitioner>
  readonly sensitivity: Sensitivity | undefined
}

const AMBULATORY: Coding = { system: SYSTEM.actCode, code: 'AMB', display: 'ambulatory' }
const HOME: Coding = { system: SYSTEM.actCode, code: 'HH', display: 'home health' }
const INPATIENT: Coding = { system: SYSTEM.actCode, code: 'IMP', display: 'inpatient encounter' }
const EMERGENCY: Coding = { system: SYSTEM.actCode, code: 'EMER', display: 'emergency' }

const HOMEWARD = concept(SYSTEM.dischargeDisposition, 'home', 'Home', 'Retour au domicile')

/** A consultation with the general practitioner. */
export function consultation(
  chart: Chart, day: number, reason: CodeableConcept, sensitivity: Sensitivity | undefined,
): Contact {
  const { rng } = chart
  const minute = rng.int(8 * 12, 18 * 12) * 5
  const home = chart.person.age > 80 && rng.chance(0.3)
  const id = rng.uuid()
  chart.resources.push({
    resourceType: 'Encounter',
    id,
    ...labels(sensitivity),
    status: 'finished',
    class: home ? HOME : AMBULATORY,
    type: [{ text: home ? 'Visite à domicile' : 'Consultation de médecine générale' }],
    subject: chart.subject,
    participant: [{ individual: chart.generalist }],
    period: { start: instant(day, minute), end: instant(day, minute + rng.int(2, 6) * 5) },
    reasonCode: [reason],
    serviceProvider: chart.staff.practice,
  })
  return { encounter: { reference: `Encounter/${id}` }, day, minute, doctor: chart.generalist, sensitivity }
}

export interface StayFacts {
  readonly day: number
  readonly days: number
  readonly service: Service
  readonly reason: CodeableConcept
  readonly sensitivity: Sensitivity | undefined
  readonly conditionId: string | undefined
}

/** A hospital stay in one service; one day or less in the emergency department is no admission. */
export function stay(chart: Chart, facts: StayFacts): Contact {
  const { rng } = chart
  const unit = chart.staff.services[facts.service]
  const doctor = rng.pick(unit.doctors)
  const minute = rng.int(0, 23 * 12) * 5
  const id = rng.uuid()
  const emergency = facts.service === 'urgences'
  const period = { start: instant(facts.day, minute), end: instant(facts.day + facts.days, 14 * 60) }
  const where: EncounterLocation = { location: unit.ward, status: 'completed' }
  chart.resources.push({
    resourceType: 'Encounter',
    id,
    ...labels(facts.sensitivity),
    identifier: [{ system: SYSTEM.hospitalStay, value: `SEJ${rng.u32()}` }],
    status: 'finished',
    class: emergency ? EMERGENCY : INPATIENT,
    type: [{ text: emergency ? 'Passage aux urgences' : `Hospitalisation en ${unit.name.toLowerCase()}` }],
    subject: chart.subject,
    participant: [{ individual: doctor }],
    period: emergency ? { start: period.start, end: instant(facts.day, Math.min(minute + 200, 1435)) } : period,
    reasonCode: [facts.reason],
    ...(facts.conditionId ? { diagnosis: [{ condition: { reference: `Condition/${facts.conditionId}` } }] } : {}),
    hospitalization: { dischargeDisposition: HOMEWARD },
    location: [where],
    serviceProvider: unit.unit,
  })
  return { encounter: { reference: `Encounter/${id}` }, day: facts.day, minute, doctor, sensitivity: facts.sensitivity }
}
