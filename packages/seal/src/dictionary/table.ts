/**
 * Preset dictionaries by their number in record headers. A frozen one never changes: its hash stands in the context of
 * every record made with it.
 */
import { SealError } from '../errors.ts'
import { sha256 } from '#hash'
import { ZERO32 } from '../verify/bytes.ts'
import { FHIR_V1 } from './fhir-v1.ts'

export interface Dictionary {
  readonly bytes: Uint8Array | undefined
  /** SHA-256 of the bytes; 32 zero bytes where there is none. */
  readonly hash: Uint8Array
}

export const NO_DICTIONARY = 0
export const FHIR_DICTIONARY = 1

const decodeBase64 = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))

const made = new Map<number, Dictionary>([[NO_DICTIONARY, { bytes: undefined, hash: ZERO32 }]])

/** Throws `dictionary-unknown`: the number comes from whoever wrote the record. */
export const dictionaryOf = (number: number): Dictionary => {
  const known = made.get(number)
  if (known !== undefined) return known
  if (number !== FHIR_DICTIONARY) {
    throw new SealError('dictionary-unknown', `dictionary ${number} is not in this version's table; update`)
  }
  const bytes = decodeBase64(FHIR_V1)
  const dictionary = { bytes, hash: sha256(bytes) }
  made.set(number, dictionary)
  return dictionary
}
