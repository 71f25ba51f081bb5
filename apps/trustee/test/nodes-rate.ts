/**
 * `node apps/trustee/test/nodes-rate.ts`: releases a second of one trustee as one process, and with a holder and so
 * many nodes, over loopback, with real cryptography and every release on the disk. Requests are made before the clock
 * runs. Beside it what a release costs the holder and the nodes in time of a core, which another load changes less.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import type { ReleaseRequest } from '@scelle/wire/messages'
import { withReceipts } from './logged.ts'
import { Processes, type Said, signed, type Started } from './nodes.ts'
import { makeCapsule, makeWorld, prepare, startTrustee } from './world.ts'

const NODES = [0, 1, 2, 4, 8]
const REQUESTS = 1_000
const WARM = 200
const AT_ONCE = 64

const folder = mkdtempSync(join(tmpdir(), 'scelle-rate-'))
const world = await makeWorld('rate')
const processes = new Processes(world, folder)

const requests = async (): Promise<ReleaseRequest[]> => {
  const running = startTrustee(world, 0, processes.path)
  const capsules = [await makeCapsule(world)]
  const logged: ReleaseRequest[] = []
  for (const _ of NODES) {
    const made: ReleaseRequest[] = []
    for (let i = 0; i < REQUESTS + WARM; i++) {
      made.push((await prepare(world, { capsules, reader: world.hospital })).request)
    }
    logged.push(...await withReceipts(world, running, made))
  }
  await running.trustee.close()
  running.store.close()
  return logged
}

/** Milliseconds that a process has had a core: the kernel counts in hundredths of a second. */
const spent = ({ child }: Started): number => {
  const [, fields = ''] = /\) (.*)$/s.exec(readFileSync(`/proc/${child.pid}/stat`, 'utf8')) ?? []
  const [user = 0, system = 0] = fields.split(' ').slice(11, 13).map(Number)
  return (user + system) * 10
}

const all = (started: readonly Started[]): number => started.reduce((sum, one) => sum + spent(one), 0)

const run = async (sends: (() => Promise<Said>)[]): Promise<number> => {
  const waiting = [...sends]
  const begun = performance.now()
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let send = waiting.pop(); send !== undefined; send = waiting.pop()) {
      const { status, code } = await send()
      if (status !== 200) throw new Error(`${status} ${String(code)}`)
    }
  }))
  return (sends.length * 1000) / (performance.now() - begun)
}

try {
  const made = await requests()
  process.stdout.write(`${availableParallelism()} cores, ${AT_ONCE} requests at once, ${REQUESTS} a row\n`)
  for (const count of NODES) {
    const holder = await processes.holder()
    const nodes = await processes.nodes(count)
    const asked = count === 0 ? [holder] : nodes
    const mine = made.splice(0, REQUESTS + WARM)
    const sends = await Promise.all(mine.map((request, i) =>
      signed(world, request, world.hospital, asked[i % asked.length]?.url ?? '')))
    await run(sends.splice(0, WARM))
    const before = [spent(holder), all(nodes)] as const
    const rate = await run(sends)
    const each = (now: number, then: number): string => ((now - then) / sends.length).toFixed(2)
    const what = count === 0 ? 'one process' : `holder, ${count} nodes`
    const cores = `holder ${each(spent(holder), before[0])} ms, nodes ${each(all(nodes), before[1])} ms of a core each`
    process.stdout.write(`${what}: ${Math.round(rate)} releases/s; ${cores}\n`)
    await processes.end()
  }
} finally {
  await processes.end()
  rmSync(folder, { recursive: true, force: true })
}
