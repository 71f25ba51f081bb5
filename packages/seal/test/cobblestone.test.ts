/** C2SP chunked-encryption, Cobblestone-256: whatever is changed anywhere in a body is refused. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openedLength, sealedLength } from '../src/body/chunks.ts'
import { oneText, openBody, sealBody } from '../src/body/cobblestone.ts'
import { BodyReader, sealBodyStream } from '../src/body/stream.ts'
import { concatBytes, SealError } from '../src/verify.ts'

const KEY = new Uint8Array(32).fill(1)
const SALT = new Uint8Array(24).fill(2)
const CONTEXT = new TextEncoder().encode('context')
const EDGES = [0, 1, 16_383, 16_384, 16_385, 32_768]
const text = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31) & 0xff)

const refusal = async (key: Uint8Array, context: Uint8Array, body: Uint8Array): Promise<string> => {
  try {
    await openBody(key, context, body)
  } catch (error) {
    if (error instanceof SealError) return error.code
    throw error
  }
  return 'opened'
}

test.each(EDGES)('%i bytes come back, in the length that the spec gives', async (length) => {
  const body = await sealBody(KEY, SALT, CONTEXT, oneText(text(length)))
  expect(body.length).toBe(56 + length + 16 * (Math.floor(length / 16_384) + 1))
  expect(sealedLength(length)).toBe(body.length)
  expect(openedLength(body.length)).toBe(length)
  expect(await openBody(KEY, CONTEXT, body)).toEqual(text(length))
})

test('every byte of a small body matters', async () => {
  const body = await sealBody(KEY, SALT, CONTEXT, oneText(text(100)))
  for (let at = 0; at < body.length; at++) {
    for (const bit of [1, 0x80]) {
      const changed = body.slice()
      changed[at] = (changed[at] as number) ^ bit
      expect(await refusal(KEY, CONTEXT, changed)).toBe('record-tampered')
    }
  }
})

test('every length but the right one is refused', async () => {
  for (const length of [0, 1, 100]) {
    const body = await sealBody(KEY, SALT, CONTEXT, oneText(text(length)))
    for (let end = 0; end < body.length; end++) {
      const code = await refusal(KEY, CONTEXT, body.subarray(0, end))
      expect(code).toBe(end < 72 ? 'record-truncated' : 'record-tampered')
    }
    for (const extra of [1, 15, 16, 17]) {
      expect(await refusal(KEY, CONTEXT, concatBytes(body, new Uint8Array(extra)))).toBe('record-tampered')
    }
  }
})

test('cut between chunks, chunks swapped, left out or doubled', async () => {
  const body = await sealBody(KEY, SALT, CONTEXT, oneText(text(40_000)))
  const chunk = (i: number): Uint8Array => body.subarray(56 + i * 16_400, 56 + (i + 1) * 16_400)
  const prefix = body.subarray(0, 56)
  const cases: [Uint8Array, string][] = [
    [body.subarray(0, 56 + 16_400), 'record-truncated'],
    [body.subarray(0, 56 + 32_800), 'record-truncated'],
    [concatBytes(prefix, chunk(1), chunk(0), chunk(2)), 'record-tampered'],
    [concatBytes(prefix, chunk(0), chunk(2)), 'record-tampered'],
    [concatBytes(prefix, chunk(0), chunk(0), chunk(1), chunk(2)), 'record-tampered'],
    [concatBytes(prefix, chunk(2)), 'record-tampered'],
  ]
  for (const [changed, code] of cases) expect(await refusal(KEY, CONTEXT, changed)).toBe(code)
})

test('another key, context or salt is refused by the commitment, before anything is opened', async () => {
  const body = await sealBody(KEY, SALT, CONTEXT, oneText(text(10)))
  expect(await refusal(new Uint8Array(32), CONTEXT, body)).toBe('record-tampered')
  expect(await refusal(KEY, concatBytes(CONTEXT, Uint8Array.of(0)), body)).toBe('record-tampered')
  const twin = await sealBody(new Uint8Array(32), SALT, CONTEXT, oneText(text(10)))
  expect(await refusal(new Uint8Array(32), CONTEXT, concatBytes(body.subarray(0, 56), twin.subarray(56)))).toBe(
    'record-tampered',
  )
})

describe('streams', () => {
  const collect = async (pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
    const all: Uint8Array[] = []
    for await (const piece of pieces) all.push(piece.slice())
    return concatBytes(...all)
  }
  const inPieces = async function* (bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }
  const sourceOf = (body: Uint8Array) => ({
    size: body.length,
    read: async (at: number, n: number) => body.subarray(at, at + n),
  })

  test.each(EDGES)('%i bytes are sealed to the same body as at once', async (length) => {
    for (const size of [1_000, 16_384, 50_000]) {
      const streamed = await collect(sealBodyStream(KEY, SALT, CONTEXT, inPieces(text(length), size)))
      expect(streamed).toEqual(await sealBody(KEY, SALT, CONTEXT, oneText(text(length))))
    }
  })

  test('any range is what the whole has there', async () => {
    const whole = text(50_000)
    const body = await sealBody(KEY, SALT, CONTEXT, oneText(whole))
    const reader = await BodyReader.start(KEY, CONTEXT, sourceOf(body))
    await fc.assert(
      fc.asyncProperty(fc.nat(50_000), fc.nat(50_000), async (a, b) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)]
        expect(await collect(reader.range(start, end))).toEqual(whole.slice(start, end))
      }),
      { numRuns: 60 },
    )
  })

  test('a store that cuts the end is found out at the start', async () => {
    const body = await sealBody(KEY, SALT, CONTEXT, oneText(text(40_000)))
    for (const end of [body.length - 1, 56 + 16_400 + 100, 56 + 32_800]) {
      await expect(BodyReader.start(KEY, CONTEXT, sourceOf(body.subarray(0, end)))).rejects.toBeInstanceOf(SealError)
    }
  })

  test('a changed chunk is refused where it is read', async () => {
    const body = await sealBody(KEY, SALT, CONTEXT, oneText(text(40_000)))
    body[56 + 5] = (body[56 + 5] as number) ^ 1
    const reader = await BodyReader.start(KEY, CONTEXT, sourceOf(body))
    expect((await collect(reader.range(20_000, 20_010))).length).toBe(10)
    await expect(collect(reader.range(0, 10))).rejects.toMatchObject({ code: 'record-tampered' })
  })
})
