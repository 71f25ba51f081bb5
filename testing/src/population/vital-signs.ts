import type { CodeableConcept, Observation, ObservationComponent } from '@medplum/fhirtypes'
import { instant } from './calendar.ts'
import type { Chart } from './chart.ts'
import type { Contact } from './encounters.ts'
import { concept, labels, quantity, SYSTEM } from './systems.ts'

const VITAL: CodeableConcept[] = [concept(SYSTEM.observationCategory, 'vital-signs', 'Vital Signs', 'Signes vitaux')]
const SURVEY: CodeableConcept[] = [concept(SYSTEM.observationCategory, 'survey', 'Survey', 'Questionnaire')]

const CODES = {
  pressure: concept(SYSTEM.loinc, '85354-9', 'Blood pressure panel with all children optional', 'Pression artérielle'),
  systolic: concept(SYSTEM.loinc, '8480-6', 'Systolic blood pressure', 'Pression systolique'),
  diastolic: concept(SYSTEM.loinc, '8462-4', 'Diastolic blood pressure', 'Pression diastolique'),
  pulse: concept(SYSTEM.loinc, '8867-4', 'Heart rate', 'Fréquence cardiaque'),
  weight: concept(SYSTEM.loinc, '29463-7', 'Body weight', 'Poids'),
  height: concept(SYSTEM.loinc, '8302-2', 'Body height', 'Taille'),
  bmi: concept(SYSTEM.loinc, '39156-5', 'Body mass index (BMI) [Ratio]', 'Indice de masse corporelle'),
  temperature: concept(SYSTEM.loinc, '8310-5', 'Body temperature', 'Température'),
  saturation: concept(SYSTEM.loinc, '59408-5', 'Oxygen saturation in Arterial blood by Pulse oximetry', 'Saturation'),
  mood: concept(SYSTEM.loinc, '44261-6', 'Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]',
    'Score PHQ-9'),
} as const

/** Height and weight of a person, and how the weight moves. */
export interface Build {
  readonly height: number
  readonly weight: number
  readonly systolic: number
}

/** Adult height by sex; weight from a body mass index that obesity raises; children follow a plain growth curve. */
export function drawBuild(chart: Chart): Build {
  const { rng, person } = chart
  const male = person.sex === 'male'
  const adult = (male ? 176 : 163) + rng.normal() * 6.5
  const share = person.age >= 18 ? 1 : 0.29 + 0.71 * Math.min(1, (person.age + 0.5) ** 0.7 / 7.7)
  const height = adult * share
  const obese = chart.suffered.some(({ problem }) => problem.icd10 === 'E66.9')
  const usual = person.age < 18 ? 15 + person.age * 0.35 : 23.3 + Math.min(person.age, 60) * 0.04
  const bmi = Math.max(usual + rng.normal() * (person.age < 18 ? 1 : 2.2) + (obese ? 8.5 : 0), 13)
  const hypertension = chart.suffered.some(({ problem }) => problem.icd10 === 'I10')
  const systolic = 104 + Math.min(person.age, 85) * 0.3 + (hypertension ? 14 : 0) + rng.normal() * 6
  return { height, weight: (bmi * height * height) / 10000, systolic }
}

type Measured = Pick<Observation, 'valueQuantity'> | Pick<Observation, 'component'> | Pick<Observation, 'valueInteger'>

function observed(
  chart: Chart, contact: Contact, category: CodeableConcept[], code: CodeableConcept, measured: Measured,
): void {
  const note = chart.rng.chance(0.015) ? chart.write('clinical', contact.day) : undefined
  chart.resources.push({
    resourceType: 'Observation',
    id: chart.rng.uuid(),
    ...labels(contact.sensitivity),
    status: 'final',
    category,
    code,
    subject: chart.subject,
    encounter: contact.encounter,
    effectiveDateTime: instant(contact.day, contact.minute + 5),
    performer: [contact.doctor],
    ...measured,
    ...(note ? { note: [{ text: note }] } : {}),
  })
}

const tenths = (value: number): number => Math.round(value * 10) / 10

/** What is measured at a consultation. */
export function vitalSigns(chart: Chart, contact: Contact, build: Build, fever: boolean): void {
  const { rng } = chart
  const age = chart.ageOn(contact.day)
  const vital = (code: CodeableConcept, value: number, unit: string, ucum: string): void =>
    observed(chart, contact, VITAL, code, { valueQuantity: quantity(value, unit, ucum) })
  if (age >= 16) pressure(chart, contact, build)
  if (age >= 16 && rng.chance(0.4)) {
    vital(CODES.pulse, Math.round(71 + rng.normal() * 8 + (fever ? 14 : 0)), '/min', '/min')
  }
  if (rng.chance(age < 16 ? 0.9 : 0.45)) {
    const growing = age < 18 ? Math.max(1 - (chart.today - contact.day) / 365 * 0.06, 0.5) : 1
    const weight = tenths(build.weight * growing ** 1.6 + rng.normal() * 0.7)
    vital(CODES.weight, weight, 'kg', 'kg')
    if (age < 16 || rng.chance(0.3)) {
      const height = tenths(build.height * growing)
      vital(CODES.height, height, 'cm', 'cm')
      vital(CODES.bmi, tenths(weight / (height / 100) ** 2), 'kg/m²', 'kg/m2')
    }
  }
  if (fever) vital(CODES.temperature, tenths(38.4 + rng.normal() * 0.5), '°C', 'Cel')
  if (fever && age > 50) vital(CODES.saturation, Math.round(95.5 + rng.normal()), '%', '%')
}

function pressure(chart: Chart, contact: Contact, build: Build): void {
  const systolic = Math.round(build.systolic + chart.rng.normal() * 7)
  const diastolic = Math.round(systolic * 0.42 + 23 + chart.rng.normal() * 4)
  const part = (code: CodeableConcept, value: number): ObservationComponent =>
    ({ code, valueQuantity: quantity(value, 'mmHg', 'mm[Hg]') })
  observed(chart, contact, VITAL, CODES.pressure, {
    component: [part(CODES.systolic, systolic), part(CODES.diastolic, diastolic)],
  })
}

/** The depression questionnaire, where a mental-health problem is followed. */
export function moodScore(chart: Chart, contact: Contact): void {
  observed(chart, contact, SURVEY, CODES.mood, { valueInteger: chart.rng.int(4, 22) })
}
