/** Notices: whom they open to, and what is bound to whom. */
import { expect, test } from 'vitest'
import { signNotice } from '../src/grants.ts'
import { createIdentity, type Identity, rotateIdentity } from '../src/identity.ts'
import { openNotice } from '../src/shares.ts'
import { controlSubject, decode, decodeSigned, leafSubject, Notice, noticeKeyHash, toHex } from '../src/verify.ts'
import { makeWorld, type World } from './fixtures.ts'

const CONTENT = new TextEncoder().encode('what an officer orders')
const refusedWith = (code: string) => expect.objectContaining({ name: 'SealError', code })

const setUp = async (): Promise<{ world: World; trustees: Identity[]; signed: Uint8Array; notice: Notice }> => {
  const world = await makeWorld('notice')
  const trustees: Identity[] = []
  for (let i = 0; i < 3; i++) trustees.push(await createIdentity('trustee', world.context))
  const signed = await signNotice({
    signer: world.owner, about: 'order', target: world.reader.id, content: CONTENT,
    trustees: trustees.map(({ keys }) => keys),
  }, world.context)
  return { world, trustees, signed, notice: decode(Notice, decodeSigned('notice', signed).body) }
}

test('each of its trustees opens it, under its old keys too; nobody else does', async () => {
  const { world, trustees, notice } = await setUp()
  for (const trustee of trustees) expect(await openNotice(notice, world.owner.id, trustee)).toEqual(CONTENT)
  const rotated = await rotateIdentity(trustees[0] as Identity, world.context)
  expect(await openNotice(notice, world.owner.id, rotated)).toEqual(CONTENT)
  await expect(openNotice(notice, world.owner.id, world.reader)).rejects.toEqual(refusedWith('principal-mismatch'))
  const posing = { id: trustees[0]!.id, secrets: world.reader.secrets }
  await expect(openNotice(notice, world.owner.id, posing)).rejects.toEqual(refusedWith('seal-invalid'))
})

test('copied into another notice, by another, of another time or about another thing, it does not open', async () => {
  const { world, trustees: [first], notice } = await setUp()
  const changed: [Notice, Uint8Array][] = [
    [notice, world.reader.id],
    [{ ...notice, time: notice.time + 1 }, world.owner.id],
    [{ ...notice, about: 'binding' }, world.owner.id],
    [{ ...notice, subject: leafSubject(world.owner.id) }, world.owner.id],
    [{ ...notice, salt: new Uint8Array(16) }, world.owner.id],
    [{ ...notice, content: notice.content.map((octet, i) => (i === 3 ? octet ^ 1 : octet)) }, world.owner.id],
  ]
  for (const [other, signer] of changed) {
    await expect(openNotice(other, signer, first as Identity)).rejects.toEqual(refusedWith('seal-invalid'))
  }
})

test('trustees who are given different keys read nothing', async () => {
  const { world, trustees: [first], notice } = await setUp()
  const other = { ...notice, key: noticeKeyHash(new Uint8Array(32)) }
  await expect(openNotice(other, world.owner.id, first as Identity)).rejects.toEqual(refusedWith('seal-invalid'))
})

test('its label is its target\'s, and none of a key record', async () => {
  const { world, signed } = await setUp()
  const label = toHex(controlSubject(signed) as Uint8Array)
  expect(label).not.toBe(toHex(leafSubject(world.reader.id)))
  const again = await signNotice({
    signer: world.writer, about: 'link', target: world.reader.id, content: CONTENT, trustees: [world.owner.keys],
  }, world.context)
  expect(toHex(controlSubject(again) as Uint8Array)).toBe(label)
})
