/**
 * Opening a card at an emergency site that has no network: nothing of index, trustees or log is asked. What takes their
 * place is the reader's signed note, which is kept before anything is shown: whoever deletes it afterwards has to
 * delete what is on a disk, and whoever opens without it has taken the site's key out of its program, which is what
 * docs/threat-model.md does not promise against.
 */
import { openCard, type OpenedCard, signCardOpening } from '@scelle/seal/envelope'
import type { Identity } from '@scelle/seal/identity'
import {
  CardOpening, type Context, decode, decodeSigned, FORMAT_LIMITS, SealError, toHex, verifyCard,
} from '@scelle/seal/verify'
import { SdkError } from '../errors.ts'
import { type Id, idBytes } from '../ids.ts'

export interface OfflineCard {
  /** As `toQr` and `fromQr` have it, or a `.card` file. */
  readonly card: Uint8Array
  /** Holds the emergency key. */
  readonly site: Identity
  /** The person who reads, and why. Both are told to the patient. */
  readonly reader: Identity
  readonly reason: string
  /** Where the reader works. */
  readonly organisation?: Id
  /** Keeps the signed note durably: nothing is opened before it resolves, and nothing where it throws. */
  readonly keep: (note: Uint8Array) => Promise<void>
  readonly context: Context
}

export interface OfflineSummary {
  /** FHIR JSON. */
  readonly summary: Uint8Array
  /** Hex. */
  readonly vault: string
  /** Who signed the card: the vault's owner, or its custodian. Hex. */
  readonly issuer: string
  /** `owner`: the patient signed it. */
  readonly mode: OpenedCard['genesis']['mode']
  /** Milliseconds since 1970: the summary is as old as that. */
  readonly issued: number
  readonly expires: number
  /** The signed note, as it was kept. */
  readonly note: Uint8Array
}

/**
 * Keeps the note, then opens. Throws SealError as `openCard` (`card-expired`, `card-recipient-unknown`, …), SdkError
 * `bad-input` without a reason, and what `keep` throws.
 */
export const openCardOffline = async (from: OfflineCard): Promise<OfflineSummary> => {
  const { card: bytes, site, reader, keep, context } = from
  const reason = from.reason.trim()
  if (reason === '' || new TextEncoder().encode(reason).length > FORMAT_LIMITS.reason) {
    throw new SdkError('bad-input', `a reason is needed, of ${FORMAT_LIMITS.reason} bytes at most`)
  }
  const now = Math.floor(context.now() / 1000)
  const verified = await verifyCard(bytes, now)
  // What this site cannot open is no opening: nobody is told of one.
  if (!verified.card.recipients.some(({ recipient }) => toHex(recipient) === toHex(site.id))) {
    throw new SealError('card-recipient-unknown', 'this card was not sealed to the emergency key of this site')
  }
  const note = await signCardOpening(reader, {
    card: verified.id, vault: verified.vault, site: site.id, reason,
    ...(from.organisation === undefined ? {} : { organisation: idBytes(from.organisation) }),
  }, context)
  await keep(note)
  const { summary, vault, issuer, genesis, header } = await openCard(bytes, site, now)
  return {
    summary, note, vault: toHex(vault), issuer: toHex(issuer.id), mode: genesis.mode,
    issued: header.issued * 1000, expires: header.expires * 1000,
  }
}

/** What a note says; its signature is not checked. Throws SealError. */
export const cardOpeningIn = (note: Uint8Array): CardOpening =>
  decode(CardOpening, decodeSigned('card-opening', note).body)

/**
 * The reason to sign for the report of an offline opening, as trustees give it to officers: when it was, and why. Cut
 * where both do not fit.
 */
export const offlineReason = (note: Uint8Array): string => {
  const { time, reason } = cardOpeningIn(note)
  const words = `hors ligne / offline ${new Date(time * 1000).toISOString().slice(0, 16)}Z: ${reason}`
  const encoded = new TextEncoder().encode(words)
  // A letter of several bytes that is cut in two goes whole.
  return encoded.length <= FORMAT_LIMITS.reason
    ? words : new TextDecoder().decode(encoded.subarray(0, FORMAT_LIMITS.reason)).replace(/\uFFFD$/, '')
}
