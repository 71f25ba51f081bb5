/** What a client finds out about an index that lies in its log, and what a stranger makes of the evidence. */
import { parseProof } from '@scelle/log'
import type { Client } from '@scelle/sdk'
import { statementId, toHex } from '@scelle/seal/verify'
import { verifyReceipt } from '@scelle/wire/log'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLyingIndex, type LyingIndex, NOW, SECOND, verdictOf } from './lying-log.ts'

let index: LyingIndex
let client: Client
const entries = new Map<string, Uint8Array>()
const state = {
  get: async (key: string) => entries.get(key),
  set: async (key: string, value: Uint8Array) => void entries.set(key, value),
}
beforeEach(async () => {
  entries.clear()
  index = await createLyingIndex(700)
  client = await index.client(state)
  await index.publish()
})
afterEach(() => index.clock.stop())

const failure = (work: Promise<unknown>): Promise<{ code: string }> =>
  work.then(() => ({ code: 'nothing was thrown' }), (error: { code: string }) => error)
const shownBy = async (error: unknown) => {
  const { kind, liar } = await verdictOf(index, error)
  return { kind, liar: toHex(liar.id) }
}
const byIndex = (kind: string) => ({ kind, liar: toHex(index.log.parties.index.id) })

describe('an honest log', () => {
  it('grows: each checkpoint begins with the one before, by tiles alone', async () => {
    for (const more of [1, 40, 300]) {
      await client.log.checkpoint('final')
      await index.log.fill(more)
      await index.publish()
      expect((await client.log.checkpoint('final')).size).toBe(index.log.size)
    }
    expect(client.log.alarms).toEqual([])
  })

  it('may show a smaller checkpoint of another kind: two trustees are ahead of the third', async () => {
    await client.log.checkpoint('quorum')
    index.served.set('/v1/log/final', await index.log.checkpoint(600, [SECOND, SECOND, SECOND]))
    expect((await client.log.checkpoint('final')).size).toBe(600)
  })

  it('gives a receipt for any place, from tiles alone', async () => {
    for (const leaf of [index.log.leaves[0], index.log.leaves[255], index.log.leaves[256], index.log.leaves[699]]) {
      const { statement, salt, sequence } = leaf!
      const place = { statement: statementId(statement), salt, sequence, time: SECOND }
      const receipt = await client.log.receiptOf(place, 'final')
      const { checkpoint } = await verifyReceipt(receipt, statement, index.log.policy(3))
      expect(checkpoint.size).toBe(index.log.size)
      expect(parseProof(receipt).index).toBe(sequence - 1)
    }
  })

  it('confirms hundreds of commits in a few requests, and fetches full tiles once', async () => {
    const word = await index.word(index.log.leaves.slice(100, 600))
    index.asked.length = 0
    expect(await client.log.confirm([word])).toEqual([true])
    expect(index.asked.length).toBeLessThanOrEqual(6)
    await index.log.fill(10)
    await index.publish()
    index.asked.length = 0
    expect(await client.log.confirm([word])).toEqual([true])
    expect(index.asked.filter((path) => path === '/tile/0/000' || path === '/tile/0/001')).toEqual([])
  })

  it('keeps the word about its own key record until a final checkpoint holds it, across a restart', async () => {
    index.served.delete('/v1/log/final')
    expect(await client.log.confirmKept()).toEqual({ final: 0, waiting: 1 })
    await index.publish()
    const again = await index.client(state)
    expect(await again.log.confirmKept()).toEqual({ final: 1, waiting: 0 })
    expect(await again.log.confirmKept()).toEqual({ final: 0, waiting: 0 })
  })

  it('hears of a leaf later: nobody is accused within two minutes, or while no checkpoint is younger', async () => {
    await index.log.fill(1)
    const word = await index.word(index.log.leaves.slice(-1), SECOND)
    expect(await client.log.confirm([word])).toEqual([false])
    await index.publish(index.log.size - 1, [SECOND + 60, SECOND + 100, SECOND + 120])
    expect(await client.log.confirm([word])).toEqual([false])
    expect(client.log.alarms).toEqual([])
  })
})

describe('a log with two histories', () => {
  it.each([['of the same size', 0], ['that is longer', 200], ['of another tile', 400]])(
    'is found out by its second one, %s: log-forked', async (_, more) => {
      await client.log.checkpoint('final')
      const honest = index.log
      index.log = honest.fork(650)
      await index.log.fill(honest.size - 650 + more)
      await index.publish()
      const error = await failure(client.log.checkpoint('final'))
      expect(error.code).toBe('log-forked')
      expect(await shownBy(error)).toEqual(byIndex('fork'))
      expect(client.log.alarms.map(({ code }) => code)).toEqual(['log-forked'])
      // It is not believed afterwards either, by a client that starts again.
      expect((await failure((await index.client(state)).log.checkpoint('final'))).code).toBe('log-forked')
    },
  )

  it('is found out by the client that saw the longer one first', async () => {
    await client.log.checkpoint('quorum')
    const forked = index.log.fork(500)
    await forked.fill(50)
    index.served.set('/v1/log/final', await forked.checkpoint(550, [SECOND, SECOND, SECOND]))
    const error = await failure(client.log.checkpoint('final'))
    expect(error.code).toBe('log-forked')
    expect(await shownBy(error)).toEqual(byIndex('fork'))
  })

  it('whose tiles do not lead to its root is not believed, and nobody can be accused of anything', async () => {
    await client.log.checkpoint('final')
    const forked = index.log.fork(500)
    await forked.fill(400)
    index.served.set('/v1/log/final', await forked.checkpoint(900, [SECOND, SECOND, SECOND]))
    await index.log.fill(400)
    const error = await failure(client.log.checkpoint('final'))
    expect(error).toMatchObject({ code: 'answer-invalid', evidence: undefined })
    await index.publish(800)
    expect((await client.log.checkpoint('final')).size).toBe(800)
  })
})

describe('an old checkpoint', () => {
  it('is log-rolled-back, also after a restart; a head that lies with it is evidence', async () => {
    await client.log.checkpoint('newest')
    const old = await index.publish(690)
    index.served.set('/v1/log/head', await index.log.head(old, SECOND + 600))
    for (const one of [client, await index.client(state)]) {
      const error = await failure(one.log.checkpoint('newest'))
      expect(error.code).toBe('log-rolled-back')
      expect(await shownBy(error)).toEqual(byIndex('head-stale'))
    }
  })

  it('without a signed word that it is the newest is no evidence', async () => {
    const newest = await index.publish()
    await client.log.checkpoint('newest')
    await index.publish(690)
    index.served.set('/v1/log/head', await index.log.head(newest, SECOND + 600))
    expect(await failure(client.log.checkpoint('newest'))).toMatchObject({
      code: 'log-rolled-back', evidence: undefined,
    })
  })

  it('that nobody cosigned may go: only what was cosigned outlasts a restored index', async () => {
    index.served.set('/checkpoint', await index.log.checkpoint(index.log.size))
    await client.log.checkpoint('newest')
    index.served.set('/checkpoint', await index.log.checkpoint(690))
    expect((await client.log.checkpoint('newest')).size).toBe(690)
  })

  it('is log-stale where none became final for over an hour', async () => {
    expect((await client.log.freshFinal()).size).toBe(701)
    index.clock.set(NOW + 3_600_000)
    expect((await client.log.freshFinal()).size).toBe(701)
    index.clock.set(NOW + 3_601_000)
    expect((await failure(client.log.freshFinal())).code).toBe('log-stale')
    await index.publish(701, [SECOND + 3_600, SECOND + 3_600, SECOND])
    expect((await failure(client.log.freshFinal())).code).toBe('log-stale')
  })

  it('is as good as new where the index signs that its log has not grown since', async () => {
    index.clock.set(NOW + 86_400_000)
    const final = await index.publish(701)
    index.served.set('/v1/log/head', await index.log.head(final, SECOND + 86_400))
    expect((await client.log.freshFinal()).size).toBe(701)
    index.served.set('/v1/log/head', await index.log.head(final, SECOND + 80_000))
    expect((await failure(client.log.freshFinal())).code).toBe('log-stale')
    await index.log.fill(1)
    index.served.set('/v1/log/head', await index.log.head(await index.log.checkpoint(702), SECOND + 86_400))
    expect((await failure(client.log.freshFinal())).code).toBe('log-stale')
  })
})

describe('a promise that was broken', () => {
  it('another leaf stands there: leaf-dropped', async () => {
    const promised = await index.word(index.log.leaves.slice(300, 310))
    const honest = index.log
    index.log = honest.fork(305)
    await index.log.fill(400)
    await index.publish()
    const error = await failure(client.log.confirm([promised]))
    expect(error.code).toBe('leaf-dropped')
    expect(await shownBy(error)).toEqual(byIndex('leaf-dropped'))
    expect((await verdictOf(index, error)).leaf).toBe(305)
  })

  it('the log went on without the leaf, or the word is dated back: leaf-late', async () => {
    await index.log.fill(1)
    const word = await index.word(index.log.leaves.slice(-1), SECOND)
    await index.publish(index.log.size - 1, [SECOND + 121, SECOND + 300, SECOND])
    const error = await failure(client.log.confirm([word]))
    expect(error.code).toBe('leaf-late')
    expect(await shownBy(error)).toEqual(byIndex('leaf-late'))
  })

  it('one trustee whose clock is ahead accuses nobody', async () => {
    await index.log.fill(1)
    const word = await index.word(index.log.leaves.slice(-1), SECOND)
    await index.publish(index.log.size - 1, [SECOND + 9_000, SECOND, SECOND])
    expect(await client.log.confirm([word])).toEqual([false])
  })
})

describe('what is not signed by everybody', () => {
  it.each([['two trustees', [SECOND, SECOND, undefined]], ['nobody', []]])(
    'is not final: %s cosigned', async (_, times) => {
      await index.publish(index.log.size, times)
      expect((await failure(client.log.checkpoint('final'))).code).toBe('answer-invalid')
    },
  )

  it('is not the log of this index where its signature does not hold', async () => {
    const forged = Buffer.from(await index.log.checkpoint(3)).toString().replace(/\n3\n/, '\n4\n')
    index.served.set('/checkpoint', Buffer.from(forged))
    expect((await failure(client.log.checkpoint('newest'))).code).toBe('answer-invalid')
  })
})
