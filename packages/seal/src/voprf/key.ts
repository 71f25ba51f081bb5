/** Which key the trustees have: what clients and trustees rely on, checked by its three signatures. */
import { decode } from '../encoding/schema.ts'
import { DiscoveryKey } from '../discovery.ts'
import { SealError } from '../errors.ts'
import { equalBytes, toHex } from '../verify/bytes.ts'
import { decodeSigned, type PrincipalKeys, requireSuite, verifySigned } from '../verify/identity.ts'
import { decodePoint, lagrange } from './group.ts'

const invalid = (what: string): SealError =>
  new SealError('discovery-key-invalid', `the key for finding vaults does not hold: ${what}`)

/** Any two shares must make the same key, or what comes out would depend on who was asked. */
const requireOneLine = ({ publicKey, publicShares }: DiscoveryKey): void => {
  const key = decodePoint(publicKey)
  const shares = publicShares.map(decodePoint)
  const pairs = [[1, 2], [1, 3], [2, 3]]
  const agree = pairs.every((places) => places
    .map((place) => (shares[place - 1] as (typeof shares)[number]).multiplyUnsafe(lagrange(place, places)))
    .reduce((a, b) => a.add(b))
    .equals(key))
  if (!agree) throw invalid('its shares are not of one key')
}

/**
 * The key that all three trustees signed, each the same body. `trustees` are keys that the caller relies on by itself,
 * in any order: a key of other trustees is not this key. Throws `discovery-key-invalid`, `discovery-point-invalid` and
 * as `verifySigned` does.
 */
export const verifyDiscoveryKey = async (
  signed: readonly Uint8Array[], trustees: readonly PrincipalKeys[],
): Promise<DiscoveryKey> => {
  const bodies = new Map<string, Uint8Array>()
  for (const trustee of trustees) {
    const own = signed.find((one) => equalBytes(signerOf(one), trustee.id))
    if (own === undefined) throw invalid('a trustee has not signed it')
    bodies.set(toHex(trustee.id), (await verifySigned('discovery-key', own, trustee)).body)
  }
  const [body] = bodies.values()
  if (body === undefined || bodies.size !== 3) throw invalid('it takes three trustees')
  if (![...bodies.values()].every((other) => equalBytes(other, body))) throw invalid('its signers do not agree')
  const key = decode(DiscoveryKey, body)
  requireSuite(key)
  const same = key.trustees.length === 3 && key.publicShares.length === 3 &&
    new Set(key.trustees.map(toHex)).size === 3 && key.trustees.every((id) => bodies.has(toHex(id)))
  if (!same) throw invalid('it is of other trustees')
  requireOneLine(key)
  return key
}

const signerOf = (signed: Uint8Array): Uint8Array => decodeSigned('discovery-key', signed).signer
