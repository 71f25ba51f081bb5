/**
 * A card as texts for QR codes: `SCELLE1/number/of how many/beginning of its hash/base45`. They are shown and read in
 * any order. Nothing here is a secret or a proof: what was put together proves itself, or is refused.
 */
import { SealError, sha256, toHex } from '@scelle/seal/verify'
import { SdkError } from '../errors.ts'
import { SDK_LIMITS } from '../limits.ts'
import { fromBase45, toBase45 } from './base45.ts'

const FRAME = /^SCELLE1\/([1-9]\d?)\/([1-9]\d?)\/([0-9A-F]{8})\/([0-9A-Z $%*+\-./:]+)$/

/** Which card it is, so that frames of two cards do not mix. */
const nameOf = (card: Uint8Array): string => toHex(sha256(card).subarray(0, 4)).toUpperCase()

/** As few frames as hold it, of nearly one size. Throws SealError `card-too-large`. */
export const toQr = (card: Uint8Array): string[] => {
  const { cardFrames, cardFrameBytes } = SDK_LIMITS
  const count = Math.ceil(card.length / cardFrameBytes)
  if (count < 1 || count > cardFrames) {
    throw new SealError('card-too-large', `a card takes up to ${cardFrames} QR codes; this one goes into a file`)
  }
  // An even number of bytes each: two of them make three letters.
  const size = 2 * Math.ceil(card.length / count / 2)
  const name = nameOf(card)
  const frames = Math.ceil(card.length / size)
  return Array.from({ length: frames }, (_, place) =>
    `SCELLE1/${place + 1}/${frames}/${name}/${toBase45(card.subarray(place * size, (place + 1) * size))}`)
}

interface Frame {
  readonly number: number
  readonly count: number
  readonly name: string
  readonly part: Uint8Array
}

const corrupt = (items: readonly number[]): SdkError =>
  new SdkError('frames-corrupt', 'a code of this card was read wrong; scan it again', { items })

const frameIn = (text: string, place: number): Frame => {
  const [, number = '', count = '', name = '', letters = ''] = FRAME.exec(text.replace(/[\r\n]+$/, '')) ?? []
  const part = fromBase45(letters)
  const frame = { number: Number(number), count: Number(count), name, part: part ?? new Uint8Array(0) }
  if (part === undefined || part.length === 0 || frame.number > frame.count || frame.count > SDK_LIMITS.cardFrames) {
    throw corrupt([place])
  }
  return frame
}

/**
 * The card whose codes were read, in any order, each once or more often. Throws SdkError `frames-missing` with the
 * numbers that are (from 1) in `items`, `frames-mixed` where they are of several cards, `frames-corrupt` with the
 * places in `texts`, if it is known which.
 */
export const fromQr = (texts: readonly string[]): Uint8Array => {
  const frames = texts.map(frameIn)
  const [first] = frames
  if (first === undefined) throw new SdkError('frames-missing', 'no code of a card was read')
  if (frames.some(({ count, name }) => count !== first.count || name !== first.name)) {
    throw new SdkError('frames-mixed', 'these codes are of several cards; scan one card at a time')
  }
  const parts = new Map<number, Uint8Array>()
  for (const [place, { number, part }] of frames.entries()) {
    const known = parts.get(number)
    if (known !== undefined && toHex(known) !== toHex(part)) throw corrupt([place])
    parts.set(number, part)
  }
  const numbers = Array.from({ length: first.count }, (_, place) => place + 1)
  const missing = numbers.filter((number) => !parts.has(number))
  if (missing.length > 0) {
    throw new SdkError('frames-missing', `${missing.length} codes of this card were not read yet`, { items: missing })
  }
  const whole = numbers.map((number) => parts.get(number) as Uint8Array)
  const card = new Uint8Array(whole.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of whole) {
    card.set(part, at)
    at += part.length
  }
  if (nameOf(card) !== first.name) throw corrupt([])
  return card
}
