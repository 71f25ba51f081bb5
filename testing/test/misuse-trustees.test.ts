/** Trustees that are down, slow or lying; networks that lose, repeat and delay. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Client, Vault } from '@scelle/sdk'
import { decode, encode, toHex } from '@scelle/seal/verify'
import { GrantList, ReleaseAnswer } from '@scelle/wire/messages'
import type { Effect, PartyHandle } from '../src/constellation.ts'
import { codeOf, createScene, DAY, HOUR, item, namesOf, type Scene } from './scene.ts'

let scene: Scene
let doctor: Client
let vault: Vault
let grant: Uint8Array
beforeEach(async () => {
  scene = await createScene('misuse-trustees')
  doctor = await scene.world.client('person')
  ;({ grant } = await scene.vault.share({
    basis: 'consent',
    to: doctor.identity.id,
    categories: ['summary'],
    until: scene.world.now() + 30 * DAY,
  }))
  await scene.vault.write([item('a'), item('b')])
  vault = await doctor.vault(scene.vault.id)
})
afterEach(() => scene.world.close())

const trustee = (i: number): PartyHandle => scene.world.trustees[i] as PartyHandle
const at = (i: number, effect: Effect, times?: number): (() => void) =>
  scene.world.network.add({
    host: trustee(i).host,
    target: /releases/,
    effect,
    ...(times === undefined ? {} : { times }),
  })

/** How a trustee takes part in the log. */
const cosigning = (i: number, effect: Effect): (() => void) =>
  scene.world.network.add({ host: trustee(i).host, target: /log\/push/, effect })

const lying: Effect = {
  kind: 'tamper',
  change: (answer) => {
    const released = decode(ReleaseAnswer, answer.body)
    const sealed = released.sealed.map((one) => one.map((byte, i) => (i === 3 ? byte ^ 1 : byte)))
    return { ...answer, headers: {}, body: encode(ReleaseAnswer, { ...released, sealed }) }
  },
}

describe.each([0, 1, 2])('trustee %i', (i) => {
  it('down: the other two serve', async () => {
    await trustee(i).kill()
    expect(namesOf((await vault.open()).opened())).toEqual(['a', 'b'])
  })

  it('slow: the third is asked meanwhile', async () => {
    at(i, { kind: 'delay', ms: 20 * HOUR })
    const before = scene.world.now()
    expect(namesOf((await vault.open()).opened())).toEqual(['a', 'b'])
    expect(scene.world.now() - before).toBeLessThan(3_000)
  })

  it('lying: named as soon as it is asked, and the other two serve', async () => {
    at(i, lying)
    // Those whose cosignatures are under the receipt are asked first: another one is late, so this one is among them.
    cosigning((i + 1) % 3, { kind: 'delay', ms: 200 })
    const named = new Set<string>()
    for (let turn = 0; turn < 12 && named.size === 0; turn++) {
      const chart = await vault.open()
      expect(namesOf(chart.opened())).toEqual(['a', 'b'])
      for (const { what, who, code } of chart.problems) {
        expect({ what, code }).toEqual({ what: 'trustee', code: 'share-invalid' })
        named.add(who)
      }
    }
    expect([...named]).toEqual([toHex(trustee(i).id)])
  })
})

describe.each([0, 1, 2])('trustee %i, as a witness', (i) => {
  it('does not cosign: the other two serve, and it is not asked', async () => {
    cosigning(i, { kind: 'refuse' })
    scene.world.network.recording = true
    const chart = await vault.open()
    expect(namesOf(chart.opened())).toEqual(['a', 'b'])
    expect(chart.problems).toEqual([])
    expect(scene.world.network.seen.filter(({ host, target }) => host === trustee(i).host && /releases/.test(target)))
      .toEqual([])
  })

  it('cosigns late: a newer receipt is fetched for it, where another one fails', async () => {
    cosigning(i, { kind: 'delay', ms: 300 })
    const failing = (i + 1) % 3
    at(failing, { kind: 'refuse' })
    const before = scene.world.now()
    const chart = await vault.open()
    expect(namesOf(chart.opened())).toEqual(['a', 'b'])
    expect(chart.problems.map(({ what, who }) => ({ what, who }))).toEqual([
      { what: 'trustee', who: toHex(trustee(failing).id) },
    ])
    expect(scene.world.now() - before).toBeLessThan(5_000)
  })

  it('cosigns never, and another one fails: both are named', async () => {
    cosigning(i, { kind: 'refuse' })
    const failing = (i + 1) % 3
    at(failing, { kind: 'refuse' })
    const error = await vault.open().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'release-insufficient' })
    expect(new Set((error as { parties: string[] }).parties)).toEqual(
      new Set([toHex(trustee(i).id), toHex(trustee(failing).id)]),
    )
  })
})

describe('too few trustees', () => {
  it('two do not cosign: release-insufficient, before anybody is asked for a share', async () => {
    cosigning(0, { kind: 'refuse' })
    cosigning(1, { kind: 'drop' })
    scene.world.network.recording = true
    expect(await codeOf(vault.open())).toBe('release-insufficient')
    expect(scene.world.network.seen.filter(({ target }) => target === '/v1/releases')).toEqual([])
  })

  it('two down: release-insufficient, naming them', async () => {
    await trustee(0).kill()
    await trustee(2).kill()
    const error = await vault.open().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'release-insufficient' })
    expect(new Set((error as { parties: string[] }).parties)).toEqual(
      new Set([toHex(trustee(0).id), toHex(trustee(2).id)]),
    )
    await trustee(2).restart()
    expect(namesOf((await vault.open()).opened())).toEqual(['a', 'b'])
  })

  it('two lying: release-insufficient, naming them', async () => {
    at(0, lying)
    at(1, lying)
    const error = await vault.open().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'release-insufficient' })
    expect(new Set((error as { parties: string[] }).parties)).toEqual(
      new Set([toHex(trustee(0).id), toHex(trustee(1).id)]),
    )
  })

  it('one answers as another one: release-insufficient beside one that is down', async () => {
    await trustee(2).kill()
    at(0, {
      kind: 'tamper',
      change: (answer) => ({
        ...answer,
        headers: {},
        body: encode(ReleaseAnswer, { ...decode(ReleaseAnswer, answer.body), trustee: trustee(1).id }),
      }),
    })
    expect(await codeOf(vault.open())).toBe('release-insufficient')
  })

  it('a trustee whose clock is wrong refuses, and the others serve', async () => {
    trustee(0).skew(DAY)
    expect(namesOf((await vault.open()).opened())).toEqual(['a', 'b'])
    trustee(1).skew(-DAY)
    expect(await codeOf(vault.open())).toBe('release-insufficient')
  })

  it('restarted over what it kept, it serves again', async () => {
    for (const i of [0, 1, 2]) {
      await trustee(i).kill()
      await trustee(i).restart()
    }
    expect(namesOf((await vault.open()).opened())).toEqual(['a', 'b'])
  })
})

describe('revoking with a trustee down', () => {
  it('is pending there, honoured by the others, and finished later', async () => {
    await trustee(1).kill()
    const state = await scene.vault.revoke(grant)
    expect(state).toMatchObject({ pending: [toHex(trustee(1).id)], index: true, rotated: true, logged: 'pending' })
    expect(state.acknowledged).toHaveLength(2)
    await trustee(1).restart()
    const [after] = [...(await scene.vault.retryRevocations()).values()]
    expect(after).toMatchObject({ pending: [], index: true })
    // Done once all three have cosigned it; the one that was down is asked again within a minute.
    for (let left = 60; left > 0 && (await scene.vault.retryRevocations()).size > 0; left--) {
      await scene.world.clock.advance(1_000)
    }
    expect((await scene.vault.retryRevocations()).size).toBe(0)
  })

  it('is honoured by trustees even while the index is down, and finished when it is back', async () => {
    await scene.vault.grantsGiven()
    const stop = scene.world.network.add({
      host: scene.world.index.host,
      method: 'POST',
      target: /revocations/,
      effect: { kind: 'refuse' },
    })
    const state = await scene.vault.revoke(grant)
    expect(state).toMatchObject({ pending: [], index: false, rotated: false })
    // The index still lets this reader in; no trustee does.
    expect(await codeOf(vault.open())).toBe('release-insufficient')
    stop()
    expect([...(await scene.vault.retryRevocations()).values()]).toMatchObject([{ index: true, rotated: true }])
  })

  it('a removed reader is not sent new keys, even where the index says that its grant holds', async () => {
    const { world } = scene
    await scene.vault.revoke(grant, { rotate: false })
    world.network.recording = true
    world.network.add({
      host: world.index.host,
      target: /\/grants$/,
      effect: {
        kind: 'tamper',
        change: (answer) => ({
          ...answer,
          headers: {},
          body: encode(
            GrantList,
            decode(GrantList, answer.body).map((one) => ({ ...one, revoked: false })),
          ),
        }),
      },
    })
    await scene.vault.rotate()
    expect(world.network.seen.filter(({ target }) => target === '/v1/grant-keys')).toEqual([])
  })
})

describe('the network', () => {
  it('loses requests and answers: retried, and nothing is written twice', async () => {
    const { world } = scene
    for (const kind of ['drop', 'drop-answer', 'refuse', 'duplicate'] as const) {
      world.network.add({ host: world.index.host, method: 'POST', target: /commits/, times: 1, effect: { kind } })
      await scene.vault.write([item(kind)])
    }
    expect(namesOf((await scene.vault.open()).opened())).toEqual([
      'a',
      'b',
      'drop',
      'drop-answer',
      'duplicate',
      'refuse',
    ])
    await scene.vault.checkHistory()
  })

  it('a write whose fate is unknown is settled before the next one', async () => {
    const { world } = scene
    const stop = world.network.add({
      host: world.index.host,
      method: 'POST',
      target: /commits/,
      effect: { kind: 'drop-answer' },
    })
    expect(await codeOf(scene.vault.write([item('unknown')]))).toBe('timeout')
    stop()
    await scene.vault.write([item('next')])
    expect(namesOf((await scene.vault.open()).opened())).toEqual(['a', 'b', 'next', 'unknown'])
    await scene.vault.checkHistory()
  })

  it('an index killed in between: the same commit is accepted once', async () => {
    const { world, hospital } = scene
    const prepared = await scene.vault.prepare([item('c')])
    await world.index.kill()
    expect(await codeOf(hospital.submit([prepared]))).toBe('network')
    await world.index.restart()
    const [first] = await hospital.submit([prepared])
    const [again] = await hospital.submit([prepared])
    expect(first).toMatchObject({ accepted: true })
    expect(again).toEqual(first)
    expect(namesOf((await scene.vault.open()).opened())).toEqual(['a', 'b', 'c'])
  })

  it('an index that is down: a client starts from what it remembers, an opened chart goes on', async () => {
    const { world, hospital } = scene
    const entries = new Map<string, Uint8Array>()
    const state = {
      get: async (key: string) => entries.get(key),
      set: async (key: string, value: Uint8Array) => void entries.set(key, value),
    }
    await world.client(hospital.identity, { state })
    const chart = await vault.open()
    await world.index.kill()
    await world.client(hospital.identity, { state })
    expect(namesOf(chart.latest())).toEqual(['a', 'b'])
    expect(await codeOf(chart.refresh())).toBe('network')
    await world.index.restart()
    await scene.vault.write([item('c')])
    expect(namesOf(await chart.refresh())).toEqual(['c'])
  })

  it('gives up when the caller does', async () => {
    at(0, { kind: 'drop' })
    at(1, { kind: 'drop' })
    at(2, { kind: 'drop' })
    const stop = new AbortController()
    const opening = codeOf(vault.open({ signal: stop.signal }))
    setTimeout(() => stop.abort(), 20)
    expect(await opening).toBe('aborted')
  })
})

describe('servers that are not who they were', () => {
  it('pin-mismatch', async () => {
    const { world, hospital } = scene
    const pins = { index: trustee(0).id }
    expect(await codeOf(world.client(hospital.identity, { pins }))).toBe('pin-mismatch')
    const options = world.options(hospital.identity)
    expect(
      await codeOf(world.client(hospital.identity, { trustees: [trustee(0).url, trustee(0).url, trustee(2).url] })),
    ).toBe('pin-mismatch')
    expect(await codeOf(world.client(hospital.identity, { index: trustee(0).url, trustees: options.trustees }))).toBe(
      'pin-mismatch',
    )
  })
})

describe('time', () => {
  it('a chart closes when nobody looks at it, and after its life in any case', async () => {
    const { world } = scene
    const chart = await vault.open({ idle: 10 * 60_000, life: HOUR })
    for (let i = 0; i < 5; i++) {
      await world.clock.advance(9 * 60_000)
      expect(chart.latest()).toHaveLength(2)
    }
    await world.clock.advance(10 * 60_000)
    expect(chart.closed).toBe(true)
    expect(await codeOf(Promise.resolve().then(() => chart.latest()))).toBe('chart-closed')
    const busy = await vault.open({ idle: HOUR, life: HOUR })
    for (let i = 0; i < 3; i++) {
      await world.clock.advance(19 * 60_000)
      expect(busy.latest()).toHaveLength(2)
    }
    await world.clock.advance(4 * 60_000)
    expect(busy.closed).toBe(true)
  })
})
