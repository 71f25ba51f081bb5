/** DEFLATE with the dictionary: any inflate reads what we make, ours reads any, and no stream grows over its bound. */
import { deflateSync, inflateSync } from 'fflate'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dictionaryOf } from '../src/dictionary/table.ts'
import * as node from '../src/primitives/deflate-node.ts'
import { deflateSmall, SMALL } from '../src/primitives/deflate-small.ts'
import * as web from '../src/primitives/deflate-web.ts'

const dictionary = dictionaryOf(1).bytes as Uint8Array
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const MAX = 1 << 20

/** Texts with repeats near and far, of the dictionary and of themselves, and noise. */
const content = fc
  .array(
    fc.oneof(
      fc
        .tuple(fc.nat(dictionary.length - 300), fc.nat(300))
        .map(([at, length]) => dictionary.subarray(at, at + length)),
      fc.json().map(utf8),
      fc.uint8Array({ maxLength: 60 }),
      fc.tuple(fc.nat(255), fc.nat(400)).map(([byte, length]) => new Uint8Array(length).fill(byte)),
    ),
    { maxLength: 30 },
  )
  .map((parts) => new Uint8Array(Buffer.concat([...parts, ...parts.slice(0, 5)])).subarray(0, SMALL))

test('zlib and fflate read what the small compressor makes', () => {
  fc.assert(
    fc.property(content, (plain) => {
      const packed = deflateSmall(plain, dictionary).slice()
      expect(inflateRawSync(packed, { dictionary }).equals(plain)).toBe(true)
      expect(Buffer.from(inflateSync(packed, { dictionary })).equals(plain)).toBe(true)
    }),
    { numRuns: 300 },
  )
})

test('each length, and the same twice: nothing of one record stays for the next', () => {
  const source = dictionary.subarray(3, 5_003)
  for (let length = 0; length <= 600; length++) {
    const plain = source.subarray(length, length * 2)
    const packed = deflateSmall(plain, dictionary).slice()
    expect(deflateSmall(plain, dictionary).slice()).toEqual(packed)
    expect(inflateRawSync(packed, { dictionary }).equals(plain)).toBe(true)
  }
  const first = deflateSmall(utf8('{"a":1}'), dictionary).slice()
  deflateSmall(new Uint8Array(SMALL).fill(65), dictionary)
  expect(deflateSmall(utf8('{"a":1}'), dictionary)).toEqual(first)
})

test("noise of the largest small size, and matches at the window's end", () => {
  let state = 1
  const noise = Uint8Array.from({ length: SMALL }, () => (state = Math.imul(state, 48_271) & 0x7fff_ffff) >> 8)
  expect(inflateRawSync(deflateSmall(noise, dictionary), { dictionary }).equals(noise)).toBe(true)
  const early = new Uint8Array(
    Buffer.concat([dictionary.subarray(0, 400), noise.subarray(0, 500), dictionary.subarray(0, 400)]),
  )
  expect(inflateRawSync(deflateSmall(early, dictionary), { dictionary }).equals(early)).toBe(true)
})

describe.each([
  ['node', node],
  ['web', web],
] as const)('%s', (name, provider) => {
  test('reads what every compressor makes, small and large', () => {
    const json = utf8(
      JSON.stringify(Array.from({ length: 4_000 }, (_, i) => ({ resourceType: 'Observation', id: String(i) }))),
    )
    for (const plain of [new Uint8Array(0), utf8('{}'), json.subarray(0, 3_000), json]) {
      for (const strategy of [constants.Z_DEFAULT_STRATEGY, constants.Z_FIXED]) {
        expect(provider.inflate(deflateRawSync(plain, { dictionary, strategy }), dictionary, MAX)).toEqual(plain)
      }
      expect(provider.inflate(deflateRawSync(plain, { level: 0 }), undefined, MAX)).toEqual(plain)
      expect(provider.inflate(deflateSync(plain, { dictionary }), dictionary, MAX)).toEqual(plain)
      expect(provider.inflate(provider.deflate(plain, dictionary), dictionary, MAX)).toEqual(plain)
      expect(provider.inflate(provider.deflate(plain, undefined), undefined, MAX)).toEqual(plain)
    }
  })

  test(`a bomb stops at its bound (${name})`, () => {
    const bomb = deflateRawSync(new Uint8Array(32 << 20), { level: 9 })
    expect(provider.inflate(bomb, undefined, MAX)).toBe('larger')
    expect(provider.inflate(deflateRawSync(new Uint8Array(2_000)), undefined, 1_999)).toBe('larger')
    expect((provider.inflate(deflateRawSync(new Uint8Array(2_000)), undefined, 2_000) as Uint8Array).length).toBe(2_000)
    const large = deflateRawSync(new Uint8Array(300_000), { level: 0 })
    expect(provider.inflate(large, undefined, 299_999)).toBe('larger')
    expect((provider.inflate(large, undefined, 300_000) as Uint8Array).length).toBe(300_000)
  })

  test('a stored block across the small buffer\'s end is too large, not broken', () => {
    const runs = deflateRawSync(new Uint8Array(130_000), { level: 9, finishFlush: constants.Z_SYNC_FLUSH })
    const tail = deflateRawSync(new Uint8Array(10_000), { level: 0 })
    const crossing = new Uint8Array(Buffer.concat([runs, tail]))
    expect(crossing.length).toBeLessThan(16_384)
    expect(provider.inflate(crossing, undefined, 139_999)).toBe('larger')
    expect((provider.inflate(crossing, undefined, 140_000) as Uint8Array).length).toBe(140_000)
    const large = deflateRawSync(new Uint8Array(1 << 20), { level: 0 })
    expect(provider.inflate(large, undefined, (1 << 20) - 1)).toBe('larger')
    expect((provider.inflate(large, undefined, 1 << 20) as Uint8Array).length).toBe(1 << 20)
  })

  test('what is no DEFLATE is broken, never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        const found = provider.inflate(noise, dictionary, MAX)
        expect(found === 'broken' || found === 'larger' || found.length <= MAX).toBe(true)
      }),
      { numRuns: 500 },
    )
    expect(provider.inflate(Uint8Array.of(0xff, 0xff), dictionary, MAX)).toBe('broken')
    expect(provider.inflate(new Uint8Array(0), dictionary, MAX)).toBe('broken')
  })
})
