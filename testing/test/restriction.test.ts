/**
 * Restriction against the provider that it is hidden from: two worlds of one seed, one in which records were put aside
 * and one in which they never were. The provider's whole view, every answer of every server, is compared.
 */
import { performance } from 'node:perf_hooks'
import { describe, expect, it } from 'vitest'
import { ACCESS_LOG, type Chart, type Client, memoryState, type Vault } from '@scelle/sdk'
import { toHex } from '@scelle/seal/verify'
import { type Constellation, createConstellation } from '../src/constellation.ts'
import { mannWhitney } from './ranks.ts'
import { codeOf, DAY, handle, item, namesOf } from './scene.ts'

const VISIBLE = ['a', 'b', 'c']
const SECRET = ['x1', 'x2', 'x3', 'x4', 'x5', 'x6', 'x7', 'x8', 'x9']

interface Pair {
  readonly world: Constellation
  readonly owner: Client
  readonly vault: Vault
  readonly provider: Client
  readonly other: Client
}

/** `secret`: what is in the vault besides, and is put aside once the provider is there. */
const pairOf = async (seed: string, secret: readonly string[], restrict = true): Promise<Pair> => {
  const world = await createConstellation({ seed })
  const owner = await world.client('person')
  const categories = [
    { code: 'summary', strict: false }, { code: 'notes', strict: true }, { code: ACCESS_LOG, strict: true },
  ]
  const vault = await owner.createVault({ mode: 'owner', categories })
  await vault.write([...VISIBLE, ...secret].map((name) => item(name)))
  await vault.write([item('a', 2)])
  const [provider, other] = [await world.client('organisation'), await world.client('organisation')]
  for (const { identity } of [provider, other]) {
    await vault.share({
      to: identity.id, categories: ['summary'], rights: ['read', 'write'], until: world.now() + 30 * DAY,
    })
  }
  if (restrict) await vault.restrict({ category: 'summary', handles: secret.map(handle), from: [provider.identity.id] })
  await world.clock.advance(2_000)
  return { world, owner, vault, provider, other }
}

/**
 * Keys and the log are nobody's vault. Whether a client looks, how often, and how far the log has grown by then,
 * differs between two runs of one world, too, by what was answered first: these answers are left out.
 */
const SHARED = /\/(v1\/principals|v1\/log|v1\/self|checkpoint|tile)\b/

/** What is asked at once is answered in any order: which of two comes first is the client's own doing. */
const ordered = (answers: readonly Answer[]): string[] => {
  const own = answers.filter(({ asked }) => !SHARED.test(asked)).map((answer) => JSON.stringify(answer))
  // A third trustee is asked where one is slow: that it was says nothing of a vault.
  const index = own.filter((text) => !text.includes(' trustee'))
  return [...index, ...new Set(own.filter((text) => text.includes(' trustee')))].toSorted()
}

interface Answer {
  readonly asked: string
  readonly status: number
  readonly length: number
  readonly type: string | undefined
}

/** All that a fresh client of the provider is told, while it does `work`. */
const viewOf = async (
  { world, provider, vault }: Pair, work: (vault: Vault) => Promise<unknown>,
): Promise<{ answers: Answer[]; ms: number }> => {
  const answers: Answer[] = []
  const stop = world.network.add({
    effect: {
      kind: 'tamper',
      change: (answer, { host, method, target }) => {
        // A trustee's word to the index: no client sees it.
        if (host === world.index.host && target === '/v1/releases') return answer
        // Ids and cursors differ by chance, their lengths must not.
        // Which two of three trustees are asked is drawn.
        const whom = host.replace(/^trustee-\d/, 'trustee')
        const asked = `${method} ${whom} ${target.replaceAll(/[0-9a-f]{24,}/g, (hex) => `<${hex.length}>`)}`
        answers.push({ asked, status: answer.status, length: answer.body.length, type: answer.headers['content-type'] })
        return answer
      },
    },
  })
  const client = await world.client(provider.identity)
  const started = performance.now()
  await work(await client.vault(vault.id))
  const ms = performance.now() - started
  stop()
  return { answers, ms }
}

/** Without what was deleted. */
const shownIn = (chart: Chart): string[] =>
  namesOf(chart.latest().filter(({ contentType }) => contentType !== 'tombstone'))

const open = async (vault: Vault): Promise<void> => {
  const chart = await vault.open()
  expect(namesOf(chart.latest())).toEqual(VISIBLE)
  expect(chart.problems).toEqual([])
  await chart.refresh()
  chart.close()
}

const closeAll = async (...pairs: readonly Pair[]): Promise<void> => {
  for (const { world } of pairs) await world.close()
}

describe('restriction', () => {
  it('the reader it is for sees the rest, the others everything, the owner all of it once', async () => {
    const pair = await pairOf('restriction-who', SECRET)
    const { world, vault, owner, provider, other } = pair
    await open(await provider.vault(vault.id))
    expect(shownIn(await (await other.vault(vault.id)).open())).toEqual([...VISIBLE, ...SECRET])
    const own = await (await world.client(owner.identity)).vault(vault.id)
    expect(shownIn(await own.open())).toEqual([...VISIBLE, ...SECRET])
    await own.checkHistory()
    await closeAll(pair)
  })

  it('two worlds without any give the same view: the comparison itself is steady', async () => {
    const [one, other] = [await pairOf('restriction-none', []), await pairOf('restriction-none', [])]
    expect(ordered((await viewOf(one, open)).answers)).toEqual(ordered((await viewOf(other, open)).answers))
    await closeAll(one, other)
  })

  it('every answer has the same length and status as where the records never were', async () => {
    const work = async (vault: Vault): Promise<void> => {
      await open(vault)
      expect([...(await vault.categories()).keys()]).toEqual(['summary'])
      // A handle and version of a record that is put aside, and of none: no conflict tells them apart.
      await vault.write([item('x1')])
      await vault.write([item('never')])
      expect(await codeOf(vault.open({ categories: ['summary~2'] }))).toBe('no-grant')
    }
    const [some, none] = [await pairOf('restriction-pair', SECRET), await pairOf('restriction-pair', [])]
    const [seen, unseen] = [await viewOf(some, work), await viewOf(none, work)]
    expect(seen.answers.length).toBeGreaterThan(10)
    expect(ordered(seen.answers)).toEqual(ordered(unseen.answers))
    await closeAll(some, none)
  })

  it('without it, the comparison sees nine records more', async () => {
    const [some, none] = [
      await pairOf('restriction-off', SECRET, false), await pairOf('restriction-off', [], false),
    ]
    const work = async (vault: Vault): Promise<unknown> => (await vault.open()).close()
    expect(ordered((await viewOf(some, work)).answers)).not.toEqual(ordered((await viewOf(none, work)).answers))
    await closeAll(some, none)
  })

  it('takes as long as where the records never were', async () => {
    const [some, none] = [await pairOf('restriction-time', SECRET), await pairOf('restriction-time', [])]
    const times: { some: number[]; none: number[] } = { some: [], none: [] }
    for (let run = 0; run < 16; run++) {
      const order = run % 2 === 0 ? (['some', 'none'] as const) : (['none', 'some'] as const)
      for (const which of order) times[which].push((await viewOf(which === 'some' ? some : none, open)).ms)
    }
    expect(mannWhitney(times.some.slice(2), times.none.slice(2))).toBeGreaterThan(0.001)
    await closeAll(some, none)
  }, 120_000)

  it('a client that had opened them goes on without any alarm, and is shown nothing of them again', async () => {
    const pair = await pairOf('restriction-before', SECRET, false)
    const { world, vault, provider } = pair
    const state = memoryState()
    const before = await world.client(provider.identity, { state })
    const chart = await (await before.vault(vault.id)).open()
    expect(namesOf(chart.latest())).toEqual([...VISIBLE, ...SECRET])
    await vault.restrict({ category: 'summary', handles: SECRET.map(handle), from: [provider.identity.id] })
    await open(await (await world.client(provider.identity, { state })).vault(vault.id))
    // What it has in memory it has; nothing of it comes again, or goes on.
    await vault.write([{ ...item('x1', 2, 'summary~2') }])
    expect(await chart.refresh()).toEqual([])
    const accesses = await pair.vault.grantsGiven()
    const theirs = accesses.filter(({ grant }) => toHex(grant.grantee) === toHex(provider.identity.id))
    expect([theirs.length, theirs.filter(({ revoked }) => revoked).length]).toEqual([2, 1])
    expect((await vault.retryRevocations()).size).toBe(0)
    await closeAll(pair)
  })

  it('a whole category looks empty, and what comes later is read again', async () => {
    const pair = await pairOf('restriction-whole', SECRET, false)
    const { vault, provider, other } = pair
    const { category, records } = await vault.restrict({ category: 'summary', from: [provider.identity.id] })
    expect(records).toBe(VISIBLE.length + SECRET.length + 1)
    const seen = await provider.vault(vault.id)
    expect((await seen.open()).latest()).toEqual([])
    await (await other.vault(vault.id)).write([item('later')])
    expect(namesOf((await seen.open()).latest())).toEqual(['later'])
    await vault.unrestrict({ category, to: provider.identity.id })
    await seen.refresh()
    expect(shownIn(await seen.open())).toEqual([...VISIBLE, 'later', ...SECRET])
    await closeAll(pair)
  })

  it('what a provider wrote while it was restricted is kept, and a reader restricts nothing', async () => {
    const pair = await pairOf('restriction-late', SECRET, false)
    const { world, vault, provider, other } = pair
    const theirs = await other.vault(vault.id)
    let wrote = false
    const stop = world.network.add({
      method: 'POST', target: /\/v1\/revocations/, times: 1, host: world.index.host,
      effect: {
        kind: 'replace',
        handle: async (request, server) => {
          await theirs.write([item('meanwhile')])
          wrote = true
          return server(request)
        },
      },
    })
    await vault.restrict({ category: 'summary', handles: SECRET.map(handle), from: [provider.identity.id] })
    stop()
    expect(wrote).toBe(true)
    const seen = (await (await provider.vault(vault.id)).open()).latest()
    expect(namesOf(seen)).toEqual([...VISIBLE, 'meanwhile'])
    expect(await codeOf(theirs.restrict({ category: 'summary', from: [toHex(provider.identity.id)] })))
      .not.toBe('nothing was thrown')
    await closeAll(pair)
  })
})

describe('the test that compares times', () => {
  it('finds a difference, and none where there is none', () => {
    const drawn = (shift: number): number[] => Array.from({ length: 20 }, (_, i) => ((i * 7) % 20) + shift)
    expect(mannWhitney(drawn(0), drawn(0))).toBeGreaterThan(0.9)
    expect(mannWhitney(drawn(0), drawn(15))).toBeLessThan(0.001)
    // Two samples of 5 and 5 without overlap, exactly 2/252; the approximation is close.
    expect(mannWhitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])).toBeCloseTo(0.0122, 3)
  })
})
