/** The codes of a card as they are printed, and read from a picture that is not clean. */
import { decodeQR } from 'qr/decode.js'
import { expect, it } from 'vitest'
import { fromQr, SDK_LIMITS, toQr } from '@scelle/sdk'
import { seededRandom } from '@scelle/testing/random'
import { drawCode } from '../src/card/make.ts'

const PIXELS = 4

/** Dark modules of the drawing: each is a square of one, drawn from its upper left corner. */
const modulesOf = (svg: string): { size: number; dark: [number, number][] } => {
  const size = Number(/viewBox="0 0 (\d+) /.exec(svg)?.[1])
  const dark: [number, number][] = []
  let at: [number, number] = [0, 0]
  for (const [, move, x, y] of svg.matchAll(/([Mm])(-?[\d.]+)[ ,]?(-?[\d.]+)h1v1[Hh]-?[\d.]+Z/g)) {
    at = move === 'M' ? [Number(x), Number(y)] : [at[0] + Number(x), at[1] + Number(y)]
    dark.push(at)
  }
  return { size, dark }
}

/** Grey paper, grey ink, and stains on some of it. */
const photographed = (svg: string, seed: string) => {
  const { size, dark } = modulesOf(svg)
  const side = size * PIXELS
  const grey = new Uint8Array(side * side).fill(225)
  const fill = (x: number, y: number, value: number, span = 1): void => {
    for (let row = y * PIXELS; row < (y + span) * PIXELS; row++) {
      grey.fill(value, row * side + x * PIXELS, row * side + (x + span) * PIXELS)
    }
  }
  for (const [x, y] of dark) fill(x, y, 40)
  const random = seededRandom(seed)
  for (let stain = 0; stain < 6; stain++) {
    const [x, y] = random(2)
    fill(20 + (x as number) % (size - 45), 20 + (y as number) % (size - 45), 128, 3)
  }
  const data = new Uint8Array(side * side * 4).fill(255)
  for (const [pixel, value] of grey.entries()) data.fill(value, pixel * 4, pixel * 4 + 3)
  return { width: side, height: side, data }
}

it('are read back from stained pictures, in another order', { timeout: 10_000 }, () => {
  const card = seededRandom('card')(4 * SDK_LIMITS.cardFrameBytes - 7)
  const texts = toQr(card)
  expect(texts).toHaveLength(4)
  const read = texts.map((text) => {
    const svg = drawCode(text)
    // Version 25, with a quiet zone of four modules: what a camera still reads at the width of a hand.
    expect(modulesOf(svg).size).toBeLessThanOrEqual(117 + 8)
    return decodeQR(photographed(svg, text), { timeLimit: 2_000 })
  })
  expect(read).toEqual(texts)
  expect(fromQr(read.toReversed())).toEqual(card)
})
