/**
 * A leaver over real sockets: the register takes its status back, and no trustee releases anything to it from then on.
 * What an edge adds to it, until a session ends, is in `apps/edge/test/staff.test.ts`.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client, Vault } from '@scelle/sdk'
import { toHex } from '@scelle/seal/verify'
import { type Constellation, createConstellation, type PartyHandle } from '../src/constellation.ts'
import { codeOf, HOUR, item } from './scene.ts'

const MINUTE = 60_000
/** The edge's own look, every fifteen seconds, comes on top. */
const LOOK = 15_000

let world: Constellation
let register: Client
let hospital: Client
beforeAll(async () => {
  world = await createConstellation({ seed: 'leaving', sockets: { now: Date.now } })
  register = await world.client(world.register.identity)
  hospital = await world.client('organisation')
})
afterAll(() => world.close())

interface Person {
  readonly client: Client
  readonly statuses: readonly Uint8Array[]
}

const somebody = async (): Promise<Person> => {
  const identity = await world.identity('person')
  const statuses = [await world.register.enrol({ subject: identity.id, role: 'specialist' })]
  return { client: await world.client(identity, { standing: { show: () => ({ statuses }) } }), statuses }
}

const vaultFor = async ({ client }: Person): Promise<Vault> => {
  const vault = await hospital.createVault({ mode: 'custody', categories: [{ code: 'summary', strict: false }] })
  await vault.write([item('a')])
  await vault.share({ basis: 'consent', to: client.identity.id, categories: ['summary'], until: Date.now() + HOUR })
  return client.vault(vault.id)
}

const open = (vault: Vault): Promise<string> => codeOf(vault.open().then((chart) => chart.close()))
const gone = async ({ client, statuses }: Person): Promise<string[]> =>
  (await client.standing(statuses)).flatMap(({ trustee, locked }) => (locked === 'withdrawn' ? [trustee] : []))

describe('a leaver', () => {
  it('is out at every trustee within a minute, an edge\'s look included', async () => {
    const [leaver, colleague] = [await somebody(), await somebody()]
    const [first, second, theirs] = [await vaultFor(leaver), await vaultFor(leaver), await vaultFor(colleague)]
    expect(await open(first)).toBe('nothing was thrown')
    const since = performance.now()
    const state = await register.withdraw(await register.newWithdrawal(leaver.client.identity.id))
    expect(state).toEqual({ pending: [], logged: true })
    expect(await gone(leaver)).toHaveLength(3)
    const after = Math.round(performance.now() - since)
    console.log(`a withdrawal is told, logged and counts at three trustees after ${after} ms`)
    expect(after + LOOK).toBeLessThan(MINUTE)
    expect([await open(first), await open(second)]).toEqual(['release-insufficient', 'release-insufficient'])
    expect([await gone(colleague), await open(theirs)]).toEqual([[], 'nothing was thrown'])
  })

  it('is out at a trustee that was away, once it is back and before it releases anything', async () => {
    const leaver = await somebody()
    const vault = await vaultFor(leaver)
    const third = world.trustees[2] as PartyHandle
    await third.kill()
    const state = await register.withdraw(await register.newWithdrawal(leaver.client.identity.id))
    expect([state.pending.map(toHex), state.logged]).toEqual([[toHex(third.id)], true])
    await third.restart()
    // It has read the log up to the newest receipt by the time it could release on one.
    const back = await world.client(leaver.client.identity, {
      standing: { show: () => ({ statuses: leaver.statuses }) },
    })
    expect(await open(await back.vault(vault.id))).toBe('release-insufficient')
    const until = performance.now() + MINUTE
    let known: string[] = []
    while (known.length < 3 && performance.now() < until) known = await gone({ ...leaver, client: back })
    expect(known).toContain(toHex(third.id))
  })

  it('comes back with a status that begins later, on the same meter', async () => {
    const leaver = await somebody()
    const vault = await vaultFor(leaver)
    await register.withdraw(await register.newWithdrawal(leaver.client.identity.id))
    expect(await open(vault)).toBe('release-insufficient')
    const now = Math.floor(Date.now() / 1000) + 1
    const statuses = [await world.register.enrol({
      subject: leaver.client.identity.id, role: 'specialist', notBefore: now,
    })]
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    const again = await world.client(leaver.client.identity, { standing: { show: () => ({ statuses }) } })
    expect(await open(await again.vault(vault.id))).toBe('nothing was thrown')
  })

  it('is nobody\'s but the register\'s to send away', async () => {
    const colleague = await somebody()
    const forged = await hospital.newWithdrawal(colleague.client.identity.id)
    expect(await codeOf(hospital.withdraw(forged))).toBe('trustee-problem')
    expect(await gone(colleague)).toEqual([])
  })
})
