/** Trustees compare what they cosigned, past the index; and one that was restored hears how far it had come. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Identity } from '@scelle/seal/identity'
import { toHex } from '@scelle/seal/verify'
import { checkEvidence, encodeEvidence } from '@scelle/wire/evidence'
import type { Timers } from '@scelle/wire/timers'
import { follow, get, sendPush, TestLog } from './log-world.ts'
import { makeWorld, type Running, startTrustee, type World } from './world.ts'

let world: World
let folder: string
let runnings: Running[]
let log: TestLog
/** What stands in for an answer, by what the address contains. */
let instead: Map<string, () => Response>
let due: (() => void)[]

const timers: Timers = {
  after: (_, then) => {
    due.push(then)
    return () => { due = due.filter((one) => one !== then) }
  },
}

const fetch = async (url: string, init: RequestInit = {}): Promise<Response> => {
  const { host, pathname } = new URL(url)
  for (const [part, answer] of instead) if (url.includes(part)) return answer()
  const running = runnings[Number(host[1])]
  if (running === undefined) throw new TypeError('fetch failed')
  const answer = await running.trustee.inject({ method: init.method as 'GET', url: pathname })
  return new Response(new Uint8Array(answer.rawPayload), { status: answer.statusCode })
}

const pathOf = (which: number): string => join(folder, `${which}.sqlite`)

const start = (which: number): Running => {
  const peers = world.trustees.map(({ id }, other) => ({ id: toHex(id), url: `http://t${other}` }))
    .filter((_, other) => other !== which)
  return startTrustee(world, which, pathOf(which), { peers, fetch, timers })
}

beforeEach(async () => {
  world = await makeWorld('gossip')
  folder = mkdtempSync(join(tmpdir(), 'scelle-gossip-'))
  instead = new Map()
  due = []
  runnings = []
  for (let i = 0; i < 3; i++) runnings[i] = start(i)
  for (const { trustee } of runnings) await trustee.gossip()
  log = new TestLog(world).append(4)
})
afterEach(() => {
  for (const { trustee, store } of runnings) {
    trustee.halt()
    store.close()
  }
  rmSync(folder, { recursive: true })
})

const at = (which: number): Running => runnings[which] as Running
const forked = async (which: number): Promise<boolean> => (await get(at(which), '/readyz')).status === 503

describe('an index that shows trustees two logs', () => {
  test('of one size: found by whoever asks first, and evidence for everybody', async () => {
    await follow(world, at(0), log)
    await follow(world, at(1), log.fork(3).append(1))
    await at(0).trustee.gossip()
    expect([await forked(0), await forked(1)]).toEqual([true, false])
    const verdict = await checkEvidence((await get(at(0), '/v1/log/evidence')).bytes)
    expect([verdict.kind, toHex(verdict.liar.id)]).toEqual(['fork', toHex(world.index.id)])
  })

  test('of two sizes: found by the one with the larger tree at once, by the other when it gets there', async () => {
    await follow(world, at(0), log)
    const other = log.fork(2).append(5)
    await follow(world, at(1), other)
    await at(0).trustee.gossip()
    expect(await forked(0)).toBe(false)
    log.append(6)
    expect((await sendPush(world, at(0), await log.push(4, 4))).code).toBe('log-forked')
    await at(1).trustee.gossip()
    expect(await forked(1)).toBe(true)
  })

  test('is stopped for all by what one of them found, if it shows it', async () => {
    await follow(world, at(0), log)
    await follow(world, at(1), log.fork(3).append(1))
    await at(0).trustee.gossip()
    await at(2).trustee.gossip()
    expect(await forked(2)).toBe(true)
  })

  test('every minute, without being asked', async () => {
    await follow(world, at(0), log)
    await follow(world, at(1), log.fork(3).append(1))
    for (const then of due.splice(0)) then()
    await expect.poll(() => forked(0)).toBe(true)
  })
})

describe('one log, at different sizes', () => {
  test('stops nobody', async () => {
    await follow(world, at(0), log)
    log.append(300)
    await follow(world, at(1), log)
    for (const { trustee } of runnings) await trustee.gossip()
    log.append(5)
    for (const running of runnings) expect((await follow(world, running, log)).cosigned).toBe(309)
    for (const { trustee } of runnings) await trustee.gossip()
    expect(await Promise.all([0, 1, 2].map(forked))).toEqual([false, false, false])
  })
})

describe('a peer that lies', () => {
  const said = (which: number) => at(which).lines.join('')

  test('about a checkpoint, its signature, or who it is: named in the log, and nobody stops', async () => {
    await follow(world, at(0), log)
    const unsigned = await log.note()
    for (const body of [unsigned, new TextEncoder().encode('x'), new Uint8Array()]) {
      instead.set('t1/v1/log/checkpoint', () => new Response(body as Uint8Array<ArrayBuffer>))
      await at(0).trustee.gossip()
    }
    expect(said(0)).toMatch(/"trustee":1,"state":"lying"/)
    expect(await forked(0)).toBe(false)
  })

  test('with evidence that shows nothing, or is about another log', async () => {
    const note = await log.note()
    const empty = encodeEvidence({ kind: 'fork', accused: [...world.index.chain], first: note, second: note })
    const stranger = world.stranger
    const other = new TestLog(world, log.leaves, stranger)
    const about = encodeEvidence({
      kind: 'fork', accused: [...stranger.chain], first: await other.note(),
      second: await other.fork(3).append(1).note(),
    })
    for (const body of [empty, about, Uint8Array.of(1)]) {
      instead.set('t1/v1/log/evidence', () => new Response(body as Uint8Array<ArrayBuffer>))
      await at(0).trustee.gossip()
      expect(await forked(0)).toBe(false)
    }
  })

  test('or is silent: told once, and told again when it is back', async () => {
    instead.set('http://t1', () => { throw new TypeError('fetch failed') })
    await at(0).trustee.gossip()
    await at(0).trustee.gossip()
    instead.clear()
    await at(0).trustee.gossip()
    const states = at(0).lines.flatMap((line) => /"trustee":1,"state":"(\w+)"/.exec(line)?.[1] ?? [])
    expect(states).toEqual(['cosigning', 'silent', 'cosigning'])
  })

  test('about what this trustee cosigned: only its own signature counts', async () => {
    await follow(world, at(1), log)
    instead.set('t1/v1/log/seen', () => new Response(at(1).store.log.cosigned()?.note as Uint8Array<ArrayBuffer>))
    await at(0).trustee.gossip()
    expect((await follow(world, at(0), log)).cosigned).toBe(4)
  })
})

describe('a trustee restored from yesterday\'s backup', () => {
  const backUp = (which: number): void => {
    at(which).store.close()
    copyFileSync(pathOf(which), `${pathOf(which)}.old`)
    runnings[which] = start(which)
  }
  const restore = async (which: number): Promise<void> => {
    at(which).trustee.halt()
    at(which).store.close()
    for (const rest of ['-wal', '-shm']) rmSync(`${pathOf(which)}${rest}`, { force: true })
    copyFileSync(`${pathOf(which)}.old`, pathOf(which))
    runnings[which] = start(which)
    await expect.poll(() => at(which).lines.join('')).toContain('witness-restored')
  }
  const cosignedBefore = async (): Promise<void> => {
    await follow(world, at(0), log)
    await at(0).trustee.gossip()
    backUp(0)
    await at(0).trustee.gossip()
    log.append(6)
    await follow(world, at(0), log)
    await at(1).trustee.gossip()
  }

  test('hears from a peer what it cosigned, waits for it, and goes on', async () => {
    // A peer takes note of others only once it knows the index.
    await follow(world, at(1), log)
    await cosignedBefore()
    await restore(0)
    expect((await get(at(0), '/readyz')).status).toBe(503)
    const early = await sendPush(world, at(0), await log.push(4, 4, 7))
    expect(early.status).toBe(200)
    expect(at(0).store.log.cosigned()?.size).toBe(4)
    expect((await follow(world, at(0), log)).cosigned).toBe(10)
    expect((await get(at(0), '/readyz')).status).toBe(200)
  })

  test('waits on after another restart', async () => {
    await follow(world, at(1), log)
    await cosignedBefore()
    await restore(0)
    at(0).trustee.halt()
    at(0).store.close()
    instead.set('http://t', () => { throw new TypeError('fetch failed') })
    runnings[0] = start(0)
    await at(0).trustee.gossip()
    expect((await get(at(0), '/readyz')).status).toBe(503)
    await sendPush(world, at(0), await log.push(4, 4, 7))
    expect(at(0).store.log.cosigned()?.size).toBe(4)
  })

  test('is not led to another history that begins like the one it remembers', async () => {
    await follow(world, at(1), log)
    await cosignedBefore()
    await restore(0)
    const other = log.fork(4).append(20)
    const answer = await sendPush(world, at(0), await other.push(4, 4))
    expect(answer.code).toBe('log-forked')
    expect(at(0).store.log.cosigned()?.size).toBe(4)
    const { liar } = await checkEvidence((await get(at(0), '/v1/log/evidence')).bytes)
    expect(toHex(liar.id)).toBe(toHex((world.index satisfies Identity).id))
  })

  test('is not asked to cosign before its peers were asked', async () => {
    await follow(world, at(1), log)
    await cosignedBefore()
    at(0).trustee.halt()
    at(0).store.close()
    for (const rest of ['-wal', '-shm']) rmSync(`${pathOf(0)}${rest}`, { force: true })
    copyFileSync(`${pathOf(0)}.old`, pathOf(0))
    let answered = (): void => undefined
    const late = new Promise<void>((resolve) => { answered = resolve })
    const slow = async (url: string, init?: RequestInit): Promise<Response> => {
      await late
      return fetch(url, init)
    }
    const peers = [{ id: toHex((world.trustees[1] as Identity).id), url: 'http://t1' }]
    runnings[0] = startTrustee(world, 0, pathOf(0), { peers, fetch: slow, timers })
    await sendPush(world, at(0), await log.push(4, 4, 7))
    expect(at(0).store.log.cosigned()?.size).toBe(4)
    answered()
    await expect.poll(() => at(0).lines.join('')).toContain('witness-restored')
  })
})
