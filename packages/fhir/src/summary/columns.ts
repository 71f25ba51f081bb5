/** What a section's table shows of each entry. */
import type {
  AllergyIntolerance, CarePlan, Condition, Consent, Device, DeviceUseStatement, DiagnosticReport, Dosage, Flag,
  Immunization, ImmunizationRecommendation, Medication, MedicationRequest, MedicationStatement, Observation, Procedure,
  Reference, Resource,
} from '@medplum/fhirtypes'
import { codeOf, concept, concepts, date, moment, period, quantity, referenceRange, result } from './cells.ts'
import type { Pen } from './cells.ts'
import type { SectionKey } from './sections.ts'
import { codeWord } from './words.ts'
import type { Word } from './words.ts'

/** Finds what a reference of an entry names, among what the document holds. */
export type Find = (reference: Reference | undefined) => Resource | undefined

export interface Column {
  readonly heading: Word
  readonly cell: (resource: Resource, pen: Pen, find: Find) => readonly string[]
}

/** A column over entries of one type; the section table guarantees the type. */
const column = <T extends Resource>(
  heading: Word, cell: (resource: T, pen: Pen, find: Find) => string | readonly string[],
): Column => ({
  heading,
  cell: (resource, pen, find) => {
    const content = cell(resource as T, pen, find)
    return typeof content === 'string' ? [content] : content
  },
})

const CONDITION: readonly Column[] = [
  column<Condition>('what', ({ code }) => concept(code)),
  column<Condition>('since', (each, pen) => moment(each, 'onset', pen)),
  column<Condition>('until', (each, pen) => moment(each, 'abatement', pen)),
  column<Condition>('status', ({ clinicalStatus }, { language }) => codeWord(codeOf(clinicalStatus), language)),
  column<Condition>('certainty', ({ verificationStatus: status }, { language }) => codeWord(codeOf(status), language)),
  column<Condition>('severity', ({ severity }) => concept(severity)),
  column<Condition>('site', ({ bodySite }) => concepts(bodySite)),
]

const ALLERGY: readonly Column[] = [
  column<AllergyIntolerance>('what', ({ code }) => concept(code)),
  column<AllergyIntolerance>('criticality', ({ criticality }, { language }) => codeWord(criticality, language)),
  column<AllergyIntolerance>('reactions', ({ reaction }, { language }) => (reaction ?? []).map((each) =>
    [concepts(each.manifestation).join(', '), codeWord(each.severity, language)].filter((part) => part !== '')
      .join(' – '))),
  column<AllergyIntolerance>('since', (each, pen) => moment(each, 'onset', pen)),
  column<AllergyIntolerance>('status', ({ clinicalStatus }, { language }) =>
    codeWord(codeOf(clinicalStatus), language)),
  column<AllergyIntolerance>('certainty', ({ verificationStatus: status }, { language }) =>
    codeWord(codeOf(status), language)),
]

type Taken = MedicationStatement | MedicationRequest

const MEDICATION: readonly Column[] = [
  column<Taken>('what', (each, _pen, find) => concept(each.medicationCodeableConcept)
    || concept((find(each.medicationReference) as Medication | undefined)?.code)
    || (each.medicationReference?.display ?? '')),
  column<Taken>('dose', (each, pen) => (each.resourceType === 'MedicationStatement'
    ? each.dosage
    : each.dosageInstruction)?.map((dosage) => dose(dosage, pen)) ?? []),
  column<Taken>('when', (each, pen) => (each.resourceType === 'MedicationStatement'
    ? moment(each, 'effective', pen)
    : date(each.authoredOn, pen))),
  column<Taken>('status', ({ status }, { language }) => codeWord(status, language)),
]

function dose(dosage: Dosage, pen: Pen): string {
  if (dosage.text !== undefined) return dosage.text
  const repeat = dosage.timing?.repeat
  const rate = repeat?.frequency === undefined
    ? concept(dosage.timing?.code)
    : `${repeat.frequency} × / ${repeat.period ?? 1} ${repeat.periodUnit ?? ''}`.trim()
  return [quantity(dosage.doseAndRate?.[0]?.doseQuantity, pen), rate, concept(dosage.route)]
    .filter((part) => part !== '').join(', ')
}

const OBSERVATION: readonly Column[] = [
  column<Observation | DiagnosticReport>('what', ({ code }) => concept(code)),
  column<Observation | DiagnosticReport>('value', (each, pen) => (each.resourceType === 'Observation'
    ? [result(each, pen), ...(each.component ?? []).map((part) => `${concept(part.code)} : ${result(part, pen)}`)]
    : concepts(each.conclusionCode))),
  column<Observation | DiagnosticReport>('meaning', (each) =>
    (each.resourceType === 'Observation' ? concepts(each.interpretation) : [])),
  column<Observation | DiagnosticReport>('range', (each, pen) =>
    (each.resourceType === 'Observation' ? (each.referenceRange ?? []).map((own) => referenceRange(own, pen)) : [])),
  column<Observation | DiagnosticReport>('when', (each, pen) => moment(each, 'effective', pen)),
  column<Observation | DiagnosticReport>('status', ({ status }, { language }) =>
    (status === 'final' ? '' : codeWord(status, language))),
]

const PROCEDURE: readonly Column[] = [
  column<Procedure>('what', ({ code }) => concept(code)),
  column<Procedure>('when', (each, pen) => moment(each, 'performed', pen)),
  column<Procedure>('site', ({ bodySite }) => concepts(bodySite)),
  column<Procedure>('status', ({ status }, { language }) => codeWord(status, language)),
]

const DEVICE: readonly Column[] = [
  column<DeviceUseStatement>('what', ({ device }, _pen, find) => {
    const used = find(device) as Device | undefined
    return concept(used?.type) || (used?.deviceName?.[0]?.name ?? device.display ?? '')
  }),
  column<DeviceUseStatement>('when', (each, pen) => moment(each, 'timing', pen)),
  column<DeviceUseStatement>('site', ({ bodySite }) => concept(bodySite)),
  column<DeviceUseStatement>('status', ({ status }, { language }) => codeWord(status, language)),
]

const IMMUNIZATION: readonly Column[] = [
  column<Immunization>('what', ({ vaccineCode }) => concept(vaccineCode)),
  column<Immunization>('when', (each, pen) => moment(each, 'occurrence', pen)),
  column<Immunization>('lot', ({ lotNumber }) => lotNumber ?? ''),
  column<Immunization>('site', ({ site }) => concept(site)),
]

type Planned = CarePlan | ImmunizationRecommendation

const PLAN: readonly Column[] = [
  column<Planned>('what', (each) => (each.resourceType === 'CarePlan'
    ? (each.title ?? concepts(each.category).join(', '))
    : each.recommendation.flatMap(({ vaccineCode }) => concepts(vaccineCode)))),
  column<Planned>('when', (each, pen) => (each.resourceType === 'CarePlan'
    ? period(each.period, pen)
    : date(each.date, pen))),
  column<Planned>('value', (each) => (each.resourceType === 'CarePlan'
    ? (each.activity ?? []).map(({ detail }) => concept(detail?.code))
    : [])),
]

const FLAG: readonly Column[] = [
  column<Flag>('what', ({ code }) => concept(code)),
  column<Flag>('kind', ({ category }) => concepts(category)),
  column<Flag>('when', (each, pen) => period(each.period, pen)),
]

const CONSENT: readonly Column[] = [
  column<Consent>('what', ({ category }) => concepts(category)),
  column<Consent>('when', ({ dateTime }, pen) => date(dateTime, pen)),
]

export const COLUMNS: Readonly<Record<SectionKey, readonly Column[]>> = {
  allergies: ALLERGY,
  problems: CONDITION,
  medications: MEDICATION,
  alerts: FLAG,
  immunizations: IMMUNIZATION,
  procedures: PROCEDURE,
  devices: DEVICE,
  results: OBSERVATION,
  vitalSigns: OBSERVATION,
  pastProblems: CONDITION,
  pregnancy: OBSERVATION,
  socialHistory: OBSERVATION,
  functionalStatus: CONDITION,
  planOfCare: PLAN,
  advanceDirectives: CONSENT,
}
