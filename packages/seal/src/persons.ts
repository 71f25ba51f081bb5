/**
 * A person's principal, whose keys are in more than one place: the signing key with the person alone, the sealing key
 * with the house that signs grants on to them, passkeys in authenticators, and a session's key in a house's memory.
 */
import { ed25519PublicKey, ed25519Signer } from '#signature'
import { xwingPublicKey } from '#kem-public'
import type { Context } from './context.ts'
import { encode } from './encoding/schema.ts'
import { SealError } from './errors.ts'
import { withHidden } from './hidden.ts'
import type { Identity } from './identity.ts'
import { type KnownSession, Session, SessionRequest, SignOut } from './sessions.ts'
import { KeyRecord, type Kind, type Passkey, Signed, SUITE } from './statements.ts'
import { assertedStatement, assertionChallenge, type GivenAssertion } from './verify/assertion.ts'
import { equalBytes, ZERO32 } from './verify/bytes.ts'
import {
  inSessionInput, type PrincipalKeys, SESSION_KINDS, signatureInput, statementId, verifyKeyChain,
} from './verify/identity.ts'
import { underSession } from './verify/session.ts'

export interface PersonKeys {
  /** Ed25519 seed: whoever has it is the person, and says which passkeys are. */
  readonly signing: Uint8Array
  /** X-Wing public key. Its seed is with the house where there is one, with the person where there is none. */
  readonly sealingKey: Uint8Array
  readonly passkeys: readonly Passkey[]
}

/** The public half of a sealing seed, 32 bytes: what a house makes for somebody of its people. */
export const sealingKeyOf = (seed: Uint8Array): Uint8Array => xwingPublicKey(seed)

const recordOf = async (
  keys: PersonKeys, place: { version: number; previous?: Uint8Array }, context: Context,
): Promise<Uint8Array> => encode(KeyRecord, {
  suite: SUITE,
  kind: 'person',
  ...place,
  signingKey: await ed25519PublicKey(keys.signing),
  sealingKey: keys.sealingKey,
  time: Math.floor(context.now() / 1000),
  salt: context.random(16),
  ...(keys.passkeys.length === 0 ? {} : { passkeys: [...keys.passkeys] }),
})

const signRecord = async (
  seed: Uint8Array, signer: Uint8Array, keyVersion: number, body: Uint8Array,
): Promise<Uint8Array> => {
  const signature = await ed25519Signer(seed)(signatureInput('key-record', signer, keyVersion, body))
  return encode(Signed, { kind: 'key-record', body, signer, keyVersion, signature })
}

/** A new person's genesis record, signed by `signing`. */
export const createPerson = async (keys: PersonKeys, context: Context): Promise<Uint8Array> =>
  signRecord(keys.signing, ZERO32, 0, await recordOf(keys, { version: 0 }, context))

/**
 * The chain with one record more, that says which passkeys and sealing key are good from now on. Throws
 * `key-chain-broken` where `signing` is not the chain's.
 */
export const renewPerson = async (
  chain: readonly Uint8Array[], keys: PersonKeys, context: Context,
): Promise<Uint8Array[]> => {
  const { id, current } = await verifyKeyChain(chain)
  const last = chain.at(-1)
  if (last === undefined || !equalBytes(await ed25519PublicKey(keys.signing), current.signingKey)) {
    throw new SealError('key-chain-broken', 'these are not the keys of this person')
  }
  const body = await recordOf(keys, { version: current.version + 1, previous: statementId(last) }, context)
  return [...chain, await signRecord(keys.signing, id, current.version, body)]
}

/** A house asks one of its people for a session. `key`: the session's Ed25519 seed, made for it alone. */
export const requestSession = async (
  house: Pick<Identity, 'sign'>, wish: Omit<SessionRequest, 'suite' | 'salt' | 'key'> & { readonly key: Uint8Array },
  context: Context,
): Promise<Uint8Array> => house.sign('session-request', encode(SessionRequest, {
  ...wish, purposes: [...wish.purposes], suite: SUITE, salt: context.random(16), key: await ed25519PublicKey(wish.key),
}))

/** What a passkey is to sign. */
export type Unsigned = Pick<Signed, 'kind' | 'body' | 'signer' | 'keyVersion'>

export const unsignedOf = (kind: Kind, body: Uint8Array, person: Pick<PrincipalKeys, 'id' | 'current'>): Unsigned =>
  ({ kind, body, signer: person.id, keyVersion: person.current.version })

/** Agreement to a house's request, to be signed by a passkey. */
export const unsignedSession = (request: Uint8Array, person: Pick<PrincipalKeys, 'id' | 'current'>): Unsigned =>
  unsignedOf('session', encode(Session, { suite: SUITE, request }), person)

/** The WebAuthn challenge of a statement, 32 bytes. */
export const challengeOf = ({ kind, signer, keyVersion, body }: Unsigned): Uint8Array =>
  assertionChallenge(signatureInput(kind, signer, keyVersion, body))

/** The statement as a passkey has signed it, encoded. Throws `assertion-invalid` for what is no signature. */
export const signedByPasskey = (unsigned: Unsigned, passkey: Passkey, given: GivenAssertion): Uint8Array =>
  encode(Signed, assertedStatement(unsigned, passkey, given))

export interface HeldSession {
  /** The person's key records, genesis first. */
  readonly chain: readonly Uint8Array[]
  readonly known: KnownSession
  /** The session as the passkey signed it. */
  readonly signed: Uint8Array
  /** Ed25519 seed of the session's key. */
  readonly key: Uint8Array
  /** X-Wing seeds of the person's key records, in their order, as the house keeps them. */
  readonly sealing: readonly Uint8Array[]
  /** Key records of the house. */
  readonly house: readonly Uint8Array[]
}

/** A person as the house acts for them while the session lasts: its key signs what a session may, and nothing else. */
export const sessionIdentity = async (held: HeldSession): Promise<Identity> => {
  const { chain, known, house, sealing } = held
  const person = await verifyKeyChain(chain)
  const keys = underSession(person, known)
  const opens = sealing.at(-1)
  const fits = opens !== undefined && sealing.length === chain.length &&
    equalBytes(xwingPublicKey(opens), person.current.sealingKey) &&
    equalBytes(await ed25519PublicKey(held.key), known.key)
  if (!fits) throw new SealError('session-invalid', 'these keys are not those of the session or its person')
  const signer = ed25519Signer(held.key)
  const shown: Omit<Identity, 'secrets'> = {
    id: keys.id,
    keys,
    chain,
    session: { id: known.id, signed: held.signed, house },
    sign: async (kind, body) => {
      if (!SESSION_KINDS.has(kind)) throw new SealError('session-invalid', `no ${kind} is signed in a session`)
      const { id: signedBy, current: { version: keyVersion } } = keys
      const input = signatureInput(kind, signedBy, keyVersion, body)
      const signature = await signer(inSessionInput(input, held.signed))
      return encode(Signed, { kind, body, signer: signedBy, keyVersion, signature, session: held.signed })
    },
    signRaw: async (message) => signer(message),
  }
  return withHidden(shown, { secrets: sealing.map((seed) => ({ sealing: seed })) })
}

/** Sessions of the signer that began before now are over, or the one named. */
export const signOut = (
  person: Pick<Identity, 'id' | 'sign'>, context: Context, session?: Uint8Array,
): Promise<Uint8Array> => person.sign('sign-out', signOutBody(person.id, context, session))

/** The body of a sign-out, for a passkey to sign. */
export const signOutBody = (principal: Uint8Array, context: Context, session?: Uint8Array): Uint8Array =>
  encode(SignOut, {
    suite: SUITE, principal, before: Math.floor(context.now() / 1000) + 1, salt: context.random(16),
    ...(session === undefined ? {} : { session }),
  })
