/** Openings as AuditEvents: valid R4, with what IHE BALP and EHDS Annex II 3.2 ask for, and no free text. */
import type { AuditEvent, Resource } from '@medplum/fhirtypes'
import { describe, expect, test } from 'vitest'
import { accessAudit, type AuditFacts, PATIENT_READ, withReceipt } from '../src/audit.ts'
import { categorise, freeTextOf } from '../src/categories.ts'
import { profileFindingsOf } from '../src/profiles.ts'
import { patientOf } from '../src/references.ts'
import { findingsOf } from '../src/validate.ts'
import { balpProfiles, hasBalp } from './profiles-material.ts'

const id = (digit: string): string => digit.repeat(64)

const facts: AuditFacts = {
  access: 'ab'.repeat(16), signed: 'AAECAwQ=', statement: id('1'), vault: id('2'), custodian: id('3'), reader: id('4'),
  index: id('5'), chain: [id('6'), id('7')], categories: ['laboratory', 'summary'], capsules: 3, purpose: 'treatment',
  time: Date.UTC(2026, 0, 15, 8), organisation: 'Hôpital d’essai', person: 'p-17', application: id('8'),
  patient: 'Patient/1',
}

const without = (...names: (keyof AuditFacts)[]): AuditFacts =>
  Object.fromEntries(Object.entries(facts).filter(([name]) => !names.includes(name as keyof AuditFacts))) as
    unknown as AuditFacts

const CASES: [string, AuditFacts][] = [
  ['a person of an application', facts],
  ['an application by itself', without('person')],
  ['the organisation by itself', without('person', 'application', 'organisation')],
  ['a patient whose resource is unknown', without('patient')],
  ['the custodian, who needs no grant', { ...facts, chain: [], custodian: facts.reader }],
  ...['emergency', 'administration', 'patient-request', 'legal', 'research', 'something new'].map(
    (purpose): [string, AuditFacts] => [purpose, { ...facts, purpose }]),
]

test('what was opened without a network later is an event of its own, with its time, beside the access\'s', () => {
  const until = facts.time + 3_600_000
  const openedOffline = facts.time + 60_000
  const first = accessAudit({ ...facts, until })
  const later = accessAudit({ ...facts, until, openedOffline, offline: 'AAEC' })
  expect([findingsOf(first), findingsOf(later)]).toEqual([[], []])
  expect(later.id).not.toBe(first.id)
  expect(later.recorded).toBe(new Date(openedOffline).toISOString())
  const details = later.entity?.flatMap(({ detail }) => detail ?? [])
  expect(details).toContainEqual({ type: 'opened-offline', valueString: new Date(openedOffline).toISOString() })
  expect(details).toContainEqual({ type: 'released-until', valueString: new Date(until).toISOString() })
  expect(details).toContainEqual({ type: 'card-opening', valueBase64Binary: 'AAEC' })
})

describe.each(CASES)('%s', (_, of) => {
  const event = accessAudit(of)

  test('is valid R4, in the access log, without free text, and the patient\'s', () => {
    expect(findingsOf(event)).toEqual([])
    expect(categorise(event).category).toBe('access-log')
    expect(freeTextOf(event)).toBeUndefined()
    if (of.patient !== undefined) expect(patientOf(event)).toEqual({ kind: 'patient', reference: of.patient })
  })

  test.skipIf(!hasBalp)('meets the profile that it declares', () => {
    expect(event.meta?.profile).toHaveLength(1)
    expect(profileFindingsOf(event as Resource, balpProfiles())).toEqual([])
  })

  test('names one requestor', () => {
    expect(event.agent?.filter(({ requestor }) => requestor)).toHaveLength(1)
  })
})

test.skipIf(!hasBalp)('and is refused once it does not say whose records were read', () => {
  const event = accessAudit(facts)
  const nobody = { ...event, entity: event.entity?.slice(1) } as AuditEvent
  expect(profileFindingsOf(nobody as Resource, balpProfiles()).map(({ severity }) => severity)).toContain('error')
})

test('tells all that was asked for', () => {
  const event = accessAudit(facts)
  const text = JSON.stringify(event)
  expect(event.meta?.profile).toEqual([PATIENT_READ])
  expect(event.recorded).toBe('2026-01-15T08:00:00.000Z')
  for (const each of [
    facts.vault, facts.custodian, facts.reader, facts.index, ...facts.chain, facts.person, facts.application,
    facts.statement, facts.signed, 'laboratory', 'summary', 'TREAT', 'Hôpital d’essai',
  ]) {
    expect(text).toContain(each)
  }
})

test('a receipt stands beside the access, and none that the author of the event claimed', () => {
  const event = accessAudit(facts)
  const served = withReceipt(event, 'cmVjZWlwdA==')
  expect(findingsOf(served)).toEqual([])
  const receipts = (of: AuditEvent): unknown[] => of.entity?.flatMap(({ detail }) => detail ?? [])
    .filter(({ type }) => type === 'access-receipt') ?? []
  expect(receipts(served)).toEqual([{ type: 'access-receipt', valueBase64Binary: 'cmVjZWlwdA==' }])
  expect(withReceipt(served, undefined)).toEqual(event)
  const claimed = { ...event, entity: [{ detail: [{ type: 'access-receipt', valueString: 'x' }] }] }
  expect(receipts(withReceipt(claimed, 'QQ=='))).toEqual([])
})
