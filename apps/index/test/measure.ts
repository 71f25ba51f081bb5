/**
 * Measures the index alone over loopback: one process serves, this one sends what it sealed beforehand.
 * Run: `node apps/index/test/measure.ts [commits] [batch] [connections]`. Not a test: it asserts nothing.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { Courier, createCapsule, createCommit, sealRecords } from '@scelle/seal/envelope'
import { createIdentity, exportIdentity, type Identity } from '@scelle/seal/identity'
import { createVault, type MadeVault } from '@scelle/seal/keys'
import { type CategoryEntry, type Context, decode, encapsulationId, encode, toHex } from '@scelle/seal/verify'
import { signRequest } from '@scelle/wire/http'
import { CommitAnswers, CommitBatch, type CommitSubmission, Feed, NewVault } from '@scelle/wire/messages'
import { temporaryDirectory } from './world.ts'

const [commits = 6_400, batch = 32, connections = 8] = process.argv.slice(2).map(Number)
const context: Context = { now: () => Date.now(), random: (length) => new Uint8Array(randomBytes(length)) }
const { path: directory, remove } = temporaryDirectory()
const print = (line: string): void => void process.stdout.write(`${line}\n`)

const identity = await createIdentity('index', context)
writeFileSync(join(directory, 'identity'), exportIdentity(identity))
writeFileSync(
  join(directory, 'index.json'),
  JSON.stringify({ listen: { host: '127.0.0.1', port: 0 }, identity: 'identity', data: 'data', admitted: [] }),
)
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const profile =
  process.env['MEASURE_PROFILE'] === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${process.env['MEASURE_PROFILE']}`]
const child = spawn(process.execPath, [...profile, main, join(directory, 'index.json')], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const base = await new Promise<string>((resolve) => {
  child.stdout.once('data', (data: Buffer) =>
    resolve(`http://127.0.0.1:${(JSON.parse(data.toString()) as { port: number }).port}`),
  )
})
child.stdout.resume()
const agent = new Agent({ keepAlive: true, maxSockets: connections })

const ask = async (as: Identity, method: string, path: string, body?: Uint8Array): Promise<Uint8Array> => {
  const url = base + path
  const headers = await signRequest({ method, url, body, identity: as, ...context })
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      { method, agent, headers: { ...headers, 'content-type': 'application/cbor' } },
      (answer) => {
        const chunks: Buffer[] = []
        answer
          .on('data', (chunk: Buffer) => chunks.push(chunk))
          .on('end', () => {
            const whole = Buffer.concat(chunks)
            if (answer.statusCode === 200) resolve(new Uint8Array(whole))
            else reject(new Error(`${path}: ${answer.statusCode} ${whole.toString().slice(0, 200)}`))
          })
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

const trustees = await Promise.all([0, 1, 2].map(() => createIdentity('trustee', context)))
const owner = await createIdentity('person', context)
await ask(owner, 'POST', '/v1/principals', owner.chain[0])
const courier = new Courier(owner.id, context)
const content = JSON.stringify({ resourceType: 'Observation', filler: randomBytes(500).toString('hex') })

const newVault = async (): Promise<MadeVault> => {
  const made = await createVault(
    {
      mode: 'owner',
      controller: owner,
      trustees: trustees.map(({ id }) => id),
      categories: [{ code: 'summary', strict: false }],
    },
    context,
  )
  await ask(
    owner,
    'POST',
    '/v1/vaults',
    encode(NewVault, { genesis: made.genesisSigned, manifest: made.manifest.signed }),
  )
  return made
}

/** Commits with one capsule each and some records. */
/** What the first commit brings, the later ones need not. */
const sentBefore = new Set<string>()

const seal = async (vault: MadeVault, count: number, records: number): Promise<CommitSubmission[]> => {
  const made: CommitSubmission[] = []
  for (let i = 0; i < count; i++) {
    const capsule = await createCapsule(
      {
        vault: vault.vault,
        genesis: vault.genesis,
        custodian: owner.id,
        category: vault.manifest.manifest.categories[0] as CategoryEntry,
        retention: 'care',
        trustees: trustees.map(({ keys }) => keys),
        owner: owner.keys,
      },
      courier,
      context,
    )
    const sealed = await sealRecords(
      capsule,
      Array.from({ length: records }, () => ({
        handle: context.random(16),
        version: 1,
        time: Math.floor(context.now() / 1000),
        contentType: 'fhir+json' as const,
        content,
      })),
      context,
    )
    made.push(
      await createCommit(
        {
          vault: vault.vault,
          custodian: owner.id,
          author: owner,
          capsules: [capsule.capsuleBytes],
          records: sealed.map((record) => ({ ...record, size: record.body.length })),
          linkRecipient: owner.keys,
          indexHas: (id) => sentBefore.has(toHex(id)),
        },
        courier,
        context,
      ),
    )
  }
  return made
}

const send = async (
  submissions: readonly CommitSubmission[],
  perRequest: number,
): Promise<{ seconds: number; times: number[] }> => {
  const bodies: Uint8Array[] = []
  for (let at = 0; at < submissions.length; at += perRequest) {
    bodies.push(encode(CommitBatch, submissions.slice(at, at + perRequest)))
  }
  const times: number[] = []
  const begun = performance.now()
  let next = 0
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (next < bodies.length) {
        const body = bodies[next++] as Uint8Array
        const start = performance.now()
        const { answers } = decode(CommitAnswers, await ask(owner, 'POST', '/v1/commits', body))
        times.push(performance.now() - start)
        if (answers.some(({ problem }) => problem !== undefined)) throw new Error('a commit was refused')
      }
    }),
  )
  return { seconds: (performance.now() - begun) / 1000, times: times.toSorted((a, b) => a - b) }
}

/** Processor seconds that the index has used: what other programs on the machine do not change. */
const used = (): number => {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

const at = (times: readonly number[], share: number): string =>
  (times[Math.floor((times.length - 1) * share)] as number).toFixed(1)

const vaults: MadeVault[] = []
for (let i = 0; i < 64; i++) vaults.push(await newVault())
const first = await seal(vaults[0] as MadeVault, 1, 1)
await send(first, 1)
for (const bytes of first[0]?.encapsulations ?? []) sentBefore.add(toHex(encapsulationId(bytes)))
const all: CommitSubmission[] = []
for (let i = 0; i < commits; i += 64) for (const vault of vaults) all.push(...(await seal(vault, 1, 1)))
print(`sealed ${all.length} commits of one capsule and one record`)
for (const perRequest of [batch, 1]) {
  const half = all.splice(0, Math.floor(commits / 2))
  if (half.length === 0) continue
  const before = used()
  const { seconds, times } = await send(half, perRequest)
  const each = Math.round(((used() - before) / half.length) * 1e6)
  const rate = Math.round(half.length / seconds)
  print(`${perRequest} a request, ${connections} connections: ${rate} commits/s, ${each} µs of processor each`)
  print(`  p50 ${at(times, 0.5)} ms, p99 ${at(times, 0.99)} ms`)
}
for (const [capsules, records] of [
  [100, 10],
  [300, 3],
] as const) {
  const vault = await newVault()
  await send(await seal(vault, capsules, records), 10)
  const times: number[] = []
  let bytes = 0
  for (let i = 0; i < 20; i++) {
    bytes = 0
    const start = performance.now()
    for (let cursor = '', more = true; more;) {
      const answer = await ask(
        owner,
        'GET',
        `/v1/vaults/${toHex(vault.vault)}/feed?custodian=${toHex(owner.id)}${cursor}`,
      )
      bytes += answer.length
      const page = decode(Feed, answer)
      cursor = `&cursor=${toHex(page.cursor)}`
      more = page.more
    }
    times.push(performance.now() - start)
  }
  const sorted = times.toSorted((a, b) => a - b)
  print(`feed of ${capsules * records} records in ${capsules} capsules, ${bytes} bytes, decoded:`)
  print(`  p50 ${at(sorted, 0.5)} ms, p99 ${at(sorted, 0.99)} ms`)
}
child.kill('SIGTERM')
await new Promise((resolve) => child.once('exit', resolve))
agent.destroy()
remove()
