/** Evidence of lies about the log: each lie is shown to a stranger, and honest histories show nothing. */
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { leafHash } from '@scelle/log'
import { createIdentity } from '@scelle/seal/identity'
import { type Context, toHex } from '@scelle/seal/verify'
import { checkEvidence, encodeEvidence, type Evidence, proveFork, type Said, type Seen } from '@scelle/wire/evidence'
import { type FixtureLeaf, type FixtureParties, LogFixture, logParties } from '@scelle/testing/log-fixture'
import { seededRandom } from '@scelle/testing/random'

const T = 1_900_000_000
const context: Context = { now: () => T * 1000, random: seededRandom('evidence') }

let parties: FixtureParties
let log: LogFixture
/** Shares 40 of 70 leaves with `log`. */
let forked: LogFixture

beforeAll(async () => {
  parties = await logParties(context)
  log = new LogFixture(parties, context.random)
  await log.fill(70)
  forked = log.fork(40)
  await forked.fill(35)
})

const accused = (): readonly Uint8Array[] => parties.index.chain
const pins = (): { trustees: Uint8Array[] } => ({ trustees: parties.trustees.map(({ id }) => id) })
const chains = (): Uint8Array[][] => parties.trustees.map(({ chain }) => [...chain])
const leafOf = (of: LogFixture, index: number): FixtureLeaf => of.leaves[index] as FixtureLeaf

const seen = async (size: number, times: readonly (number | undefined)[], of = log): Promise<Seen> =>
  ({ checkpoint: await of.checkpoint(size, times), witnesses: chains() })

const check = (evidence: Evidence, by = pins()): ReturnType<typeof checkEvidence> =>
  checkEvidence(encodeEvidence(evidence), by)

const twoHistories = async (older: LogFixture, from: number, newer: LogFixture, to: number) => ({
  first: await older.checkpoint(from),
  second: await newer.checkpoint(to),
  ...(from === to ? {} : await proveFork(older.tree(from), newer.tree(to), newer.nodes)),
})

const dropped = async (at: FixtureLeaf, of: LogFixture, with_: 'entry' | 'statement'): Promise<Evidence> => {
  const there = leafOf(of, at.sequence - 1)
  return {
    kind: 'leaf-dropped', accused: accused(),
    said: { word: await log.position(at, T), place: 0 },
    proof: await of.receipt(there, await of.checkpoint()),
    leaf: leafHash(there.entry),
    ...(with_ === 'entry' ? { entry: there.entry } : { statement: at.statement }),
  }
}

describe('a lie is shown from the file alone', () => {
  test('two checkpoints of one size', async () => {
    const evidence: Evidence = { kind: 'fork', accused: accused(), ...await twoHistories(log, 60, forked, 60) }
    await expect(check(evidence, { trustees: [] })).resolves.toMatchObject({
      kind: 'fork', shows: 'lie', sizes: [60, 60], liar: { role: 'index', id: parties.index.id }, restsOn: [],
    })
  })

  test('two checkpoints of two sizes, whatever they are', async () => {
    const size = fc.integer({ min: 41, max: 70 })
    await fc.assert(fc.asyncProperty(size, size, async (a, b) => {
      fc.pre(a !== b)
      const [older, newer] = a < b ? [log, forked] as const : [forked, log] as const
      const shown = await twoHistories(older, Math.min(a, b), newer, Math.max(a, b))
      await expect(check({ kind: 'fork', accused: accused(), ...shown })).resolves.toMatchObject({ kind: 'fork' })
    }), { numRuns: 40 })
  })

  test.each(['entry', 'statement'] as const)('another leaf than the position says, by its %s', async (how) => {
    await expect(check(await dropped(leafOf(log, 50), forked, how))).resolves
      .toMatchObject({ kind: 'leaf-dropped', leaf: 50, sizes: [75] })
  })

  test('a leaf named among several', async () => {
    const evidence = await dropped(leafOf(log, 50), forked, 'entry')
    const word = await log.positions([48, 49, 50].map((at) => leafOf(log, at)), T)
    await expect(check({ ...evidence, said: { word, place: 2 } } as Evidence)).resolves.toMatchObject({ leaf: 50 })
    await expect(check({ ...evidence, said: { word, place: 1 } } as Evidence)).rejects
      .toMatchObject({ code: 'evidence-unproven' })
  })

  test('a leaf that two trustees did not see a minute later: a broken promise, not more', async () => {
    const said = { word: await log.position(leafOf(log, 60), T), place: 0 }
    const evidence: Evidence = { kind: 'leaf-late', accused: accused(), said, seen: await seen(60, [T + 61, T + 75]) }
    await expect(check(evidence)).resolves.toMatchObject({
      kind: 'leaf-late', shows: 'delay', leaf: 60, times: [T, T + 75],
      restsOn: parties.trustees.slice(0, 2).map(({ id }) => toHex(id)),
    })
  })

  test('a leaf that was not there by the index\'s own word', async () => {
    const said = { word: await log.position(leafOf(log, 60), T), place: 0 }
    const head = await log.head(await log.checkpoint(60), T + 61)
    const evidence: Evidence = { kind: 'leaf-late', accused: accused(), said, seen: { head, witnesses: [] } }
    await expect(checkEvidence(encodeEvidence(evidence))).resolves.toMatchObject({ kind: 'leaf-late', restsOn: [] })
  })

  test('a time before that of an earlier leaf', async () => {
    const late = { word: await log.position(leafOf(log, 60), T), place: 0 }
    const before = { word: await log.position(leafOf(log, 59), T + 61), place: 0 }
    await expect(check({ kind: 'back-dated', accused: accused(), late, before })).resolves
      .toMatchObject({ shows: 'lie', leaf: 60, times: [T, T + 61] })
    await expect(check({ kind: 'back-dated', accused: accused(), late: before, before: late })).rejects
      .toMatchObject({ code: 'evidence-unproven' })
  })

  test('an old checkpoint called the newest, by trustees and by the index\'s own word', async () => {
    const head = await log.head(await log.checkpoint(50), T)
    const shown: Evidence = {
      kind: 'head-stale', accused: accused(), head, seen: await seen(51, [T - 61, undefined, T - 70]),
    }
    await expect(check(shown)).resolves.toMatchObject({ shows: 'lie', sizes: [50, 51], times: [T, T - 70] })
    const own = { head: await log.head(await log.checkpoint(51), T - 61), witnesses: [] }
    await expect(check({ kind: 'head-stale', accused: accused(), head, seen: own })).resolves
      .toMatchObject({ restsOn: [] })
  })

  test('a trustee that cosigned two histories', async () => {
    const [, liar] = parties.trustees
    const shown = {
      ...await twoHistories(log, 50, forked, 60),
      first: await log.checkpoint(50, [undefined, T]), second: await forked.checkpoint(60, [undefined, T + 1]),
    }
    await expect(check({ kind: 'cosigned-fork', accused: liar?.chain ?? [], ...shown })).resolves
      .toMatchObject({ liar: { role: 'trustee', id: liar?.id } })
    const other = parties.trustees[0]?.chain ?? []
    await expect(check({ kind: 'cosigned-fork', accused: other, ...shown })).rejects
      .toMatchObject({ code: 'evidence-unproven' })
  })
})

describe('nobody is slandered', () => {
  test('an honest log, whatever is put together of its words', async () => {
    const size = fc.integer({ min: 1, max: 70 })
    const skew = fc.integer({ min: -30, max: 30 })
    /** Leaf i is of second T + i, published within a second, cosigned by clocks that go wrong by 30 s. */
    await fc.assert(fc.asyncProperty(size, size, fc.tuple(skew, skew, skew), size, fc.boolean(), async (
      a, b, [s1, s2, s3], other, withHead,
    ) => {
      const [small, large] = a < b ? [a, b] : [b, a]
      const at = (n: number): number[] => [s1, s2, s3].map((s) => T + n + s)
      const first = await log.checkpoint(small, at(small))
      const second = await log.checkpoint(large, at(large))
      const [smallWord, largeWord] = await Promise.all([small, large].map(async (n) =>
        ({ word: await log.position(leafOf(log, n - 1), T + n), place: 0 }))) as [Said, Said]
      const head = await log.head(first, T + small)
      const look = async (n: number): Promise<Seen> => withHead
        ? { head: await log.head(await log.checkpoint(n), T + n), witnesses: [] } : seen(n, at(n))
      const proof = small === large ? [] : await log.consistency(small, large)
      const bogus = log.tree(other).root
      const pieces: Evidence[] = [
        { kind: 'fork', accused: accused(), first, second },
        ...[bogus, log.tree(small).root, log.tree(large).root].flatMap((root): Evidence[] => [
          { kind: 'fork', accused: accused(), first, second, other: root, proof },
          { kind: 'cosigned-fork', accused: parties.trustees[0]?.chain ?? [], first, second, other: root, proof },
        ]),
        await dropped(leafOf(log, small - 1), log, 'entry'),
        await dropped(leafOf(log, large - 1), log, 'statement'),
        { ...await dropped(leafOf(log, small - 1), log, 'entry'), said: largeWord } as Evidence,
        { kind: 'leaf-late', accused: accused(), said: largeWord, seen: await look(small) },
        { kind: 'leaf-late', accused: accused(), said: smallWord, seen: await look(large) },
        { kind: 'back-dated', accused: accused(), late: largeWord, before: smallWord },
        { kind: 'back-dated', accused: accused(), late: smallWord, before: largeWord },
        { kind: 'head-stale', accused: accused(), head, seen: await look(large) },
        { kind: 'head-stale', accused: accused(), head, seen: await look(small) },
      ]
      for (const piece of pieces) await expect(check(piece)).rejects.toMatchObject({ code: 'evidence-unproven' })
    }), { numRuns: 60 })
  })

  test('a file with one octet changed shows nothing else than before', async () => {
    const said = { word: await log.position(leafOf(log, 60), T), place: 0 }
    const files = await Promise.all([
      { kind: 'fork', accused: accused(), ...await twoHistories(log, 50, forked, 60) } as const,
      await dropped(leafOf(log, 50), forked, 'entry'),
      { kind: 'leaf-late', accused: accused(), said, seen: await seen(60, [T + 61, T + 75]) } as const,
    ].map(async (evidence) => {
      const file = encodeEvidence(evidence)
      return { file, says: (await checkEvidence(file, pins())).says }
    }))
    await fc.assert(fc.asyncProperty(fc.constantFrom(...files), fc.nat(), fc.integer({ min: 1, max: 255 }), async (
      { file, says }, place, change,
    ) => {
      const bytes = Uint8Array.from(file)
      const at = place % bytes.length
      bytes[at] = (bytes[at] as number) ^ change
      const verdict = await checkEvidence(bytes, pins()).catch((error: unknown) => error)
      if (!(verdict instanceof Error)) expect(verdict).toMatchObject({ says, liar: { id: parties.index.id } })
      else expect(verdict.name).toBe('EvidenceError')
    }), { numRuns: 300 })
  })

  test('by clocks of trustees that are not pinned, or by one alone', async () => {
    const said = { word: await log.position(leafOf(log, 60), T), place: 0 }
    const one: Evidence = { kind: 'leaf-late', accused: accused(), said, seen: await seen(60, [T + 100]) }
    await expect(check(one)).rejects.toMatchObject({ code: 'evidence-unpinned' })
    const two: Evidence = { kind: 'leaf-late', accused: accused(), said, seen: await seen(60, [T + 100, T + 100]) }
    await expect(check(two, { trustees: [] })).rejects.toMatchObject({ code: 'evidence-unpinned' })
    const [first] = parties.trustees
    const twice = { ...two, seen: { ...two.seen, witnesses: [[...first?.chain ?? []], [...first?.chain ?? []]] } }
    await expect(check(twice)).rejects.toMatchObject({ code: 'evidence-unpinned' })
    const mixed: Evidence = { kind: 'leaf-late', accused: accused(), said, seen: await seen(60, [T + 100, T + 60]) }
    await expect(check(mixed)).rejects.toMatchObject({ code: 'evidence-unproven' })
  })

  test('by words of its next log', async () => {
    const next = new LogFixture(parties, context.random, log.leaves.slice(0, 45), 2)
    await next.fill(20)
    const across: Evidence[] = [
      { ...await dropped(leafOf(log, 50), next, 'entry') },
      { ...await dropped(leafOf(log, 50), next, 'entry'), generation: 2 },
      { kind: 'fork', accused: accused(), ...await twoHistories(log, 50, next, 60) },
      { kind: 'fork', accused: accused(), generation: 2, ...await twoHistories(log, 50, next, 60) },
    ]
    for (const evidence of across) await expect(check(evidence)).rejects.toMatchObject({ code: 'evidence-unproven' })
    const split = next.fork(50)
    await split.fill(10)
    await expect(check({ kind: 'fork', accused: accused(), generation: 2, ...await twoHistories(next, 60, split, 60) }))
      .resolves.toMatchObject({ kind: 'fork', origin: expect.stringMatching(/\/2$/) as string })
  })

  test('by somebody who is no index', async () => {
    const other = await createIdentity('organisation', context)
    const shown = new LogFixture({ ...parties, index: other }, context.random)
    await shown.fill(3)
    const split = shown.fork(1)
    await split.fill(2)
    await expect(check({ kind: 'fork', accused: other.chain, ...await twoHistories(shown, 3, split, 3) })).rejects
      .toMatchObject({ code: 'evidence-unproven' })
  })

  test('by what is no evidence', async () => {
    for (const bytes of [new Uint8Array(0), new Uint8Array(2_000_000), Uint8Array.of(0xa0)]) {
      await expect(checkEvidence(bytes)).rejects.toMatchObject({ code: 'evidence-malformed' })
    }
  })
})
