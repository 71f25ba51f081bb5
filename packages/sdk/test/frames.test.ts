/** A card as QR codes: read in any order, more than once, badly, or together with another patient's. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SealError } from '@scelle/seal/verify'
import { fromBase45, toBase45 } from '../src/card/base45.ts'
import { fromQr, toQr } from '../src/card/frames.ts'
import { SdkError } from '../src/errors.ts'
import { SDK_LIMITS } from '../src/limits.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const ALPHABET = Array.from('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:')
const card = fc.uint8Array({ minLength: 1, maxLength: 20_000 })

const failure = (texts: readonly string[]): SdkError => {
  try {
    fromQr(texts)
  } catch (error) {
    if (error instanceof SdkError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('base45', () => {
  it('is that of RFC 9285', () => {
    for (const [plain, text] of [['AB', 'BB8'], ['Hello!!', '%69 VD92EX0'], ['base-45', 'UJCLQE7W581'], ['', '']]) {
      expect(toBase45(bytesOf(plain as string))).toBe(text)
      expect(fromBase45(text as string)).toEqual(bytesOf(plain as string))
    }
    expect(new TextDecoder().decode(fromBase45('QED8WEX0'))).toBe('ietf!')
  })

  it('has one text for each value, and refuses every other', () => {
    // Section 6 of the RFC: 65,536 in three letters; then 256 in two, one letter too few, and letters of no alphabet.
    for (const text of ['GGW', ':::', 'VD9ZZ', ':', 'A', 'ab8', 'BB\u00e98']) expect(fromBase45(text)).toBeUndefined()
    fc.assert(fc.property(fc.uint8Array(), (bytes) => {
      expect(fromBase45(toBase45(bytes))).toEqual(bytes)
    }))
    const letters = fc.string({ unit: fc.constantFrom(...ALPHABET) })
    fc.assert(fc.property(letters, (text) => {
      const bytes = fromBase45(text)
      expect(bytes === undefined || toBase45(bytes) === text).toBe(true)
    }))
  })
})

describe('codes of a card', () => {
  it('give it back in any order and any number of times, and fit a QR code of version 25 at level M', () => {
    fc.assert(fc.property(card, fc.infiniteStream(fc.nat()), (bytes, order) => {
      const texts = toQr(bytes)
      expect(Math.max(...texts.map(({ length }) => length))).toBeLessThanOrEqual(1_451)
      expect(texts.length).toBe(Math.ceil(bytes.length / SDK_LIMITS.cardFrameBytes))
      const read = [...texts, ...texts.slice(0, 2)].map((text) => ({ text, at: order.next().value as number }))
      expect(fromQr(read.toSorted((a, b) => a.at - b.at).map(({ text }) => text))).toEqual(bytes)
    }), { numRuns: 60 })
  })

  it('say which of them are missing', () => {
    const texts = toQr(new Uint8Array(5_000).fill(7))
    expect(failure([])).toMatchObject({ code: 'frames-missing' })
    expect(failure([texts[4] as string, texts[1] as string])).toMatchObject({
      code: 'frames-missing', items: [1, 3, 4, 6],
    })
  })

  it('of two cards are not mixed', () => {
    const [mine, theirs] = [toQr(new Uint8Array(3_000).fill(1)), toQr(new Uint8Array(3_000).fill(2))]
    expect(failure([...mine.slice(1), theirs[0] as string])).toMatchObject({ code: 'frames-mixed' })
    const more = toQr(new Uint8Array(1).fill(1))
    expect(failure([...mine, ...more])).toMatchObject({ code: 'frames-mixed' })
  })

  it('that were read wrong, or made up, give no card', () => {
    const letters = fc.constantFrom('0', 'A', ' ', '$', ':', 'é', '\n')
    fc.assert(fc.property(card, fc.nat(), fc.nat(), letters, (bytes, which, at, letter) => {
      const texts = toQr(bytes)
      const place = which % texts.length
      const text = texts[place] as string
      const changed = text.slice(0, at % text.length) + letter + text.slice((at % text.length) + 1)
      const read = texts.with(place, changed)
      let given: Uint8Array | undefined
      try {
        given = fromQr(read)
      } catch (error) {
        expect((error as SdkError).code).toMatch(/^frames-/)
      }
      // A letter that replaced itself changed nothing.
      expect(given === undefined || changed === text).toBe(true)
    }), { numRuns: 200 })
    const [one, two] = toQr(new Uint8Array(1_500).map((_, i) => i)) as [string, string]
    const other = one.slice(0, -1) + (one.endsWith('0') ? '1' : '0')
    expect(failure([one, two, other])).toMatchObject({ code: 'frames-corrupt', items: [2] })
    for (const text of ['', 'SCELLE1/2/1/00000000/00', 'SCELLE1/1/33/00000000/00', 'SCELLE1/1/1/0000000g/00',
      'SCELLE2/1/1/00000000/00', 'SCELLE1/01/1/00000000/00', 'SCELLE1/1/1/00000000/']) {
      expect(failure([text])).toMatchObject({ code: 'frames-corrupt', items: [0] })
    }
  })

  it('are no more than somebody scans', () => {
    const most = SDK_LIMITS.cardFrames * SDK_LIMITS.cardFrameBytes
    expect(toQr(new Uint8Array(most))).toHaveLength(SDK_LIMITS.cardFrames)
    expect(() => toQr(new Uint8Array(most + 1))).toThrow(SealError)
  })
})
