/**
 * What Bundle-uv-ips and Composition-uv-ips of hl7.fhir.uv.ips 2.0.0 demand, written down as a table. The guide's own
 * examples are held against it too, so that the table is not only our reading of it.
 */
import type { Bundle, Composition, Resource } from '@medplum/fhirtypes'

interface SectionRule {
  readonly code: string
  readonly required?: true
  readonly types: readonly string[]
}

const SECTION_RULES: readonly SectionRule[] = [
  { code: '11450-4', required: true, types: ['Condition'] },
  { code: '48765-2', required: true, types: ['AllergyIntolerance'] },
  { code: '10160-0', required: true,
    types: ['MedicationStatement', 'MedicationRequest', 'MedicationAdministration', 'MedicationDispense'] },
  { code: '11369-6', types: ['Immunization'] },
  { code: '30954-2', types: ['Observation', 'DiagnosticReport'] },
  { code: '47519-4', types: ['Procedure'] },
  { code: '46264-8', types: ['DeviceUseStatement'] },
  { code: '42348-3', types: ['Consent'] },
  { code: '104605-1', types: ['Flag'] },
  { code: '47420-5', types: ['Condition', 'ClinicalImpression'] },
  { code: '11348-0', types: ['Condition'] },
  { code: '10162-6', types: ['Observation'] },
  { code: '18776-5', types: ['CarePlan', 'ImmunizationRecommendation'] },
  { code: '29762-2', types: ['Observation'] },
  { code: '8716-3', types: ['Observation'] },
]

/** Resources of a document by what a reference from `from` may call them (R4 bundle.html#references). */
export function resolverOf(bundle: Bundle): (reference: string, from: string) => Resource | undefined {
  const byUrl = new Map((bundle.entry ?? []).map(({ fullUrl, resource }) => [fullUrl ?? '', resource]))
  return (reference, from) => {
    const direct = byUrl.get(reference)
    const root = /^(https?:\/\/.*)\/[A-Z][A-Za-z]+\/[^/]+$/.exec(from)?.[1]
    return direct ?? (root === undefined ? undefined : byUrl.get(`${root}/${reference}`))
  }
}

/** Every rule that a document breaks, by name. */
export function ipsFaults(bundle: Bundle): string[] {
  const faults: string[] = []
  const check = (fits: boolean, rule: string): void => {
    if (!fits) faults.push(rule)
  }
  const entries = bundle.entry ?? []
  check(bundle.type === 'document' && bundle.timestamp !== undefined, 'type and timestamp')
  check(bundle.identifier?.value !== undefined, 'identifier')
  check(entries.every(({ fullUrl }) => /^(https?:\/\/|urn:uuid:)/.test(fullUrl ?? '')), 'absolute fullUrls')
  check(new Set(entries.map(({ fullUrl }) => fullUrl)).size === entries.length, 'each fullUrl once')
  check(entries.every(({ request, response, search }) => !request && !response && !search), 'no request in a document')
  check(entries.filter(({ resource }) => resource?.resourceType === 'Composition').length === 1, 'one Composition')
  const composition = entries[0]?.resource
  if (composition?.resourceType !== 'Composition') return [...faults, 'the first entry is the Composition']
  const resolve = (reference: string | undefined): Resource | undefined =>
    resolverOf(bundle)(reference ?? '', entries[0]?.fullUrl ?? '')
  compositionRules(composition, resolve, check)
  for (const section of composition.section ?? []) {
    const code = section.code?.coding?.find(({ system }) => system === 'http://loinc.org')?.code ?? ''
    check(section.title !== undefined && section.text !== undefined, `${code}: title and text`)
    check(section.section === undefined, `${code}: no sections within`)
    const types = SECTION_RULES.find((rule) => rule.code === code)?.types
    for (const { reference } of section.entry ?? []) {
      const type = resolve(reference)?.resourceType
      check(type !== undefined, `${code}: entries resolve`)
      if (types) check(type === 'DocumentReference' || types.includes(type ?? ''), `${code}: entries of its types`)
    }
  }
  return faults
}

function compositionRules(
  composition: Composition, resolve: (reference: string | undefined) => Resource | undefined,
  check: (fits: boolean, rule: string) => void,
): void {
  const subject = resolve(composition.subject?.reference)
  check(composition.type.coding?.some(({ code }) => code === '60591-5') === true, 'type')
  check(subject?.resourceType === 'Patient', 'subject')
  if (subject?.resourceType === 'Patient') {
    check('birthDate' in subject || '_birthDate' in subject, 'birth date, or why not')
    check((subject.name ?? []).some((each) =>
      each.family ?? each.given ?? ('text' in each || '_text' in each)), 'name')
  }
  check(composition.author.length > 0 && composition.author.every(({ reference }) => resolve(reference)), 'author')
  check((composition.attester ?? []).every(({ party }) => !party?.reference || resolve(party.reference)), 'attester')
  check(!composition.custodian?.reference || resolve(composition.custodian.reference) !== undefined, 'custodian')
  const sections = composition.section ?? []
  for (const { code, required } of SECTION_RULES) {
    const own = sections.filter((each) => each.code?.coding?.some((coding) => coding.code === code))
    check(own.length <= 1, `${code}: once`)
    if (required !== true) continue
    check(own.length === 1, `${code}: required`)
    check(own.every(({ entry, emptyReason }) => (entry ?? []).length > 0 || emptyReason !== undefined),
      `${code}: entries or why not`)
  }
}
