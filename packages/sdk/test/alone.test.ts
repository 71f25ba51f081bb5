/** Who keeps its releases to itself: named by the two others' words, once each of them was alone; nobody honest is. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { aloneReleases, missingFromAll, type Told } from '../src/accesses/alone.ts'

const TRUSTEES = ['one', 'two', 'three'] as const
type Trustee = (typeof TRUSTEES)[number]

const others = (who: Trustee): Trustee[] => TRUSTEES.filter((one) => one !== who)

/** Who released, and who refused with a word. */
interface Opening {
  readonly by: readonly Trustee[]
  readonly refused: readonly Trustee[]
}

const told = (openings: readonly Opening[], liar?: Trustee): Told[] => openings.map(({ by, refused }, place) => ({
  access: String(place), reader: 'reader', releasedBy: by.filter((one) => one !== liar),
  refusedBy: refused.filter((one) => one !== liar),
}))

const pair = fc.constantFrom<Opening>(...TRUSTEES.map((left) => ({ by: others(left), refused: [] })))
/** An opening that failed: one released, both others refused. */
const failed = fc.constantFrom<Opening>(...TRUSTEES.map((one) => ({ by: [one], refused: others(one) })))
/** Nothing was released. */
const refused = fc.constant<Opening>({ by: [], refused: [...TRUSTEES] })
const honest = fc.array(fc.oneof(pair, failed, refused), { maxLength: 30 })

test('honest trustees: whatever was opened or refused, nobody has to explain anything', () => {
  fc.assert(fc.property(honest, (openings) => {
    expect(aloneReleases(told(openings), TRUSTEES)).toEqual([])
  }))
})

test('one that releases without a word, beside each of the others at least once, is named, whoever it is', () => {
  const one = fc.constantFrom(...TRUSTEES)
  fc.assert(fc.property(one, honest, fc.array(fc.nat({ max: 1 }), { maxLength: 20 }), (liar, openings, more) => {
    const [left, right] = others(liar) as [Trustee, Trustee]
    const beside = (other: Trustee): Opening => ({ by: [other, liar], refused: [] })
    const theft = [beside(left), beside(right), ...more.map((place) => beside(place === 0 ? left : right))]
    const alone = aloneReleases(told([...openings, ...theft], liar), TRUSTEES)
    expect(missingFromAll(alone)).toEqual([liar])
  }))
})

test('one that never released beside the second cannot be told from it, and both are asked', () => {
  const alone = aloneReleases(told([{ by: ['one', 'three'], refused: [] }], 'three'), TRUSTEES)
  expect(missingFromAll(alone)).toEqual(['three', 'two'])
})

test('a refusal that was signed clears who signed it', () => {
  const alone = aloneReleases(told([{ by: ['one', 'three'], refused: ['two'] }], 'three'), TRUSTEES)
  expect(alone).toEqual([{ access: '0', reader: 'reader', releasedBy: 'one', without: ['three'] }])
})

test('one that gives no list is named for that, and the others\' words show nothing', () => {
  expect(aloneReleases(told([{ by: ['one', 'three'], refused: [] }], 'three'), ['one', 'two'])).toEqual([])
})

test('where each is missing somewhere, no single one has kept it to itself', () => {
  const alone = TRUSTEES.map((releasedBy, place) =>
    ({ access: String(place), reader: 'reader', releasedBy, without: others(releasedBy) }))
  expect(missingFromAll(alone)).toEqual([])
  expect(missingFromAll([])).toEqual([])
})
