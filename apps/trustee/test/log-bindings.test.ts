/** Bindings and links in the log: a trustee's own word comes back, a second one of its peers is found. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeLink, signLink, signNotice } from '@scelle/seal/grants'
import type { Identity } from '@scelle/seal/identity'
import type { MadeVault } from '@scelle/seal/keys'
import { Binding, encode, type NoticeAbout, statementId, SUITE, toHex } from '@scelle/seal/verify'
import { BindingsShown, LinkShown } from '@scelle/wire/messages'
import { vaultOf } from './discovery-world.ts'
import { follow, TestLog } from './log-world.ts'
import { makeWorld, type Running, startTrustee, type World } from './world.ts'

let world: World
let running: Running
let log: TestLog
let one: MadeVault
let other: MadeVault
const pseudonym = new Uint8Array(32).fill(9)
const start = (): Running => startTrustee(world, 0, ':memory:', {
  peers: world.trustees.slice(1).map(({ id }) => ({ id: toHex(id), url: 'http://127.0.0.1:9' })),
  fetch: () => Promise.reject(new TypeError('nobody is there')),
})
beforeEach(async () => {
  world = await makeWorld('log bindings')
  running = start()
  one = await vaultOf(world, world.hospital, 'custody')
  other = await vaultOf(world, world.hospital, 'custody')
  log = new TestLog(world)
  log.add(world.hospital.chain[0] as Uint8Array)
})
afterEach(() => running.store.close())

const bindingOf = (by: Identity, { vault }: MadeVault, previous?: Uint8Array): Promise<Uint8Array> =>
  by.sign('binding', encode(Binding, {
    suite: SUITE, pseudonym, vault, ...(previous === undefined ? {} : { previous }),
    time: Math.floor(world.clock.now() / 1000), nonce: world.clock.random(16),
  }))

const notice = async (about: NoticeAbout, { vault }: MadeVault, content: Uint8Array): Promise<void> => {
  log.add(await signNotice({
    signer: world.hospital, about, target: vault, content, trustees: world.trustees.map(({ keys }) => keys),
  }, world.clock))
  expect((await follow(world, running, log)).cosigned).toBe(log.size)
}

const bindings = async (vault: MadeVault, signed: readonly Uint8Array[], by: readonly Identity[]): Promise<void> =>
  notice('binding', vault, encode(BindingsShown, {
    keys: by.map(({ chain }) => [...chain]), bindings: [...signed], genesis: vault.genesisSigned,
  }))

const bound = async (vault: MadeVault, by: readonly number[], previous?: Uint8Array): Promise<Uint8Array[]> => {
  const trustees = by.map((which) => world.trustees[which] as Identity)
  const signed = await Promise.all(trustees.map((trustee) => bindingOf(trustee, vault, previous)))
  await bindings(vault, signed, trustees)
  return signed
}

const told = (name: string): unknown[] => running.lines.map((line) => JSON.parse(line) as { event: string })
  .filter(({ event }) => event === name)
const vaultNow = (): string | undefined => {
  const found = running.store.discovery.bound(pseudonym)?.vault
  return found === undefined ? undefined : toHex(found)
}

test('its own binding comes back to a trustee that has forgotten it; peers\' alone are not taken over', async () => {
  await bound(other, [1, 2])
  expect(vaultNow()).toBeUndefined()
  const kept = running
  running = start()
  log = log.fork(1)
  await bound(one, [0, 1])
  expect(vaultNow()).toBe(toHex(one.vault))
  expect([...told('notice-ignored'), ...told('binding-conflict')]).toEqual([])
  kept.store.close()
})

test('two peers that bind an identity to a second vault are found, and change nothing', async () => {
  await bound(one, [0, 1, 2])
  expect(told('binding-conflict')).toEqual([])
  await bound(other, [1, 2])
  expect(told('binding-conflict')).toMatchObject([{ leaf: log.size - 1, trustees: [1, 2] }])
  expect(vaultNow()).toBe(toHex(one.vault))
})

test('so they are by a trustee that never bound it itself, which saw the first in the log', async () => {
  await bound(one, [1, 2])
  await bound(other, [1, 2])
  expect(told('binding-conflict')).toHaveLength(1)
})

test('a change that says so is none, nor is what was true before it, told again by anybody', async () => {
  const first = await bound(one, [0, 1])
  const moved = await bindingOf(world.trustees[0] as Identity, other, statementId(first[0] as Uint8Array))
  const theirs = await bindingOf(world.trustees[1] as Identity, other, statementId(first[1] as Uint8Array))
  await bindings(other, [moved, theirs], world.trustees.slice(0, 2))
  expect(vaultNow()).toBe(toHex(other.vault))
  await bindings(one, first, world.trustees.slice(0, 2))
  expect(vaultNow()).toBe(toHex(other.vault))
  expect([...told('notice-ignored'), ...told('binding-conflict')]).toEqual([])
})

test('by one trustee, by strangers, of two vaults or two identities: ignored, and cosigned', async () => {
  const [mine, second, third] = world.trustees as [Identity, Identity, Identity]
  await bindings(one, [await bindingOf(second, one)], [second])
  await bindings(one, [await bindingOf(second, one), await bindingOf(second, one)], [second])
  await bindings(one, await Promise.all([second, world.stranger].map((who) => bindingOf(who, one))),
    [second, world.stranger])
  await bindings(one, [await bindingOf(mine, one), await bindingOf(third, other)], [mine, third])
  const forged = Uint8Array.from(await bindingOf(mine, one))
  forged[forged.length - 1]! ^= 1
  await bindings(one, [forged, await bindingOf(third, one)], [mine, third])
  expect(told('notice-ignored')).toHaveLength(5)
  expect(vaultNow()).toBeUndefined()
  expect(told('binding-conflict')).toEqual([])
})

test('merges and splits that were missed are known, signed by both vaults\' controllers', async () => {
  const linked = (): number => running.store.discovery.links(one.vault).length
  const tell = async (by: Identity, fields: Parameters<typeof makeLink>[0]): Promise<Uint8Array> => {
    const signed = await signLink(by, makeLink(fields, world.clock))
    await notice('link', one, encode(LinkShown, {
      keys: [[...by.chain]], link: [signed], geneses: [one.genesisSigned, other.genesisSigned],
    }))
    return signed
  }
  const both = { vault: one.vault, other: other.vault }
  await tell(world.stranger, { action: 'merge', ...both })
  expect([linked(), told('notice-ignored').length]).toEqual([0, 1])
  const merge = await tell(world.hospital, { action: 'merge', ...both })
  expect(linked()).toBe(1)
  await tell(world.hospital, { action: 'split', ...both, previous: statementId(merge) })
  expect(linked()).toBe(0)
  // Told again by anybody, what was split stays split.
  await notice('link', one, encode(LinkShown, {
    keys: [[...world.hospital.chain]], link: [merge], geneses: [one.genesisSigned, other.genesisSigned],
  }))
  expect([linked(), told('notice-ignored').length]).toEqual([0, 1])
})
