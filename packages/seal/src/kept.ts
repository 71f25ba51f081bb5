/**
 * Principals whose signing key is kept elsewhere, in a device that signs and never shows it: a token, a module, an
 * agent. The sealing key stays with the machine, since no such device knows X-Wing.
 */
import { xwingPublicKey } from '#kem-public'
import { ed25519Verify } from '#signature'
import type { Context } from './context.ts'
import { encode } from './encoding/schema.ts'
import { SealError } from './errors.ts'
import { withHidden } from './hidden.ts'
import type { Identity } from './identity.ts'
import { KeyRecord, type Kind, Signed, SUITE } from './statements.ts'
import { equalBytes, ZERO32 } from './verify/bytes.ts'
import { signatureInput, statementId, verifyKeyChain } from './verify/identity.ts'

/** A key that signs and is never shown. */
export interface KeptKey {
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array
  /** A bare Ed25519 signature (RFC 8032), 64 bytes, over the message itself. */
  readonly sign: (message: Uint8Array) => Promise<Uint8Array>
}

const checked = async ({ publicKey, sign }: KeptKey, message: Uint8Array): Promise<Uint8Array> => {
  const signature = await sign(message)
  // A device with another key than the record's would otherwise be found out by everybody else first.
  if (!(await ed25519Verify(publicKey, message, signature))) {
    throw new SealError('signature-invalid', 'the device signs with another key than it says; look at its key id')
  }
  return signature
}

const recordOf = (
  place: Pick<KeyRecord, 'kind' | 'version' | 'previous' | 'flowOnly'>, key: KeptKey, sealing: Uint8Array,
  context: Context,
): Uint8Array => encode(KeyRecord, {
  suite: SUITE, ...place, signingKey: key.publicKey, sealingKey: xwingPublicKey(sealing),
  time: Math.floor(context.now() / 1000), salt: context.random(16),
})

/**
 * A new principal with a kept key; its genesis record. `sealing`: a seed of 32 random bytes. Throws
 * `signature-invalid` where the device does not sign with the key that it says.
 */
export const createKept = async (
  kind: KeyRecord['kind'], key: KeptKey, sealing: Uint8Array, context: Context,
): Promise<Uint8Array> => {
  const body = recordOf({ kind, version: 0 }, key, sealing, context)
  const signature = await checked(key, signatureInput('key-record', ZERO32, 0, body))
  return encode(Signed, { kind: 'key-record', body, signer: ZERO32, keyVersion: 0, signature })
}

/** The principal goes on with a kept key: its chain with the record that says so, signed by the present one. */
export const moveToKept = async (
  identity: Identity, key: KeptKey, sealing: Uint8Array, context: Context,
): Promise<Uint8Array[]> => {
  const { chain, keys: { kind, current } } = identity
  const last = chain.at(-1)
  if (last === undefined) throw new SealError('key-chain-broken', 'a principal has a genesis record')
  // What a device cannot sign with must not become the principal's key.
  await checked(key, last)
  const body = recordOf({
    kind, version: current.version + 1, previous: statementId(last),
    ...(current.flowOnly === undefined ? {} : { flowOnly: current.flowOnly }),
  }, key, sealing, context)
  return [...chain, await identity.sign('key-record', body)]
}

/**
 * The principal, signing by its device. `sealing`: X-Wing seeds of its key records, in their order. Throws
 * `key-chain-broken` where device or seeds are not those of the newest record.
 */
export const keptIdentity = async (
  { chain, key, sealing }: {
    readonly chain: readonly Uint8Array[]; readonly key: KeptKey; readonly sealing: readonly Uint8Array[]
  },
): Promise<Identity> => {
  const keys = await verifyKeyChain(chain)
  const opens = sealing.at(-1)
  const fits = opens !== undefined && sealing.length === chain.length &&
    equalBytes(key.publicKey, keys.current.signingKey) && equalBytes(xwingPublicKey(opens), keys.current.sealingKey)
  if (!fits) throw new SealError('key-chain-broken', 'the device and the seeds are not those of the newest key record')
  const { id, current: { version } } = keys
  const shown: Omit<Identity, 'secrets'> = {
    id, keys, chain,
    sign: async (kind: Kind, body) => {
      const signature = await checked(key, signatureInput(kind, id, version, body))
      return encode(Signed, { kind, body, signer: id, keyVersion: version, signature })
    },
    signRaw: (message) => checked(key, message),
  }
  return withHidden(shown, { secrets: sealing.map((seed) => ({ sealing: seed })) })
}
