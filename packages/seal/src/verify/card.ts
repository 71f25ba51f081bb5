/** A card by itself: no network, no key that opens anything. The vault's id is the hash of what the card carries. */
import { Card, CardFile, CardHeader, CardOpening } from '../card.ts'
import { decode } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import { LIMITS } from '../limits.ts'
import type { VaultGenesis } from '../statements.ts'
import { equalBytes, toHex } from './bytes.ts'
import {
  type PrincipalKeys, requireCurrentKey, requireSuite, verifyKeyChain, verifySigned,
} from './identity.ts'
import { verifyGenesis } from './vault.ts'

export interface VerifiedCard {
  /** Statement id of the signed card. */
  readonly id: Uint8Array
  readonly vault: Uint8Array
  readonly genesis: VaultGenesis
  readonly issuer: PrincipalKeys
  readonly header: CardHeader
  readonly card: Card
}

const invalid = (what: string): SealError => new SealError('card-invalid', what)

/** From when to when it may be opened. Throws `card-expired`, `card-invalid`. */
const requireTime = ({ issued, expires }: CardHeader, now: number): void => {
  if (expires <= issued || expires - issued > LIMITS.cardSeconds) {
    throw invalid('a card is good for a year at most; have its owner make another one')
  }
  if (now >= expires) throw new SealError('card-expired', 'this card is too old; have its owner make another one')
  if (issued > now + LIMITS.cardAhead) throw invalid('this card is dated in the future; set the clock here')
}

/**
 * Checks a card: that whoever answers for the vault signed it, and that it may be opened now (seconds). A card that
 * somebody else signs is one of another vault, whatever it says. Throws `card-too-large`, `card-expired`,
 * `card-invalid`, `vault-mismatch`, `principal-mismatch`, `signature-invalid`, `key-chain-broken`, `suite-unknown`,
 * `encoding-…`.
 */
export const verifyCard = async (bytes: Uint8Array, now: number): Promise<VerifiedCard> => {
  if (bytes.length > LIMITS.card) throw new SealError('card-too-large', `a card has at most ${LIMITS.card} bytes`)
  const file = decode(CardFile, bytes)
  const issuer = await verifyKeyChain(file.chain)
  const { vault, genesis } = await verifyGenesis(file.genesis, issuer)
  const { signed, body, id } = await verifySigned('card', file.card, issuer)
  requireCurrentKey(signed, issuer)
  const card = decode(Card, body)
  const header = decode(CardHeader, card.header)
  requireSuite(header)
  if (!equalBytes(header.vault, vault)) {
    throw new SealError('vault-mismatch', 'a card names another vault than the one whose genesis it carries')
  }
  if (!equalBytes(header.issuer, issuer.id)) {
    throw new SealError('principal-mismatch', 'a card names another issuer than its signer')
  }
  const recipients = card.recipients.map(({ recipient }) => toHex(recipient))
  if (recipients.length === 0 || new Set(recipients).size !== recipients.length) {
    throw invalid('a card is sealed to one emergency key at least, and to each once')
  }
  requireTime(header, now)
  return { id, vault, genesis, issuer, header, card }
}

/** Checks a reader's note about a card against its keys. Throws `principal-mismatch`, `signature-invalid`. */
export const verifyCardOpening = async (
  signedBytes: Uint8Array, reader: PrincipalKeys,
): Promise<{ opening: CardOpening; id: Uint8Array }> => {
  const { body, id } = await verifySigned('card-opening', signedBytes, reader)
  const opening = decode(CardOpening, body)
  requireSuite(opening)
  if (!equalBytes(opening.reader, reader.id)) {
    throw new SealError('principal-mismatch', 'a note about a card names another reader than its signer')
  }
  return { opening, id }
}
