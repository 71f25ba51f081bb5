/**
 * An author opens what it must keep: only for a duty of the law, only what it wrote itself, with two of its officers.
 * The rules are `keeperRefusal` in seal; this file shows it who the officers are, by the register's word.
 */
import {
  type Access, type CapsuleHeader, type Grant, keeperRefusal, type KeeperRefusal, type Officer,
} from '@scelle/seal/verify'
import { Problem, type ProblemCode } from '@scelle/wire/errors'
import type { Confirmed } from './confirmations.ts'
import type { ShownStatuses } from './standing.ts'

interface Keeping {
  /** The verified chain. */
  readonly grants: readonly Grant[]
  readonly access: Access
  readonly headers: readonly CapsuleHeader[]
  readonly statuses: ShownStatuses
  readonly confirmations: readonly Confirmed[]
  /** Seconds. */
  readonly now: number
}

const TOLD: Readonly<Record<KeeperRefusal, readonly [ProblemCode, string]>> = {
  'not-a-duty': ['not-permitted', 'A keeper opens for the purpose of a legal duty alone.'],
  'not-the-author': ['not-permitted', 'A keeper opens what it wrote itself, and nothing else.'],
  'retention-ended': ['not-permitted', 'The time for which the author keeps this has ended.'],
  'not-an-officer': ['officers-required', 'The reader is not an officer of the author, by a status that is shown.'],
  'second-officer-missing': ['officers-required', 'A second officer confirms for this patient and names the duty.'],
}

const officerOf = (id: Uint8Array, statuses: ShownStatuses): Officer | undefined => {
  const status = statuses.of(id)
  // Whoever acts under another is one person with it.
  if (status === undefined || status.under !== undefined) return undefined
  return { role: status.role, organisation: status.organisation, meter: status.meter }
}

/** Throws `officers-required` or `not-permitted` where the access is under a keeper's right that does not reach it. */
export const requireKeeper = ({ grants, access, headers, statuses, confirmations, now }: Keeping): void => {
  if (!grants.some(({ basis }) => basis === 'legal-duty')) return
  const second = confirmations.filter(({ type }) => type === 'officer').flatMap(({ signer, duty }) => {
    const officer = officerOf(signer, statuses)
    return officer === undefined ? [] : [{ ...officer, duty }]
  })
  // No statement tells a trustee a vault's clocks yet: then the right ends by each capsule's own.
  const reader = officerOf(access.reader, statuses)
  const refusal = keeperRefusal({ grants, purpose: access.purpose, headers, reader, second, clocks: {}, now })
  if (refusal !== undefined) throw new Problem(...TOLD[refusal])
}
