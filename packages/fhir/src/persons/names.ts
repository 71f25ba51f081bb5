/** Names of people as they are compared: without accents, case and punctuation; French particles known. */

export interface FoldedName {
  /** Lower-case words, in order. */
  tokens: readonly string[]
  /** All words as one: `Le Gall` and `LEGALL` are the same. */
  joined: string
  /** Without particles: `de La Tour` and `Latour` are not far. */
  core: string
}

export type NameMatch = 'equal' | 'similar' | 'partial' | 'different'

const PARTICLES: ReadonlySet<string> = new Set([
  'de', 'du', 'des', 'd', 'la', 'le', 'les', 'l', 'van', 'von', 'der', 'den', 'el', 'al', 'ben', 'bin', 'bint',
  'da', 'do', 'dos', 'di', 'della', 'y',
])

const WORDS: Readonly<Record<string, string>> = { st: 'saint', ste: 'sainte' }

/** Longest name that is compared letter by letter; the rest is cut off. */
const LETTERS_MAX = 64

export function foldName(text: string): FoldedName {
  const plain = text.slice(0, 4 * LETTERS_MAX).toLowerCase().normalize('NFKD').replaceAll(/\p{M}/gu, '')
    .replaceAll('œ', 'oe').replaceAll('æ', 'ae').replaceAll('ß', 'ss').replaceAll('ø', 'o').replaceAll('ł', 'l')
  const tokens = plain.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '')
    .map((word) => (Object.hasOwn(WORDS, word) ? WORDS[word] as string : word))
  const kept = tokens.filter((word) => !PARTICLES.has(word))
  return {
    tokens, joined: tokens.join('').slice(0, LETTERS_MAX),
    core: (kept.length > 0 ? kept : tokens).join('').slice(0, LETTERS_MAX),
  }
}

/**
 * `similar`: one slip of the pen (two in a long name). `partial`: one is a part of the other's compound, as in
 * Martin and Martin-Dupont.
 */
export function compareNames(left: FoldedName, right: FoldedName): NameMatch {
  if (left.joined === '' || right.joined === '') return 'different'
  if (left.joined === right.joined || left.core === right.core) return 'equal'
  if (isSlip(left.joined, right.joined) || isSlip(left.core, right.core)) return 'similar'
  return isPart(left, right) || isPart(right, left) ? 'partial' : 'different'
}

function isPart(part: FoldedName, whole: FoldedName): boolean {
  const own = part.tokens.filter((word) => !PARTICLES.has(word))
  return own.length > 0 && own.length < whole.tokens.length && own.every((word) =>
    word.length > 2 && whole.tokens.includes(word))
}

function isSlip(left: string, right: string): boolean {
  const shorter = Math.min(left.length, right.length)
  const allowed = shorter >= 8 ? 2 : shorter >= 4 ? 1 : 0
  return allowed > 0 && Math.abs(left.length - right.length) <= allowed && distance(left, right) <= allowed
}

/** Letters changed, left out, added, or exchanged with their neighbour. */
function distance(left: string, right: string): number {
  let before: number[] = []
  let above = Array.from({ length: right.length + 1 }, (_, at) => at)
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    for (let at = 1; at <= right.length; at++) {
      const same = left[row - 1] === right[at - 1]
      let least = Math.min((above[at] as number) + 1, (current[at - 1] as number) + 1,
        (above[at - 1] as number) + (same ? 0 : 1))
      const crossed = row > 1 && at > 1 && left[row - 1] === right[at - 2] && left[row - 2] === right[at - 1]
      if (crossed) least = Math.min(least, (before[at - 2] as number) + 1)
      current.push(least)
    }
    before = above
    above = current
  }
  return above[right.length] as number
}
