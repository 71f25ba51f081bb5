/**
 * The keeper's right: what an author wrote stays open to it for the law's duties until its retention ends, whatever the
 * patient revokes. Two of its officers stand for each opening. Everything here was verified before; nothing is asked.
 */
import { LIMITS } from '../limits.ts'
import type { DUTIES, Role } from '../standing.ts'
import type { Access, CapsuleHeader, Grant } from '../statements.ts'
import { equalBytes } from './bytes.ts'

/** A person, by a listed register's word. */
export interface Officer {
  readonly role: Role
  readonly organisation: Uint8Array | undefined
  /** Whom it is counted as: two keys of one person are one officer. */
  readonly meter: Uint8Array
}

/**
 * What is known of a vault's clocks, in seconds. Absent ones end the right sooner: from each capsule's opening alone.
 */
export interface Clocks {
  /** Care was given last. */
  readonly lastContact?: number | undefined
  /** Somebody with the power to hold everything does, until then. */
  readonly holdUntil?: number | undefined
}

export interface Keeping {
  /** The verified chain, root first: of basis `legal-duty`. Its root's grantee is the keeper. */
  readonly grants: readonly Grant[]
  readonly purpose: Access['purpose']
  /** Of all that is opened. Their bytes are those that the access names. */
  readonly headers: readonly CapsuleHeader[]
  /** Who reads. */
  readonly reader: Officer | undefined
  /** Who confirmed it, for this patient, with the duty that each names. */
  readonly second: readonly (Officer & { readonly duty: (typeof DUTIES)[number] | undefined })[]
  readonly clocks: Clocks
  /** Seconds. */
  readonly now: number
}

export const KEEPER_REFUSALS = [
  'not-a-duty', 'not-the-author', 'retention-ended', 'not-an-officer', 'second-officer-missing',
] as const
export type KeeperRefusal = (typeof KEEPER_REFUSALS)[number]

/** Seconds at which the keeper's right on a capsule ends. */
export const keptUntil = (
  { retention, opened }: Pick<CapsuleHeader, 'retention' | 'opened'>, { lastContact = 0, holdUntil = 0 }: Clocks,
): number => {
  const kept = LIMITS.retention[retention]
  // What patients write themselves nobody has to keep: a clock does not make a duty of it.
  return kept === 0 ? opened : Math.max(Math.max(opened, lastContact) + kept, holdUntil)
}

const isOfficerOf = (keeper: Uint8Array, { role, organisation }: Officer): boolean =>
  role === 'officer' && organisation !== undefined && equalBytes(organisation, keeper)

/** Undefined where the keeper may open all of these capsules; else the first rule that is broken. */
export const keeperRefusal = (
  { grants, purpose, headers, reader, second, clocks, now }: Keeping,
): KeeperRefusal | undefined => {
  const keeper = grants[0]?.grantee
  if (keeper === undefined || purpose !== 'legal' || !grants.every(({ basis }) => basis === 'legal-duty')) {
    return 'not-a-duty'
  }
  // A writer's name is in the header that its shares are bound to: the index cannot give a capsule another author.
  if (headers.length === 0 || !headers.every(({ writer }) => equalBytes(writer, keeper))) return 'not-the-author'
  if (!headers.every((header) => now < keptUntil(header, clocks))) return 'retention-ended'
  if (reader === undefined || !isOfficerOf(keeper, reader)) return 'not-an-officer'
  const confirmed = second.some((officer) =>
    officer.duty !== undefined && isOfficerOf(keeper, officer) && !equalBytes(officer.meter, reader.meter))
  return confirmed ? undefined : 'second-officer-missing'
}
