/** No log entry, no key: an index in an attacker's hands, with a reader's valid keys, gets nothing out of a trustee. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cosignNote, formatNote, type NoteKey, parseNote } from '@scelle/log'
import { createRevocation, type MadeGrant } from '@scelle/seal/grants'
import { createIdentity, type Identity, rotateIdentity } from '@scelle/seal/identity'
import { witnessKeys } from '@scelle/wire/log'
import type { ReleaseRequest } from '@scelle/wire/messages'
import { cosignedNote, follow, receiptUnder, TestLog } from './log-world.ts'
import { askRelease } from './logged.ts'
import {
  grantsToDoctor, makeCapsule, makeWorld, type Outcome, prepare, type Prepared, type Running, startTrustee,
  type World,
} from './world.ts'

let world: World
let log: TestLog
let runnings: [Running, Running]
let chain: [MadeGrant, MadeGrant]
let prepared: Prepared
let place: { leaf: number; salt: Uint8Array }

beforeEach(async () => {
  world = await makeWorld('receipts')
  runnings = [startTrustee(world, 0), startTrustee(world, 1)]
  chain = await grantsToDoctor(world)
  prepared = await prepare(world, { capsules: [await makeCapsule(world)], chain })
  log = new TestLog(world).append(3)
  place = log.add(prepared.access.signed)
  log.append(2)
})
afterEach(() => runnings.forEach(({ store }) => store.close()))

const ask = (
  receipt: Uint8Array, change: Partial<ReleaseRequest> = {}, running = runnings[0],
): Promise<Outcome> => askRelease(world, running, {
  ...prepared.request,
  receipt,
  ...change,
})

const followed = async (): Promise<Uint8Array> => {
  for (const running of runnings) await follow(world, running, log)
  return cosignedNote(runnings)
}

/** A note that only those cosigned whom the attacker has. */
const cosignedBy = async (text: Uint8Array, ...witnesses: Identity[]): Promise<Uint8Array> => {
  const note = parseNote(text)
  const own = witnesses.map((witness) => cosignNote(note.text, Math.floor(world.clock.now() / 1000),
    witnessKeys(witness.keys).at(-1) as NoteKey, witness.signRaw))
  return formatNote({ ...note, signatures: [...note.signatures, ...await Promise.all(own)] })
}

const refused = (detail: RegExp) =>
  expect.objectContaining({ status: 403, code: 'receipt-invalid', detail: expect.stringMatching(detail) })

describe('a receipt', () => {
  test('under a checkpoint that this trustee and another one cosigned: released', async () => {
    const receipt = await receiptUnder(log, place, await followed())
    expect((await ask(receipt)).status).toBe(200)
    expect((await ask(receipt, {}, runnings[1])).code).toBe('bad-statement')
  })

  test('under an older checkpoint of the same log: released as well', async () => {
    const note = await followed()
    log.append(700)
    await followed()
    expect((await ask(await receiptUnder(log, place, note))).status).toBe(200)
  })

  test('of another access, or with another salt, or leaf: refused', async () => {
    const note = await followed()
    const other = { leaf: 1, salt: place.salt }
    expect(await ask(await receiptUnder(log, other, note))).toEqual(refused(/^inclusion-invalid/))
    const salt = { leaf: place.leaf, salt: new Uint8Array(16) }
    expect(await ask(await receiptUnder(log, salt, note))).toEqual(refused(/^inclusion-invalid/))
    const second = await prepare(world, { capsules: [await makeCapsule(world)], chain })
    const receipt = await receiptUnder(log, place, note)
    const { access } = second.request
    expect(await ask(receipt, { access })).toEqual(refused(/^inclusion-invalid/))
  })

  test('that is none, or whose checkpoint nobody cosigned: refused', async () => {
    await followed()
    expect(await ask(new Uint8Array(9))).toEqual(refused(/^proof-malformed/))
    expect(await ask(await receiptUnder(log, place, await log.note()))).toEqual(refused(/^cosignatures-insufficient/))
  })
})

describe('an index in the attacker\'s hands', () => {
  test('signs what it likes: without cosignatures it is worth nothing', async () => {
    await followed()
    const forged = log.fork(3).append(1)
    const at = forged.add(prepared.access.signed)
    const receipt = await receiptUnder(forged, at, await forged.note())
    expect(await ask(receipt)).toEqual(refused(/^cosignatures-insufficient/))
  })

  test('has one other trustee with it: refused by this one, whose own cosignature is missing', async () => {
    await followed()
    const [, second, third] = world.trustees as [Identity, Identity, Identity]
    const note = await cosignedBy(await log.note(), second, third)
    expect(await ask(await receiptUnder(log, place, note))).toEqual(refused(/^cosignatures-insufficient/))
  })

  test('shows this trustee\'s cosignature alone, or with one of a trustee of its own: refused', async () => {
    const alone = await followed().then(() => cosignedNote([runnings[0]]))
    expect(await ask(await receiptUnder(log, place, alone))).toEqual(refused(/^cosignatures-insufficient/))
    const stranger = await createIdentity('trustee', world.clock)
    const bought = await receiptUnder(log, place, await cosignedBy(alone, stranger))
    const keys = [...prepared.request.keys, [...stranger.chain]]
    expect(await ask(bought, { keys })).toEqual(refused(/^cosignatures-insufficient/))
  })

  test('shows a fork that this very trustee is said to have cosigned: a cosignature that does not hold', async () => {
    const note = await followed()
    const forged = log.fork(3).append(3)
    const lines = parseNote(note).signatures
    const text = parseNote(await forged.note())
    const mixed = formatNote({ text: text.text, signatures: [...text.signatures, ...lines.slice(1)] })
    const receipt = await receiptUnder(forged, { leaf: 4, salt: place.salt }, mixed)
    expect(await ask(receipt)).toEqual(refused(/^signature-invalid/))
  })

  test('rotates its key after the receipt: what the older key signed stays good', async () => {
    const note = await followed()
    const index = await rotateIdentity(world.index, world.clock)
    expect(index.chain).toHaveLength(2)
    expect((await ask(await receiptUnder(log, place, note))).status).toBe(200)
  })
})

describe('what the log says counts, whoever told this trustee or not', () => {
  const released = async (): Promise<Outcome> => ask(await receiptUnder(log, place, await followed()))

  test('a revocation by the custodian, of any link', async () => {
    const { signed } = await createRevocation(
      { signer: world.hospital, vault: world.vault.vault, grant: chain[0].id }, world.clock)
    log.add(signed)
    expect(await released()).toMatchObject({ status: 403, code: 'grant-revoked' })
  })

  test('a revocation by the signer of the link', async () => {
    const { signed } = await createRevocation(
      { signer: world.practice, vault: world.vault.vault, grant: chain[1].id }, world.clock)
    log.add(signed)
    expect((await released()).code).toBe('grant-revoked')
  })

  test.each([
    ['a stranger', () => world.stranger, 1],
    ['the grantee of a later link', () => world.practice, 0],
  ])('a revocation by %s ends nothing', async (_, who, link) => {
    const { signed } = await createRevocation(
      { signer: who(), vault: world.vault.vault, grant: (chain[link] as MadeGrant).id }, world.clock)
    log.add(signed)
    expect((await released()).status).toBe(200)
  })

  test('a newer key record: the older chain, or a fork of it, is refused', async () => {
    const next = await rotateIdentity(world.doctor, world.clock)
    for (const record of next.chain) log.add(record)
    expect(await released()).toMatchObject({ code: 'bad-statement', detail: expect.stringMatching(/newer keys/) })
    const stolen = await rotateIdentity(world.doctor, world.clock)
    const keys = prepared.request.keys.map((records) =>
      (records[0] === world.doctor.chain[0] ? [...stolen.chain] : records))
    const forked = await ask(await receiptUnder(log, place, await followed()), { keys })
    expect(forked.detail).toMatch(/key record 1/)
  })
})
