/** A person with four kinds of passkeys, a house that replaced its key once, and a session of theirs. */
import { createIdentity, type Identity, rotateIdentity } from '../../packages/seal/src/identity.ts'
import { createPerson, requestSession, unsignedSession } from '../../packages/seal/src/persons.ts'
import * as seal from '../../packages/seal/src/verify.ts'
import { context, type Golden, nowSeconds } from './golden.ts'
import { SeededAuthenticator } from './seeded-authenticator.ts'
import { seededBytes } from './seeded-random.ts'

export const HOURS = 3600
export const hash = (place: number): Uint8Array => seal.sha256(seal.u32(place))
export const INDEX = hash(60)

export const makeScene = async (golden: Golden) => {
  const [key, other] = [new SeededAuthenticator(hash(61)), new SeededAuthenticator(hash(62))]
  const synced = new SeededAuthenticator(hash(63), { deviceBound: false })
  const eddsa = new SeededAuthenticator(hash(64), { algorithm: 'EdDSA' })
  const [signing, sealing, sessionKey] = [seededBytes(32), golden.writer.secrets[0]!.sealing, seededBytes(32)]
  const keys = { signing, sealingKey: golden.writer.keys.current.sealingKey, passkeys: [key.passkey, synced.passkey, eddsa.passkey] }
  const chain = [await createPerson(keys, context)]
  const person = await seal.verifyKeyChain(chain)
  const house = await rotateIdentity(await createIdentity('organisation', context), context)
  const wish = {
    audience: INDEX, principal: person.id, device: hash(65), purposes: ['treatment', 'emergency'] as seal.SessionRequest['purposes'],
    notBefore: nowSeconds(), expires: nowSeconds() + 10 * HOURS,
  }
  const ask = (change: Partial<typeof wish> = {}, by: Identity = house): Promise<Uint8Array> => requestSession(by, { ...wish, ...change, key: sessionKey }, context)
  const request = await ask()
  const signed = key.sign(unsignedSession(request, person))
  return { key, other, synced, eddsa, signing, sealing, sessionKey, keys, chain, person, house, wish, ask, request, signed }
}
export type Scene = Awaited<ReturnType<typeof makeScene>>
