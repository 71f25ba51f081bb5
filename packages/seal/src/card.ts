/**
 * The emergency summary that its patient carries: on paper as a sequence of QR codes, or as a file. It proves by itself
 * whose vault it is of, so that a site without a network can tell. As in `statements.ts`, which has the kinds: times
 * are seconds since 1970 UTC, ids 32 bytes unless they say otherwise, and field numbers are never reused.
 */
import { bytes, field, list, optional, struct, text, uint, type Value } from './encoding/schema.ts'
import { LIMITS } from './limits.ts'

const hash32 = bytes(32)
const id16 = bytes(16)
const time = uint()
const suite = uint(0xffff)

/** In clear on the card: whoever finds one learns that somebody has this vault, and whom it was sealed to. */
export const CardHeader = struct({
  suite: field(0, suite),
  vault: field(1, hash32),
  /** The vault's controller: nobody else's card is believed. */
  issuer: field(2, hash32),
  /** Drawn for each card, so that no two have the same header. */
  card: field(3, id16),
  issued: field(4, time),
  expires: field(5, time),
  dictionary: field(6, uint(0xff)),
})
export type CardHeader = Value<typeof CardHeader>

/** The body's key, sealed to one emergency key. */
export const CardRecipient = struct({
  recipient: field(0, hash32),
  keyVersion: field(1, uint(LIMITS.keyChain)),
  enc: field(2, bytes(1120)),
  sealed: field(3, bytes(48)),
})
export type CardRecipient = Value<typeof CardRecipient>

/** What the controller signs. The header's bytes are bound as they are, into every seal. */
export const Card = struct({
  header: field(0, bytes(1, LIMITS.cardHeader)),
  recipients: field(1, list(CardRecipient, LIMITS.cardRecipients)),
  body: field(2, bytes(1, LIMITS.card)),
})
export type Card = Value<typeof Card>

/** A card as it is handed over: the signed {@link Card}, and what proves it without asking anybody. */
export const CardFile = struct({
  /** The vault's signed genesis, whose hash is the vault's id. */
  genesis: field(0, bytes(1, LIMITS.statement)),
  /** The controller's signed key records, genesis first, whose hash is the controller's id. */
  chain: field(1, list(bytes(1, LIMITS.statement), LIMITS.keyChain)),
  card: field(2, bytes(1, LIMITS.statement)),
})
export type CardFile = Value<typeof CardFile>

/** A reader's word that it opens a card, kept before anything is shown, and reported when the network is back. */
export const CardOpening = struct({
  suite: field(0, suite),
  /** Statement id of the signed card. */
  card: field(1, hash32),
  vault: field(2, hash32),
  reader: field(3, hash32),
  /** The emergency key that opened it. */
  site: field(4, hash32),
  reason: field(5, text(LIMITS.reason)),
  time: field(6, time),
  nonce: field(7, id16),
  /** Where the reader works. */
  organisation: optional(8, hash32),
})
export type CardOpening = Value<typeof CardOpening>
