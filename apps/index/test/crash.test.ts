/** Kill -9 of a real process at seeded points of a stream of commits. A checker of its own judges what is left. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { leafHash, rootOfLeaves } from '@scelle/log'
import { exportIdentity, type Identity } from '@scelle/seal/identity'
import type { MadeVault } from '@scelle/seal/keys'
import { decode, encode, sha256, statementId, toHex } from '@scelle/seal/verify'
import { signRequest } from '@scelle/wire/http'
import { CommitAnswers, CommitBatch, CommitSubmission, type Feed } from '@scelle/wire/messages'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CommitAnswer, commitAnswers, type Sealed, World, Writer } from './world.ts'

const CHILD = fileURLToPath(new URL('crash-child.ts', import.meta.url))

let world: World
let owner: Identity
beforeAll(async () => {
  world = await World.create({ seed: 'crash' })
  owner = await world.principal()
})
afterAll(async () => world.end())

let starts = 0
const startChild = async (point: string, count: number): Promise<{ child: ChildProcess; url: string }> => {
  const file = join(world.directory, 'identity')
  writeFileSync(file, exportIdentity(world.identity))
  const child = spawn(
    process.execPath,
    [CHILD, world.directory, file, point, String(count), `child ${starts++}`, String(world.clock.now)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, url: line.toString().trim() }
}

/** Undefined where the index died before it answered. */
const send = async (
  url: string,
  method: 'POST' | 'PUT',
  path: string,
  body: Uint8Array,
): Promise<Uint8Array | undefined> => {
  const headers = await signRequest({ method, url: url + path, body, identity: owner, ...world.context })
  try {
    const answer = await fetch(url + path, { method, headers: { ...headers }, body: Buffer.from(body) })
    return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : undefined
  } catch {
    return undefined
  }
}

interface Sent {
  readonly sealed: Sealed
  position: CommitAnswer['position']
}

const stream = async (url: string, sent: readonly Sent[]): Promise<void> => {
  await Promise.all(
    [0, 1, 2].map(async (lane) => {
      for (let at = lane; at < sent.length; at += 3) {
        const one = sent[at] as Sent
        const blob = one.sealed.made.records.find(({ body }) => body === undefined)
        if (
          blob !== undefined &&
          (await send(url, 'PUT', `/v1/blobs/${toHex(blob.digest)}`, one.sealed.bodies[0] as Uint8Array)) === undefined
        )
          return
        const batch = [decode(CommitSubmission, one.sealed.submission)]
        const answer = await send(url, 'POST', '/v1/commits', encode(CommitBatch, batch))
        if (answer === undefined) return
        const [answered] = await commitAnswers(batch, decode(CommitAnswers, answer), world.identity.keys)
        one.position = answered?.position
      }
    }),
  )
}

const prepare = async (vault: MadeVault): Promise<Sent[]> => {
  const writer = new Writer(world, owner, vault, { custodian: owner })
  const sent: Sent[] = []
  for (let i = 0; i < 12; i++) {
    const items = i % 4 === 3 ? [{ blob: true }] : [{}, {}]
    sent.push({ sealed: await writer.seal(await writer.capsule(), items), position: undefined })
  }
  return sent
}

/** All leaves are in one published tree, which trustees that cosigned what was there before cosign too. */
const judgeLog = async (): Promise<void> => {
  const { log } = world.storage.store
  const size = await log.size()
  const leaves = await log.leaves(0, size)
  await expect.poll(async () => (await log.checkpoint())?.size).toBe(size)
  expect((await log.checkpoint())?.root).toEqual(rootOfLeaves(leaves.map(({ entry }) => leafHash(entry))))
  await expect.poll(async () => (await log.cosigned('quorum'))?.size, { timeout: 5_000 }).toBe(size)
}

/** Everything acknowledged is served, nothing is served in part, and every commit can be sent again. */
const judge = async (vault: MadeVault, sent: readonly Sent[]): Promise<void> => {
  const byId = new Map(sent.map((one) => [toHex(one.sealed.made.id), one]))
  const check = (feed: Feed): Set<string> => {
    const served = new Set(feed.commits.map(({ commit }) => toHex(statementId(commit))))
    expect(served.size).toBe(feed.commits.length)
    for (const { commit, capsules, records } of feed.commits) {
      const { made } = (byId.get(toHex(statementId(commit))) as Sent).sealed
      expect([capsules.length, records.length]).toEqual([made.capsules.length, made.records.length])
      for (const { body, digest } of records) if (body !== undefined) expect(sha256(body)).toEqual(digest)
    }
    return served
  }
  const before = check(await world.feed(owner, vault.vault, owner))
  for (const [id, { position }] of byId) if (position !== undefined) expect(before.has(id)).toBe(true)
  for (const { sealed, position } of sent) {
    for (const { digest, body } of sealed.made.records) {
      if (body === undefined)
        await world.ask(owner, 'PUT', `/v1/blobs/${toHex(digest)}`, { body: sealed.bodies[0] as Uint8Array })
    }
    const [answer] = await world.commit(owner, sealed.submission)
    expect(answer?.problem).toBeUndefined()
    if (position !== undefined) expect(answer?.position).toEqual(position)
  }
  expect(check(await world.feed(owner, vault.vault, owner)).size).toBe(sent.length)
  expect(await readdir(join(world.directory, 'blobs', 'incoming'))).toEqual([])
}

describe('kill -9', () => {
  const points = [
    'group-begun', 'group-applied', 'group-signed', 'group-written', 'group-durable', 'blob-written', 'blob-named',
    'publish-begun', 'publish-written',
  ]
  const cases = points.flatMap((point) =>
    (point.startsWith('group') ? [0, 2] : [0, 1]).map((count) => ({ point, count })),
  )

  test.each(cases)('at $point, time $count', async ({ point, count }) => {
    const vault = await world.vault(owner)
    const sent = await prepare(vault)
    await judgeLog()
    await world.stop()
    const { child, url } = await startChild(point, count)
    const ended = once(child, 'exit')
    await stream(url, sent)
    const [, signal] = (await ended) as [number | null, string | null]
    expect(signal).toBe('SIGKILL')
    world.start()
    await judge(vault, sent)
    await judgeLog()
  })

  test.each([3, 9, 17, 31])('after %d ms of a stream', async (delay) => {
    const vault = await world.vault(owner)
    const sent = await prepare(vault)
    await world.stop()
    const { child, url } = await startChild('never', 0)
    const ended = once(child, 'exit')
    const streaming = stream(url, sent)
    await new Promise((resolve) => {
      setTimeout(resolve, delay)
    })
    child.kill('SIGKILL')
    const [[, signal]] = (await Promise.all([ended, streaming])) as [[number | null, string | null], void]
    expect(signal).toBe('SIGKILL')
    world.start()
    await judge(vault, sent)
    await judgeLog()
  })
})
