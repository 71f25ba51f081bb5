/**
 * Makes the preset dictionary: `node spec/dictionary/make.ts` writes `fhir-v1.bin` and the same bytes as a module for
 * browsers. Version 1 is frozen: a test compares what this makes with the hash in `spec/format.md`. Another dictionary
 * gets the next number, never this one's place.
 */
import { readFileSync, writeFileSync } from 'node:fs'

type Codes = readonly (readonly [code: string, display: string])[]

interface Fragments {
  readonly medications: Codes
  readonly vaccines: Codes
  readonly snomed: Codes
  readonly loinc: Codes
  readonly units: readonly string[]
  readonly rare: readonly object[]
  readonly common: readonly object[]
  readonly mostCommon: readonly object[]
}

/** DEFLATE reaches back this far. */
const WINDOW = 32_768
const LINE = 116
/** A passage this long that stands in the dictionary already is not repeated. */
const KNOWN = 24

const json = (values: readonly object[]): string => values.map((value) => JSON.stringify(value)).join('')

const codings = (codes: Codes): string =>
  codes.map(([code, display]) => `"code":"${code}","display":"${display}"}],"text":"`).join('')

const quantities = (units: readonly string[]): string =>
  units.map((unit) => `"unit":"${unit}","system":"http://unitsofmeasure.org","code":"${unit}"}`).join('')

/** What of `piece` the text does not hold yet: passages known from {@link KNOWN} characters on are left out. */
const novel = (piece: string, text: string): string => {
  let kept = ''
  for (let i = 0; i < piece.length;) {
    let length = 0
    while (i + length < piece.length && text.includes(piece.slice(i, i + length + 1))) length++
    const taken = Math.max(1, length)
    if (length < KNOWN) kept += piece.slice(i, i + taken)
    i += taken
  }
  return kept
}

/** The dictionary's bytes, most useful last. */
export const makeDictionary = (): Uint8Array => {
  const from = JSON.parse(readFileSync(new URL('fragments.json', import.meta.url), 'utf8')) as Fragments
  const shapes = (values: readonly object[]): string[] => values.toReversed().map((value) => json([value]))
  const groups = [
    ...shapes(from.mostCommon),
    quantities(from.units),
    ...shapes(from.common),
    codings(from.loinc),
    codings(from.snomed),
    ...shapes(from.rare),
    codings(from.vaccines),
    codings(from.medications),
  ]
  const text = groups.reduce((known, group) => novel(group, known) + known, '')
  const bytes = new TextEncoder().encode(text)
  if (bytes.length > WINDOW) throw new Error(`the dictionary has ${bytes.length} bytes, DEFLATE reaches ${WINDOW}`)
  return bytes
}

/** The module that browsers and servers import. */
export const dictionaryModule = (bytes: Uint8Array): string => {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(new RegExp(`.{1,${LINE}}`, 'g')) ?? []
  return [
    '/** The FHIR dictionary, version 1, in base64: made by spec/dictionary/make.ts, frozen. */',
    'export const FHIR_V1 = `',
    ...lines,
    "`.replaceAll('\\n', '')",
    '',
  ].join('\n')
}

if (import.meta.main) {
  const bytes = makeDictionary()
  writeFileSync(new URL('fhir-v1.bin', import.meta.url), bytes)
  writeFileSync(new URL('../../packages/seal/src/dictionary/fhir-v1.ts', import.meta.url), dictionaryModule(bytes))
}
