/**
 * People in whose sessions a house acts: their key records, which their own pages made, and the sessions that their
 * passkeys agreed to. What they sign comes here signed; no key of theirs does, but those that the house keeps for them.
 */
import type { Identity } from '@scelle/seal/identity'
import { requestSession, sessionIdentity, signOut, type Unsigned, unsignedSession } from '@scelle/seal/persons'
import {
  decode, equalBytes, partiesOfSession, requireLive, type SessionRequest, toHex, verifyKeyChain, verifySession,
} from '@scelle/seal/verify'
import { KeyChain } from '@scelle/wire/messages'
import type { Connection } from './connection.ts'
import { SdkError } from './errors.ts'
import { SDK_LIMITS } from './limits.ts'

export interface SessionWish {
  /** Key records of the person, genesis first. */
  readonly chain: readonly Uint8Array[]
  /** Ed25519 seed of the session's key: drawn for it, and kept in memory alone. */
  readonly key: Uint8Array
  /** RFC 7638 thumbprint of the key that the person's application proves with each request, 32 bytes. */
  readonly device: Uint8Array
  readonly purposes: SessionRequest['purposes']
  /** Milliseconds since 1970; ten hours from now at most. */
  readonly until: number
}

export interface HeldKeys extends Pick<SessionWish, 'chain' | 'key'> {
  /** The session as the passkey signed it. */
  readonly signed: Uint8Array
  /** X-Wing seeds of the person's key records, in their order, as the house keeps them. */
  readonly sealing: readonly Uint8Array[]
}

export interface People {
  /** Puts a person's key records on record, those that the index has not got yet. */
  readonly register: (chain: readonly Uint8Array[]) => Promise<void>
  /** Key records as the index has them; empty where it has none. */
  readonly registered: (id: Uint8Array) => Promise<readonly Uint8Array[]>
  /** What the person's passkey is to sign, for this house; and the house's signed request, which is inside. */
  readonly ask: (wish: SessionWish) => Promise<Unsigned & { readonly request: Uint8Array }>
  /** The person as this house acts for them from now on. Throws SealError where they agreed to something else. */
  readonly hold: (held: HeldKeys) => Promise<Identity>
  /** Puts a person's sign-out on record; trustees have it before they cosign anything later. */
  readonly signOut: (signed: Uint8Array) => Promise<void>
  /** Ends every session of this client's own person, signed in the one that it has. */
  readonly signOutEverywhere: () => Promise<void>
}

const registered = async (connection: Connection, id: Uint8Array): Promise<Uint8Array[]> => {
  try {
    const path = `/v1/principals/${toHex(id)}`
    return decode(KeyChain, await connection.askIndex({ method: 'GET', path }))
  } catch (error) {
    if (error instanceof SdkError && error.problem === 'not-found') return []
    throw error
  }
}

export const peopleOf = (connection: Connection): People => ({
  registered: (id) => registered(connection, id),
  register: async (chain) => {
    const { id } = await verifyKeyChain(chain)
    const there = await registered(connection, id)
    for (const record of chain.slice(there.length)) await connection.record('/v1/principals', record)
    await connection.directory.of(id, chain.length - 1)
  },
  ask: async ({ chain, key, device, purposes, until }) => {
    const person = await verifyKeyChain(chain)
    const notBefore = Math.floor(connection.context.now() / 1000)
    const request = await requestSession(connection.identity, {
      audience: connection.index.id, principal: person.id, key, device, purposes, notBefore,
      expires: Math.floor(until / 1000),
    }, connection.context)
    return { ...unsignedSession(request, person), request }
  },
  hold: async ({ chain, key, signed, sealing }) => {
    const { identity, context } = connection
    if (!equalBytes(partiesOfSession(signed).house, identity.id)) {
      throw new SdkError('bad-input', 'the session is of another house')
    }
    const known = await verifySession(signed, { person: await verifyKeyChain(chain), house: identity.keys })
    requireLive(known, {
      audience: connection.index.id, now: Math.floor(context.now() / 1000), skew: SDK_LIMITS.sessionSkew,
    })
    return sessionIdentity({ chain, known, signed, key, sealing, house: identity.chain })
  },
  signOut: async (signed) => {
    await connection.record('/v1/sign-outs', signed)
  },
  signOutEverywhere: async () => {
    await connection.record('/v1/sign-outs', await signOut(connection.identity, connection.context))
  },
})
