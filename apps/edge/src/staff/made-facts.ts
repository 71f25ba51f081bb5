/**
 * Facts that follow from what somebody writes: an appointment, an encounter, a referral is the word of whoever entered
 * it that this patient is in care, signed as theirs. Whether it explains anybody's opening, trustees decide; the
 * writer's own it does not.
 */
import type { Appointment, Encounter, Resource, ServiceRequest } from '@medplum/fhirtypes'
import type { KnownFact, NewFact } from '@scelle/sdk'
import type { Call } from '../call.ts'
import { EDGE_LIMITS } from '../limits.ts'
import { faultFields, type Log } from '../log.ts'
import type { Repository } from '../repository.ts'
import type { FactShelf } from './facts.ts'
import type { Staff } from './staff.ts'

export interface MadeFactsOptions {
  readonly staff: Pick<Staff, 'of'>
  readonly facts: FactShelf
  readonly repository: Pick<Repository, 'vaultOf'>
  /** Hex id of this organisation. */
  readonly self: string
  readonly now: () => number
  readonly log: Log
}

/** That somebody is in care, from when to when; milliseconds since 1970. */
export interface Care extends Pick<NewFact, 'type' | 'from' | 'until'> {
  /** `Patient/id`. */
  readonly patient: string
}

const PLANNED: ReadonlySet<string> = new Set(['booked', 'arrived', 'checked-in', 'fulfilled'])
const UNDER_WAY: ReadonlySet<string> = new Set(['arrived', 'triaged', 'in-progress', 'onleave'])
/** Classes of encounters for which somebody stays. */
const STAYING: ReadonlySet<string> = new Set(['IMP', 'ACUTE', 'NONAC', 'EMER', 'OBSENC', 'SS'])

const patientIn = (...references: readonly (string | undefined)[]): string | undefined =>
  references.find((each) => /^Patient\/[A-Za-z0-9.-]{1,64}$/.test(each ?? ''))

/** The day around it: who comes early is prepared for, and what was said is written down afterwards. */
const appointmentCare = ({ status, start, end, participant }: Appointment, now: number): Care | undefined => {
  const patient = patientIn(...participant.map(({ actor }) => actor?.reference))
  const begins = Date.parse(start ?? '')
  if (patient === undefined || !PLANNED.has(status) || Number.isNaN(begins)) return undefined
  const from = Math.max(now, begins - EDGE_LIMITS.appointmentAround)
  const ends = Math.max(begins, Date.parse(end ?? start ?? ''))
  return {
    type: 'appointment', patient, from,
    until: Math.min(ends + EDGE_LIMITS.appointmentAround, from + EDGE_LIMITS.appointmentFact),
  }
}

const encounterCare = ({ status, class: kind, subject }: Encounter, now: number): Care | undefined => {
  const patient = patientIn(subject?.reference)
  if (patient === undefined || !UNDER_WAY.has(status)) return undefined
  return STAYING.has(kind.code ?? '')
    ? { type: 'admission', patient, from: now, until: now + EDGE_LIMITS.admissionFact }
    : { type: 'appointment', patient, from: now, until: now + EDGE_LIMITS.appointmentFact }
}

const referralCare = ({ status, intent, subject }: ServiceRequest, now: number): Care | undefined => {
  const patient = patientIn(subject.reference)
  if (patient === undefined || status !== 'active' || !intent.endsWith('order')) return undefined
  return { type: 'referral', patient, from: now, until: now + EDGE_LIMITS.referralFact }
}

const saidIn = (resource: Resource, now: number): Care | undefined => {
  if (resource.resourceType === 'Appointment') return appointmentCare(resource, now)
  if (resource.resourceType === 'Encounter') return encounterCare(resource, now)
  return resource.resourceType === 'ServiceRequest' ? referralCare(resource, now) : undefined
}

/** What a resource says of care that is planned or under way; undefined where it says nothing, or it is over. */
export const careIn = (resource: Resource, now: number): Care | undefined => {
  const care = saidIn(resource, now)
  return care === undefined || care.until <= care.from || care.until <= now ? undefined : care
}

export class MadeFacts {
  readonly #options: MadeFactsOptions

  constructor(options: MadeFactsOptions) {
    this.#options = options
  }

  /** After it was written, by the session's person. What fails is told to the operator: the record is written. */
  async made({ session }: Pick<Call, 'session'>, resource: Resource): Promise<void> {
    const { staff, facts, repository, self, now, log } = this.#options
    const member = staff.of(session)
    const care = member === undefined ? undefined : careIn(resource, now())
    if (member === undefined || care === undefined) return
    try {
      const { patient, ...said } = care
      const vault = await repository.vaultOf(patient)
      const signed = await member.client.fact({ ...said, vault, organisation: self })
      const fact: KnownFact = { ...said, vault, organisation: self, reader: undefined, signer: member.id }
      facts.keep({ ...fact, signed: Buffer.from(signed).toString('base64'), statuses: [] })
    } catch (error) {
      log('fact-not-made', faultFields(error))
    }
  }
}
