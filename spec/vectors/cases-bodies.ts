/** Capsules, shares, releases, records and links: valid, and each with one thing wrong. */
import { deflateRawSync } from 'node:zlib'
import { split } from 'shamir-secret-sharing'
import { oneText, sealBody } from '../../packages/seal/src/body/cobblestone.ts'
import { dictionaryOf } from '../../packages/seal/src/dictionary/table.ts'
import { capsuleSecret } from '../../packages/seal/src/envelope/capsule.ts'
import { labelBytes } from '../../packages/seal/src/labels.ts'
import { Courier, createCommit } from '../../packages/seal/src/envelope.ts'
import { sealRelease } from '../../packages/seal/src/shares.ts'
import * as seal from '../../packages/seal/src/verify.ts'
import { context, type Golden } from './golden.ts'
import { changed, chainOf, stored } from './material.ts'
import type { Vector } from './operations.ts'
import { seededBytes } from './seeded-random.ts'

const { toHex } = seal

const shareCases = (golden: Golden): Vector[] => {
  const { shares, trustees, capsules } = golden
  const [own, other] = shares as [(typeof shares)[number], (typeof shares)[number]]
  const input = (from: (typeof shares)[number], change: object = {}) => ({
    header: toHex(from.header), seal: { encapsulation: toHex(from.seal.encapsulation), sealed: toHex(from.seal.sealed) }, index: from.index,
    encapsulation: toHex(from.encapsulation), identity: stored(from.trustee), ...change,
  })
  const writerChanged = seal.encode(seal.CapsuleHeader, { ...capsules[0]!.header, writer: golden.grantee.id })
  const cases: [string, object][] = [
    ['opened', input(own)], ['of the second capsule', input(other)], ['of the third trustee', input(shares.at(-1)!)],
    ['of a trustee with newer keys', input(shares.find(({ index }) => index === 1)!)],
    ['moved to another capsule', input(own, { header: toHex(other.header) })], ['moved to another place', input(own, { index: 2 })],
    ['at a place that is none', input(own, { index: 3 })],
    ['opened by another trustee', input(own, { identity: stored(trustees[2]!) })],
    ['under another encapsulation', input(own, { encapsulation: toHex(other.encapsulation) })],
    ['of another writer\'s capsule', input(own, { header: toHex(writerChanged) })],
    ['changed', input(own, { seal: { encapsulation: toHex(own.seal.encapsulation), sealed: toHex(changed(own.seal.sealed, 3)) } })],
    ['header changed', input(own, { header: toHex(seal.encode(seal.CapsuleHeader, { ...capsules[0]!.header, retention: 'patient' })) })],
  ]
  return cases.map(([name, from]) => ({ name: `share ${name}`, op: 'share', in: from }))
}

const ownerCases = (golden: Golden): Vector[] => {
  const { capsules, owner, encapsulations, writer } = golden
  const base = { capsule: toHex(capsules[0]!.capsuleBytes), encapsulations: encapsulations.map(toHex), identity: stored(owner) }
  const first = seal.decode(seal.Capsule, capsules[0]!.capsuleBytes)
  const second = seal.decode(seal.Capsule, capsules[1]!.capsuleBytes)
  const { owner: _, ...withoutOwner } = first
  return [
    { name: 'owner opens alone', op: 'owner-release', in: base },
    { name: 'owner opens a later day', op: 'owner-release', in: { ...base, capsule: toHex(capsules[1]!.capsuleBytes) } },
    { name: 'owner\'s seal of another capsule', op: 'owner-release', in: { ...base, capsule: toHex(seal.encode(seal.Capsule, { ...first, owner: second.owner! })) } },
    { name: 'no owner\'s seal', op: 'owner-release', in: { ...base, capsule: toHex(seal.encode(seal.Capsule, withoutOwner)) } },
    { name: 'encapsulation withheld', op: 'owner-release', in: { ...base, encapsulations: [] } },
    { name: 'another opens', op: 'owner-release', in: { ...base, identity: stored(writer) } },
    { name: 'two share seals', op: 'owner-release', in: { ...base, capsule: toHex(seal.encode(seal.Capsule, { ...first, shares: first.shares.slice(1) })) } },
  ]
}

const disagreeing = async (golden: Golden): Promise<Vector> => {
  const header = { ...golden.capsules[0]!.header }
  const shares = await split(seededBytes(32), 3, 2)
  header.shareCommitments = shares.map((share, i) => seal.shareCommitment(header.capsule, i, share))
  const headerBytes = seal.encode(seal.CapsuleHeader, header)
  const answers = []
  for (const index of [0, 1]) {
    const trustee = golden.trustees[index]!.id
    const own = [{ headerHash: seal.capsuleHeaderHash(headerBytes), share: shares[index]! }]
    answers.push({ trustee, access: golden.access.id, ...(await sealRelease({ accessId: golden.access.id, trustee, oneTimeKey: golden.access.access.oneTimeKey, shares: own })) })
  }
  return { name: 'shares that make another secret', op: 'release', in: { ...releaseBase(golden), headers: [headerBytes], answers } }
}

const releaseBase = (golden: Golden) => ({
  answers: golden.answers, access: golden.access.id, oneTimeSecret: golden.access.oneTimeSecret,
  headers: golden.capsules.slice(0, 2).map(({ headerBytes }) => headerBytes), genesis: seal.encode(seal.VaultGenesis, golden.made.genesis),
})

const releaseCases = async (golden: Golden): Promise<Vector[]> => {
  const base = releaseBase(golden)
  const [a, b, c] = golden.answers as [(typeof golden.answers)[number], (typeof golden.answers)[number], (typeof golden.answers)[number]]
  const lying = { ...a, sealed: [changed(a.sealed[0]!, 0), a.sealed[1]!] }
  const own = golden.capsules.slice(0, 2).map(({ headerHash }, i) => ({ headerHash, share: changed(golden.shares[i]!.share, 0) }))
  const forged = { ...a, ...(await sealRelease({ accessId: golden.access.id, trustee: a.trustee, oneTimeKey: golden.access.access.oneTimeKey, shares: own })) }
  const cases: [string, object[]][] = [
    ['by all three', [a, b, c]], ['by the first two', [a, b]], ['by the last two', [c, b]], ['one liar among three', [lying, b, c]],
    ['one forged share among three', [forged, b, c]], ['by one', [a]], ['by none', []], ['the same answer twice', [a, a]], ['one liar of two', [lying, b]],
    ['shares in another order', [{ ...a, sealed: a.sealed.toReversed() }, b]], ['to another access', [{ ...a, access: golden.child.id }, b]],
    ['by nobody the vault names', [{ ...a, trustee: golden.writer.id }, b]], ['in another trustee\'s name', [{ ...a, trustee: c.trustee }, b]],
    ['a share left out', [{ ...a, sealed: a.sealed.slice(1) }, b]], ['encapsulation changed', [{ ...a, enc: changed(a.enc, 0) }, b, c]],
  ]
  return [
    ...cases.map(([name, answers]): Vector => ({ name: `release ${name}`, op: 'release', in: { ...base, answers } })),
    { name: 'release under another one-time key', op: 'release', in: { ...base, oneTimeSecret: changed(base.oneTimeSecret, 0) } },
    await disagreeing(golden),
  ].map((vector) => vector)
}

const recordCases = async (golden: Golden, releases: readonly Uint8Array[]): Promise<Vector[]> => {
  const { bodies, capsules, first, second } = golden
  const secrets = [first.secrets[0]!.secret!, second.secrets[0]!.secret!, second.secrets[2]!.secret!]
  const input = (place: number, change: object = {}) => {
    const { capsule, headerBytes, body } = bodies[place]!
    const at = capsules.indexOf(capsule)
    return { capsule: capsule.headerBytes, release: releases[at]!, secret: secrets[at]!, header: headerBytes, body, ...change }
  }
  const key = capsules[0]!
  /** A body as a hostile writer may make it: any plaintext, rightly sealed. */
  const hostile = async (whole: Uint8Array, change: Partial<seal.RecordHeader> = {}) => {
    const header = { ...seal.decode(seal.RecordHeader, bodies[1]!.headerBytes), ...change }
    const headerBytes = seal.encode(seal.RecordHeader, header)
    const hash = header.dictionary > 1 ? seal.ZERO32 : dictionaryOf(header.dictionary).hash
    const context = seal.concatBytes(labelBytes('recordContext'), key.headerHash, hash, headerBytes)
    return { header: headerBytes, body: await sealBody(capsuleSecret(key), seededBytes(24), context, oneText(whole)) }
  }
  const packed = (compressed: Uint8Array, size: number, tail = 0): Uint8Array => {
    const whole = new Uint8Array(size)
    whole.set(seal.u32(compressed.length))
    whole.set(compressed, 4)
    whole[size - 1]! |= tail
    return whole
  }
  const bomb = new Uint8Array(deflateRawSync(new Uint8Array(65 * 1024 * 1024), { level: 9 }))
  const growing = new Uint8Array(deflateRawSync(new Uint8Array(20_000).fill(32), { level: 9 }))
  const header = bodies[1]!.headerBytes
  const moved = (change: Partial<seal.RecordHeader>): Uint8Array => seal.encode(seal.RecordHeader, { ...seal.decode(seal.RecordHeader, header), ...change })
  const cases: [string, object][] = [
    ...bodies.map((_, i): [string, object] => [`record ${i} opened`, input(i)]),
    ['record under another capsule', input(1, { capsule: capsules[1]!.headerBytes, release: releases[1]!, secret: secrets[1]! })],
    ['record header of another capsule', input(1, { header: moved({ capsule: capsules[1]!.header.capsule }) })],
    ['record under another handle', input(1, { header: moved({ handle: new Uint8Array(16) }) })],
    ['record under another version', input(1, { header: moved({ version: 9 }) })],
    ['record under another record id', input(1, { header: moved({ record: new Uint8Array(16) }) })],
    ['record under another time', input(1, { header: moved({ time: 1 }) })],
    ['record with the header of another', input(1, { header: bodies[0]!.headerBytes })],
    ['record said to have no dictionary', input(1, { header: moved({ dictionary: 0 }) })],
    ['record body changed', input(1, { body: changed(bodies[1]!.body, 60) })],
    ['record body cut', input(1, { body: bodies[1]!.body.slice(0, 60) })],
    ['secret of another epoch', input(1, { secret: secrets[1]! })], ['no secret', input(1, { secret: undefined })],
    ['release of another capsule', input(1, { release: releases[1]! })],
    ['capsule header changed', input(1, { capsule: seal.encode(seal.CapsuleHeader, { ...capsules[0]!.header, opened: 1 }) })],
    ['dictionary of the future', input(1, await hostile(new Uint8Array(8), { dictionary: 2 }))],
    ['suite of the future', input(1, { header: moved({ suite: 2 }) })],
    ['length over the body', input(1, await hostile(Uint8Array.of(0, 0, 0, 5, 1, 2, 3, 4)))],
    ['no room for a length', input(1, await hostile(Uint8Array.of(0, 0)))],
    ['padding longer than Padmé', input(1, await hostile(packed(deflateRawSync(Buffer.from('{}')), 64)))],
    ['padding not zero', input(1, await hostile(packed(deflateRawSync(Buffer.from('{"a":1234567890123456789}'), { level: 0 }), 36, 1)))],
    ['no DEFLATE', input(1, await hostile(Uint8Array.of(0, 0, 0, 4, 255, 255, 255, 255)))],
    ['a tombstone that says something', input(1, await hostile(Uint8Array.of(0, 0, 0, 4, 1, 2, 3, 4), { contentType: 'tombstone', dictionary: 0 }))],
    ['octets with a dictionary', input(1, await hostile(Uint8Array.of(0, 0, 0, 4, 1, 2, 3, 4), { contentType: 'octets' }))],
    ['a body that grows 129-fold and more', input(1, await hostile(packed(growing, padmeOf(growing.length + 4)), { dictionary: 0 }))],
    ['a bomb', input(1, await hostile(packed(bomb, padmeOf(bomb.length + 4)), { dictionary: 0 }))],
  ]
  return cases.map(([name, from]) => ({ name, op: 'record', in: from }))
}

const padmeOf = (length: number): number => {
  const exponent = Math.floor(Math.log2(length))
  const step = 2 ** (exponent - Math.floor(Math.log2(exponent)) - 1)
  return Math.ceil(length / step) * step
}

/** Commits of another author beside the golden ones: one as it should be, then what a liar makes of it. */
const otherAuthor = async ({ made, owner, grantee, commits }: Golden) => {
  const courier = new Courier(grantee.id, context)
  const records = commits[0]!.records.map(({ header, digest, size }) => ({ headerBytes: header, digest, size }))
  const base = { vault: made.vault, custodian: owner.id, author: grantee, capsules: [], records, linkRecipient: owner.keys }
  const first = await createCommit(base, courier, context)
  const linkedToNothing = await createCommit({ ...base, previous: seededBytes(32) }, courier, context)
  const body = first.statement
  const signed = async (change: Partial<seal.Commit>) => toHex(await grantee.sign('commit', seal.encode(seal.Commit, { ...body, ...change })))
  const withoutCount = await courier.sealTo(owner.keys, 'link', body.root, seededBytes(32))
  const asShare = await courier.sealTo(owner.keys, 'share', body.root, seededBytes(36))
  return {
    encapsulations: first.encapsulations.map(toHex), right: toHex(first.commit), toNothing: toHex(linkedToNothing.commit),
    withoutCount: await signed({ linkSeal: withoutCount }), inAnotherRole: await signed({ linkSeal: asShare }),
  }
}

const linkCases = async (golden: Golden): Promise<Vector[]> => {
  const { commits, made, owner, writer, encapsulations, team, grantee } = golden
  const [a, b, c, d] = commits.map(({ commit }) => toHex(commit)) as [string, string, string, string]
  const base = { commits: [a, b, c, d], vault: toHex(made.vault), custodian: toHex(owner.id), authors: [chainOf(writer)], identity: stored(owner), encapsulations: encapsulations.map(toHex) }
  const other = await otherAuthor(golden)
  const two = { ...base, authors: [chainOf(writer), chainOf(grantee)], encapsulations: [...base.encapsulations, ...other.encapsulations] }
  return [
    { name: 'two authors', op: 'links', in: { ...two, commits: [a, other.right, b, c, d] } },
    { name: 'an author whose link names nothing', op: 'links', in: { ...two, commits: [a, other.toNothing, b, c, d] } },
    { name: 'such an author, and a commit of another withheld', op: 'links', in: { ...two, commits: [a, other.toNothing, c, d] } },
    { name: 'an author whose link has no count of records', op: 'links', in: { ...two, commits: [other.withoutCount, a, b] } },
    { name: 'an author whose link is sealed as a share', op: 'links', in: { ...two, commits: [other.inAnotherRole, a, b] } },
    { name: 'all commits linked', op: 'links', in: base }, { name: 'the newest not served', op: 'links', in: { ...base, commits: [a, b, c] } },
    { name: 'one withheld', op: 'links', in: { ...base, commits: [a, c, d] } }, { name: 'the first withheld', op: 'links', in: { ...base, commits: [b, c, d] } },
    { name: 'two out of order', op: 'links', in: { ...base, commits: [a, c, b, d] } }, { name: 'one twice', op: 'links', in: { ...base, commits: [a, b, b, c] } },
    { name: 'encapsulation withheld', op: 'links', in: { ...base, encapsulations: [] } }, { name: 'another vault', op: 'links', in: { ...base, vault: toHex(owner.id) } },
    { name: 'author unknown', op: 'links', in: { ...base, authors: [] } }, { name: 'not the link\'s recipient', op: 'links', in: { ...base, identity: stored(team) } },
  ]
}

export const bodyCases = async (golden: Golden, releases: readonly Uint8Array[]): Promise<Vector[]> => {
  const { plain } = await import('./operations.ts')
  const cases = [
    ...shareCases(golden), ...ownerCases(golden), ...(await releaseCases(golden)), ...(await recordCases(golden, releases)), ...(await linkCases(golden)),
  ]
  return plain(cases) as Vector[]
}
