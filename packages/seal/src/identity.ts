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
  /** Absent where somebody else has it: of a person in whose session one acts. */
  readonly signing?: Uint8Array | undefined
  readonly sealing: Uint8Array
}

/** The session in which somebody acts for a person: what others need to verify what is signed in it. */
export interface ActingSession {
  /** Statement id. */
  readonly id: Uint8Array
  readonly signed: Uint8Array
  /** Key records of the house. */
  readonly house: readonly Uint8Array[]
}

export interface Identity {
  readonly id: Uint8Array
  readonly keys: PrincipalKeys
  /** Signed key records, genesis first: what others need to verify this principal. */
  readonly chain: readonly Uint8Array[]
  readonly session?: ActingSession | undefined
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

/** Of a principal that signs by itself. */
export type OwnSecrets = IdentitySecrets & { readonly signing: Uint8Array }

const newSecrets = (context: Context): OwnSecrets => ({ signing: context.random(32), sealing: context.random(32) })

/** Of a key record beside its keys: seconds since 1970, and 16 bytes. */
export interface RecordFields {
  readonly time: number
  readonly salt: Uint8Array
}

const fieldsOf = ({ now, random }: Context): RecordFields => ({ time: Math.floor(now() / 1000), salt: random(16) })

const recordBody = async (
  place: Pick<KeyRecord, 'kind' | 'version' | 'previous' | 'flowOnly'>, secrets: OwnSecrets,
  { time, salt }: RecordFields,
): Promise<Uint8Array> =>
  encode(KeyRecord, {
    suite: SUITE,
    ...place,
    signingKey: await ed25519PublicKey(secrets.signing),
    sealingKey: xwingPublicKey(secrets.sealing),
    time,
    salt,
  })

const identityOf = async (
  chain: readonly Uint8Array[], secrets: readonly IdentitySecrets[],
): Promise<Identity> => {
  const keys = await verifyKeyChain(chain)
  const current = secrets.at(-1)
  const matches =
    current?.signing !== undefined &&
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

const firstIdentity = async (
  said: Pick<KeyRecord, 'kind' | 'flowOnly'>, secrets: OwnSecrets, fields: RecordFields,
): Promise<Identity> => {
  const body = await recordBody({ version: 0, ...said }, secrets, fields)
  return identityOf([await signWith(secrets.signing, 'key-record', ZERO32, 0, body)], [secrets])
}

/** The principal whose genesis record has these keys and fields: the same ones make the same principal again. */
export const identityFrom = (
  kind: KeyRecord['kind'], secrets: OwnSecrets, fields: RecordFields,
): Promise<Identity> => firstIdentity({ kind }, secrets, fields)

/**
 * A new principal: draws its keys and signs its genesis record. `flowOnly`: of a house whose patients' charts open for
 * its people alone.
 */
export const createIdentity = (
  kind: KeyRecord['kind'], context: Context, said: { readonly flowOnly?: true } = {},
): Promise<Identity> => firstIdentity({ kind, ...said }, newSecrets(context), fieldsOf(context))

/** New keys for the same principal, signed by the present ones. What was said for good stays said. */
export const rotateIdentity = async (
  identity: Identity, context: Context, said: { readonly flowOnly?: true } = {},
): Promise<Identity> => {
  const secrets = newSecrets(context)
  const last = identity.chain.at(-1) as Uint8Array
  const { keys: { kind, current } } = identity
  const flowOnly = current.flowOnly ?? said.flowOnly
  const body = await recordBody({
    kind, version: current.version + 1, previous: statementId(last), ...(flowOnly === undefined ? {} : { flowOnly }),
  }, secrets, fieldsOf(context))
  return identityOf([...identity.chain, await identity.sign('key-record', body)], [...identity.secrets, secrets])
}

/**
 * Everything of an identity, secrets included: to be kept in a file that only its owner reads. Throws `session-invalid`
 * for a person in whose session one acts: that is kept nowhere.
 */
export const exportIdentity = (identity: Pick<Identity, 'chain' | 'secrets'>): Uint8Array => {
  const secrets = identity.secrets.map(({ signing, sealing }) => {
    if (signing === undefined) throw new SealError('session-invalid', 'keys of a session are held in memory alone')
    return { signing, sealing }
  })
  return encode(StoredIdentity, { chain: [...identity.chain], secrets })
}

/** Reads what {@link exportIdentity} wrote, and verifies it. Throws `key-chain-broken` or `encoding-…`. */
export const importIdentity = async (stored: Uint8Array): Promise<Identity> => {
  const { chain, secrets } = decode(StoredIdentity, stored)
  return identityOf(chain, secrets)
}
