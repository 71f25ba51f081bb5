/**
 * What a release was charged, sealed by this trustee to itself and put into its signed word, which becomes a leaf of
 * the log: a meter that was restored from a backup gets its spending back from there, and cannot lose any unnoticed,
 * since each entry has the next number. Nobody else learns from it who was counted as whom.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import type { Identity } from '@scelle/seal/identity'
import {
  bool, bytes, concatBytes, decode, encode, field, list, SealError, struct, TRUSTEE_LABELS, uint, type Value,
} from '@scelle/seal/verify'

const hash32 = bytes(32)

export const JournalEntry = struct({
  /** From 1, without gaps. */
  serial: field(0, uint()),
  vault: field(1, hash32),
  /** Seconds. */
  time: field(2, uint()),
  /** What was counted: `measures` has a bit for each place in MEASURES. */
  counted: field(3, list(struct({ meter: field(0, hash32), measures: field(1, uint(0xffff)) }), 20)),
  /** Confirmations that were used up, by statement id: of the first meter's reader. */
  used: field(4, list(struct({ statement: field(0, hash32), colleague: field(1, bool) }), 4)),
})
export type JournalEntry = Value<typeof JournalEntry>

const NONCE = 12
const TAG = 16

export class Journal {
  readonly #key: Uint8Array

  /** The key is of the identity's first secret: new keys of the trustee do not shut its own past. */
  constructor({ secrets }: Pick<Identity, 'secrets'>) {
    const [first] = secrets
    if (first === undefined) throw new TypeError('an identity has secrets')
    this.#key = new Uint8Array(hkdfSync('sha256', first.sealing, new Uint8Array(0), TRUSTEE_LABELS.journal, 32))
  }

  /** `access`: statement id of the access, which the word names: an entry opens in no other word. */
  seal(entry: JournalEntry, access: Uint8Array, random: (length: number) => Uint8Array): Uint8Array {
    const nonce = random(NONCE)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG })
    cipher.setAAD(access)
    return concatBytes(nonce, cipher.update(encode(JournalEntry, entry)), cipher.final(), cipher.getAuthTag())
  }

  /** Throws SealError `seal-invalid` where this trustee did not seal it, or for another access. */
  open(sealed: Uint8Array, access: Uint8Array): JournalEntry {
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, sealed.subarray(0, NONCE), { authTagLength: TAG })
      decipher.setAAD(access)
      decipher.setAuthTag(sealed.subarray(sealed.length - TAG))
      const plain = concatBytes(decipher.update(sealed.subarray(NONCE, sealed.length - TAG)), decipher.final())
      return decode(JournalEntry, plain)
    } catch (cause) {
      throw new SealError('seal-invalid', 'a charge in the log does not open: it is not this trustee\'s', { cause })
    }
  }
}
