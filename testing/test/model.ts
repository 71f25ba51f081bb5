/** What several principals may open, kept beside what they can. */
import assert from 'node:assert/strict'
import { type Client, SdkError, type Vault } from '@scelle/sdk'
import type { Constellation } from '../src/constellation.ts'
import { handle, HOUR, namesOf } from './scene.ts'

export const CODES = ['summary', 'notes', 'laboratory'] as const
export const PEOPLE = 3

export type Operation =
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

export class Run {
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
      assert.equal((await writing).length, codes.length)
      model.written.push(...items)
    } else
      await assert.rejects(writing, { code: /^(no-grant|category-unknown)$/ })
  }

  async #share({ to, categories: places, read, write, hours }: Operation & { op: 'share' }): Promise<void> {
    const codes = places.map((i) => CODES[i] as string)
    const until = this.world.now() + hours * HOUR
    const { grant } = await this.custodians.share({
      basis: 'consent',
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
    assert.partialDeepStrictEqual(state, { index: true, pending: [] })
    grant.revoked = true
  }

  async check(who: number): Promise<void> {
    const expected = this.model.readable(who, this.world.now())
    const vault = await this.#vaultOf(who)
    const mayReadAnything = CODES.some((code) => this.model.may(who, code, 'read', this.world.now()))
    assert.equal(vault !== undefined, this.model.inForce(who, this.world.now()))
    if (vault === undefined) return
    if (!mayReadAnything) return assert.rejects(vault.open(), { code: 'no-grant' })
    const chart = await vault.open()
    assert.deepEqual(namesOf(chart.opened()), expected)
    assert.deepEqual(chart.problems, [])
    chart.close()
  }
}
