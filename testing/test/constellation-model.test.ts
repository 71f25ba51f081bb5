/**
 * Random operations by several principals, compared with a model: what each can open is exactly what grants say, no
 * matter in which order things were written, shared, revoked, rotated and opened.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Client, SdkError, type Vault } from '@scelle/sdk'
import { type Constellation, createConstellation } from '../src/constellation.ts'
import { handle, HOUR, namesOf } from './scene.ts'

const CODES = ['summary', 'notes', 'laboratory'] as const
const PEOPLE = 3

type Operation =
  | { readonly op: 'write'; readonly who: number; readonly categories: readonly number[] }
  | {
      readonly op: 'share'
      readonly to: number
      readonly categories: readonly number[]
      readonly write: boolean
      readonly read: boolean
      readonly hours: number
    }
  | { readonly op: 'revoke'; readonly which: number; readonly rotate: boolean }
  | { readonly op: 'rotate' }
  | { readonly op: 'wait'; readonly hours: number }
  | { readonly op: 'open'; readonly who: number }

const categories = fc.uniqueArray(fc.nat({ max: CODES.length - 1 }), { minLength: 1 })
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ op: fc.constant('write' as const), who: fc.nat({ max: PEOPLE }), categories }),
  },
  {
    weight: 4,
    arbitrary: fc
      .record({
        op: fc.constant('share' as const),
        to: fc.nat({ max: PEOPLE - 1 }),
        categories,
        write: fc.boolean(),
        read: fc.boolean(),
        hours: fc.integer({ min: 2, max: 72 }),
      })
      .filter(({ read, write }) => read || write),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('revoke' as const), which: fc.nat({ max: 5 }), rotate: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.constant({ op: 'rotate' as const }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('open' as const), who: fc.nat({ max: PEOPLE }) }) },
)

interface ModelGrant {
  readonly id: Uint8Array
  readonly to: number
  readonly codes: readonly string[]
  readonly read: boolean
  readonly write: boolean
  readonly until: number
  revoked: boolean
}

/** What must be true, kept beside what is. Principal `PEOPLE` is the custodian. */
class Model {
  readonly written: { readonly name: string; readonly code: string }[] = []
  readonly grants: ModelGrant[] = []

  may(who: number, code: string, right: 'read' | 'write', now: number): boolean {
    return (
      who === PEOPLE ||
      this.grants.some(
        (grant) =>
          grant.to === who && grant[right] && !grant.revoked && now < grant.until && grant.codes.includes(code),
      )
    )
  }

  inForce(who: number, now: number): boolean {
    return who === PEOPLE || this.grants.some((grant) => grant.to === who && !grant.revoked && now < grant.until)
  }

  readable(who: number, now: number): string[] {
    return this.written
      .filter(({ code }) => this.may(who, code, 'read', now))
      .map(({ name }) => name)
      .toSorted()
  }
}

class Run {
  readonly world: Constellation
  readonly clients: readonly Client[]
  readonly custodians: Vault
  readonly model = new Model()

  constructor(world: Constellation, clients: readonly Client[], vault: Vault) {
    this.world = world
    this.clients = clients
    this.custodians = vault
  }

  static async start(world: Constellation): Promise<Run> {
    const clients = []
    for (let i = 0; i < PEOPLE; i++) clients.push(await world.client('person'))
    const hospital = await world.client('organisation')
    const vault = await hospital.createVault({
      mode: 'custody',
      categories: CODES.map((code) => ({ code, strict: code === 'notes' })),
    })
    return new Run(world, [...clients, hospital], vault)
  }

  /** The vault as somebody sees it now; undefined where it may not even know of it. */
  async #vaultOf(who: number): Promise<Vault | undefined> {
    if (who === PEOPLE) return this.custodians
    try {
      return await this.clients[who]!.vault(this.custodians.id)
    } catch (error) {
      if (error instanceof SdkError && error.problem === 'not-found') return undefined
      throw error
    }
  }

  async do(operation: Operation): Promise<void> {
    if (operation.op === 'write')
      await this.#write(
        operation.who,
        operation.categories.map((i) => CODES[i] as string),
      )
    if (operation.op === 'share') await this.#share(operation)
    if (operation.op === 'revoke') await this.#revoke(operation.which, operation.rotate)
    if (operation.op === 'rotate') await this.custodians.rotate()
    if (operation.op === 'wait') await this.world.clock.advance(operation.hours * HOUR)
    if (operation.op === 'open') await this.check(operation.who)
  }

  async #write(who: number, codes: readonly string[]): Promise<void> {
    const { model, world } = this
    const allowed = codes.every((code) => model.may(who, code, 'write', world.now()))
    const items = codes.map((code) => ({ name: `${code}-${model.written.length}-${who}`, code }))
    const vault = await this.#vaultOf(who)
    const writing =
      vault === undefined
        ? Promise.reject(new SdkError('no-grant', 'not even known'))
        : vault.write(
            items.map(({ name, code }) => ({
              category: code,
              handle: handle(name),
              version: 1,
              content: JSON.stringify({ id: name }),
            })),
          )
    if (allowed) {
      expect(await writing).toHaveLength(codes.length)
      model.written.push(...items)
    } else
      await expect(writing).rejects.toMatchObject({ code: expect.stringMatching(/^(no-grant|category-unknown)$/) })
  }

  async #share({ to, categories: places, read, write, hours }: Operation & { op: 'share' }): Promise<void> {
    const codes = places.map((i) => CODES[i] as string)
    const until = this.world.now() + hours * HOUR
    const { grant } = await this.custodians.share({
      to: this.clients[to]!.identity.id,
      categories: codes,
      until,
      rights: [...(read ? ['read' as const] : []), ...(write ? ['write' as const] : [])],
    })
    this.model.grants.push({ id: grant, to, codes, read, write, until, revoked: false })
  }

  async #revoke(which: number, rotate: boolean): Promise<void> {
    const grant = this.model.grants.filter(({ revoked }) => !revoked)[which]
    if (grant === undefined) return
    const state = await this.custodians.revoke(grant.id, { rotate })
    expect(state).toMatchObject({ index: true, pending: [] })
    grant.revoked = true
  }

  async check(who: number): Promise<void> {
    const expected = this.model.readable(who, this.world.now())
    const vault = await this.#vaultOf(who)
    const mayReadAnything = CODES.some((code) => this.model.may(who, code, 'read', this.world.now()))
    expect(vault !== undefined).toBe(this.model.inForce(who, this.world.now()))
    if (vault === undefined) return
    if (!mayReadAnything) return expect(vault.open()).rejects.toMatchObject({ code: 'no-grant' })
    const chart = await vault.open()
    expect(namesOf(chart.opened())).toEqual(expected)
    expect(chart.problems).toEqual([])
    chart.close()
  }
}

const runAll = async (operations: readonly Operation[], seed: string): Promise<void> => {
  const world = await createConstellation({ seed, start: Date.UTC(2026, 0, 15, 8) })
  try {
    const run = await Run.start(world)
    for (const operation of operations) await run.do(operation)
    for (let who = 0; who <= PEOPLE; who++) await run.check(who)
    await run.custodians.checkHistory()
  } finally {
    await world.close()
  }
}

describe('several principals against a model', () => {
  it('each opens exactly what grants say', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 8, maxLength: 24 }), (operations) =>
        runAll(operations, JSON.stringify(operations)),
      ),
      { numRuns: 20, seed: 20_260_115, endOnFailure: true },
    )
  })
})
