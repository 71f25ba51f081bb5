/**
 * Whom a number of the professional register is counted as: 32 bytes, the same each time and everywhere, useless to
 * whoever has not the register's key. Issuers of credentials under the same register derive it alike.
 */
import { hmacSha256 } from '@scelle/seal/verify'

const encoder = new TextEncoder()

/** `key`: 32 bytes, the register's alone. Who has it and guesses numbers knows whose meter is whose. */
export const meterId = (key: Uint8Array, registerNumber: string): Uint8Array =>
  hmacSha256(key, encoder.encode(registerNumber))
