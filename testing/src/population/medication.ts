import type { MedicationRequest } from '@medplum/fhirtypes'
import { instant, isoDate } from './calendar.ts'
import type { Chart } from './chart.ts'
import type { Contact } from './encounters.ts'
import { drug } from './drugs.ts'
import { concept, labels, quantity, type Sensitivity, SYSTEM } from './systems.ts'

export interface PrescriptionFacts {
  readonly atc: string
  readonly contact: Contact
  readonly days: number
  readonly renewals: number
  /** Condition it is for. */
  readonly conditionId: string
  readonly reason: string
  readonly sensitivity: Sensitivity | undefined
  /** A later prescription has taken its place. */
  readonly replaced: boolean
}

/** One line of a prescription. */
export function prescription(chart: Chart, facts: PrescriptionFacts): MedicationRequest {
  const { contact } = facts
  const product = drug(facts.atc)
  const end = contact.day + facts.days * (facts.renewals + 1)
  return {
    resourceType: 'MedicationRequest',
    id: chart.rng.uuid(),
    ...labels(facts.sensitivity),
    status: facts.replaced || end < chart.today ? 'completed' : 'active',
    intent: 'order',
    medicationCodeableConcept: concept(SYSTEM.atc, product.atc, product.substance, product.product),
    subject: chart.subject,
    encounter: contact.encounter,
    authoredOn: instant(contact.day, contact.minute + 10),
    requester: contact.doctor,
    reasonReference: [{ reference: `Condition/${facts.conditionId}`, display: facts.reason }],
    dosageInstruction: [{
      text: product.dosage,
      ...(product.perDay > 0
        ? { timing: { repeat: { frequency: product.perDay, period: 1, periodUnit: 'd' } } }
        : {}),
      route: { text: product.route },
    }],
    dispenseRequest: {
      validityPeriod: { start: isoDate(contact.day), end: isoDate(end) },
      numberOfRepeatsAllowed: facts.renewals,
      expectedSupplyDuration: quantity(facts.days, 'jour', 'd'),
    },
    substitution: { allowedBoolean: true },
  }
}
