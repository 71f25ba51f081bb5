/**
 * A principal's own keys as a signer: what every party has, servers too. Nothing here opens anything; the sealing seed
 * is carried for the doors that do (`./keys`, `./shares`).
 */
import { ed25519PublicKey, ed25519Signer } from '#signature'
import { xwingPublicKey } from '#kem-public'
import type { Context } from './context.ts'
import { bytes, decode, encode, field, list, struct } from './encoding/schema.ts'
import { SealError } from './errors.ts'
import { withHidden } from './hidden.ts'
import { LIMITS } from './limits.ts'
import { KeyRecord, type Kind, Signed, SUITE } from './statements.ts'
import { equalBytes, ZERO32 } from './verify/bytes.ts'
import { type PrincipalKeys, signatureInput, statementId, verifyKeyChain } from './verify/identity.ts'

/** Ed25519 and X-Wing seeds, 32 bytes each. Whoever has them is the principal. */
export interface IdentitySecrets {
  readonly signing: Uint8Array
  readonly sealing: Uint8Array
}

export interface Identity {
  readonly id: Uint8Array
  readonly keys: PrincipalKeys
  /** Signed key records, genesis first: what others need to verify this principal. */
  readonly chain: readonly Uint8Array[]
  /** Current secrets last; earlier ones still open what was sealed to them. In no dump, JSON or copy by spread. */
  readonly secrets: readonly IdentitySecrets[]
  /** Signs a statement body under the current key; the encoded Signed. */
  readonly sign: (kind: Kind, body: Uint8Array) => Promise<Uint8Array>
  /** A bare 64-byte Ed25519 signature, for HTTP message signatures. */
  readonly signRaw: (message: Uint8Array) => Promise<Uint8Array>
}

const StoredIdentity = struct({
  chain: field(0, list(bytes(1, LIMITS.statement), LIMITS.keyChain)),
  secrets: field(1, list(struct({ signing: field(0, bytes(32)), sealing: field(1, bytes(32)) }), LIMITS.keyChain)),
})

const signWith = async (
  seed: Uint8Array, kind: Kind, signer: Uint8Array, keyVersion: number, body: Uint8Array,
): Promise<Uint8Array> => {
  const signature = await ed25519Signer(seed)(signatureInput(kind, signer, keyVersion, body))
  return encode(Signed, { kind, body, signer, keyVersion, signature })
}

const newSecrets = (context: Context): IdentitySecrets => ({ signing: context.random(32), sealing: context.random(32) })

const recordBody = async (
  kind: KeyRecord['kind'], version: number, secrets: IdentitySecrets, context: Context, previous?: Uint8Array,
): Promise<Uint8Array> =>
  encode(KeyRecord, {
    suite: SUITE,
    kind,
    version,
    ...(previous === undefined ? {} : { previous }),
    signingKey: await ed25519PublicKey(secrets.signing),
    sealingKey: xwingPublicKey(secrets.sealing),
    time: Math.floor(context.now() / 1000),
    salt: context.random(16),
  })

const identityOf = async (
  chain: readonly Uint8Array[], secrets: readonly IdentitySecrets[],
): Promise<Identity> => {
  const keys = await verifyKeyChain(chain)
  const current = secrets.at(-1)
  const matches =
    current !== undefined &&
    secrets.length === chain.length &&
    equalBytes(await ed25519PublicKey(current.signing), keys.current.signingKey) &&
    equalBytes(xwingPublicKey(current.sealing), keys.current.sealingKey)
  if (!matches) throw new SealError('key-chain-broken', 'the stored secrets are not those of the newest key record')
  const signer = ed25519Signer(current.signing)
  const shown: Omit<Identity, 'secrets'> = {
    id: keys.id,
    keys,
    chain,
    sign: async (kind, body) => {
      const signature = await signer(signatureInput(kind, keys.id, keys.current.version, body))
      return encode(Signed, { kind, body, signer: keys.id, keyVersion: keys.current.version, signature })
    },
    signRaw: async (message) => signer(message),
  }
  return withHidden(shown, { secrets })
}

/** A new principal: draws its keys and signs its genesis record. */
export const createIdentity = async (kind: KeyRecord['kind'], context: Context): Promise<Identity> => {
  const secrets = newSecrets(context)
  const body = await recordBody(kind, 0, secrets, context)
  return identityOf([await signWith(secrets.signing, 'key-record', ZERO32, 0, body)], [secrets])
}

/** New keys for the same principal, signed by the present ones. */
export const rotateIdentity = async (identity: Identity, context: Context): Promise<Identity> => {
  const secrets = newSecrets(context)
  const last = identity.chain.at(-1) as Uint8Array
  const version = identity.keys.current.version + 1
  const body = await recordBody(identity.keys.kind, version, secrets, context, statementId(last))
  return identityOf([...identity.chain, await identity.sign('key-record', body)], [...identity.secrets, secrets])
}

/** Everything of an identity, secrets included: to be kept in a file that only its owner reads. */
export const exportIdentity = (identity: Pick<Identity, 'chain' | 'secrets'>): Uint8Array =>
  encode(StoredIdentity, { chain: [...identity.chain], secrets: [...identity.secrets] })

/** Reads what {@link exportIdentity} wrote, and verifies it. Throws `key-chain-broken` or `encoding-…`. */
export const importIdentity = async (stored: Uint8Array): Promise<Identity> => {
  const { chain, secrets } = decode(StoredIdentity, stored)
  return identityOf(chain, secrets)
}
