/** Roots, wraps, guardians and PINs: what gives a root back, and each of it with one thing wrong. */
import { createIdentity, type Identity, rotateIdentity } from '../../packages/seal/src/identity.ts'
import * as recovery from '../../packages/seal/src/recovery.ts'
import { openPart, sealPart } from '../../packages/seal/src/shares.ts'
import * as seal from '../../packages/seal/src/verify.ts'
import { openPinShare } from '../../packages/seal/src/voprf.ts'
import { octetsOf } from './cbor-entries.ts'
import { kindCases } from './cases-standing.ts'
import { context, type Golden } from './golden.ts'
import { chainOf, changed, stored } from './material.ts'
import { type Vector } from './operations.ts'

const { toHex, SUITE } = seal

const drawn = async (kind: 'person' | 'trustee', count: number): Promise<Identity[]> => {
  const made: Identity[] = []
  for (let i = 0; i < count; i++) made.push(await createIdentity(kind, context))
  return made
}

const pairwiseCases = (root: Uint8Array): Vector[] => [recovery.OWN, seal.sha256(seal.u32(1)), seal.sha256(seal.u32(2))]
  .map((organisation, i): Vector => ({ name: `a principal for organisation ${i}`, op: 'pairwise', in: { root: toHex(root), organisation: toHex(organisation) } }))

const wrapCases = async (root: Uint8Array): Promise<Vector[]> => {
  const secret = context.random(32)
  const place = recovery.wrapPlace(secret)
  const wrap = recovery.wrapByPasskey(root, context)
  const good = await recovery.sealWrap(wrap, place, context)
  const of = (name: string, bytes: Uint8Array, change: object = {}): Vector =>
    ({ name: `wrap: ${name}`, op: 'wrap', in: { stored: toHex(bytes), secret: toHex(secret), ...change } })
  const other = await recovery.sealWrap({ ...wrap, root: context.random(32) }, place, context)
  const future = await recovery.sealWrap({ ...wrap, suite: 2 }, place, context)
  return [
    of('of a passkey', good), of('of another secret', good, { secret: '01'.repeat(32) }), of('changed', changed(good, 100)), of('whose commitment is changed', changed(good, 30)),
    of('cut', good.slice(0, -1)), of('emptied', context.random(recovery.SEALED_WRAP)), of('whose root is another one', other), of('of another suite', future),
  ]
}

const guardianCases = async (root: Uint8Array, golden: Golden): Promise<Vector[]> => {
  const [owner, ...guardians] = await drawn('person', 4) as [Identity, ...Identity[]]
  const trustees = await drawn('trustee', 3)
  const device = await createIdentity('person', context)
  const place = recovery.wrapPlace(context.random(32))
  const keysOf = (all: readonly Identity[]) => all.map(({ keys }) => keys)
  const made = await recovery.wrapByGuardians({ root, owner: owner.id, guardians: keysOf(guardians), trustees: keysOf(trustees), place, name: 'Jeanne' }, context)
  const parts = made.wrap.guardians!.parts
  const ask = recovery.askGuardians(device, context)
  const heard = []
  for (const [i, guardian] of guardians.entries()) {
    const answer = await recovery.answerAsGuardian(ask, await recovery.openPacket(made.packets[i]!, guardian), guardian)
    heard.push(await recovery.hearGuardian(answer, device))
  }
  const opened: Uint8Array[] = []
  for (const [i, trustee] of trustees.entries()) opened.push((await openPart({ set: made.set, sealed: parts[i]! }, trustee)).part)
  const given = await sealPart(opened[0]!, heard[0]!.id, trustees[0]!.id, device.keys)
  const wrap = toHex(seal.encode(seal.Wrap, made.wrap))
  const part = (name: string, change: object = {}): Vector => ({
    name: `part: ${name}`, op: 'recovery-part', in: { set: toHex(made.set), enc: toHex(parts[0]!.enc), sealed: toHex(parts[0]!.sealed), identity: stored(trustees[0]!), ...change },
  })
  const set = seal.decode(seal.RecoverySet, made.set)
  const setWith = (change: Partial<seal.RecoverySet>): object => ({ set: toHex(seal.encode(seal.RecoverySet, { ...set, ...change })) })
  const begun = (name: string, signed: readonly Uint8Array[], shown = made.set): Vector => ({
    name: `recovery: ${name}`, op: 'recovery', in: { signed: signed.map(toHex), set: toHex(shown), keys: [...guardians, owner].map(chainOf) },
  })
  const body = seal.decode(seal.Recovery, seal.decode(seal.Signed, heard[0]!.recovery).body)
  const [one, two] = heard.map((answer) => answer.recovery) as [Uint8Array, Uint8Array]
  const sign = (who: Identity, change: Partial<seal.Recovery>): Promise<Uint8Array> => who.sign('recovery', seal.encode(seal.Recovery, { ...body, ...change }))
  const root2 = (name: string, shares: [Uint8Array, Uint8Array][], kept: [Uint8Array, Uint8Array][]): Vector => ({
    name: `root: ${name}`, op: 'root-by-guardians',
    in: { wrap, shares: shares.map(([by, share]) => ({ by: toHex(by), share: toHex(share) })), parts: kept.map(([by, share]) => ({ by: toHex(by), share: toHex(share) })) },
  })
  const shares = heard.map(({ by, share }) => [by, share] as [Uint8Array, Uint8Array])
  const kept = trustees.map(({ id }, i) => [id, opened[i]!] as [Uint8Array, Uint8Array])
  const signer = await rotateIdentity(await createIdentity('person', context), context)
  const objection = { suite: SUITE, owner: owner.id, set: seal.recoverySetId(made.set), recovery: heard[0]!.id, time: 1, nonce: seal.sha256(seal.u32(3)).slice(0, 16) }
  const { recovery: _, ...least } = objection
  return [
    ...(await kindCases({ kind: 'recovery', codec: seal.Recovery, full: { ...body }, over: [['a device of 33 bytes', 3, octetsOf(33)]] }, signer, golden.writer)),
    ...(await kindCases({ kind: 'objection', codec: seal.Objection, full: objection, small: least, over: [['a set of 31 bytes', 2, octetsOf(31)]] }, signer, golden.writer)),
    part('of the first trustee'), part('for another owner', setWith({ owner: signer.id })), part('of another trustee', { identity: stored(trustees[1]!) }), part('of nobody of the three', { identity: stored(device) }),
    part('with two guardians', setWith({ guardians: set.guardians.slice(0, 2) })), part('with one guardian twice', setWith({ guardians: [set.guardians[0]!, set.guardians[0]!, set.guardians[2]!] })),
    part('whose owner guards', setWith({ owner: set.guardians[0]! })), part('changed', { sealed: toHex(changed(parts[0]!.sealed, 0)) }),
    { name: 'part: given to a device', op: 'recovery-given', in: { enc: toHex(given.enc), sealed: toHex(given.sealed), recovery: toHex(heard[0]!.id), trustee: toHex(trustees[0]!.id), identity: stored(device) } },
    { name: 'part: given for another recovery', op: 'recovery-given', in: { enc: toHex(given.enc), sealed: toHex(given.sealed), recovery: '00'.repeat(32), trustee: toHex(trustees[0]!.id), identity: stored(device) } },
    begun('by two guardians', [one, two]), begun('by one', [one]), begun('by one twice', [one, one]), begun('by one and the owner', [one, await sign(owner, {})]),
    begun('under different words', [one, await sign(guardians[1]!, { time: body.time + 1 })]), begun('of another set', [await sign(guardians[0]!, { set: seal.ZERO32 }), await sign(guardians[1]!, { set: seal.ZERO32 })]),
    begun('of another owner', [await sign(guardians[0]!, { owner: signer.id }), await sign(guardians[1]!, { owner: signer.id })]),
    root2('of the first two and the first two', shares.slice(0, 2), kept.slice(0, 2)), root2('of the last two and the last two', shares.slice(1), kept.slice(1)),
    root2('of one guardian', shares.slice(0, 1), kept), root2('of one trustee', shares, kept.slice(0, 1)), root2('of one guardian twice', [shares[0]!, shares[0]!], kept),
    root2('of a wrong share', [[shares[0]![0], changed(shares[0]![1], 0)], shares[1]!], kept), root2('of a wrong share, and two that hold', [[shares[0]![0], changed(shares[0]![1], 0)], shares[1]!, shares[2]!], kept),
    root2('of a share in another one\'s name', [[shares[0]![0], shares[1]![1]], shares[2]!], kept),
    { name: 'twenty digits', op: 'spoken-code', in: { ask: toHex(ask) } },
  ]
}

const pinCases = async (root: Uint8Array): Promise<Vector[]> => {
  const trustees = await drawn('trustee', 3)
  const device = context.random(32)
  const wrap = await recovery.wrapByPin({ root, pin: 'éléphant 7', device, trustees: trustees.map(({ keys }) => keys) }, context)
  const { set, shares } = wrap.pin!
  const share = (name: string, change: object = {}): Vector => ({
    name: `PIN: ${name}`, op: 'pin-share', in: { set: toHex(set), enc: toHex(shares[1]!.enc), sealed: toHex(shares[1]!.sealed), identity: stored(trustees[1]!), ...change },
  })
  const decoded = seal.decode(seal.PinSet, set)
  const scalars: string[] = []
  for (const [i, trustee] of trustees.entries()) scalars.push(toHex((await openPinShare({ set, sealed: shares[i]! }, trustee)).share.secret))
  const root2 = (name: string, pin: string, places: number[], change: object = {}): Vector => ({
    name: `PIN: ${name}`, op: 'root-by-pin', in: { wrap: toHex(seal.encode(seal.Wrap, wrap)), pin, device: toHex(device), places, scalars: places.map((place) => scalars[place - 1]!), ...change },
  })
  return [
    share('share of the second trustee'), share('share for another asker', { set: toHex(seal.encode(seal.PinSet, { ...decoded, asker: seal.ZERO32 })) }),
    share('share of another trustee', { identity: stored(trustees[0]!) }), share('share with two trustees', { set: toHex(seal.encode(seal.PinSet, { ...decoded, trustees: decoded.trustees.slice(0, 2) })) }),
    root2('by the first two', 'éléphant 7', [1, 2]), root2('by the last two, in another normal form', 'e\u0301le\u0301phant 7', [2, 3]), root2('another one', 'elephant 7', [1, 2]),
    root2('on another device', 'éléphant 7', [1, 3], { device: '00'.repeat(32) }), root2('too short', '12345', [1, 2]),
  ]
}

export const recoveryCases = async (golden: Golden): Promise<Vector[]> => {
  const root = context.random(32)
  return [...pairwiseCases(root), ...(await wrapCases(root)), ...(await guardianCases(root, golden)), ...(await pinCases(root))]
}
