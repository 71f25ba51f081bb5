/** The key for finding vaults: dealings and the key that three trustees sign, valid, and as a trustee that cheats would have them. */
import { createIdentity, type Identity, rotateIdentity } from '../../packages/seal/src/identity.ts'
import { deal, evaluateBlinded, keyOfDealings, shareOfDealings, verifyDealing } from '../../packages/seal/src/voprf.ts'
import * as seal from '../../packages/seal/src/verify.ts'
import { listOf, octetsOf } from './cbor-entries.ts'
import { kindCases } from './cases-standing.ts'
import { context, type Golden } from './golden.ts'
import { bodyOf, chainOf, changed, stored } from './material.ts'
import { type Vector } from './operations.ts'

const { toHex } = seal

type Body = seal.Value<typeof seal.Dealing>

const dealingsOf = async (all: readonly Identity[], ceremony: Uint8Array, renews?: { key: seal.DiscoveryKey; shares: Awaited<ReturnType<typeof shareOfDealings>>[] }) => {
  const signed: Uint8Array[] = []
  for (const [place, trustee] of all.entries()) {
    signed.push(await deal(trustee, {
      ceremony, trustees: all.map(({ keys }) => keys), renews: renews === undefined ? undefined : { key: renews.key, share: renews.shares[place]! },
    }, context))
  }
  return signed
}

const dealingCases = async (all: readonly Identity[], first: readonly Uint8Array[], key: seal.DiscoveryKey, renewed: readonly Uint8Array[]): Promise<Vector[]> => {
  const [dealer, second] = all as [Identity, Identity]
  const body = seal.decode(seal.Dealing, bodyOf(first[0]!))
  const of = (name: string, signed: Uint8Array, by: Identity = dealer, under?: seal.DiscoveryKey): Vector => ({
    name: `dealing: ${name}`, op: 'dealing', in: { signed: toHex(signed), dealer: chainOf(by), ...(under === undefined ? {} : { key: toHex(seal.encode(seal.DiscoveryKey, under)) }) },
  })
  const resigned = (change: Partial<Body>, by: Identity = dealer): Promise<Uint8Array> => by.sign('dealing', seal.encode(seal.Dealing, { ...body, ...change }))
  const stranger = await createIdentity('trustee', context)
  const { evaluated, proof } = body.possession
  const identity = new Uint8Array(32)
  const cases: Vector[] = first.map((signed, place) => of(`of trustee ${place + 1}`, signed, all[place]))
  return [
    ...cases,
    of('that renews', renewed[0]!, dealer, key),
    of('that renews, where there is no key', renewed[0]!),
    of('of generation 0, where there is a key', first[0]!, dealer, key),
    of('that renews another trustee\'s share', await resigned({ ...seal.decode(seal.Dealing, bodyOf(renewed[0]!)), commitments: seal.decode(seal.Dealing, bodyOf(renewed[1]!)).commitments }), dealer, key),
    of('with another one\'s commitment', await resigned({ commitments: seal.decode(seal.Dealing, bodyOf(first[1]!)).commitments })),
    of('copied whole from another trustee', await second.sign('dealing', bodyOf(first[0]!)), second),
    of('whose proof is changed', await resigned({ possession: { evaluated, proof: changed(proof, 3) } })),
    of('whose proof has a scalar over the order', await resigned({ possession: { evaluated, proof: proof.map((byte, at) => (at < 32 ? 255 : byte)) } })),
    of('whose evaluated point is the identity', await resigned({ possession: { evaluated: identity, proof } })),
    of('with the identity as its commitment', await resigned({ commitments: [identity, body.commitments[1]!] })),
    of('with a slope that is no point', await resigned({ commitments: [body.commitments[0]!, new Uint8Array(32).fill(255)] })),
    of('with a point that is not canonical', await resigned({ commitments: [body.commitments[0]!, changed(identity, 0)] })),
    of('of another ceremony', await resigned({ ceremony: new Uint8Array(16) })),
    of('for two trustees', await resigned({ trustees: body.trustees.slice(0, 2) })),
    of('for one trustee twice', await resigned({ trustees: [body.trustees[0]!, body.trustees[0]!, body.trustees[2]!] })),
    of('with two sealed values', await resigned({ sealed: body.sealed.slice(0, 2) })),
    of('with one commitment', await resigned({ commitments: body.commitments.slice(0, 1) })),
    of('by nobody of the three', await resigned({}, stranger), stranger),
  ]
}

const keyCases = async (all: readonly Identity[], key: seal.DiscoveryKey): Promise<Vector[]> => {
  const sign = (change: Partial<seal.DiscoveryKey>, by = all): Promise<Uint8Array[]> =>
    Promise.all(by.map((one) => one.sign('discovery-key', seal.encode(seal.DiscoveryKey, { ...key, ...change }))))
  const of = (name: string, signed: Uint8Array[], trustees: readonly Identity[] = all): Vector =>
    ({ name: `discovery key: ${name}`, op: 'discovery-key', in: { signed: signed.map(toHex), trustees: trustees.map(chainOf) } })
  const good = await sign({})
  const [a, b, c] = key.publicShares as [Uint8Array, Uint8Array, Uint8Array]
  const [one, two] = key.trustees as [Uint8Array, Uint8Array]
  const stranger = await createIdentity('trustee', context)
  return [
    of('signed by three', good),
    of('its trustees in another order', good, all.toReversed()),
    of('signed by two', good.slice(0, 2)),
    of('signed by two, one of them twice', [good[0]!, good[1]!, good[1]!]),
    of('signed under different words', [...good.slice(0, 2), ...(await sign({ generation: 1 }, all.slice(2)))]),
    of('that one of the trustees known has not signed', good, [...all.slice(0, 2), stranger]),
    of('that names another trustee', await sign({ trustees: [one, two, stranger.id] })),
    of('that names a trustee twice', await sign({ trustees: [one, two, two] })),
    of('shares not of one line', await sign({ publicShares: [a, b, a] })),
    of('shares in another order', await sign({ publicShares: [b, a, c] })),
    of('another public key', await sign({ publicKey: a })),
    of('the identity as its key', await sign({ publicKey: new Uint8Array(32) })),
    of('two shares', await sign({ publicShares: [a, b] })),
    of('another suite', await sign({ suite: 2 })),
  ]
}

/** A trustee's share of the key, out of three values dealt to it: the third dealer lies to the second trustee. */
const shareCases = async (all: readonly Identity[], first: readonly Uint8Array[], again: readonly Uint8Array[]): Promise<Vector[]> => {
  const [one, two, three] = first as [Uint8Array, Uint8Array, Uint8Array]
  const of = (name: string, dealings: Uint8Array[], by: Identity = all[1]!): Vector =>
    ({ name: `share: ${name}`, op: 'share-of-dealings', in: { dealings: dealings.map(toHex), identity: stored(by) } })
  const body = seal.decode(seal.Dealing, bodyOf(three))
  const sealedBy = async (sealed: Body['sealed']): Promise<Uint8Array> => all[2]!.sign('dealing', seal.encode(seal.Dealing, { ...body, sealed }))
  const otherLine = seal.decode(seal.Dealing, bodyOf(again[2]!)).sealed
  return [
    ...all.map((trustee, place) => of(`of trustee ${place + 1}`, [one, two, three], trustee)),
    of('of dealings in another order', [three, one, two]),
    of('of two dealings', [one, two]),
    of('of one dealing twice', [one, two, two]),
    of('of a value that is not on its line', [one, two, await sealedBy(otherLine)]),
    of('of a value that was for another trustee', [one, two, await sealedBy([body.sealed[1]!, body.sealed[0]!, body.sealed[2]!])]),
    of('of a value that does not open', [one, two, await sealedBy(body.sealed.map((value) => ({ ...value, share: changed(value.share, 0) })))]),
    of('of somebody who is none of the three', [one, two, three], await createIdentity('trustee', context)),
  ]
}

const evaluationCases = (shares: Awaited<ReturnType<typeof shareOfDealings>>[], key: seal.DiscoveryKey): Vector[] => {
  const [share, other] = shares as [(typeof shares)[number], (typeof shares)[number]]
  // Any point will do for a blinded one.
  const blinded = key.publicKey
  const { evaluated, proof } = evaluateBlinded(blinded, share, context)
  const of = (name: string, change: object = {}): Vector => ({
    name: `evaluation: ${name}`, op: 'evaluation',
    in: { evaluated: toHex(evaluated), proof: toHex(proof), blinded: toHex(blinded), publicShare: toHex(share.publicShare), ...change },
  })
  return [
    of('under its share'), of('under another one\'s share', { publicShare: toHex(other.publicShare) }), of('of another point', { blinded: toHex(share.publicShare) }),
    of('another point', { evaluated: toHex(other.publicShare) }), of('proof changed', { proof: toHex(changed(proof, 40)) }),
    of('of the identity', { blinded: '00'.repeat(32) }), of('the identity', { evaluated: '00'.repeat(32) }),
    { name: 'a pseudonym', op: 'pseudonym', in: { output: '07'.repeat(64) } },
  ]
}

export const discoveryCases = async ({ writer }: Golden): Promise<Vector[]> => {
  const all: Identity[] = []
  for (let place = 0; place < 3; place++) all.push(await createIdentity('trustee', context))
  const verified = (signed: readonly Uint8Array[], key?: seal.DiscoveryKey) => Promise.all(signed.map((one, place) => verifyDealing(one, all[place]!.keys, key)))
  const ceremony = context.random(16)
  const first = await dealingsOf(all, ceremony)
  const dealings = await verified(first)
  const key = keyOfDealings(dealings)
  const shares = []
  for (const trustee of all) shares.push(await shareOfDealings(dealings, trustee))
  const renewed = await dealingsOf(all, context.random(16), { key, shares })
  const dealer = await rotateIdentity(await createIdentity('trustee', context), context)
  const body = seal.decode(seal.Dealing, bodyOf(first[0]!))
  return [
    ...(await kindCases({ kind: 'dealing', codec: seal.Dealing, full: { ...body, sealed: [] }, over: [['four trustees', 3, listOf(octetsOf(32), 4)], ['three commitments', 4, listOf(octetsOf(32), 3)]] }, dealer, writer)),
    ...(await kindCases({ kind: 'discovery-key', codec: seal.DiscoveryKey, full: { ...key }, over: [['four shares', 4, listOf(octetsOf(32), 4)], ['generation over 2^32', 1, Uint8Array.of(0x1b, 0, 0, 0, 1, 0, 0, 0, 0)]] }, dealer, writer)),
    ...(await dealingCases(all, first, key, renewed)),
    ...(await keyCases(all, key)),
    ...(await shareCases(all, first, await dealingsOf(all, ceremony))),
    ...evaluationCases(shares, key),
  ]
}
