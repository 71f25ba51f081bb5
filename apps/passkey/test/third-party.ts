/** What the page made, in the eyes of a WebAuthn server that others wrote. */
import {
  assertionChallenge, decode, equalBytes, type Passkey, type PrincipalKeys, signatureInput, Signed,
} from '@scelle/seal/verify'
import { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server'
import type { Witnessed } from './browser.ts'

const base64url = (octets: Uint8Array): string => Buffer.from(octets).toString('base64url')

const fromHexText = (hex: string): string => Buffer.from(hex, 'hex').toString('base64url')

/** COSE_Key (RFC 9053) of a key record's passkey. */
const coseKey = ({ algorithm, publicKey }: Passkey): Uint8Array<ArrayBuffer> => new Uint8Array(algorithm === 'ES256'
  ? [0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20, ...publicKey.subarray(0, 32), 0x22, 0x58, 0x20,
    ...publicKey.subarray(32)]
  : [0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 0x20, ...publicKey])

const derNumber = (number: Uint8Array): number[] => {
  const [first = 0, second = 0] = number
  if (first === 0 && second < 0x80) return derNumber(number.subarray(1))
  const digits = first < 0x80 ? [...number] : [0, ...number]
  return [2, digits.length, ...digits]
}

const derOf = (signature: Uint8Array): Uint8Array => {
  const numbers = [...derNumber(signature.subarray(0, 32)), ...derNumber(signature.subarray(32))]
  return Uint8Array.of(0x30, numbers.length, ...numbers)
}

/** Whether the library takes the statement's assertion, for the very hash that the format says. */
export const crossCheckAssertion = async (statement: Uint8Array, person: PrincipalKeys): Promise<boolean> => {
  const { kind, signer, keyVersion, body, signature, assertion } = decode(Signed, statement)
  const passkey = person.current.passkeys?.find(({ credential }) =>
    assertion !== undefined && equalBytes(credential, assertion.credential))
  if (assertion === undefined || passkey === undefined) return false
  const id = base64url(assertion.credential)
  const { verified } = await verifyAuthenticationResponse({
    response: {
      id, rawId: id, type: 'public-key', clientExtensionResults: {},
      response: {
        clientDataJSON: base64url(assertion.clientData), authenticatorData: base64url(assertion.authenticatorData),
        signature: base64url(passkey.algorithm === 'ES256' ? derOf(signature) : signature),
      },
    },
    expectedChallenge: base64url(assertionChallenge(signatureInput(kind, signer, keyVersion, body))),
    expectedOrigin: passkey.origin,
    expectedRPID: passkey.rpId,
    requireUserVerification: true,
    credential: { id, publicKey: coseKey(passkey), counter: 0 },
  })
  return verified
}

/** Whether the library reads the same passkey out of what the browser handed the page. Algorithms are pinned. */
export const crossCheckRegistration = async (
  { id, clientDataJSON, attestationObject }: Witnessed['registrations'][number], passkey: Passkey,
): Promise<boolean> => {
  const { challenge } = JSON.parse(Buffer.from(clientDataJSON, 'hex').toString()) as { challenge: string }
  const { verified, registrationInfo } = await verifyRegistrationResponse({
    response: {
      id, rawId: id, type: 'public-key', clientExtensionResults: {},
      response: { clientDataJSON: fromHexText(clientDataJSON), attestationObject: fromHexText(attestationObject) },
    },
    expectedChallenge: challenge,
    expectedOrigin: passkey.origin,
    expectedRPID: passkey.rpId,
    requireUserVerification: true,
    supportedAlgorithmIDs: [-7, -8],
  })
  return verified && registrationInfo !== undefined && registrationInfo.credential.id === base64url(passkey.credential)
    && equalBytes(registrationInfo.credential.publicKey, coseKey(passkey))
    && (registrationInfo.credentialDeviceType === 'singleDevice') === passkey.deviceBound
}
