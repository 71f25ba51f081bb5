import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SealError } from '@scelle/seal/verify'
import { advance, FeedHeads } from '../src/feed-head.ts'
import { idBytes } from '../src/ids.ts'
import { Lane } from '../src/lane.ts'
import { Recent } from '../src/lru.ts'
import { Memory, memoryState, type HeadSeen } from '../src/state.ts'
import { systemTimers, type Timers } from '../src/timers.ts'

const id = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const VISIBLE = new Set(['c'])

const read = (seen: HeadSeen | undefined, commits: readonly number[]): HeadSeen | undefined => {
  const heads = new FeedHeads(seen === undefined ? new Map() : new Map([['c', seen]]))
  for (const commit of commits) heads.add('c', id(commit), [id(commit + 100)])
  heads.end(VISIBLE)
  return heads.now.get('c')
}

const codeOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    if (error instanceof SealError) return error.code
    throw error
  }
  return 'fine'
}

const distinct = fc.uniqueArray(fc.nat({ max: 90 }), { minLength: 1, maxLength: 12 })

describe('feed heads', () => {
  it('take every continuation of what was seen, and nothing else', () => {
    fc.assert(fc.property(distinct, distinct, fc.boolean(), (first, second, continues) => {
      const seen = read(undefined, first)
      const next = continues ? [...first, ...second] : second
      const holds = first.every((commit, i) => next[i] === commit)
      const code = codeOf(() => read(seen, next))
      if (holds) expect(code).toBe('fine')
      else expect(['feed-rolled-back', 'feed-reordered']).toContain(code)
    }))
  })

  it('name another order as such', () => {
    fc.assert(fc.property(distinct, (commits) => {
      const reversed = commits.toReversed()
      const expected = commits.length === 1 ? 'fine' : 'feed-reordered'
      expect(codeOf(() => read(read(undefined, commits), reversed))).toBe(expected)
    }))
  })

  it('notice a leaf that is missing from a commit', () => {
    const whole = advance({ count: 0, head: id(0), sum: id(0) }, id(1), [id(2), id(3)])
    const heads = new FeedHeads(new Map([['c', whole]]))
    expect(codeOf(() => heads.add('c', id(1), [id(2)]))).toBe('feed-rolled-back')
  })

  it('ask nothing of categories that are not visible any more', () => {
    const seen = read(undefined, [1, 2]) as HeadSeen
    const heads = new FeedHeads(new Map([['c', seen]]))
    expect(codeOf(() => heads.end(new Set()))).toBe('fine')
    expect(codeOf(() => heads.end(VISIBLE))).toBe('feed-rolled-back')
  })
})

describe('what a client remembers', () => {
  it('is read back as it was written, and kept apart by principal', async () => {
    const state = memoryState()
    const [mine, others] = [new Memory(state, id(1)), new Memory(state, id(2))]
    await mine.sawManifest('v/c', { version: 3, id: id(9) })
    await mine.committed('v/c', id(8))
    expect(await mine.manifestSeen('v/c')).toEqual({ version: 3, id: id(9) })
    expect(await mine.lastCommit('v/c')).toEqual(id(8))
    expect(await others.manifestSeen('v/c')).toBeUndefined()
  })

  it('refuses a state that was damaged', async () => {
    const state = memoryState()
    const memory = new Memory(state, id(1))
    await memory.committed('v/c', id(8))
    await state.set(`${'01'.repeat(32)}/commit/v/c`, Uint8Array.of(0x42, 1, 2))
    await expect(memory.lastCommit('v/c')).rejects.toMatchObject({ code: 'encoding-out-of-range' })
  })
})

describe('ids', () => {
  it('are 32 bytes or 64 lower-case digits', () => {
    expect(idBytes('ab'.repeat(32))).toEqual(new Uint8Array(32).fill(0xab))
    for (const wrong of ['AB'.repeat(32), 'ab', 'zz'.repeat(32), new Uint8Array(31)]) {
      expect(() => idBytes(wrong)).toThrow(expect.objectContaining({ code: 'bad-input' }))
    }
  })
})

describe('a map of bounded size', () => {
  it('drops what was used least recently, and spares what is in use', () => {
    const recent = new Recent<number>(2, (value) => value !== 1)
    recent.set('a', 1)
    recent.set('b', 2)
    recent.set('c', 3)
    expect([recent.get('a'), recent.get('b'), recent.get('c')]).toEqual([1, undefined, 3])
    const plain = new Recent<number>(2)
    plain.set('a', 1)
    plain.set('b', 2)
    plain.get('a')
    plain.set('c', 3)
    expect([plain.get('a'), plain.get('b'), plain.get('c')]).toEqual([1, undefined, 3])
  })
})

describe('a lane', () => {
  it('lets one in at a time, in order', async () => {
    const lane = new Lane()
    const order: number[] = []
    const visit = async (n: number): Promise<void> => {
      await lane.enter(systemTimers)
      order.push(n)
      await Promise.resolve()
      order.push(-n)
      lane.leave()
    }
    await Promise.all([1, 2, 3].map(visit))
    expect(order).toEqual([1, -1, 2, -2, 3, -3])
    expect(lane.idle).toBe(true)
  })

  it('lets nobody wait for ever, and serves the others after', async () => {
    const waiting: (() => void)[] = []
    const timers: Timers = { after: (_, then) => {
      waiting.push(then)
      return () => {}
    } }
    const lane = new Lane()
    await lane.enter(timers)
    const tooLong = lane.enter(timers)
    const served = lane.enter(timers)
    waiting[0]?.()
    await expect(tooLong).rejects.toMatchObject({ code: 'commit-pending' })
    lane.leave()
    await expect(served).resolves.toBeUndefined()
  })
})
