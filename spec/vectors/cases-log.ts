/** Leaves of the log and receipts: of trees of several sizes, and each with one thing wrong. */
import { CompactRange, checkpointText, cosignNote, formatNote, formatProof, inclusionProof, leafHash, type LogProof, type NoteKey, type NoteSignature, parseProof, type ReadNodes, signNote } from '../../packages/log/src/log.ts'
import { createIdentity, type Identity, rotateIdentity } from '../../packages/seal/src/identity.ts'
import * as seal from '../../packages/seal/src/verify.ts'
import { entryOf, logKeys, logOrigin, witnessKeys } from '../../packages/wire/src/log.ts'
import { context, type Golden, nowSeconds } from './golden.ts'
import { chainOf, changed } from './material.ts'
import type { Vector } from './operations.ts'

const { toHex } = seal

const entryCases = (golden: Golden): Vector[] => {
  const salt = toHex(new Uint8Array(16).fill(9))
  const statements: [string, Uint8Array][] = [
    ['a genesis key record is about its own id', golden.owner.chain[0]!], ['a later key record about its signer', golden.owner.chain[1]!],
    ['a revocation about its grant', golden.revocation.signed], ['a first manifest about nobody', golden.first.signed],
    ['a second manifest about its vault', golden.second.signed], ['an access about nobody', golden.access.signed],
    ['a grant about nobody', golden.root.grantSigned], ['a commit about nobody', golden.commits[0]!.commit],
    ['a vault genesis about nobody', golden.made.genesisSigned],
  ]
  return [
    ...statements.map(([name, signed]): Vector => ({ name: `leaf: ${name}`, op: 'log-entry', in: { signed: toHex(signed), salt } })),
    { name: 'leaf: another salt', op: 'log-entry', in: { signed: toHex(golden.access.signed), salt: '0a'.repeat(16) } },
    { name: 'leaf: of no statement', op: 'log-entry', in: { signed: '00', salt } },
  ]
}

interface Signer { identity: Identity; key: NoteKey }
const newestKey = (keys: readonly NoteKey[]): NoteKey => keys.at(-1)!

/** A log in which the statement stands at a place among leaves of nothing. */
const treeWith = (leaf: Uint8Array, place: number, size: number) => {
  const tree = new CompactRange()
  const stored = new Map<string, Uint8Array>()
  for (let i = 0; i < size; i++) {
    const entry = i === place ? leaf : seal.encode(seal.LogEntry, { commitment: seal.sha256(seal.u32(i)) })
    tree.append(leafHash(entry), ({ level, index }, hash) => stored.set(`${level}/${index}`, hash))
  }
  const read: ReadNodes = async (nodes) => nodes.map(({ level, index }) => stored.get(`${level}/${index}`)!)
  return { root: tree.root(), hashes: () => inclusionProof(place, size, read) }
}

const receiptCases = async (golden: Golden): Promise<Vector[]> => {
  const former = await createIdentity('index', context)
  const index = await rotateIdentity(former, context)
  const stranger = await createIdentity('trustee', context)
  const { trustees } = golden
  const log = (identity: Identity, generation = 1): Signer => ({ identity, key: newestKey(logKeys({ ...index.keys, records: identity.keys.records }, generation)) })
  const witness = (identity: Identity, key = newestKey(witnessKeys(identity.keys))): Signer => ({ identity, key })
  const salt = new Uint8Array(16).fill(3)
  const statement = golden.access.signed

  interface Made { place?: number; size?: number; signed?: Uint8Array; unlabelled?: boolean; origin?: string; root?: Uint8Array; by?: Signer[]; cosigners?: Signer[]; extra?: Uint8Array | undefined; lines?: (made: NoteSignature[]) => NoteSignature[] }
  const make = async (how: Made): Promise<Uint8Array> => {
    const { place = 5, size = 11, signed = statement } = how
    const unlabelled = seal.logEntry({ salt, statement: seal.statementId(signed) })
    const tree = treeWith(how.unlabelled === true ? unlabelled : entryOf(signed, salt), place, size)
    const text = checkpointText({ origin: how.origin ?? logOrigin(index.id), size, root: how.root ?? tree.root })
    const signatures: NoteSignature[] = []
    for (const { identity, key } of how.by ?? [log(index)]) signatures.push(await signNote(text, key, identity.signRaw))
    for (const [i, { identity, key }] of (how.cosigners ?? trustees.slice(0, 2).map((one) => witness(one!))).entries()) {
      signatures.push(await cosignNote(text, nowSeconds() + i, key, identity.signRaw))
    }
    const lines = how.lines?.(signatures) ?? signatures
    return formatProof({ index: place, hashes: await tree.hashes(), checkpoint: formatNote({ text, signatures: lines }), extra: 'extra' in how ? how.extra : salt })
  }
  const all = [0, 1, 2].map((i) => witness(trustees[i]!))
  const base = { index: chainOf(index), trustees: trustees.map((one) => chainOf(one!)), quorum: 2 }
  const of = (name: string, receipt: Uint8Array, change: object = {}): Vector =>
    ({ name: `receipt: ${name}`, op: 'receipt', in: { receipt: toHex(receipt), signed: toHex(statement), ...base, ...change } })
  const good = await make({})
  const read = parseProof(good)
  const again = (change: Partial<LogProof>): Uint8Array => formatProof({ ...read, ...change })
  const text = Buffer.from(good).toString()
  const rewritten = (from: string | RegExp, to: string): Uint8Array => new Uint8Array(Buffer.from(text.replace(from, to)))
  const bad = (lines: NoteSignature[], at: number): NoteSignature[] => lines.map((line, i) => (i === at ? { ...line, signature: changed(line.signature, -1) } : line))
  const places: [number, number][] = [[0, 1], [0, 2], [1, 2], [2, 3], [6, 7], [255, 256], [256, 257], [100, 300]]
  const sizes: Vector[] = []
  for (const [place, size] of places) sizes.push(of(`leaf ${place} of ${size}`, await make({ place, size })))
  const oldTrustee = { ...golden.trustees[1]!, chain: golden.trustees[1]!.chain.slice(0, 1) }
  return [
    ...sizes,
    of('final', await make({ cosigners: all }), { quorum: 3 }),
    of('not final', good, { quorum: 3 }),
    of('by the witness that must be', good, { required: toHex(trustees[1]!.id) }),
    of('without the witness that must be', good, { required: toHex(trustees[2]!.id) }),
    of('one cosignature', await make({ cosigners: all.slice(0, 1) })),
    of('one cosignature twice', await make({ cosigners: [all[0]!, all[0]!] })),
    of('a stranger cosigns', await make({ cosigners: [all[0]!, witness(stranger)] })),
    of('a trustee cosigns in another\'s name', await make({ cosigners: [all[0]!, witness(trustees[0]!, newestKey(witnessKeys(trustees[2]!.keys)))] })),
    of('one cosignature false, beside two that hold', await make({ cosigners: all, lines: (lines) => bad(lines, 3) })),
    of('a stranger\'s line is ignored', await make({ lines: (lines) => [{ name: 'x', keyId: new Uint8Array(4), signature: new Uint8Array(1) }, ...lines] })),
    of('signed by the index\'s former key', await make({ by: [log(former)] })),
    of('a trustee\'s newest key that the reader does not know', good, { trustees: [base.trustees[0], chainOf(oldTrustee as Identity), base.trustees[2]] }),
    of('not signed by the log', await make({ by: [] })),
    of('signed by a trustee as the log', await make({ by: [{ identity: trustees[0]!, key: { ...log(index).key, key: trustees[0]!.keys.current.signingKey } }] })),
    of('the log\'s signature false', await make({ lines: (lines) => bad(lines, 0) })),
    of('under a key that the index got after all that the reader knows', good, { index: chainOf(former) }),
    of('of another index', good, { index: chainOf(await createIdentity('index', context)) }),
    of('of another origin', await make({ origin: logOrigin(stranger.id) })),
    of('of the successor', await make({ origin: logOrigin(index.id, 2), by: [log(index, 2)] }), { generation: 2 }),
    of('of the successor, shown as the first', await make({ origin: logOrigin(index.id, 2), by: [log(index, 2)] })),
    of('of the first, shown as the successor', good, { generation: 2 }),
    of('of another statement', good, { signed: toHex(golden.root.grantSigned) }),
    of('of a control leaf', await make({ signed: golden.revocation.signed }), { signed: toHex(golden.revocation.signed) }),
    of('of a control leaf without its label', await make({ signed: golden.revocation.signed, unlabelled: true }), { signed: toHex(golden.revocation.signed) }),
    of('another salt', again({ extra: changed(salt, 0) })),
    of('no salt', again({ extra: undefined })),
    of('a salt too long', again({ extra: new Uint8Array(17) })),
    of('another place', again({ index: 4 })),
    of('a place outside the tree', again({ index: 11 })),
    of('a hash changed', again({ hashes: read.hashes.map((hash, i) => (i === 1 ? changed(hash, 0) : hash)) })),
    of('a hash missing', again({ hashes: read.hashes.slice(1) })),
    of('a hash more', again({ hashes: [...read.hashes, new Uint8Array(32)] })),
    of('another root', await make({ root: new Uint8Array(32) })),
    of('a place with a leading zero', rewritten('index 5', 'index 05')),
    of('another header', rewritten('proof@v1', 'proof@v2')),
    of('base64 with spare bits', rewritten(/^extra (.*)w==$/m, 'extra $1x==')),
    of('a size with a leading zero', rewritten('\n11\n', '\n011\n')),
    of('no checkpoint', rewritten(/\n\n[^]*/, '\n\n')),
    of('a carriage return', rewritten('\n11\n', '\r\n11\n')),
    of('a signature line without its dash', rewritten('\n— ', '\n- ')),
    of('cut', good.slice(0, -1)),
    of('empty', new Uint8Array(0)),
  ]
}

export const logCases = async (golden: Golden): Promise<Vector[]> => [...entryCases(golden), ...(await receiptCases(golden))]
