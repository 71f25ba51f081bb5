/** Bodies whose other side stops. */
import { Readable } from 'node:stream'
import type { Timers } from '@scelle/sdk'
import { describe, expect, test } from 'vitest'
import { received, sentWithin, Turns } from '../src/attachments/streams.ts'
import { EDGE_LIMITS } from '../src/limits.ts'

describe('a client that stops', () => {
  const timersOf = (fire: (() => void)[]): Timers => ({
    after: (_, work) => {
      fire.push(work)
      return () => undefined
    },
  })

  const drain = async (source: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const _ of source);
  }

  test('sending is given up', async () => {
    const fire: (() => void)[] = []
    const stream = new Readable({ read: () => undefined })
    const reading = drain(received(stream, timersOf(fire), new AbortController().signal))
    fire[0]?.()
    await expect(reading).rejects.toMatchObject({ code: 'stalled' })
  })

  test('in the middle is told that the body broke off', async () => {
    const stream = new Readable({ read: () => undefined })
    const reading = drain(received(stream, timersOf([]), new AbortController().signal))
    stream.destroy(new Error('aborted'))
    await expect(reading).rejects.toMatchObject({ code: 'bad-request' })
  })

  test('and begins again ends the request before', async () => {
    const stop = new AbortController()
    const reading = drain(received(new Readable({ read: () => undefined }), timersOf([]), stop.signal))
    stop.abort()
    await expect(reading).rejects.toMatchObject({ code: 'conflict' })
  })

  test('taking is given up, and its place is free again', async () => {
    const fire: (() => void)[] = []
    let ended = 0
    const body = sentWithin(Readable.from([Buffer.alloc(10)], { objectMode: false }), timersOf(fire), () => ended++)
    const failed = new Promise((resolve) => body.once('error', resolve))
    fire[0]?.()
    await expect(failed).resolves.toMatchObject({ code: 'stalled' })
    await expect.poll(() => ended).toBe(1)
  })
})

test('no more bodies than a few at once', () => {
  const turns = new Turns()
  const held = Array.from({ length: EDGE_LIMITS.attachmentStreams }, () => turns.take())
  expect(() => turns.take()).toThrow('Busy')
  held[0]?.()
  held[0]?.()
  turns.take()
  expect(() => turns.take()).toThrow('Busy')
})
