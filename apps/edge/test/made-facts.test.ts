/** What somebody writes of care that is planned or under way, as a fact; and what says nothing of it. */
import type { Appointment, Encounter, Resource, ServiceRequest } from '@medplum/fhirtypes'
import { expect, test } from 'vitest'
import { careIn } from '../src/staff/made-facts.ts'

const NOW = Date.UTC(2026, 10, 26, 8)
const HOUR = 3_600_000
const at = (hours: number): string => new Date(NOW + hours * HOUR).toISOString()

const appointment = (fields: Partial<Appointment> = {}): Appointment => ({
  resourceType: 'Appointment', status: 'booked', start: at(2), end: at(3),
  participant: [{ actor: { reference: 'Practitioner/d' }, status: 'accepted' },
    { actor: { reference: 'Patient/p' }, status: 'accepted' }], ...fields,
})
const without = (name: 'start' | 'end'): Appointment => {
  const { [name]: _, ...rest } = appointment()
  return rest
}
const encounter = (fields: Partial<Encounter> = {}): Encounter => ({
  resourceType: 'Encounter', status: 'in-progress', class: { code: 'IMP' }, subject: { reference: 'Patient/p' },
  ...fields,
})
const referral = (fields: Partial<ServiceRequest> = {}): ServiceRequest => ({
  resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject: { reference: 'Patient/p' }, ...fields,
})

test.each<[string, Resource, string, number, number]>([
  ['an appointment in two hours', appointment(), 'appointment', 0, 14],
  ['one of tomorrow: not before its own day', appointment({ start: at(30), end: at(31) }), 'appointment', 19, 42],
  ['one of a whole week: a day of it', appointment({ end: at(170) }), 'appointment', 0, 24],
  ['one without an end', without('end'), 'appointment', 0, 13],
  ['a stay', encounter(), 'admission', 0, 96],
  ['an emergency', encounter({ class: { code: 'EMER' } }), 'admission', 0, 96],
  ['a visit', encounter({ class: { code: 'AMB' } }), 'appointment', 0, 24],
  ['a referral', referral(), 'referral', 0, 720],
])('%s', (_, resource, type, from, until) => {
  const hours = { from: NOW + from * HOUR, until: NOW + until * HOUR }
  expect(careIn(resource, NOW)).toEqual({ type, patient: 'Patient/p', ...hours })
})

test.each<[string, Resource]>([
  ['a cancelled appointment', appointment({ status: 'cancelled' })],
  ['one that nobody confirmed', appointment({ status: 'proposed' })],
  ['one of last week', appointment({ start: at(-200), end: at(-199) })],
  ['one of no patient', appointment({ participant: [{ actor: { reference: 'Practitioner/d' }, status: 'accepted' }] })],
  ['one without a time', without('start')],
  ['one of a patient elsewhere', appointment({
    participant: [{ actor: { reference: 'https://elsewhere.example/fhir/Patient/p' }, status: 'accepted' }],
  })],
  ['a stay that is over', encounter({ status: 'finished' })],
  ['one that is planned', encounter({ status: 'planned' })],
  ['a proposal', referral({ intent: 'proposal' })],
  ['a referral that was withdrawn', referral({ status: 'revoked' })],
  ['a record', { resourceType: 'Condition', subject: { reference: 'Patient/p' } }],
])('%s says nothing', (_, resource) => {
  expect(careIn(resource, NOW)).toBeUndefined()
})
