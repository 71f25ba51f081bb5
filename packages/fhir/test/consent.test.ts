/** Grants as Consents: valid R4, read back as they were, and nothing that a grant cannot say slips through. */
import type { Consent } from '@medplum/fhirtypes'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CATEGORIES, categorise } from '../src/categories.ts'
import {
  consentOf, consentsOf, GRANT_BASES, GRANT_PURPOSES, GRANT_RIGHTS, grantTermsOf, type GrantTerms,
} from '../src/consent.ts'
import { FhirError } from '../src/outcomes.ts'
import { findingsOf, parseResource } from '../src/validate.ts'

const hex = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'))
const time = fc.integer({ min: 0, max: 4_000_000_000 })
const some = <T>(list: readonly T[], least: number): fc.Arbitrary<T[]> => fc.subarray([...list], { minLength: least })

const CODES: readonly string[] = CATEGORIES.map(({ code }) => code)

const terms: fc.Arbitrary<GrantTerms> = fc.record({
  grant: hex, parent: hex, vault: hex, custodian: hex, signer: hex, grantee: hex,
  categories: some(CODES, 1), strict: fc.constant<string[]>([]),
  rights: some(GRANT_RIGHTS, 1), purposes: some(GRANT_PURPOSES, 1), basis: fc.constantFrom(...GRANT_BASES),
  notBefore: time, expires: time, depth: fc.nat(8), patientsPerDay: fc.nat(1_000_000), ticket: hex,
  standing: fc.boolean(), summary: some(CODES, 1),
}, {
  requiredKeys: [
    'vault', 'custodian', 'signer', 'grantee', 'categories', 'strict', 'rights', 'purposes', 'basis', 'notBefore',
    'expires', 'depth',
  ],
}).map((drawn) => ({
  ...(drawn as GrantTerms), expires: drawn.notBefore + 1 + (drawn.expires % 1_000_000),
  strict: drawn.categories.filter((_, place) => place % 2 === 0),
}))

const id = (digit: string): string => digit.repeat(64)
const example: GrantTerms = {
  grant: id('1'), parent: id('2'), vault: id('3'), custodian: id('4'), signer: id('5'), grantee: id('6'),
  categories: ['summary', 'laboratory'], strict: ['summary'], rights: ['read', 'shareOn'],
  purposes: ['treatment', 'administration'], basis: 'care-team', notBefore: 1_800_000_000, expires: 1_800_003_600,
  depth: 2, patientsPerDay: 40, ticket: id('7'), standing: true, summary: ['summary'],
}

describe('every grant', () => {
  test('is a valid R4 Consent, through JSON too, and is read back as it was', () => {
    fc.assert(fc.property(terms, fc.boolean(), (grant, labelled) => {
      const consent = consentOf(grant, labelled
        ? { names: new Map([[grant.grantee, 'CHU de Brest']]), patient: 'Patient/1' } : {})
      expect(findingsOf(consent)).toEqual([])
      expect(grantTermsOf(parseResource(JSON.stringify(consent)) as Consent)).toEqual(grant)
    }), { numRuns: 200 })
  })

  test('with any one field changed is another Consent', () => {
    fc.assert(fc.property(terms, terms, fc.constantFrom(...Object.keys(example) as (keyof GrantTerms)[]),
      (grant, other, field) => {
        const changed = { ...grant, [field]: other[field] } as GrantTerms
        fc.pre(JSON.stringify(changed[field]) !== JSON.stringify(grant[field]) && changed[field] !== undefined)
        fc.pre(field !== 'expires' || changed.expires > changed.notBefore)
        expect(JSON.stringify(consentOf(changed))).not.toBe(JSON.stringify(consentOf(grant)))
      }), { numRuns: 300 })
  })
})

test('a chain is one Consent each, in their order; one that ended is inactive, and asks for nothing', () => {
  const chain = [example, { ...example, grant: id('8'), parent: example.grant! }]
  expect(consentsOf(chain).map((consent) => consent.id)).toEqual([id('1'), id('8')])
  const ended = consentOf(example, { ended: true })
  expect(findingsOf(ended)).toEqual([])
  expect(ended.status).toBe('inactive')
  expect(() => grantTermsOf(ended)).toThrow(/active/)
})

test('a Consent lands in a category like everything else', () => {
  expect(CODES).toContain(categorise(consentOf(example)).category)
})

const good = (): Consent => consentOf(example)
const problems = { coding: [{ system: 'http://loinc.org', code: '11450-4' }] }

describe('refused, with its place', () => {
  const cases: [string, (consent: Consent) => void, string][] = [
    ['a denial', (one) => { one.provision!.type = 'deny' }, 'Consent.provision.type'],
    ['no type of provision', (one) => { delete one.provision!.type }, 'Consent.provision.type'],
    ['a nested exception', (one) => { one.provision!.provision = [{ type: 'deny' }] }, 'Consent.provision.provision'],
    ['a nested permission', (one) => { one.provision!.provision = [{ type: 'permit' }] },
      'Consent.provision.provision'],
    ['data by reference', (one) => {
      one.provision!.data = [{ meaning: 'instance', reference: { reference: 'Observation/1' } }]
    }, 'Consent.provision.data'],
    ['a period of the data', (one) => { one.provision!.dataPeriod = { start: '2026' } },
      'Consent.provision.dataPeriod'],
    ['single codes', (one) => { one.provision!.code = [problems] }, 'Consent.provision.code'],
    ['security labels', (one) => {
      one.provision!.securityLabel = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }]
    }, 'Consent.provision.securityLabel'],
    ['another class', (one) => { one.provision!.class!.push({ system: 'urn:other', code: 'x' }) },
      'Consent.provision.class[2]'],
    ['another action', (one) => { one.provision!.action!.push(problems) }, 'Consent.provision.action[2]'],
    ['another purpose', (one) => { one.provision!.purpose!.push({ system: 'urn:other', code: 'x' }) },
      'Consent.provision.purpose[4]'],
    ['a purpose whose two codes differ', (one) => { one.provision!.purpose![0]!.code = 'HMARKT' },
      'Consent.provision.purpose[0].code'],
    ['a right whose two codes differ', (one) => { one.provision!.action![0]!.coding![0]!.code = 'correct' },
      'Consent.provision.action[0].coding[0].code'],
    ['a third actor', (one) => { one.provision!.actor!.push(one.provision!.actor![0]!) }, 'Consent.provision.actor[2]'],
    ['an actor by a reference as well', (one) => {
      one.provision!.actor![0]!.reference.reference = 'Organization/1'
    }, 'Consent.provision.actor[0].reference.reference'],
    ['no actor', (one) => { delete one.provision!.actor }, 'Consent.provision.actor[0]'],
    ['no end', (one) => { delete one.provision!.period!.end }, 'Consent.provision.period.end'],
    ['a whole day', (one) => { one.provision!.period!.end = '2027-01-15' }, 'Consent.provision.period.end'],
    ['another zone', (one) => { one.provision!.period!.end = '2027-01-15T09:00:00+01:00' },
      'Consent.provision.period.end'],
    ['no provision', (one) => { delete one.provision }, 'Consent.provision'],
    ['no basis', (one) => { one.policyRule = problems }, 'Consent.policyRule'],
    ['a basis that is none', (one) => { one.policyRule!.coding![0]!.code = 'interest' }, 'Consent.policyRule'],
    ['two bases', (one) => { one.policyRule!.coding!.push({ system: 'urn:scelle:basis', code: 'consent' }) },
      'Consent.policyRule.coding[1]'],
    ['a policy', (one) => { one.policy = [{ uri: 'https://example.test/policy' }] }, 'Consent.policy'],
    ['a verification', (one) => { one.verification = [{ verified: false }] }, 'Consent.verification'],
    ['an unknown extension', (one) => { one.extension = [{ url: 'urn:x', valueBoolean: true }] }, 'Consent.extension'],
    ['an unknown modifier', (one) => {
      one.provision!.modifierExtension!.push({ url: 'urn:x', valueBoolean: true })
    }, 'Consent.provision.modifierExtension[3]'],
    ['a ticket said twice', (one) => {
      one.provision!.modifierExtension!.push(one.provision!.modifierExtension![1]!)
    }, 'Consent.provision.modifierExtension[3]'],
    ['no depth', (one) => { one.provision!.extension = [{ url: 'urn:x', valueBoolean: true }] },
      'Consent.provision.extension'],
    ['an organization that rules', (one) => { one.organization = [{ reference: 'Organization/1' }] },
      'Consent.organization'],
    ['two givers', (one) => { one.performer!.push({ reference: 'Patient/1' }) }, 'Consent.performer[1]'],
    ['a source that is a document', (one) => { one.sourceReference = { reference: 'DocumentReference/1' } },
      'Consent.sourceReference'],
    ['a proposal', (one) => { one.status = 'proposed' }, 'Consent.status'],
    ['another scope', (one) => { one.scope = { coding: [
      { system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'research' }] } },
    'Consent.scope.coding[0].code'],
    ['rules that stand elsewhere', (one) => { one.implicitRules = 'https://example.test' }, 'Consent.implicitRules'],
  ]
  test.each(cases)('%s', (_, change, place) => {
    const consent = JSON.parse(JSON.stringify(good())) as Consent
    change(consent)
    const error: unknown = (() => { try { return grantTermsOf(consent) } catch (thrown) { return thrown } })()
    expect(error).toBeInstanceOf(FhirError)
    expect([(error as FhirError).code, (error as FhirError).findings[0]?.expression]).toEqual(['not-a-grant', place])
  })

  test('what is no valid Consent at all', () => {
    const consent = { ...good(), status: 'maybe' } as unknown as Consent
    expect(() => grantTermsOf(consent)).toThrow(expect.objectContaining({ code: 'invalid-resource' }))
  })
})
