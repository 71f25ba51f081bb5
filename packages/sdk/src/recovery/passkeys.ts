/** What a passkey gives beside a signature, and must not leave this client. */
import { prfInput } from '@scelle/seal/recovery'
import { SdkError } from '../errors.ts'

export { prfInput }

type Json = Record<string, unknown>

const isRecord = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The JSON of a credential (WebAuthn Level 3, `toJSON`) without its PRF output, which may stand there in clear. Nothing
 * else is kept that a verifier does not need: of the extensions' results, only that there are none.
 */
export const withoutPrf = (credential: unknown): Json => {
  if (!isRecord(credential)) throw new SdkError('bad-input', 'this is no credential')
  const { clientExtensionResults: _, ...rest } = credential
  return { ...rest, clientExtensionResults: {} }
}

/** The 32 bytes of a credential's PRF, as `getClientExtensionResults()` has them; undefined where it has none. */
export const prfOutput = (extensions: AuthenticationExtensionsClientOutputs): Uint8Array | undefined => {
  const first = extensions.prf?.results?.first
  if (first === undefined) return undefined
  const bytes = ArrayBuffer.isView(first)
    ? new Uint8Array(first.buffer, first.byteOffset, first.byteLength)
    : new Uint8Array(first)
  if (bytes.length !== 32) throw new SdkError('bad-input', 'a PRF answers with 32 bytes')
  return bytes
}
