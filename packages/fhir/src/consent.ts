/**
 * Grants as FHIR R4 Consent, and back. Each grant is one Consent: what it permits stands in its one provision, the
 * grant above it is its source. What a Consent can say and a grant cannot is refused, never left out: somebody would be
 * given more than the patient said.
 * @module
 */
import type {
  CodeableConcept, Coding, Consent, ConsentProvision, Extension, Reference, Resource,
} from '@medplum/fhirtypes'
import { FhirError } from './outcomes.ts'
import { findingsOf } from './validate.ts'

export const GRANT_RIGHTS = ['relay', 'write', 'read', 'shareOn'] as const
export const GRANT_PURPOSES = [
  'treatment', 'emergency', 'administration', 'patient-request', 'legal', 'research',
] as const
/** `vital-interest`: the way that a patient leaves open to the emergency key; see `spec/format.md`. */
export const GRANT_BASES = ['care-team', 'consent', 'vital-interest', 'legal-duty'] as const

/** What a grant says. Ids are lower-case hex; times are seconds since 1970 UTC. */
export interface GrantTerms {
  /** Statement id, 64 digits; absent of a grant that is not made yet. */
  readonly grant?: string
  readonly parent?: string
  readonly vault: string
  readonly custodian: string
  /** Who gives it: the custodian, or the grantee of the one above. */
  readonly signer: string
  readonly grantee: string
  /** Codes of categories, each once. */
  readonly categories: readonly string[]
  /** Those of them that are strict. */
  readonly strict: readonly string[]
  /** In the order of {@link GRANT_RIGHTS}. */
  readonly rights: readonly (typeof GRANT_RIGHTS)[number][]
  /** In the order of {@link GRANT_PURPOSES}. */
  readonly purposes: readonly (typeof GRANT_PURPOSES)[number][]
  readonly basis: (typeof GRANT_BASES)[number]
  readonly notBefore: number
  /** The first second at which it is not good any more. */
  readonly expires: number
  readonly depth: number
  readonly patientsPerDay?: number
  /** Statement id of a vendor's ticket. */
  readonly ticket?: string
  readonly standing?: boolean
  /** Of a way left open for emergencies: codes that open without a colleague. */
  readonly summary?: readonly string[]
}

/** What of a Consent is for people, and no part of the grant. */
export interface ConsentLabels {
  /** Names of principals, by their ids. */
  readonly names?: ReadonlyMap<string, string>
  /** `Patient/…`, where the vault's patient has such a resource. */
  readonly patient?: string
  /** True once it or a grant above it was revoked, or its time is over. */
  readonly ended?: boolean
}

const TERMINOLOGY = 'http://terminology.hl7.org/CodeSystem'
const EXTENSION = 'https://scelle.health/fhir/grant'
const PRINCIPAL = 'urn:scelle:principal'
const GRANT = 'urn:scelle:grant'
const TICKET = 'urn:scelle:ticket'
const VAULT = 'urn:scelle:vault'
const CATEGORY = 'urn:scelle:category'
const RIGHT = 'urn:scelle:right'
const PURPOSE = 'urn:scelle:purpose'
const BASIS = 'urn:scelle:basis'

const ACTIONS: Readonly<Record<(typeof GRANT_RIGHTS)[number], string | undefined>> = {
  read: 'access', write: 'collect', shareOn: 'disclose', relay: undefined,
}
const REASONS: Readonly<Record<(typeof GRANT_PURPOSES)[number], string>> = {
  treatment: 'TREAT', emergency: 'ETREAT', administration: 'HOPERAT', 'patient-request': 'PATRQT', legal: 'HLEGAL',
  research: 'HRESCH',
}

const concept = (...coding: Coding[]): CodeableConcept => ({ coding })
const named = <T extends Resource>(system: string, value: string, display?: string): Reference<T> =>
  ({ identifier: { system, value }, ...(display === undefined ? {} : { display }) })
const instant = (seconds: number): string => `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`

const actionOf = (right: (typeof GRANT_RIGHTS)[number]): CodeableConcept => {
  const code = ACTIONS[right]
  const own = { system: RIGHT, code: right }
  return code === undefined ? concept(own) : concept({ system: `${TERMINOLOGY}/consentaction`, code }, own)
}

/** Whoever does not understand one of these must not act on the rest: each makes the grant narrower than it looks. */
const narrowing = ({ standing, ticket, patientsPerDay }: GrantTerms): Extension[] => [
  ...standing === undefined ? [] : [{ url: `${EXTENSION}-standing`, valueBoolean: standing }],
  ...ticket === undefined
    ? [] : [{ url: `${EXTENSION}-ticket`, valueIdentifier: { system: TICKET, value: ticket } }],
  ...patientsPerDay === undefined
    ? [] : [{ url: `${EXTENSION}-patients-per-day`, valueUnsignedInt: patientsPerDay }],
]

const provisionOf = (terms: GrantTerms, names: ReadonlyMap<string, string>): ConsentProvision => {
  const modifierExtension = narrowing(terms)
  return {
    extension: [
      { url: `${EXTENSION}-depth`, valueUnsignedInt: terms.depth },
      ...terms.strict.map((code) => ({ url: `${EXTENSION}-strict`, valueCode: code })),
      ...(terms.summary ?? []).map((code) => ({ url: `${EXTENSION}-summary`, valueCode: code })),
    ],
    ...(modifierExtension.length === 0 ? {} : { modifierExtension }),
    type: 'permit',
    // A Period's end is part of it, a grant's is not.
    period: { start: instant(terms.notBefore), end: instant(terms.expires - 1) },
    actor: [
      {
        role: concept({ system: `${TERMINOLOGY}/v3-ParticipationType`, code: 'IRCP' }),
        reference: named(PRINCIPAL, terms.grantee, names.get(terms.grantee)),
      },
      {
        role: concept({ system: `${TERMINOLOGY}/v3-ParticipationType`, code: 'CST' }),
        reference: named(PRINCIPAL, terms.custodian, names.get(terms.custodian)),
      },
    ],
    action: terms.rights.map(actionOf),
    purpose: terms.purposes.flatMap((purpose) => [
      { system: `${TERMINOLOGY}/v3-ActReason`, code: REASONS[purpose] }, { system: PURPOSE, code: purpose },
    ]),
    class: terms.categories.map((code) => ({ system: CATEGORY, code })),
  }
}

/** The Consent of one grant. It says all that `grantTermsOf` reads, in the codes of FHIR and in our own. */
export const consentOf = (
  terms: GrantTerms, { names = new Map(), patient, ended = false }: ConsentLabels = {},
): Consent => ({
  resourceType: 'Consent',
  ...(terms.grant === undefined ? {} : { id: terms.grant, identifier: [{ system: GRANT, value: terms.grant }] }),
  status: ended ? 'inactive' : 'active',
  scope: concept({ system: `${TERMINOLOGY}/consentscope`, code: 'patient-privacy' }),
  category: [concept({ system: 'http://loinc.org', code: '59284-0' })],
  patient: { ...(patient === undefined ? {} : { reference: patient }), ...named(VAULT, terms.vault) },
  performer: [named(PRINCIPAL, terms.signer, names.get(terms.signer))],
  ...(terms.parent === undefined ? {} : { sourceReference: { type: 'Consent', ...named(GRANT, terms.parent) } }),
  policyRule: concept({ system: BASIS, code: terms.basis }),
  provision: provisionOf(terms, names),
})

/** The Consents of a chain, root first. */
export const consentsOf = (chain: readonly GrantTerms[], labels: ConsentLabels = {}): Consent[] =>
  chain.map((terms) => consentOf(terms, labels))

const refuse = (what: string, where: string): never => {
  throw new FhirError('not-a-grant', what, where)
}

const HEX64 = /^[0-9a-f]{64}$/

const idIn = (found: { system?: string; value?: string } | undefined, system: string, where: string): string => {
  const { value = '' } = found ?? {}
  if (found?.system !== system || !HEX64.test(value)) refuse(`expected 64 hexadecimal digits of ${system}`, where)
  return value
}

const secondsIn = (text: string | undefined, where: string): number => {
  // Anything but a second of UTC would have to be guessed, and a guess may be wider.
  const seconds = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text ?? '') ? Date.parse(text as string) / 1000 : Number.NaN
  if (Number.isNaN(seconds) || seconds < 0) refuse('expected a second of UTC, as 2026-01-15T08:00:00Z', where)
  return seconds
}

const codesIn = (codings: readonly Coding[] | undefined, system: string): string[] =>
  (codings ?? []).flatMap((coding) => (coding.system === system && coding.code !== undefined ? [coding.code] : []))

const known = <T extends string>(codes: readonly string[], list: readonly T[], where: string): T[] => {
  if (codes.length === 0 || !codes.every((code) => list.some((one) => one === code))) {
    refuse(`expected codes of ${list.join(', ')}`, where)
  }
  return list.filter((one) => codes.includes(one))
}

const extensionsOf = ({ extension, modifierExtension }: ConsentProvision) => {
  const all = (name: string): Extension[] =>
    [...extension ?? [], ...modifierExtension ?? []].filter(({ url }) => url === `${EXTENSION}-${name}`)
  const summary = all('summary').flatMap(({ valueCode }) => valueCode ?? [])
  const [standing, ticket, patients] = ['standing', 'ticket', 'patients-per-day'].map((name) => all(name)[0])
  return {
    depth: all('depth')[0]?.valueUnsignedInt ?? refuse('expected the grant\'s depth', 'Consent.provision.extension'),
    strict: all('strict').flatMap(({ valueCode }) => valueCode ?? []),
    ...(standing?.valueBoolean === undefined ? {} : { standing: standing.valueBoolean }),
    ...(summary.length === 0 ? {} : { summary }),
    ...(ticket === undefined
      ? {} : { ticket: idIn(ticket.valueIdentifier, TICKET, 'Consent.provision.modifierExtension') }),
    ...(patients?.valueUnsignedInt === undefined ? {} : { patientsPerDay: patients.valueUnsignedInt }),
  }
}

const readTerms = (consent: Consent): GrantTerms => {
  const provision = consent.provision ?? refuse('a grant is one provision that permits', 'Consent.provision')
  const { actor, period } = provision
  const parent = consent.sourceReference?.identifier
  return {
    ...(consent.identifier === undefined
      ? {} : { grant: idIn(consent.identifier[0], GRANT, 'Consent.identifier') }),
    ...(parent === undefined ? {} : { parent: idIn(parent, GRANT, 'Consent.source') }),
    vault: idIn(consent.patient?.identifier, VAULT, 'Consent.patient'),
    signer: idIn(consent.performer?.[0]?.identifier, PRINCIPAL, 'Consent.performer'),
    grantee: idIn(actor?.[0]?.reference?.identifier, PRINCIPAL, 'Consent.provision.actor[0]'),
    custodian: idIn(actor?.[1]?.reference?.identifier, PRINCIPAL, 'Consent.provision.actor[1]'),
    categories: codesIn(provision.class, CATEGORY),
    rights: known(
      (provision.action ?? []).flatMap(({ coding }) => codesIn(coding, RIGHT)), GRANT_RIGHTS,
      'Consent.provision.action',
    ),
    purposes: known(codesIn(provision.purpose, PURPOSE), GRANT_PURPOSES, 'Consent.provision.purpose'),
    basis: known(
      codesIn(consent.policyRule?.coding, BASIS), GRANT_BASES, 'Consent.policyRule',
    )[0] as GrantTerms['basis'],
    notBefore: secondsIn(period?.start, 'Consent.provision.period.start'),
    expires: secondsIn(period?.end, 'Consent.provision.period.end') + 1,
    ...extensionsOf(provision),
  }
}

/** Of a Consent and of its references: what says nothing of the grant. A narrative is for people, not believed. */
const LABELS: ReadonlySet<string> = new Set(['id', 'meta', 'text', 'language', 'display', 'dateTime'])

/** The first place where two values differ, labels apart; undefined where there is none. */
const difference = (found: unknown, said: unknown, where: string): string | undefined => {
  if (typeof found !== 'object' || found === null || typeof said !== 'object' || said === null) {
    return Object.is(found, said) ? undefined : where
  }
  if (Array.isArray(found) !== Array.isArray(said)) return where
  const [left, right] = [found as Record<string, unknown>, said as Record<string, unknown>]
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    if (!Array.isArray(found) && LABELS.has(key)) continue
    const place = Array.isArray(found) ? `${where}[${key}]` : `${where}.${key}`
    const differs = difference(left[key], right[key], place)
    if (differs !== undefined) return differs
  }
  return undefined
}

/**
 * The grant that an active Consent asks for. All of it must be said as `consentOf` says it: what is left over, a nested
 * provision, a denial, an exception, data by reference, another period, is refused with its place.
 * @throws FhirError `invalid-resource`, `not-a-grant`
 */
export const grantTermsOf = (consent: Consent): GrantTerms => {
  const findings = findingsOf(consent)
  if (findings.length > 0) throw FhirError.of('invalid-resource', findings)
  if (consent.status !== 'active') refuse('only an active Consent is a grant', 'Consent.status')
  const terms = readTerms(consent)
  const { reference } = consent.patient ?? {}
  const said = consentOf(terms, reference === undefined ? {} : { patient: reference })
  const place = difference(consent, said, 'Consent')
  return place === undefined ? terms : refuse('a grant cannot say this, or says it otherwise', place)
}
