/** This browser's key and a PIN, through page, house and trustees: who guesses, who replays, who answers for others. */
import type { Parameters } from '@medplum/fhirtypes'
import { decode, encode, toHex } from '@scelle/seal/verify'
import { PinEvaluation } from '@scelle/wire/messages'
import type { CallAnswer, PageAnswer, PageRequest } from '@scelle/wire/passkey-page'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Asked } from '../../passkey/src/page/asked.ts'
import { type Device, deviceWith } from '../../passkey/src/page/device.ts'
import { askPin, pinAnswered, type PinOutcome, wrapUnderPin } from '../../passkey/src/page/pin.ts'
import { enrolledChain, madeBy, newSheet } from '../../passkey/src/page/root.ts'
import { type Key, Scene, valuesOf } from './guardians-scene.ts'
import { type Application, createWorld, loggedIn, type Reply, type World } from './harness.ts'

const PIN = '739156'
const RETURN = 'https://desk.example/back'

let world: World
let scene: Scene
let officer: Application
let person: string
let key: Key
let device: Device
let root: Uint8Array

beforeAll(async () => {
  world = await createWorld({
    seed: 'page pins', registered: { role: 'practice', name: 'Cabinet du Port' }, basis: 'consent',
    staff: { claire: { role: 'officer' } },
  })
  scene = new Scene(world)
  officer = await loggedIn(world, 'claire', 'desk of the officer')
}, 30_000)
afterAll(() => world.close())

/** What a browser keeps, without a browser. */
const inMemory = (): Device => {
  const kept = new Map<string, CryptoKey>()
  return deviceWith({
    get: async (name) => kept.get(name),
    put: async (name, made) => {
      kept.set(name, made)
    },
    drop: async (name) => {
      kept.delete(name)
    },
  }, scene.random)
}

const answered = (asked: Asked, answer: Omit<PageAnswer, 'suite' | 'state'>): Promise<Reply<Parameters>> =>
  scene.post(officer, '$scelle-enrol', { answer: scene.answerTo(asked.request, answer) })

const urlOf = (reply: Reply<Parameters>): string => valuesOf(reply)['url'] ?? ''

const from = ({ request, trustees }: Asked) => ({ wraps: request.wraps ?? [], device, trustees })

const heardIn = ({ pin }: PageRequest): { state: Uint8Array; heard: CallAnswer[] } => {
  if (pin?.state === undefined || pin.heard === undefined) throw new Error('nothing was heard')
  return { state: pin.state, heard: pin.heard }
}

/** Of a change that takes the root: the address of the page. */
const toChange = async (): Promise<Asked> => scene.asked(urlOf(await scene.post(officer, '$scelle-enrol', {
  task: 'recover', person, return: RETURN, language: 'fr',
})))

/** A PIN is typed, the house asks, the page is there once more. */
const typed = async (pin: string, asked?: Asked): Promise<{ asked: Asked; outcome: PinOutcome }> => {
  const first = asked ?? await toChange()
  const sent = await askPin(from(first), pin, scene.context)
  const second = await scene.asked(urlOf(await answered(first, { pin: sent })))
  return { asked: second, outcome: await pinAnswered(from(second), heardIn(second.request), scene.context) }
}

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
    return 'nothing was thrown'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

describe('enrolment with a PIN', () => {
  test('ends once PIN and trustees gave the root back; before that the house knows nobody', async () => {
    const asked = await scene.asked(urlOf(await scene.post(officer, '$scelle-enrol', {
      name: 'Omar Sy', return: RETURN, language: 'fr',
    })))
    expect(asked.trustees).toHaveLength(3)
    ;[root, key, device] = [scene.random(32), scene.newKey(), inMemory()]
    const at = { house: asked.house.id, sealingKey: asked.request.sealingKey ?? new Uint8Array() }
    const chain = await enrolledChain({ root, passkey: key.passkey, at }, scene.context)
    const wrap = await wrapUnderPin({
      root, pin: PIN, secret: await device.secret(), trustees: asked.trustees.map(({ keys }) => keys),
    }, scene.context)
    const wraps = [wrap, (await newSheet(root, scene.context)).wrap]
    const pin = await askPin({ wraps, device, trustees: asked.trustees }, PIN, scene.context)
    const second = await scene.asked(urlOf(await answered(asked, { chain, wraps, pin })))
    const { wish, request } = second
    if (wish.task !== 'enrol' || wish.tried === undefined) throw new Error('not the second visit')
    person = toHex(wish.tried.id)
    const change = { task: 'add-passkey', person, return: RETURN, language: 'fr' }
    expect((await scene.post(officer, '$scelle-enrol', change)).status, 'not yet').not.toBe(200)
    const outcome = await pinAnswered(from(second), heardIn(request), scene.context)
    if (outcome.state !== 'opened') throw new Error('the PIN is wrong')
    expect(outcome.root).toEqual(root)
    await madeBy({ root, house: second.house.id, person: wish.tried, chain: request.person ?? [] }, scene.context)
    expect(await codeOf(madeBy({
      root: scene.random(32), house: second.house.id, person: wish.tried, chain: request.person ?? [],
    }, scene.context))).toBe('key-chain-broken')
    const done = await answered(second, { chain, wraps, known: [...outcome.known] })
    expect(valuesOf(done)['person']).toBe(person)
  })
})

describe('the PIN later', () => {
  test('opens over the house; another one says how many tries are left', async () => {
    const { asked, outcome } = await typed('739157')
    expect(outcome).toMatchObject({ state: 'wrong-pin', left: 9 })
    const right = await typed(PIN, asked)
    expect(right.outcome).toMatchObject({ state: 'opened', root })
    const { known = [] } = right.outcome as { known?: never[] }
    expect(known).toHaveLength(3)
  })

  test('what the house carried once opens nothing twice: nor with the device, taken later', async () => {
    const first = await toChange()
    const sent = await askPin(from(first), PIN, scene.context)
    const second = await scene.asked(urlOf(await answered(first, { pin: sent })))
    const heard = heardIn(second.request)
    expect((await pinAnswered(from(second), heard, scene.context)).state).toBe('opened')
    expect(await codeOf(pinAnswered(from(second), heard, scene.context)), 'again').toBe('wrap-invalid')
    const third = await toChange()
    const abandoned = await askPin(from(third), PIN, scene.context)
    const later = await scene.asked(urlOf(await answered(third, { pin: abandoned })))
    // The next visit of the page, for whatever it is.
    await device.forget()
    expect(await codeOf(pinAnswered(from(later), heardIn(later.request), scene.context)), 'left').toBe('wrap-invalid')
  })

  test('a house that answers for trustees is found out; one changed answer leaves two others', async () => {
    const first = await toChange()
    const sent = await askPin(from(first), PIN, scene.context)
    const second = await scene.asked(urlOf(await answered(first, { pin: sent })))
    const { state, heard } = heardIn(second.request)
    const changed = (answer: CallAnswer, at: CallAnswer = answer): CallAnswer => {
      const said = decode(PinEvaluation, at.body)
      return { ...answer, body: encode(PinEvaluation, { ...said, proof: said.proof.map((byte) => byte ^ 1) }) }
    }
    const [one, two, three] = heard as [CallAnswer, CallAnswer, CallAnswer]
    // Under another trustee's name, and with a proof of nothing.
    const forged = [{ ...one, body: two.body }, changed(two), three]
    expect(await codeOf(pinAnswered(from(second), { state, heard: forged }, scene.context))).toBe('shares-insufficient')
    const again = await askPin(from(second), PIN, scene.context)
    const last = await scene.asked(urlOf(await answered(second, { pin: again })))
    const good = heardIn(last.request)
    const mended = { ...good, heard: good.heard.map((answer, place) => (place === 0 ? changed(answer) : answer)) }
    expect((await pinAnswered(from(last), mended, scene.context)).state).toBe('opened')
  })

  test('another browser has no key for it, and a stolen profile has ten guesses at these trustees', async () => {
    const asked = await toChange()
    expect(await codeOf(askPin({ ...from(asked), device: inMemory() }, PIN, scene.context))).toBe('wrap-invalid')
    expect(await codeOf(askPin(from(asked), '73', scene.context))).toBe('pin-invalid')
    let next: Asked | undefined = asked
    let last: Reply<Parameters> | undefined
    let guesses = 0
    while (next !== undefined && guesses < 20) {
      const sent = await askPin(from(next), `guess ${guesses}`, scene.context)
      last = await answered(next, { pin: sent })
      next = last.status === 200 ? await scene.asked(urlOf(last)) : undefined
      if (next !== undefined) guesses++
    }
    expect(last?.status).toBe(403)
    expect(guesses).toBeLessThanOrEqual(10)
    // The right one is locked as well: the sheet is what is left.
    const owner = await toChange()
    expect((await answered(owner, { pin: await askPin(from(owner), PIN, scene.context) })).status).toBe(403)
  })
})
