/** Requests that a thief, a neighbour or a broken link could bring to the page: each stops, by its name. */
import { createIdentity, type Identity, rotateIdentity } from '@scelle/seal/identity'
import { createPerson } from '@scelle/seal/persons'
import { decode, encode, Order, SUITE, Ticket, verifyKeyChain } from '@scelle/seal/verify'
import { PageAsk } from '@scelle/wire/passkey-page'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { originToReturnTo, readAsked } from '../src/page/asked.ts'
import { type Constellation, readConstellation } from '../src/page/constellation.ts'
import {
  askAs, type Asking, constellationOf, context, type House, INDEX, keysOf, newHouse, now, sessionAskedBy, statusOf,
  stepUpOf,
} from './world.ts'

const ORIGIN = 'https://passkey.example'
const BACK = 'https://chu.example/back'

let register: Identity
let house: House
let other: House
let constellation: Constellation
let chain: Uint8Array[]

const newPerson = async (): Promise<Uint8Array[]> => [await createPerson(
  { signing: context.random(32), sealingKey: house.sealingKey, passkeys: [] }, context)]

beforeAll(async () => {
  register = await createIdentity('organisation', context)
  house = await newHouse(register)
  other = await newHouse(register, { name: 'Clinique des Tilleuls' })
  constellation = readConstellation(constellationOf(ORIGIN, register))
  chain = await newPerson()
})

const fragmentOf = (ask: Uint8Array): string => Buffer.from(ask).toString('base64url')

const read = async (ask: Uint8Array, at = now()) => readAsked(fragmentOf(ask), constellation, at)

const signIn = async (from: House, fields: Asking = {}): Promise<Uint8Array> => {
  const body = await sessionAskedBy(house, await keysOf({ chain }))
  return askAs(from, 'sign-in', { returnTo: BACK, person: chain, body, ...fields })
}

describe('a true request', () => {
  test('is shown with the name that the register gives the house', async () => {
    const asked = await read(await signIn(house))
    expect(asked).toMatchObject({ houseName: 'CHU de Bellerive', returnOrigin: 'https://chu.example' })
    expect(asked.wish.task).toBe('sign-in')
  })
})

describe('a phishing house', () => {
  test('that no listed register vouches for', async () => {
    const stranger = await createIdentity('organisation', context)
    const phisher = await newHouse(stranger)
    await expect(read(await signIn(phisher))).rejects.toMatchObject({ code: 'house-unknown' })
  })

  test('that shows the status of a true one', async () => {
    const phisher = await newHouse(await createIdentity('organisation', context))
    const ask = await signIn({ ...phisher, status: house.status, register })
    await expect(read(ask)).rejects.toMatchObject({ code: 'house-unknown' })
  })

  test('that shows a status as a person, an old one, or one without a name', async () => {
    const { id } = house.identity
    for (const fields of [{ role: 'gp' as const }, { expires: now() - 1 }, { name: ' ' }]) {
      const ask = await signIn({ ...house, status: await statusOf(register, id, fields) })
      await expect(read(ask), JSON.stringify(fields)).rejects.toMatchObject({ code: 'house-unknown' })
    }
  })

  test('that shows a status under a key that the register has replaced', async () => {
    const rotated = await rotateIdentity(register, context)
    const ask = await signIn({ ...house, register: rotated })
    await expect(read(ask)).rejects.toMatchObject({ code: 'house-unknown' })
  })

  test('that has the answer to a true house\'s session request sent to itself', async () => {
    const ask = decode(PageAsk, await signIn(house))
    const mine = decode(PageAsk, await signIn(house, { returnTo: 'https://evil.example/take' }))
    const swapped = encode(PageAsk, { ...ask, request: mine.request })
    await expect(read(swapped)).rejects.toMatchObject({ code: 'not-from-house' })
    // Under its own name it may send it where it likes, but the session request is not its own.
    await expect(read(await signIn(other))).rejects.toMatchObject({ code: 'not-from-house' })
  })

  test('with a true house\'s name and its own keys', async () => {
    const ask = decode(PageAsk, await signIn(house))
    const swapped = encode(PageAsk, { ...ask, house: [...other.identity.chain] })
    await expect(read(swapped)).rejects.toMatchObject({ code: 'not-from-house' })
  })
})

describe('a request', () => {
  test('that is too old, dated too far ahead, or for a session that is over', async () => {
    const person = await keysOf({ chain })
    const over = await sessionAskedBy(house, person, { notBefore: now() - 7200, expires: now() - 3600 })
    const long = await sessionAskedBy(house, person, { expires: now() + 11 * 3600 })
    const later = await sessionAskedBy(house, person, { notBefore: now() + 7200, expires: now() + 10_800 })
    for (const ask of [
      await signIn(house, { expires: now() - 1 }), await signIn(house, { expires: now() + 3600 }),
      await signIn(house, { body: over }), await signIn(house, { body: long }), await signIn(house, { body: later }),
    ]) await expect(read(ask)).rejects.toMatchObject({ code: 'expired' })
  })

  test('for somebody else, or for another network', async () => {
    const neighbour = await newPerson()
    await expect(read(await signIn(house, { person: neighbour }))).rejects.toMatchObject({ code: 'other-person' })
    const body = await sessionAskedBy(house, await keysOf({ chain }), { audience: context.random(32) })
    await expect(read(await signIn(house, { body }))).rejects.toMatchObject({ code: 'other-network' })
  })

  test('to confirm for another house, another reader, or something that no passkey signs', async () => {
    const person = await verifyKeyChain(chain)
    const confirm = (fields: Asking) => askAs(house, 'confirm', { returnTo: BACK, person: chain, ...fields })
    const elsewhere = stepUpOf(other, person)
    const stranger = stepUpOf(house, { id: context.random(32) })
    const own = stepUpOf(house, person, { type: 'colleague' })
    await expect(read(await confirm({ kind: 'confirmation', body: elsewhere })))
      .rejects.toMatchObject({ code: 'not-from-house' })
    await expect(read(await confirm({ kind: 'confirmation', body: stranger })))
      .rejects.toMatchObject({ code: 'other-person' })
    await expect(read(await confirm({ kind: 'confirmation', body: own })))
      .rejects.toMatchObject({ code: 'other-person' })
    await expect(read(await confirm({ kind: 'grant', body: own }))).rejects.toMatchObject({ code: 'not-for-this-page' })
  })

  test('to sign an order is shown as one', async () => {
    const body = encode(Order, {
      suite: SUITE, action: 'lock', scope: 'device', target: INDEX, notBefore: now(), expires: now() + 3600,
      reason: 'Poste volé', nonce: context.random(16),
    })
    const ask = await askAs(house, 'confirm', { returnTo: BACK, person: chain, kind: 'order', body })
    expect((await read(ask)).wish).toMatchObject({ task: 'order', order: { reason: 'Poste volé' } })
  })

  test('to let a vendor in is shown as that, and asked by the house itself', async () => {
    const ticketOf = (organisation: Uint8Array) => encode(Ticket, {
      suite: SUITE, organisation, vendor: INDEX, number: 'INC-4711', vaults: [INDEX], purpose: 'administration',
      subcontract: false, notBefore: now(), expires: now() + 3600, nonce: context.random(16),
    })
    const confirm = (body: Uint8Array) =>
      askAs(house, 'confirm', { returnTo: BACK, person: chain, kind: 'ticket', body })
    expect((await read(await confirm(ticketOf(house.identity.id)))).wish)
      .toMatchObject({ task: 'ticket', ticket: { number: 'INC-4711', subcontract: false } })
    await expect(read(await confirm(ticketOf(other.identity.id)))).rejects.toMatchObject({ code: 'not-from-house' })
  })

  test('without a person, or an enrolment with one', async () => {
    await expect(read(await askAs(house, 'sign-out', { returnTo: BACK }))).rejects.toMatchObject({ code: 'malformed' })
    await expect(read(await askAs(house, 'enrol', { returnTo: BACK, person: chain })))
      .rejects.toMatchObject({ code: 'malformed' })
  })

  test('with a field that is longer than it may be is not read', async () => {
    for (const fields of [{ personName: 'x'.repeat(201) }, { returnTo: `${BACK}${'x'.repeat(2_048)}` }]) {
      await expect(read(await signIn(house, fields))).rejects.toMatchObject({ code: 'malformed' })
    }
    await expect(readAsked('A'.repeat(1_000_000), constellation, now())).rejects.toMatchObject({ code: 'malformed' })
  })

  test('of anything at all ends in a stop, never in a screen to agree to', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async (octets) => {
      await expect(read(octets)).rejects.toMatchObject({ name: 'Stop' })
    }))
    await expect(readAsked('', constellation, now())).rejects.toMatchObject({ code: 'nothing-asked' })
    await expect(readAsked('é%%', constellation, now())).rejects.toMatchObject({ code: 'malformed' })
  })

  test('with one octet changed on the way never reaches the person', async () => {
    const ask = await signIn(house)
    await fc.assert(fc.asyncProperty(fc.nat(ask.length - 1), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
      const changed = Uint8Array.from(ask)
      changed[at] = (changed[at] ?? 0) ^ bits
      await expect(read(changed)).rejects.toMatchObject({ name: 'Stop' })
    }), { numRuns: 60 })
  })
})

test('answers go to https or to this machine, under their own name', () => {
  expect(originToReturnTo('https://chu.example:8443/a?b')).toBe('https://chu.example:8443')
  expect(originToReturnTo('http://127.0.0.1:4600/back')).toBe('http://127.0.0.1:4600')
  for (const refused of [
    'http://chu.example/', 'javascript:alert(1)', 'data:text/html,x', 'https://chu.example@evil.example/', '//x', '',
    'http://localhost.evil.example/', 'intent://x', 'file:///etc/passwd',
  ]) expect(() => originToReturnTo(refused), refused).toThrow('return-refused')
})
