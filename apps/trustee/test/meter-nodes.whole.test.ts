/** Several processes of one trustee, and one reader who asks all of them at once: no more than one would give. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Identity } from '@scelle/seal/identity'
import { decode, decodeSigned, Release, statementId, toHex } from '@scelle/seal/verify'
import type { ReleaseRequest } from '@scelle/wire/messages'
import { BUDGETS } from '../src/meter/budgets.ts'
import { Journal } from '../src/meter/journal.ts'
import { TrusteeStore } from '../src/store.ts'
import { withReceipts } from './logged.ts'
import { Processes, type Said, signed, type Started } from './nodes.ts'
import { patientOf, requestOf } from './patients.ts'
import { makeWorld, type Running, startTrustee, statusOf, type World } from './world.ts'

const BOUND = BUDGETS.gp.free

let folder: string
let world: World
let processes: Processes
const closing: ChildProcess[] = []
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'scelle-nodes-'))
  world = await makeWorld('nodes')
  processes = new Processes(world, folder)
})
afterEach(async () => {
  await processes.end()
  for (const child of closing.splice(0)) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

interface Asked {
  readonly vault: string
  readonly request: ReleaseRequest
  /** Place of the node that is asked. */
  readonly at: number
}

/** An access of its own for every patient at every node, all of them on record. */
const everybody = async (running: Running, patients: number, nodes: number): Promise<Asked[]> => {
  const { doctor, hospital } = world
  const statuses = [
    await statusOf(world, doctor, { role: 'gp', organisation: hospital.id }),
    await statusOf(world, hospital, { role: 'hospital' }),
  ]
  const asked: Asked[] = []
  for (let n = 0; n < patients; n++) {
    const patient = await patientOf(world, [doctor])
    for (let at = 0; at < nodes; at++) {
      asked.push({ vault: toHex(patient.vault), request: await requestOf(world, patient, doctor, statuses), at })
    }
  }
  const logged = await withReceipts(world, running, asked.map(({ request }) => request))
  return asked.map((one, i) => ({ ...one, request: logged[i] as ReleaseRequest }))
}

/** All at once; what each was told, in their order. */
const askAll = async (asked: readonly Asked[], nodes: readonly Started[]): Promise<Said[]> => {
  const ready = await Promise.all(asked.map(({ request, at }) =>
    signed(world, request, world.doctor, (nodes[at % nodes.length] as Started).url)))
  return Promise.all(ready.map((send) => send()))
}

/** Sends again whatever nobody answered, or was told to come back later, as a reader does. */
const askAgain = async (
  asked: readonly Asked[], said: readonly Said[], nodes: readonly Started[],
): Promise<Said[]> => {
  const open = asked.flatMap((_, i) => ([0, 503].includes((said[i] as Said).status) ? [i] : []))
  const again = await askAll(open.map((i) => asked[i] as Asked), nodes)
  return said.map((one, i) => again[open.indexOf(i)] ?? one)
}

const released = (asked: readonly Asked[], said: readonly Said[]): Asked[] =>
  asked.filter((_, i) => (said[i] as Said).status === 200)

const codes = (said: readonly Said[]): unknown[] =>
  [...new Set(said.flatMap(({ status, code }) => (status === 200 ? [] : code ?? 'unanswered')))]

/** Numbers of the charges in the words on disk, and for which accesses they are: what the log will get. */
const wordsIn = (store: TrusteeStore, asked: readonly Asked[]): { accesses: Set<string>; serials: number[] } => {
  const trustee = world.trustees[0] as Identity
  const vaults = new Set(asked.map(({ vault }) => vault))
  const words = [...vaults].flatMap((vault) =>
    store.words.of(new Uint8Array(Buffer.from(vault, 'hex')), world.hospital.id, 0, 10_000))
  const accesses = new Set<string>()
  const serials = words.map(({ word, access }) => {
    accesses.add(toHex(statementId(access)))
    const { charge, access: id } = decode(Release, decodeSigned('release', word).body)
    return new Journal(trustee).open(charge as Uint8Array, id).serial
  })
  return { accesses, serials: serials.toSorted((a, b) => a - b) }
}

/** The bound exactly; every release with its word, and no charge without one; every patient opened by every access. */
const expectExact = (store: TrusteeStore, asked: readonly Asked[], said: readonly Said[], nodes: number): void => {
  const given = released(asked, said)
  expect(new Set(given.map(({ vault }) => vault)).size).toBe(BOUND)
  expect(given.length).toBe(BOUND * nodes)
  expect(codes(said)).toEqual(['step-up-required'])
  const { accesses, serials } = wordsIn(store, given)
  expect(accesses).toEqual(new Set(given.map(({ request }) => toHex(statementId(request.access)))))
  expect(serials).toEqual(Array.from({ length: given.length }, (_, i) => i + 1))
  expect(store.asked(({ spent }) => spent.serial)).toBe(given.length)
}

/** What was released is released again by whichever node, in the same bytes, and costs nothing. */
const expectRepeats = async (
  asked: readonly Asked[], said: readonly Said[], nodes: readonly Started[],
): Promise<void> => {
  const again = await askAll(released(asked, said).map((one) => ({ ...one, at: one.at + 1 })), nodes)
  const given = said.filter(({ status }) => status === 200)
  expect(again.map(({ bytes }) => toHex(bytes))).toEqual(given.map(({ bytes }) => toHex(bytes)))
}

test('8 nodes, 200 streams each, one reader: the bound is met exactly, and every release has its word', async () => {
  const running = startTrustee(world, 0, processes.path)
  await running.trustee.serveNodes(processes.socket)
  const [asked, nodes] = [await everybody(running, 200, 8), await processes.nodes(8)]
  const said = await askAll(asked, nodes)
  expectExact(running.store, asked, said, 8)
  await expectRepeats(asked, said, nodes)
  expectExact(running.store, asked, said, 8)
  await running.trustee.close()
  running.store.close()
})

test('kill -9 of a node whose charge is on disk and not told: the bound stands, and a retry finds it', async () => {
  const running = startTrustee(world, 0, processes.path)
  await running.trustee.serveNodes(processes.socket)
  const [asked, nodes] = [await everybody(running, 40, 3), await processes.nodes(3)]
  const { store } = running
  const keep = store.keepRelease.bind(store)
  let kept = 0
  store.keepRelease = (...release) => {
    const answer = keep(...release)
    // Its holder is this process: nothing that it would be told has left yet.
    if (++kept === BOUND / 2) nodes[0]?.child.kill('SIGKILL')
    return answer
  }
  const first = await askAll(asked, nodes)
  expect(first.some(({ status }) => status === 0), 'nobody answers for a node that was killed').toBe(true)
  expect(new Set(released(asked, first).map(({ vault }) => vault)).size).toBeLessThanOrEqual(BOUND)
  const others = [await processes.node(), ...nodes.slice(1)]
  const said = await askAgain(asked, first, others)
  expectExact(store, asked, said, 3)
  await expectRepeats(asked, said, others)
  await running.trustee.close()
  store.close()
})

test('kill -9 of the holder between disk and answer: nodes go on with the next one, the bound stands', async () => {
  const before = startTrustee(world, 0, processes.path)
  const asked = await everybody(before, 40, 3)
  await before.trustee.close()
  before.store.close()
  const holder = await processes.holder(BOUND / 2)
  const nodes = await processes.nodes(3)
  const first = await askAll(asked, nodes)
  // Nodes hear of it by their connection, before the system tells this process.
  await expect.poll(() => holder.child.signalCode, { timeout: 10_000 }).toBe('SIGKILL')
  expect(released(asked, first).length).toBeLessThan(BOUND / 2)
  expect(codes(first), 'nothing is released while nobody charges').toEqual(['overloaded'])
  const next = await processes.holder()
  const said = await askAgain(asked, first, nodes)
  await expectRepeats(asked, said, nodes)
  await next.kill()
  const store = new TrusteeStore(processes.path)
  expectExact(store, asked, said, 3)
  store.close()
})

test('no holder, or another trustee\'s: a node is not ready, and releases nothing', async () => {
  const before = startTrustee(world, 0, processes.path)
  const asked = await everybody(before, 1, 1)
  const [node] = await processes.nodes(1)
  const ready = async (): Promise<number> => (await fetch(`${node?.url}/readyz`)).status
  expect(await ready()).toBe(503)
  expect((await askAll(asked, [node as Started]))[0]?.code).toBe('overloaded')
  const other = startTrustee(world, 1)
  await other.trustee.serveNodes(processes.socket)
  expect(await ready()).toBe(503)
  expect((await askAll(asked, [node as Started]))[0]?.status).not.toBe(200)
  expect(other.store.asked(({ spent }) => spent.serial)).toBe(0)
  await other.trustee.close()
  await before.trustee.serveNodes(processes.socket)
  // It learns from its broken connection that it was another one's.
  await expect.poll(ready, { timeout: 10_000 }).toBe(200)
  expect((await askAll(asked, [node as Started]))[0]?.status).toBe(200)
  await before.trustee.close()
  before.store.close()
})

test('from configurations: a trustee and its node start, know each other, and end when asked', async () => {
  const write = (name: string, settings: object): string => {
    writeFileSync(join(folder, name), JSON.stringify({ listen: { port: 0 }, identity: 'identity', ...settings }))
    return join(folder, name)
  }
  const index = { id: toHex(world.index.id), url: 'http://127.0.0.1:9' }
  const run = async (...args: string[]): Promise<{ child: ChildProcess; port: number }> => {
    const child = fork(new URL('../src/main.ts', import.meta.url), args, { execArgv: [], silent: true })
    closing.push(child)
    for await (const line of createInterface(child.stdout as Readable)) {
      const { event, port } = JSON.parse(line) as { event: string; port: number }
      if (event === 'started') return { child, port }
    }
    throw new Error('it ended before it was ready')
  }
  const holder = await run(write('trustee.json', { data: 'data', nodes: 'data/n.sock', index }))
  const node = await run(write('node.json', { holder: 'data/n.sock' }), '--node')
  expect((await fetch(`http://127.0.0.1:${node.port}/readyz`)).status).toBe(200)
  expect((await fetch(`http://127.0.0.1:${node.port}/v1/meter`)).status, 'a node has no meter').toBe(404)
  for (const { child } of [node, holder]) {
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    expect(await exit).toEqual([0, null])
  }
})
