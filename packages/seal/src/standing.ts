/**
 * Statements about who somebody is, and why an opening is care: what trustees decide and count by. As in
 * `statements.ts`, which has the kinds: times are seconds since 1970 UTC, ids 32 bytes unless they say otherwise, and
 * field numbers are never reused.
 */
import { bool, bytes, choice, field, list, optional, struct, text, uint, type Value } from './encoding/schema.ts'
import { LIMITS } from './limits.ts'
import { PURPOSES } from './statements.ts'

const hash32 = bytes(32)
const id16 = bytes(16)
const time = uint()
const suite = uint(0xffff)

/** Roles of people, each with a budget. An `officer` clears locks, signs surges, and opens next to nothing. */
export const PERSON_ROLES = [
  'gp', 'specialist', 'emergency-physician', 'resident', 'emergency-nurse', 'triage-nurse', 'ward-nurse', 'pharmacist',
  'radiologist', 'laboratory', 'registration', 'assistant', 'engineer', 'officer',
] as const
/** Roles of organisations. */
export const ORGANISATION_ROLES = ['practice', 'hospital', 'pharmacy', 'laboratory-site', 'vendor'] as const
export const ROLES = [...PERSON_ROLES, ...ORGANISATION_ROLES] as const
export type Role = (typeof ROLES)[number]

/**
 * What a listed issuer (a professional register) says of a principal. Whoever has none is no professional: a trustee
 * releases nothing to such a person.
 */
export const Status = struct({
  suite: field(0, suite),
  subject: field(1, hash32),
  role: field(2, choice(ROLES)),
  /**
   * Whom it is counted as: the same for all devices and employers of one person, and derived from the register's
   * number by a key that trustees do not have, so that it names nobody. Shown to trustees only.
   */
  meter: field(3, hash32),
  /** Of a person: where it works. Another employer is another status of the same meter. */
  organisation: optional(4, hash32),
  /** Of an organisation: who runs its edge for it, if that is a vendor. */
  vendor: optional(5, hash32),
  /** Of an assistant: the principal under whose delegation it acts. Charged to both. */
  under: optional(6, hash32),
  /** Of a person: the second key that a step-up is signed with. Not kept where the first one is. */
  stepUp: optional(7, hash32),
  /** Of an organisation or a vendor: patients a day that the register knows it to see at most. */
  patientsPerDay: optional(8, uint(10_000_000)),
  /** Of an organisation: it may open in emergencies. */
  emergency: optional(9, bool),
  notBefore: field(10, time),
  expires: field(11, time),
  salt: field(12, id16),
  /** Of an organisation or a vendor: the name that patients are shown. */
  name: optional(13, text(LIMITS.name)),
  /**
   * Of a person: it opens by its own key alone, without a passkey's session. For assistants, and for people whose
   * passkeys are not enrolled yet: whoever copies that key has the person's budget.
   */
  ownKey: optional(14, bool),
})
export type Status = Value<typeof Status>

/** Why an opening is care. `presence` is signed by the patient's device, or by the issuer of the patient's card. */
export const FACTS = ['presence', 'appointment', 'admission', 'referral', 'result', 'on-call'] as const

/** Signed by somebody else than the reader whom it explains: see `apps/trustee/src/meter/facts.ts`. */
export const Fact = struct({
  suite: field(0, suite),
  type: field(1, choice(FACTS)),
  vault: field(2, hash32),
  /** Whose readers it explains. */
  organisation: field(3, hash32),
  /** One reader of that organisation alone. */
  reader: optional(4, hash32),
  notBefore: field(5, time),
  expires: field(6, time),
  nonce: field(7, id16),
})
export type Fact = Value<typeof Fact>

/**
 * `step-up`: the reader's own second key. `colleague`: another person of the same organisation. `officer`: the second
 * officer of an author that opens what it must keep; it counts for nothing else. `session`: the reader's second key,
 * for one session at a server of the organisation, which `reason` names; trustees take it for nothing.
 */
export const CONFIRMATIONS = ['step-up', 'colleague', 'officer', 'session'] as const

/** For what an author opens what it must keep, and for nothing else: see `verify/keeper.ts`. */
export const DUTIES = ['coding', 'vigilance', 'litigation'] as const

/** Somebody stands for a reader's going on. Each counts once. */
export const Confirmation = struct({
  suite: field(0, suite),
  type: field(1, choice(CONFIRMATIONS)),
  /** The principal that it is for. */
  reader: field(2, hash32),
  organisation: field(3, hash32),
  /** One patient alone: always so in an emergency. */
  vault: optional(4, hash32),
  reason: field(5, text(LIMITS.reason)),
  time: field(6, time),
  nonce: field(7, id16),
  /** An officer's: always named. */
  duty: optional(8, choice(DUTIES)),
})
export type Confirmation = Value<typeof Confirmation>

/**
 * `lock` takes one officer; `clear`, `surge` and `replace` two, who sign the same body. `review`: one officer looked at
 * a broken glass; its target is the access, its scope the organisation's. `replace`: somebody's key is lost, and for
 * the order's hours another principal stands in its place; its scope is a device's.
 */
export const ORDERS = ['lock', 'clear', 'surge', 'review', 'replace'] as const
/** `device`: one principal. `person`: a meter id, with all its devices and employers. */
export const LOCK_SCOPES = ['device', 'person', 'organisation', 'vendor'] as const
export type LockScope = (typeof LOCK_SCOPES)[number]

export const Order = struct({
  suite: field(0, suite),
  action: field(1, choice(ORDERS)),
  scope: field(2, choice(LOCK_SCOPES)),
  target: field(3, hash32),
  notBefore: field(4, time),
  expires: field(5, time),
  reason: field(6, text(LIMITS.reason)),
  nonce: field(7, id16),
  /** Of a replacement: the principal that stands for the target. */
  replacement: optional(8, hash32),
})
export type Order = Value<typeof Order>

/** An organisation lets a vendor in: for named patients, hours and one purpose. Signed by the sponsor, a person. */
export const Ticket = struct({
  suite: field(0, suite),
  /** The organisation whose sponsor signs. */
  organisation: field(1, hash32),
  vendor: field(2, hash32),
  number: field(3, text(LIMITS.reason)),
  /** Named patients. None by default: then the vendor sees no patient. */
  vaults: field(4, list(hash32, LIMITS.ticketVaults)),
  purpose: field(5, choice(PURPOSES)),
  /** Whether the vendor may have another one do it. */
  subcontract: field(6, bool),
  notBefore: field(7, time),
  expires: field(8, time),
  nonce: field(9, id16),
})
export type Ticket = Value<typeof Ticket>

/** One trustee's word that an identity, known to it by its pseudonym alone, has this vault, and no other. */
export const Binding = struct({
  suite: field(0, suite),
  /** Output of the trustees' threshold VOPRF over the identity traits. */
  pseudonym: field(1, hash32),
  vault: field(2, hash32),
  /** Statement id of this trustee's binding that this one takes the place of. */
  previous: optional(3, hash32),
  time: field(4, time),
  nonce: field(5, id16),
})
export type Binding = Value<typeof Binding>

export const LINKS = ['merge', 'split'] as const

/** Two vaults turn out to be one person's, or not. Signed by owner or custodian. It widens no grant. */
export const Link = struct({
  suite: field(0, suite),
  action: field(1, choice(LINKS)),
  /** The vault that goes on. */
  vault: field(2, hash32),
  other: field(3, hash32),
  /** Of a split: statement id of the merge that it ends. */
  previous: optional(4, hash32),
  time: field(5, time),
  nonce: field(6, id16),
})
export type Link = Value<typeof Link>

export const NOTICES = ['order', 'binding', 'link', 'recovery', 'objection', 'withdrawal'] as const
export type NoticeAbout = (typeof NOTICES)[number]

/**
 * What trustees must know and the index must not, as a leaf of the log: whose meter an order locks, whose identity a
 * binding is of. Signed by whoever puts it on record, which gives it no weight: that is its content's, which trustees
 * open. The index sees by whom, when and about what kind of thing.
 */
export const Notice = struct({
  suite: field(0, suite),
  about: field(1, choice(NOTICES)),
  /**
   * `leafSubject` of whom it is about: an order's target, a binding's or a link's vault, whose root is recovered, a
   * withdrawal's subject.
   */
  subject: field(2, hash32),
  time: field(3, time),
  salt: field(4, id16),
  /** The content's key, drawn for it alone, sealed to each trustee. */
  keys: field(5, list(struct({
    trustee: field(0, hash32), enc: field(1, bytes(1120)), sealed: field(2, bytes(48)),
  }), 3)),
  /** Of that key: whoever gave trustees different ones would have them read different things. */
  key: field(6, hash32),
  content: field(7, bytes(17, LIMITS.notice + 16)),
})
export type Notice = Value<typeof Notice>

/**
 * A vendor's account of what it did under a ticket: every access, in the order of time. Signed by the person who
 * opened; whoever has the accesses' receipts checks it without asking anybody.
 */
export const Report = struct({
  suite: field(0, suite),
  ticket: field(1, hash32),
  reader: field(2, hash32),
  /** Statement ids. */
  accesses: field(3, list(hash32, LIMITS.reportAccesses)),
  from: field(4, time),
  to: field(5, time),
  nonce: field(6, id16),
})
export type Report = Value<typeof Report>

/**
 * A vault that is nobody's, with real keys: whoever opens it has no business there. Told to trustees alone, and in no
 * log: who reads the log must not learn which patients to leave out. Signed by its custodian, for its own people, or by
 * a listed register, for all.
 */
export const Decoy = struct({
  suite: field(0, suite),
  vault: field(1, hash32),
  time: field(2, time),
  nonce: field(3, id16),
})
export type Decoy = Value<typeof Decoy>

/** A trustee's word how far the journal of its meter goes: its peers keep it, should it be restored from a backup. */
export const SpentUpTo = struct({
  suite: field(0, suite),
  trustee: field(1, hash32),
  serial: field(2, uint()),
  time: field(3, time),
})
export type SpentUpTo = Value<typeof SpentUpTo>
