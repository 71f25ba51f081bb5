/** Requests about guardians that a house, a thief or a neighbour could bring to the page: each stops, by its name. */
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { guardianCode } from '@scelle/seal/recovery'
import { toHex } from '@scelle/seal/verify'
import type { GuardianTask, GuardingAsked } from '@scelle/wire/passkey-page'
import { beforeAll, describe, expect, test } from 'vitest'
import { readAsked } from '../src/page/asked.ts'
import { type Constellation, readConstellation } from '../src/page/constellation.ts'
import { begin, deal, partCalls, released, rootThrough, sameDigits } from '../src/page/guarding.ts'
import { askAs, constellationOf, context, type House, newHouse, now } from './world.ts'

const ORIGIN = 'https://passkey.example'

let house: House
let constellation: Constellation
let person: Identity
let guardians: Identity[]
let trustees: Identity[]
let set: Uint8Array

const people = (kind: 'person' | 'trustee', count: number): Promise<Identity[]> =>
  Promise.all(Array.from({ length: count }, () => createIdentity(kind, context)))

beforeAll(async () => {
  const register = await createIdentity('organisation', context)
  house = await newHouse(register)
  ;[person] = await people('person', 1) as [Identity]
  guardians = await people('person', 3)
  trustees = await people('trustee', 3)
  constellation = readConstellation({
    ...constellationOf(ORIGIN, register), trustees: trustees.map(({ id }) => toHex(id)),
  })
  set = (await dealt(person)).set
})

const dealt = (owner: Identity, root = context.random(32)) => deal({
  root, owner: owner.id, guardians: guardians.map(({ keys }) => keys), trustees: trustees.map(({ keys }) => keys),
  name: 'Jeanne',
}, context)

const read = async (task: GuardianTask, guarding: GuardingAsked, by = constellation) => {
  const ask = await askAs(house, task, { returnTo: 'https://chu.example/back', person: [...person.chain], guarding })
  return readAsked(Buffer.from(ask).toString('base64url'), by, now())
}

const named = (all: readonly Identity[]): NonNullable<GuardingAsked['guardians']> =>
  all.map(({ chain }) => ({ name: 'Anne', chain: [...chain] }))

const at = (all: readonly Identity[]): NonNullable<GuardingAsked['trustees']> =>
  all.map(({ chain }, place) => ({ url: `https://trustee${place}.example`, chain: [...chain] }))

describe('naming guardians', () => {
  test('takes three people and the three trustees that the page was built with', async () => {
    const asked = await read('name-guardians', { guardians: named(guardians), trustees: at(trustees) })
    expect(asked.wish).toMatchObject({ task: 'guardians', step: { task: 'name-guardians' } })
  })

  test('with trustees of the house\'s own, two of them or none, it stops', async () => {
    const [own] = await people('trustee', 1) as [Identity]
    const [one, two] = trustees as [Identity, Identity]
    for (const told of [[one, two, own], [one, two], [one, two, two], []]) {
      await expect(read('name-guardians', { guardians: named(guardians), trustees: at(told) }))
        .rejects.toMatchObject({ code: 'malformed' })
    }
    await expect(read('name-guardians', { guardians: named(guardians), trustees: at(trustees) },
      { ...constellation, trustees: [] })).rejects.toMatchObject({ code: 'not-for-this-page' })
  })

  test('with one person twice, two, or an organisation, it stops', async () => {
    const [one, two] = guardians as [Identity, Identity]
    for (const all of [[one, one, two], [one, two]]) {
      await expect(read('name-guardians', { guardians: named(all), trustees: at(trustees) }))
        .rejects.toMatchObject({ code: 'malformed' })
    }
    await expect(read('name-guardians', {
      guardians: named([one, two, house.identity]), trustees: at(trustees),
    })).rejects.toMatchObject({ code: 'other-person' })
  })

  test('the owner is none of their own guardians', async () => {
    const [one, two] = guardians as [Identity, Identity]
    await expect(deal({
      root: context.random(32), owner: person.id, guardians: [one, two, person].map(({ keys }) => keys),
      trustees: trustees.map(({ keys }) => keys), name: 'Jeanne',
    }, context)).rejects.toMatchObject({ code: 'recovery-invalid' })
  })

  test('digits that a person types are compared whole, and another principal\'s are others', () => {
    const [one, two] = guardians.map(({ id }) => guardianCode(id)) as [string, string]
    expect(sameDigits(one.replaceAll(' ', '-'), one)).toBe(true)
    for (const typed of [two, one.slice(0, -1), `${one}1`, '', one.slice(5)]) expect(sameDigits(typed, one)).toBe(false)
  })
})

test('what is somebody else\'s set is nobody\'s to try or to object to; what is missing stops', async () => {
  const other = (await dealt((await people('person', 1))[0] as Identity)).set
  for (const task of ['try-guardians', 'object'] as const) {
    await expect(read(task, { set: other, codes: [] })).rejects.toMatchObject({ code: 'other-person' })
    await expect(read(task, {})).rejects.toMatchObject({ code: 'malformed' })
    expect((await read(task, { set, codes: [] })).wish).toMatchObject({ step: { task } })
  }
  for (const task of ['guard', 'release-share', 'recover-by-guardians'] as const) {
    await expect(read(task, {})).rejects.toMatchObject({ code: 'malformed' })
  }
})

describe('a house on the way back', () => {
  const passkeyOf = (deviceBound: boolean) => ({
    credential: context.random(32), algorithm: 'EdDSA' as const, publicKey: context.random(32), origin: ORIGIN,
    rpId: 'passkey.example', deviceBound,
  })

  test('that puts a passkey of its own in the new one\'s place made another device: nobody answered it', async () => {
    const prf = context.random(32)
    const { wrap, packets } = await dealt(person)
    const begun = await begin(prf, passkeyOf(true), context)
    const answers = await Promise.all([0, 2].map((place) =>
      released(packets[place] ?? prf, begun.ask, guardians[place] as Identity)))
    const at3 = trustees.map(({ keys }, place) => ({ url: `https://trustee${place}.example/`, keys }))
    const calls = await partCalls({ prf, begun, answers, wraps: [wrap] }, at3, context)
    expect(calls.map(({ trustee }) => toHex(trustee))).toEqual(trustees.map(({ id }) => toHex(id)))
    const swapped = { ...begun, passkey: { ...begun.passkey, publicKey: context.random(32) } }
    await expect(partCalls({ prf, begun: swapped, answers, wraps: [wrap] }, at3, context))
      .rejects.toMatchObject({ code: 'shares-insufficient' })
    await expect(partCalls({ prf: context.random(32), begun, answers, wraps: [wrap] }, at3, context))
      .rejects.toMatchObject({ code: 'shares-insufficient' })
    // A guardian's answer twice is one guardian; another set's wrap under this one's name opens nothing.
    const twice = [...answers.slice(1), ...answers.slice(1)]
    await expect(partCalls({ prf, begun, answers: twice, wraps: [wrap] }, at3, context))
      .rejects.toMatchObject({ code: 'shares-insufficient' })
    const { wrap: other } = await dealt(person)
    await expect(partCalls({
      prf, begun, answers, wraps: [{ ...other, ...(wrap.set === undefined ? {} : { set: wrap.set }) }],
    }, at3, context)).rejects.toMatchObject({ code: 'wrap-invalid' })
  })

  test('without two answers nothing is asked of trustees, and nothing opens', async () => {
    const prf = context.random(32)
    const { wrap } = await dealt(person)
    const begun = await begin(prf, passkeyOf(true), context)
    const from = { prf, begun, answers: [context.random(900), context.random(900)], wraps: [wrap] }
    await expect(partCalls(from, [], context)).rejects.toMatchObject({ code: 'shares-insufficient' })
    await expect(rootThrough(from, [])).rejects.toMatchObject({ code: 'shares-insufficient' })
  })
})
