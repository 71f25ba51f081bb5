/** One trustee by itself: what it counts, whom it answers, what it signs, and what its file says of its share. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { Binding, decode, decodeSigned, encode, equalBytes, statementId, toHex } from '@scelle/seal/verify'
import { blindInput, evaluationHolds, readDealing, shareOfDealings } from '@scelle/seal/voprf'
import type { Problem } from '@scelle/wire/errors'
import { BindingAnswer, DiscoveryPart, EvaluationAnswer } from '@scelle/wire/messages'
import { beforeAll, describe, expect, test } from 'vitest'
import { lookupBound } from '../src/discovery/evaluate.ts'
import { BUDGETS } from '../src/meter/budgets.ts'
import { TrusteeStore } from '../src/trustee.ts'
import { askBinding, askEvaluation, askQuery, makeThree, proofFor, type Three, vaultOf } from './discovery-world.ts'
import { makeWorld, type Running, statusOf, type World } from './world.ts'

const HOUR = 3_600
const pseudonymOf = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const bindingIn = (bytes: Uint8Array): Binding =>
  decode(Binding, decodeSigned('binding', decode(BindingAnswer, bytes).binding).body)
const codes = (running: Running): string[] => running.lines.filter((line) => line.includes('"discovery"'))

describe('making the key', () => {
  const active = ({ running }: Three): (number | undefined)[] =>
    running.map(({ store }) => store.discovery.active()?.generation)

  test('each killed after each of its rounds, the three still come to one key', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'scelle-discovery-'))
    try {
      const three = makeThree(await makeWorld('ceremony'))
      const stores = [0, 1, 2].map((which) => new TrusteeStore(join(folder, `${which}.sqlite`)))
      for (const which of [0, 1, 2]) three.start(which, stores[which])
      for (let round = 0; round < 4; round++) {
        for (const which of [0, 1, 2]) {
          await three.rounds(1, [which])
          three.running[which]?.trustee.halt()
          stores[which]?.close()
          stores[which] = new TrusteeStore(join(folder, `${which}.sqlite`))
          three.start(which, stores[which])
        }
      }
      expect(active(three)).toEqual([0, 0, 0])
      const keys = three.running.map(({ store }) => store.discovery.keys(0).map(({ statement }) => toHex(statement)))
      expect(new Set(keys.map((signed) => signed.toSorted().join())).size).toBe(1)
      // What lies on the disk holds no share: it opens with the identity alone.
      const [store, identity] = [stores[0] as TrusteeStore, three.world.trustees[0] as Identity]
      const dealings = store.discovery.dealings(0).map(({ statement }) => readDealing(statement))
      const { secret } = await shareOfDealings(dealings, identity)
      for (const { trustee } of three.running) trustee.halt()
      for (const one of stores) one.close()
      const files = ['sqlite', 'sqlite-wal'].flatMap((end) => {
        try {
          return [readFileSync(join(folder, `0.${end}`))]
        } catch {
          return []
        }
      })
      expect(files.length).toBeGreaterThan(0)
      expect(files.some((file) => file.includes(Buffer.from(secret)))).toBe(false)
      expect(files.some((file) => file.includes(Buffer.from(dealings[0]?.id ?? new Uint8Array(32))))).toBe(true)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('one peer missing: no key, and no harm', async () => {
    const three = makeThree(await makeWorld('missing'))
    await three.rounds(4, [0, 1])
    expect(active(three)).toEqual([undefined, undefined, undefined])
    const { blinded } = blindInput(new Uint8Array(8), three.world.clock)
    expect((await askEvaluation(three, 0, blinded, { by: three.world.doctor })).code).toBe('discovery-absent')
    await three.rounds()
    expect(active(three)).toEqual([0, 0, 0])
  })

  test('a peer that changes its dealing on the way is named in the log, and there is no key', async () => {
    const three = makeThree(await makeWorld('lying'))
    three.instead.set(2, (path, body) => {
      if (!path.includes('/parts/')) return body
      const part = decode(DiscoveryPart, body)
      if (part.dealing === undefined) return body
      const other = part.dealing.slice()
      other[other.length - 70] = (other[other.length - 70] as number) ^ 1
      return encode(DiscoveryPart, { ...part, dealing: other })
    })
    await three.rounds()
    expect(active(three)).toEqual([undefined, undefined, undefined])
    expect(codes(three.running[0] as Running).length).toBeGreaterThan(0)
  })

  test('one that deals differently to each of the others gets no third signature to one key', async () => {
    const three = makeThree(await makeWorld('two-faced'))
    const other = makeThree(three.world)
    await other.rounds(1)
    // The first trustee hears of another dealing of the third one than the second does.
    const face = other.running[2]?.store.discovery.dealings(0)
      .find(({ dealer }) => equalBytes(dealer, three.world.trustees[2]?.id as Uint8Array))?.statement as Uint8Array
    let asked = 0
    three.instead.set(2, (path, body) => {
      const part = path.includes('/parts/') ? decode(DiscoveryPart, body) : undefined
      return part?.dealing !== undefined && asked++ % 2 === 0 ? encode(DiscoveryPart, { ...part, dealing: face }) : body
    })
    await three.rounds(6)
    const agreed = active(three).filter((generation) => generation !== undefined)
    expect(agreed).toEqual([])
  })

  test('renewed shares are not asked for every minute, and old ones are forgotten', async () => {
    const three = makeThree(await makeWorld('renewing'))
    await three.rounds()
    await three.running[0]?.trustee.discovery.renew()
    await three.rounds()
    expect(active(three)).toEqual([0, 0, 0])
    three.world.clock.move(25 * HOUR)
    await three.rounds()
    expect(active(three)).toEqual([1, 1, 1])
    const { blinded } = blindInput(new Uint8Array(8), three.world.clock)
    const by = three.world.doctor
    expect((await askEvaluation(three, 0, blinded, { by }, 0)).status).toBe(200)
    three.world.clock.move(601)
    expect((await askEvaluation(three, 0, blinded, { by }, 0)).code).toBe('discovery-stale')
    expect((await askEvaluation(three, 0, blinded, { by }, 1)).status).toBe(200)
    await three.rounds(1)
    for (const { store } of three.running) expect(store.discovery.dealings(0)).toEqual([])
  })
})

describe('asking', () => {
  let three: Three
  let world: World
  beforeAll(async () => {
    world = await makeWorld('asking')
    three = makeThree(world)
    await three.rounds()
  })

  test('an evaluation is proven against the share that all three signed', async () => {
    const { blinded } = blindInput(new TextEncoder().encode('somebody'), world.clock)
    const outcome = await askEvaluation(three, 1, blinded, { by: world.doctor })
    const answer = decode(EvaluationAnswer, outcome.bytes)
    const { share } = { share: await shareOfDealings(
      (three.running[1] as Running).store.discovery.dealings(0).map(({ statement }) => readDealing(statement)),
      world.trustees[1] as Identity) }
    expect(evaluationHolds(answer, blinded, share.publicShare)).toBe(true)
    expect(answer.bound).toBe(2 * (BUDGETS.gp.bounds.own?.day ?? 0))
  })

  test('a repeat costs nothing more, another point does, and what is no point does not', async () => {
    const lookups = async (blinded: Uint8Array): Promise<number> =>
      decode(EvaluationAnswer, (await askEvaluation(three, 2, blinded, { by: world.doctor })).bytes).lookups
    const point = () => blindInput(new TextEncoder().encode('same'), world.clock).blinded
    const [first, second] = [point(), point()]
    const before = await lookups(first)
    expect(await lookups(first)).toBe(before)
    for (const bad of [new Uint8Array(32), new Uint8Array(32).fill(255)]) {
      expect((await askEvaluation(three, 2, bad, { by: world.doctor })).code).toBe('bad-statement')
    }
    expect(await lookups(second)).toBe(before + 1)
  })

  test('nobody without a status, with somebody else\'s, or an old one', async () => {
    const { blinded } = blindInput(new Uint8Array(4), world.clock)
    const person = await createIdentity('person', world.clock)
    expect((await askEvaluation(three, 0, blinded, { by: person })).code).toBe('status-required')
    expect((await askEvaluation(three, 0, blinded, { by: world.doctor, statuses: [] })).code).toBe('status-required')
    const expired = await statusOf(world, world.doctor, { role: 'gp', expires: Math.floor(world.clock.now() / 1000) })
    expect((await askEvaluation(three, 0, blinded, { by: world.doctor, statuses: [expired] })).code)
      .toBe('status-required')
    const forged = await statusOf({ ...world, register: world.stranger }, world.doctor, { role: 'gp' })
    expect((await askEvaluation(three, 0, blinded, { by: world.doctor, statuses: [forged] })).code)
      .toBe('status-required')
  })

  test('who is locked looks nobody up', async () => {
    const { store } = three.running[0] as Running
    const status = await statusOf(world, world.stranger, { role: 'gp', meter: pseudonymOf(77) })
    store.asked((meter) => meter.locks.add({
      scope: 'person', target: pseudonymOf(77), cause: 'budget', since: Math.floor(world.clock.now() / 1000),
    }))
    const { blinded } = blindInput(new Uint8Array(4), world.clock)
    expect((await askEvaluation(three, 0, blinded, { by: world.stranger, statuses: [status] })).code).toBe('locked')
  })
})

describe('counting', () => {
  const bounds = (day: number, month = 1_000) => [
    { meter: pseudonymOf(1), day, month }, { meter: pseudonymOf(2), day: day * 2, month: 1_000 },
  ]
  const request = (n: number): Uint8Array => new Uint8Array(32).fill(n)
  const refused = (work: () => unknown): boolean => {
    try {
      work()
      return false
    } catch (error) {
      return (error as Problem).code === 'budget-spent'
    }
  }

  test('exactly as many distinct ones as the bound, whatever the order, the repeats and the clock', () => {
    fc.assert(fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: -3_600, max: 0 })), { maxLength: 80 }),
      fc.integer({ min: 1, max: 12 }),
      (asks, day) => {
        const { discovery } = new TrusteeStore(':memory:')
        const answered = new Set<number>()
        for (const [n, skew] of asks) {
          const spent = refused(() => discovery.charge(bounds(day), request(n), 1_000_000 + skew))
          if (!spent) answered.add(n)
          else expect(answered.has(n)).toBe(false)
        }
        expect(answered.size).toBe(Math.min(day, new Set(asks.map(([n]) => n)).size))
      }), { numRuns: 40 })
  })

  test('a day later there is as much again, up to the month; a clock put back gives nothing', () => {
    const { discovery } = new TrusteeStore(':memory:')
    for (const n of [1, 2]) discovery.charge(bounds(2, 3), request(n), 1_000_000)
    expect(refused(() => discovery.charge(bounds(2, 3), request(3), 1_000_000 + 86_399))).toBe(true)
    discovery.charge(bounds(2, 3), request(3), 1_000_000 + 86_400)
    expect(refused(() => discovery.charge(bounds(2, 3), request(4), 1_000_000 - 864_000))).toBe(true)
    expect(refused(() => discovery.charge(bounds(2, 3), request(4), 1_000_000 + 2 * 86_400))).toBe(true)
  })

  test('what one meter refuses, no meter counts', () => {
    const { discovery } = new TrusteeStore(':memory:')
    const [own, house] = bounds(1)
    if (own === undefined || house === undefined) throw new Error('two meters')
    discovery.charge([own], request(1), 1_000_000)
    expect(refused(() => discovery.charge([house, own], request(2), 1_000_000))).toBe(true)
    expect(discovery.charge([house], request(3), 1_000_000)).toBe(1)
  })

  test('twice the patients that a meter may open, never more than the register knows a house to see', () => {
    const meter = { key: pseudonymOf(1), scope: 'person', budget: BUDGETS.gp, circle: [] } as const
    const { day = 0, month = 0 } = BUDGETS.gp.bounds.own ?? {}
    expect(lookupBound(meter)).toMatchObject({ day: 2 * day, month: 2 * month })
    // Over three trustees, asked two at a time, twice what the table says of openings, and no more.
    expect(Math.floor(3 * 2 * day / 2)).toBeLessThanOrEqual(100)
    const house = { ...meter, scope: 'organisation', budget: BUDGETS.hospital } as const
    expect(lookupBound(house).day).toBe(2 * (BUDGETS.hospital.bounds.own?.day ?? 0))
    expect(lookupBound({ ...house, patientsPerDay: 10 })).toMatchObject({ day: 20, month: 440 })
  })
})

describe('binding', () => {
  let three: Three
  let world: World
  beforeAll(async () => {
    world = await makeWorld('binding')
    three = makeThree(world)
  })

  test('one vault, for good; of two at once, one', async () => {
    const mine = await vaultOf(world, world.hospital, 'custody')
    const theirs = await vaultOf(world, world.practice, 'custody')
    const outcomes = await Promise.all([
      askBinding(three, 0, mine, pseudonymOf(1), { by: world.hospital }),
      askBinding(three, 0, theirs, pseudonymOf(1), { by: world.practice }),
    ])
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set([200, 409]))
    const first = outcomes.find(({ status }) => status === 200) as { bytes: Uint8Array }
    const kept = await askQuery(three, 0, 'bound', pseudonymOf(1), { by: world.doctor })
    expect(toHex(kept.bytes)).toBe(toHex(first.bytes))
  })

  test('who decided before another one was bound finds that one', () => {
    const { discovery } = new TrusteeStore(':memory:')
    const next = (n: number) => ({
      pseudonym: pseudonymOf(1), vault: pseudonymOf(n), mode: 'custody', controller: pseudonymOf(n),
      statement: pseudonymOf(n),
    } as const)
    discovery.bind(next(1), undefined)
    for (const expected of [undefined, pseudonymOf(9)]) {
      expect(() => discovery.bind(next(2), expected)).toThrow('another vault')
    }
    expect(toHex(discovery.bound(pseudonymOf(1))?.vault as Uint8Array)).toBe(toHex(pseudonymOf(1)))
    discovery.bind(next(2), pseudonymOf(1))
    expect(toHex(discovery.bound(pseudonymOf(1))?.vault as Uint8Array)).toBe(toHex(pseudonymOf(2)))
  })

  test('another one\'s vault, keys and all, is not bound', async () => {
    const vault = await vaultOf(world, world.hospital, 'custody')
    const outcome = await askBinding(three, 0, vault, pseudonymOf(2), { by: world.practice, others: [world.hospital] })
    expect(outcome.code).toBe('not-permitted')
    expect((await askQuery(three, 0, 'bound', pseudonymOf(2), { by: world.doctor })).code).toBe('not-found')
  })

  test('a vault of other trustees is not bound', async () => {
    const trustees = await Promise.all([1, 2, 3].map(() => createIdentity('trustee', world.clock)))
    const others = { ...world, trustees }
    const vault = await vaultOf(others, world.hospital, 'custody')
    expect((await askBinding(three, 0, vault, pseudonymOf(3), { by: world.hospital })).code).toBe('bad-statement')
  })

  test('an owner takes over with another body\'s proof, not the custodian\'s own, nor a stranger\'s', async () => {
    const issuing = makeThree(world, { issuers: [toHex(world.register.id), toHex(world.hospital.id)] })
    const patient = await createIdentity('person', world.clock)
    const [kept, vault] = [await vaultOf(world, world.hospital, 'custody'), await vaultOf(world, patient, 'owner')]
    const pseudonym = pseudonymOf(4)
    expect((await askBinding(issuing, 0, kept, pseudonym, { by: world.hospital })).status).toBe(200)
    const ask = async (proof: Uint8Array) => askBinding(issuing, 0, vault, pseudonym, { by: patient, proof })
    const byCustodian = await proofFor(world, patient, pseudonym, { issuer: world.hospital, inPerson: true })
    expect((await ask(byCustodian)).code).toBe('proof-required')
    const byStranger = await proofFor(world, patient, pseudonym, { issuer: world.practice, inPerson: true })
    expect((await ask(byStranger)).code).toBe('proof-required')
    const ofAnother = await proofFor(world, patient, pseudonymOf(5), { inPerson: true })
    expect((await ask(ofAnother)).code).toBe('proof-required')
    const waiting = decode(BindingAnswer, (await ask(await proofFor(world, patient, pseudonym))).bytes)
    expect(waiting.pending?.due).toBe(Math.floor(world.clock.now() / 1000) + 72 * HOUR)
    expect(toHex(bindingIn((await ask(await proofFor(world, patient, pseudonym))).bytes).vault)).toBe(toHex(kept.vault))
    const made = await ask(await proofFor(world, patient, pseudonym, { inPerson: true }))
    const binding = bindingIn(made.bytes)
    expect(toHex(binding.vault)).toBe(toHex(vault.vault))
    expect(toHex(binding.previous as Uint8Array)).toBe(toHex(statementId(waiting.binding)))
    // Claimed: nobody but the owner moves it any more, whatever they show.
    const practices = await vaultOf(world, world.practice, 'custody')
    for (const [by, next] of [[world.hospital, kept], [world.practice, practices]] as const) {
      expect((await askBinding(issuing, 0, next, pseudonym, { by })).code).toBe('already-bound')
    }
    const thief = await createIdentity('person', world.clock)
    const proof = await proofFor(world, thief, pseudonym, { inPerson: true })
    const trap = await vaultOf(world, thief, 'owner')
    expect((await askBinding(issuing, 0, trap, pseudonym, { by: thief, proof })).code).toBe('already-bound')
  })

  test('a second notice neither hurries nor replaces the first; a stranger stops none', async () => {
    const [first, second] = [await createIdentity('person', world.clock), await createIdentity('person', world.clock)]
    const pseudonym = pseudonymOf(6)
    await askBinding(three, 1, await vaultOf(world, world.hospital, 'custody'), pseudonym, { by: world.hospital })
    const vault = await vaultOf(world, first, 'owner')
    const ask = async () =>
      askBinding(three, 1, vault, pseudonym, { by: first, proof: await proofFor(world, first, pseudonym) })
    const due = decode(BindingAnswer, (await ask()).bytes).pending?.due
    world.clock.move(HOUR)
    expect(decode(BindingAnswer, (await ask()).bytes).pending?.due).toBe(due)
    const proof = await proofFor(world, second, pseudonym)
    const other = await vaultOf(world, second, 'owner')
    expect((await askBinding(three, 1, other, pseudonym, { by: second, proof })).code).toBe('already-bound')
    expect((await askQuery(three, 1, 'objections', pseudonym, { by: world.practice })).code).toBe('not-permitted')
    expect((await askQuery(three, 1, 'objections', pseudonym, { by: world.hospital })).status).toBe(204)
    world.clock.move(72 * HOUR)
    expect(decode(BindingAnswer, (await ask()).bytes).pending).toBeDefined()
  })
})
