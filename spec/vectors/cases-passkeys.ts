/**
 * Key records with passkeys and of houses that only pass on, and the encoding of passkeys' signatures: valid, and each with one
 * thing wrong. Whoever slips a passkey of its own into a record is that person from then on.
 */
import { createIdentity, rotateIdentity } from '../../packages/seal/src/identity.ts'
import { renewPerson } from '../../packages/seal/src/persons.ts'
import * as seal from '../../packages/seal/src/verify.ts'
import { entriesOf, joined, numberOf, octetsOf, textOf } from './cbor-entries.ts'
import { context, type Golden } from './golden.ts'
import { bodyOf } from './material.ts'
import type { Vector } from './operations.ts'
import type { Scene } from './scene-sessions.ts'
import { seededBytes } from './seeded-random.ts'

const { toHex } = seal

const chainCase = (name: string, chain: readonly Uint8Array[]): Vector => ({ name: `keys: ${name}`, op: 'key-chain', in: { chain: chain.map(toHex) } })

/** Key records of people, one after the other. */
const personCases = async ({ person, keys, chain, key, synced, eddsa, other }: Scene, { writer }: Golden): Promise<Vector[]> => {
  const { passkey } = key
  const renewed = (passkeys: seal.Passkey[]): Promise<Uint8Array[]> => renewPerson(chain, { ...keys, passkeys }, context)
  const kinds = [passkey, synced.passkey, eddsa.passkey, other.passkey]
  const eight = [...kinds, ...kinds.map((one) => ({ ...one, credential: seededBytes(16) }))]
  const empty = await createIdentity('organisation', context)
  const bare = seal.encode(seal.KeyRecord, { ...empty.keys.current, version: 1, previous: empty.id, passkeys: [] })
  const owned = seal.encode(seal.KeyRecord, { ...empty.keys.current, version: 1, previous: empty.id, passkeys: [passkey] })
  const second = await renewed([passkey])
  const unsigned = { ...seal.decode(seal.Signed, second.at(-1)!), signer: person.id }
  const { assertion, signature } = seal.decode(seal.Signed, key.sign({ ...unsigned, kind: 'key-record' }))
  const asserted = seal.encode(seal.Signed, { ...unsigned, signature, assertion: assertion! })
  const inSession = seal.encode(seal.Signed, { ...unsigned, session: seededBytes(32) })
  return [
    chainCase('a person with passkeys', chain),
    chainCase('a passkey added', await renewed(kinds)),
    chainCase('a passkey taken out', await renewed([eddsa.passkey])),
    chainCase('all passkeys taken out', await renewed([])),
    chainCase('eight passkeys', await renewed(eight)),
    chainCase('the same credential twice', await renewed([passkey, { ...synced.passkey, credential: passkey.credential }])),
    chainCase('ES256 with a key of 32 bytes', await renewed([{ ...passkey, publicKey: seededBytes(32) }])),
    chainCase('ES256 with a key of 63 bytes', await renewed([{ ...passkey, publicKey: seededBytes(63) }])),
    chainCase('EdDSA with a key of 64 bytes', await renewed([{ ...passkey, algorithm: 'EdDSA' }])),
    chainCase('a house with a passkey', [...empty.chain, await empty.sign('key-record', owned)]),
    chainCase('a house with an empty list of passkeys', [...empty.chain, await empty.sign('key-record', bare)]),
    chainCase('a record that somebody else signed', [...chain, await writer.sign('key-record', bodyOf(second.at(-1)!))]),
    chainCase('a record that a passkey signed', [...chain, asserted]),
    chainCase('a record that was signed in a session', [...chain, inSession]),
  ]
}

/** What a house said for good. */
const houseCases = async (): Promise<Vector[]> => {
  const open = await createIdentity('organisation', context)
  const passing = await createIdentity('organisation', context, { flowOnly: true })
  const later = await rotateIdentity(open, context, { flowOnly: true })
  const { flowOnly: _, ...without } = (await rotateIdentity(passing, context)).keys.current
  const next = async (record: seal.KeyRecord): Promise<Uint8Array[]> => [...passing.chain, await passing.sign('key-record', seal.encode(seal.KeyRecord, record))]
  const no = seal.encode(seal.KeyRecord, { ...(await rotateIdentity(open, context)).keys.current, flowOnly: false })
  return [
    chainCase('a house that only passes on', passing.chain),
    chainCase('it goes on so', await next({ ...without, flowOnly: true })),
    chainCase('said later', later.chain),
    chainCase('it says so no more', await next(without)),
    chainCase('it says the contrary', await next({ ...without, flowOnly: false })),
    chainCase('a house that says it opens', [...open.chain, await open.sign('key-record', no)]),
  ]
}

/** The same map with one entry put in the place of another. */
const replaced = (bytes: Uint8Array, key: number, value: Uint8Array): Uint8Array =>
  joined(entriesOf(bytes).map((entry) => (entry.key === key ? { key, value } : entry)))

const encodingCases = ({ chain, signed, key }: Scene): Vector[] => {
  const record = bodyOf(chain[0]!)
  const passkey = seal.encode(seal.Passkey, key.passkey)
  const list = (...items: Uint8Array[]): Uint8Array => seal.concatBytes(Uint8Array.of(0x80 + items.length), ...items)
  const recordWith = (field: number, value: Uint8Array): string => toHex(replaced(record, 8, list(replaced(passkey, field, value))))
  const assertion = seal.encode(seal.Assertion, seal.decode(seal.Signed, signed).assertion!)
  const signedWith = (field: number, value: Uint8Array): string => toHex(replaced(signed, 5, replaced(assertion, field, value)))
  const marked = (value: Uint8Array): string => toHex(joined([...entriesOf(record), { key: 9, value }]))
  const of = (struct: string, name: string, bytes: string): Vector => ({ name: `a ${struct}: ${name}`, op: 'decode', in: { struct, bytes } })
  return [
    of('KeyRecord', 'with a passkey', toHex(record)),
    of('KeyRecord', 'that passes on', marked(Uint8Array.of(0xf5))),
    of('KeyRecord', 'that passes on, by a number', marked(numberOf(1))),
    of('KeyRecord', 'with nine passkeys', toHex(replaced(record, 8, list(...Array.from({ length: 9 }, () => passkey))))),
    of('KeyRecord', 'with a credential of 15 bytes', recordWith(0, octetsOf(15))),
    of('KeyRecord', 'with a credential of 255 bytes', recordWith(0, octetsOf(255))),
    of('KeyRecord', 'with a credential of 256 bytes', recordWith(0, octetsOf(256))),
    of('KeyRecord', 'with an algorithm that nobody knows', recordWith(1, numberOf(2))),
    of('KeyRecord', 'with a public key of 31 bytes', recordWith(2, octetsOf(31))),
    of('KeyRecord', 'with a public key of 65 bytes', recordWith(2, octetsOf(65))),
    of('KeyRecord', 'with an origin of 256 bytes', recordWith(3, textOf(256))),
    of('KeyRecord', 'with a relying party of 256 bytes', recordWith(4, textOf(256))),
    of('KeyRecord', 'bound to its device by a number', recordWith(5, numberOf(1))),
    of('Signed', 'by a passkey', toHex(signed)),
    of('Signed', 'with an empty credential', signedWith(0, octetsOf(0))),
    of('Signed', 'with authenticator data of 36 bytes', signedWith(1, octetsOf(36))),
    of('Signed', 'with authenticator data of 38 bytes, as an extension makes it', signedWith(1, octetsOf(38))),
    of('Signed', 'with no client data', signedWith(2, octetsOf(0))),
    of('Signed', 'with client data of 2,048 bytes', signedWith(2, octetsOf(2_048))),
    of('Signed', 'with client data of 2,049 bytes', signedWith(2, octetsOf(2_049))),
    of('Signed', 'in a session', toHex(joined([...entriesOf(signed).filter((entry) => entry.key !== 5), { key: 6, value: octetsOf(32) }]))),
    of('Signed', 'in a session of 4,096 bytes', toHex(joined([...entriesOf(signed).filter((entry) => entry.key !== 5), { key: 6, value: octetsOf(4_096) }]))),
    of('Signed', 'in a session of 4,097 bytes', toHex(joined([...entriesOf(signed), { key: 6, value: octetsOf(4_097) }]))),
    of('Signed', 'in an empty session', toHex(joined([...entriesOf(signed), { key: 6, value: octetsOf(0) }]))),
    of('Signed', 'with an eighth field', toHex(joined([...entriesOf(signed), { key: 7, value: numberOf(0) }]))),
    of('SessionRequest', 'as a house makes it', toHex(bodyOf(seal.decode(seal.Session, bodyOf(signed)).request))),
    of('Session', 'as a person agrees to it', toHex(bodyOf(signed))),
    of('Session', 'without a request', toHex(replaced(bodyOf(signed), 1, octetsOf(0)))),
  ]
}

export const passkeyCases = async (scene: Scene, golden: Golden): Promise<Vector[]> =>
  [...(await personCases(scene, golden)), ...(await houseCases()), ...encodingCases(scene)]
