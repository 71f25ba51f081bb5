/**
 * Cards sealed and opened. One random key seals the body, committing (Cobblestone-256), so that no card shows one
 * summary to one site and another to the next; that key is sealed to each emergency key.
 */
import { openBody, sealBody } from '../body/cobblestone.ts'
import { SALT } from '../body/chunks.ts'
import { packContent, unpackContent } from '../body/content.ts'
import { Card, CardFile, CardHeader, CardOpening, type CardRecipient } from '../card.ts'
import type { Context } from '../context.ts'
import { dictionaryOf, FHIR_DICTIONARY } from '../dictionary/table.ts'
import { encode } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import { openSealed, sealTo } from '../hpke/seal.ts'
import type { Identity } from '../identity.ts'
import { labelBytes } from '../labels.ts'
import { LIMITS } from '../limits.ts'
import { SUITE } from '../statements.ts'
import { concatBytes, equalBytes, toHex } from '../verify/bytes.ts'
import { type VerifiedCard, verifyCard } from '../verify/card.ts'
import { type PrincipalKeys, statementId } from '../verify/identity.ts'
import { verifyGenesis } from '../verify/vault.ts'

export interface NewCard {
  /** FHIR JSON: an International Patient Summary. */
  readonly summary: Uint8Array
  readonly genesisSigned: Uint8Array
  /** The vault's controller: its owner, or, until it is claimed, its custodian. */
  readonly issuer: Identity
  /** Seconds since 1970. */
  readonly expires: number
  /** Keys that registered emergency sites hold. */
  readonly emergencyKeys: readonly PrincipalKeys[]
}

export interface SealedCard {
  /** Statement id of the signed card. */
  readonly id: Uint8Array
  readonly bytes: Uint8Array
}

export interface OpenedCard extends VerifiedCard {
  readonly summary: Uint8Array
}

/** How a summary is packed: by the rules of records, under the frozen dictionary. */
const packing = (dictionary: number) => ({ contentType: 'fhir+json', dictionary }) as const

const bodyContext = (header: Uint8Array, dictionary: number): Uint8Array =>
  concatBytes(labelBytes('cardBody'), dictionaryOf(dictionary).hash, header)

/** A seal that is taken from its card, or its recipient's place on it, opens nothing. */
const sealInfo = (recipient: Uint8Array, header: Uint8Array): Uint8Array =>
  concatBytes(labelBytes('cardSeal'), recipient, header)

const tooLarge = (what: string): SealError => new SealError('card-too-large', what)

const requireNew = async (
  { summary, genesisSigned, issuer, expires, emergencyKeys }: NewCard, issued: number,
): Promise<Uint8Array> => {
  const { vault } = await verifyGenesis(genesisSigned, issuer.keys)
  if (summary.length > LIMITS.cardPlaintext) {
    throw tooLarge(`the summary on a card has at most ${LIMITS.cardPlaintext} bytes; leave older entries out`)
  }
  if (expires <= issued || expires - issued > LIMITS.cardSeconds) {
    throw new SealError('card-invalid', 'a card ends in the future, after a year at most')
  }
  const ids = new Set(emergencyKeys.map(({ id }) => toHex(id)))
  if (ids.size === 0 || ids.size !== emergencyKeys.length || ids.size > LIMITS.cardRecipients) {
    throw new SealError('card-invalid', `a card is sealed to 1 to ${LIMITS.cardRecipients} different emergency keys`)
  }
  return vault
}

/**
 * Seals and signs a card. Throws `principal-mismatch` where the issuer does not answer for the vault, `card-invalid`,
 * `card-too-large`, `seal-invalid` where an emergency key is malformed.
 */
export const sealCard = async (from: NewCard, context: Context): Promise<SealedCard> => {
  const { issuer, expires } = from
  const issued = Math.floor(context.now() / 1000)
  const vault = await requireNew(from, issued)
  const header = encode(CardHeader, {
    suite: SUITE, vault, issuer: issuer.id, card: context.random(16), issued, expires, dictionary: FHIR_DICTIONARY,
  })
  const key = context.random(32)
  const packed = packContent(packing(FHIR_DICTIONARY), from.summary)
  const body = await sealBody(key, context.random(SALT), bodyContext(header, FHIR_DICTIONARY), packed)
  if (body.length > LIMITS.card) throw tooLarge('the summary is too large for a card; leave older entries out')
  const recipients = await Promise.all(from.emergencyKeys.map(async ({ id, current }): Promise<CardRecipient> => ({
    recipient: id, keyVersion: current.version, ...await sealTo(current.sealingKey, sealInfo(id, header), key),
  })))
  const card = await issuer.sign('card', encode(Card, { header, recipients, body }))
  const bytes = encode(CardFile, { genesis: from.genesisSigned, chain: [...issuer.chain], card })
  if (bytes.length > LIMITS.card) throw tooLarge('the summary is too large for a card; leave older entries out')
  return { id: statementId(card), bytes }
}

/**
 * Opens a card at an emergency site, without a network. `now` is in seconds. Throws as {@link verifyCard},
 * `card-recipient-unknown` where it was sealed to other keys, `seal-invalid` and `record-tampered` where it does not
 * open, `padding-invalid`, `record-mismatch`, `card-too-large` where its issuer packed it wrong.
 */
export const openCard = async (bytes: Uint8Array, site: Identity, now: number): Promise<OpenedCard> => {
  const verified = await verifyCard(bytes, now)
  const { header, card } = verified
  const own = card.recipients.find(({ recipient }) => equalBytes(recipient, site.id))
  if (own === undefined) {
    throw new SealError('card-recipient-unknown', 'this card was not sealed to the emergency key of this site')
  }
  const seeds = site.secrets.map(({ sealing }) => sealing)
  const key = await openSealed(seeds, sealInfo(site.id, card.header), own.enc, own.sealed)
  if (key.length !== 32) throw new SealError('seal-invalid', 'a card seals no key; refuse its issuer')
  const packed = await openBody(key, bodyContext(card.header, header.dictionary), card.body)
  const summary = unpackContent(packing(header.dictionary), packed)
  if (summary.length > LIMITS.cardPlaintext) throw tooLarge('a card grows over its limit; refuse its issuer')
  return { ...verified, summary }
}

/** A reader says that it opens a card, from now. */
export const signCardOpening = (
  reader: Identity, opening: Omit<CardOpening, 'suite' | 'nonce' | 'time' | 'reader'>, context: Context,
): Promise<Uint8Array> => reader.sign('card-opening', encode(CardOpening, {
  ...opening, suite: SUITE, reader: reader.id, time: Math.floor(context.now() / 1000), nonce: context.random(16),
}))
