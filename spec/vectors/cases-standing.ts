/**
 * What registers, patients, colleagues, officers, sponsors and trustees sign since the meter: each kind valid, and each with one
 * thing wrong. Whoever forges, replays or stretches such a statement wants a budget, an explanation or a share that it has not.
 */
import { createIdentity, type Identity, rotateIdentity } from '../../packages/seal/src/identity.ts'
import * as seal from '../../packages/seal/src/verify.ts'
import { entriesOf, type Entry, joined, listOf, numberOf, octetsOf, textOf } from './cbor-entries.ts'
import { context, type Golden, nowSeconds } from './golden.ts'
import { chainOf, changed } from './material.ts'
import { type Vector } from './operations.ts'

const { toHex, SUITE } = seal

/** One kind: a full and a small value, which field holds a choice beyond its last, and which one is over its limit. */
export interface Kind {
  readonly kind: seal.Kind
  readonly codec: seal.Codec<any>
  readonly full: Record<string, unknown>
  /** Without what may be left out. */
  readonly small?: Record<string, unknown>
  readonly choices?: readonly [field: number, count: number][]
  readonly over: readonly [what: string, field: number, value: Uint8Array][]
}

const hash = (place: number): Uint8Array => seal.sha256(seal.u32(place))
const id16 = (place: number): Uint8Array => hash(place).slice(0, 16)

const without = (value: Record<string, unknown>, ...names: string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)))

const people = (now: number): Kind[] => {
  const times = { notBefore: now, expires: now + 86_400 }
  const status = {
    suite: SUITE, subject: hash(1), role: 'gp', meter: hash(2), organisation: hash(3), vendor: hash(4), under: hash(5), stepUp: hash(6),
    patientsPerDay: 40, emergency: true, ...times, salt: id16(7), name: 'Cabinet d’essai',
  }
  const fact = { suite: SUITE, type: 'presence', vault: hash(8), organisation: hash(3), reader: hash(1), ...times, nonce: id16(9) }
  const confirmation = { suite: SUITE, type: 'officer', reader: hash(1), organisation: hash(3), vault: hash(8), reason: 'contrôle', time: now, nonce: id16(10), duty: 'coding' }
  const order = { suite: SUITE, action: 'lock', scope: 'person', target: hash(2), ...times, reason: 'appareil volé', nonce: id16(11), replacement: hash(58) }
  const withdrawal = { suite: SUITE, subject: hash(1), time: now, salt: id16(57) }
  return [
    {
      kind: 'status', codec: seal.Status, full: status, small: without(status, 'organisation', 'vendor', 'under', 'stepUp', 'patientsPerDay', 'emergency', 'name'),
      choices: [[2, seal.ROLES.length]], over: [['a name of 201 bytes', 13, textOf(201)], ['ten million and one patients a day', 8, Uint8Array.of(0x1a, 0x00, 0x98, 0x96, 0x81)]],
    },
    { kind: 'fact', codec: seal.Fact, full: fact, small: without(fact, 'reader'), choices: [[1, seal.FACTS.length]], over: [['a vault of 33 bytes', 2, octetsOf(33)]] },
    {
      kind: 'confirmation', codec: seal.Confirmation, full: confirmation, small: { ...without(confirmation, 'vault', 'duty'), type: 'step-up' },
      choices: [[1, seal.CONFIRMATIONS.length], [8, seal.DUTIES.length]], over: [['a reason of 501 bytes', 5, textOf(501)]],
    },
    {
      kind: 'order', codec: seal.Order, full: order, small: without(order, 'replacement'), choices: [[1, seal.ORDERS.length], [2, seal.LOCK_SCOPES.length]],
      over: [['a reason of 501 bytes', 6, textOf(501)], ['a replacement of 31 bytes', 8, octetsOf(31)]],
    },
    { kind: 'withdrawal', codec: seal.Withdrawal, full: withdrawal, over: [['a subject of 31 bytes', 1, octetsOf(31)]] },
  ]
}

const vendors = (now: number): Kind[] => {
  const ticket = {
    suite: SUITE, organisation: hash(3), vendor: hash(4), number: 'T-2026-0117', vaults: [hash(8), hash(12)], purpose: 'administration', subcontract: false,
    notBefore: now, expires: now + 14_400, nonce: id16(13),
  }
  const report = { suite: SUITE, ticket: hash(14), reader: hash(1), accesses: [hash(15), hash(16)], from: now, to: now + 60, nonce: id16(17) }
  return [
    {
      kind: 'ticket', codec: seal.Ticket, full: ticket, small: { ...ticket, vaults: [] }, choices: [[5, seal.PURPOSES.length]],
      over: [['26 vaults', 4, listOf(octetsOf(32), 26)]],
    },
    { kind: 'report', codec: seal.Report, full: report, small: { ...report, accesses: [] }, over: [['1,025 accesses', 3, listOf(octetsOf(32), 1_025)]] },
  ]
}

const vaults = (now: number): Kind[] => {
  const binding = { suite: SUITE, pseudonym: hash(18), vault: hash(8), previous: hash(19), time: now, nonce: id16(20) }
  const link = { suite: SUITE, action: 'split', vault: hash(8), other: hash(12), previous: hash(21), time: now, nonce: id16(22) }
  const proof = { suite: SUITE, subject: hash(1), pseudonym: hash(18), inPerson: true, notBefore: now, expires: now + 86_400, nonce: id16(23), vault: hash(8) }
  return [
    { kind: 'binding', codec: seal.Binding, full: binding, small: without(binding, 'previous'), over: [['a pseudonym of 33 bytes', 1, octetsOf(33)]] },
    { kind: 'link', codec: seal.Link, full: link, small: { ...without(link, 'previous'), action: 'merge' }, choices: [[1, seal.LINKS.length]], over: [['a vault of 33 bytes', 2, octetsOf(33)]] },
    {
      kind: 'identity-proof', codec: seal.IdentityProof, full: proof, small: { ...without(proof, 'vault'), inPerson: false },
      over: [['a pseudonym of 31 bytes', 2, octetsOf(31)], ['in person with a number', 3, numberOf(1)]],
    },
    { kind: 'decoy', codec: seal.Decoy, full: { suite: SUITE, vault: hash(8), time: now, nonce: id16(24) }, over: [['a nonce of 17 bytes', 3, octetsOf(17)]] },
  ]
}

const trustees = (now: number, trustee: Uint8Array): Kind[] => {
  const release = { suite: SUITE, trustee, vault: hash(8), access: hash(25), capsules: 2, time: now, salt: id16(26), charge: octetsOf(90) }
  return [
    {
      kind: 'spent', codec: seal.SpentUpTo, full: { suite: SUITE, trustee, serial: 4_711, time: now },
      over: [['a serial over 2^53', 2, Uint8Array.of(0x1b, 0, 0x20, 0, 0, 0, 0, 0, 0)], ['a serial that is not shortest', 2, Uint8Array.of(0x18, 5)]],
    },
    {
      kind: 'release', codec: seal.Release, full: release, small: without(release, 'charge'),
      over: [['a charge of 1,025 bytes', 7, octetsOf(1_025)], ['a charge of 15 bytes', 7, octetsOf(15)], ['1,025 capsules', 4, Uint8Array.of(0x19, 4, 1)]],
    },
  ]
}

/** What reaches trustees by way of the log, and what a site notes of a card. */
const notes = (now: number): Kind[] => {
  const notice = {
    suite: SUITE, about: 'order', subject: hash(50), time: now, salt: id16(51),
    keys: [{ trustee: hash(52), enc: new Uint8Array(1_120), sealed: new Uint8Array(48) }], key: hash(53), content: new Uint8Array(40),
  }
  const opening = {
    suite: SUITE, card: hash(54), vault: hash(8), reader: hash(1), site: hash(55), reason: 'inconscient', time: now, nonce: id16(56), organisation: hash(3),
  }
  return [
    { kind: 'notice', codec: seal.Notice, full: notice, choices: [[1, seal.NOTICES.length]], over: [['a content of 16 bytes', 7, octetsOf(16)], ['a subject of 31 bytes', 2, octetsOf(31)]] },
    { kind: 'card-opening', codec: seal.CardOpening, full: opening, small: without(opening, 'organisation'), over: [['a reason of 501 bytes', 5, textOf(501)]] },
  ]
}

/** Everything that is the same for each kind. `signer` replaced its key once; it signs with the newest. */
export const kindCases = async (what: Kind, signer: Identity, other: Identity): Promise<Vector[]> => {
  const { kind, codec, full, small, choices = [], over } = what
  const body = seal.encode(codec, full)
  const entries = entriesOf(body)
  const good = await signer.sign(kind, body)
  const of = (name: string, signed: Uint8Array, change: object = {}): Vector =>
    ({ name: `${kind}: ${name}`, op: 'statement', in: { kind, signed: toHex(signed), signer: chainOf(signer), ...change } })
  const wrong = async (name: string, bytes: Uint8Array): Promise<Vector> => of(name, await signer.sign(kind, bytes))
  const replaced = (field: number, value: Uint8Array): Uint8Array => joined(entries.map((entry) => (entry.key === field ? { ...entry, value } : entry)))
  const [first, second, ...rest] = entries as [Entry, Entry, ...Entry[]]
  const others = seal.KINDS.filter((one) => one !== kind)
  const elsewhere = others[seal.KINDS.indexOf(kind) % others.length]!
  const cases: Vector[] = [
    of('with all fields', good),
    ...(small === undefined ? [] : [of('with the fewest fields', await signer.sign(kind, seal.encode(codec, small)))]),
    await wrong('last field under an unknown number', joined([...entries.slice(0, -1), { ...entries.at(-1)!, key: 23 }])),
    await wrong('one field more', joined([...entries, { key: 23, value: numberOf(0) }])),
    await wrong('fields out of order', joined([second, first, ...rest])),
    await wrong('field twice', joined([first, first, ...rest])),
    await wrong('field missing', joined([first, ...rest])),
    await wrong('trailing byte', seal.concatBytes(body, Uint8Array.of(0))),
    await wrong('truncated', body.slice(0, -1)),
    await wrong('another suite', replaced(0, numberOf(2))),
    of(`shown as another kind, ${elsewhere}`, good, { kind: elsewhere }),
    of('whose signature is of another kind', seal.encode(seal.Signed, { ...seal.decode(seal.Signed, await signer.sign(elsewhere, body)), kind })),
    of('by another signer', good, { signer: chainOf(other) }),
    of('under a key that its signer has not', good, { signer: chainOf(signer).slice(0, 1) }),
    of('signature forged', changed(good, -1)),
    of('body changed', seal.encode(seal.Signed, { ...seal.decode(seal.Signed, good), body: changed(body, -1) })),
  ]
  for (const [field, count] of choices) cases.push(await wrong(`field ${field} with choice ${count}, one too many`, replaced(field, numberOf(count))))
  for (const [name, field, value] of over) cases.push(await wrong(name, replaced(field, value)))
  return cases
}

/** Every choice there is, once: their places are the format. */
const choiceCases = (signer: Identity, kinds: readonly Kind[]): Promise<Vector>[] => {
  const lists: [seal.Kind, string, readonly string[]][] = [
    ['status', 'role', seal.ROLES], ['fact', 'type', seal.FACTS], ['confirmation', 'type', seal.CONFIRMATIONS], ['confirmation', 'duty', seal.DUTIES],
    ['order', 'action', seal.ORDERS], ['order', 'scope', seal.LOCK_SCOPES], ['ticket', 'purpose', seal.PURPOSES], ['link', 'action', seal.LINKS],
    ['notice', 'about', seal.NOTICES],
  ]
  return lists.flatMap(([kind, name, choices]) => choices.map(async (choice): Promise<Vector> => {
    const { codec, full } = kinds.find((one) => one.kind === kind)!
    const signed = await signer.sign(kind, seal.encode(codec, { ...full, [name]: choice }))
    return { name: `${kind}: ${name} ${choice}`, op: 'statement', in: { kind, signed: toHex(signed), signer: chainOf(signer) } }
  }))
}

/** Whom a control leaf is about, of the statements that became control leaves with the meter. */
const leafCases = async (signer: Identity, kinds: readonly Kind[]): Promise<Vector[]> => {
  const cases: Vector[] = []
  for (const { kind, codec, full } of kinds) {
    const signed = toHex(await signer.sign(kind, seal.encode(codec, full)))
    cases.push({ name: `leaf: ${kind}`, op: 'log-entry', in: { signed, salt: '09'.repeat(16) } })
  }
  return cases
}

const linkCases = async ({ owner, made, writer }: Golden): Promise<Vector[]> => {
  const body = { ...made.genesis, controller: writer.id, mode: 'custody' as const, salt: id16(30) }
  const otherGenesis = await writer.sign('vault-genesis', seal.encode(seal.VaultGenesis, body))
  const [vault, other] = [made.vault, seal.statementId(otherGenesis)]
  const base: seal.Link = { suite: SUITE, action: 'merge', vault, other, time: nowSeconds(), nonce: id16(31) }
  const geneses = [made.genesisSigned, otherGenesis]
  const sign = (link: seal.Link, ...signers: Identity[]): Promise<Uint8Array[]> => Promise.all(signers.map((one) => one.sign('link', seal.encode(seal.Link, link))))
  const of = (name: string, link: Uint8Array[], shown = geneses): Vector =>
    ({ name: `vaults: ${name}`, op: 'link', in: { link: link.map(toHex), geneses: shown.map(toHex), keys: [owner, writer].map(chainOf) } })
  const both = await sign(base, owner, writer)
  const split: seal.Link = { ...base, action: 'split', previous: seal.statementId(both[0]!) }
  return [
    of('merged by both controllers', both),
    of('merged by one', both.slice(0, 1)),
    of('merged, the other vault\'s controller first', both.toReversed()),
    of('merged under different words', [both[0]!, ...(await sign({ ...base, nonce: id16(32) }, writer))]),
    of('merged with itself', await sign({ ...base, other: vault }, owner), [made.genesisSigned, made.genesisSigned]),
    of('merge that names an earlier one', await sign({ ...base, previous: hash(33) }, owner, writer)),
    of('merged by nobody', []),
    of('merged, one genesis missing', both, geneses.slice(0, 1)),
    of('merged, geneses swapped', both, geneses.toReversed()),
    of('split by one', await sign(split, writer)),
    of('split by the other one', await sign(split, owner)),
    of('split that names no merge', await sign({ ...base, action: 'split' }, owner, writer)),
  ]
}

const positionCases = (): Vector[] => {
  const position = { suite: SUITE, index: hash(40), statement: hash(41), sequence: 7, time: nowSeconds(), salt: id16(42), generation: 2 }
  const held = [{ statement: hash(41), sequence: 7, time: nowSeconds(), salt: id16(42) }]
  return [
    { name: 'a Position of a successor', op: 'decode', in: { struct: 'Position', bytes: toHex(seal.encode(seal.Position, position)) } },
    { name: 'Positions of a successor', op: 'decode', in: { struct: 'Positions', bytes: toHex(seal.encode(seal.Positions, { suite: SUITE, index: hash(40), held, generation: 2 })) } },
  ]
}

export const standingCases = async (golden: Golden): Promise<Vector[]> => {
  const signer = await rotateIdentity(await createIdentity('organisation', context), context)
  const kinds = [...people(nowSeconds()), ...vendors(nowSeconds()), ...vaults(nowSeconds()), ...trustees(nowSeconds(), signer.id), ...notes(nowSeconds())]
  const cases: Vector[] = []
  for (const kind of kinds) cases.push(...(await kindCases(kind, signer, golden.writer)))
  return [...cases, ...(await Promise.all(choiceCases(signer, kinds))), ...(await leafCases(signer, kinds)), ...(await linkCases(golden)), ...positionCases()]
}
