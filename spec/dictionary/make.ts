/**
 * Makes the preset dictionary: `node spec/dictionary/make.ts` writes `fhir-v1.bin` and the same bytes as a module for
 * browsers. Version 1 is frozen: a test compares what this makes with the hash in `spec/format.md`. Another dictionary gets
 * the next number, never this one's place.
 */
import { writeFileSync } from 'node:fs'
import { LOINC, MEDICATIONS, SNOMED, UNITS, VACCINES } from './codes.ts'
import { COMMON, MOST_COMMON, RARE } from './templates.ts'

/** DEFLATE reaches back this far. */
const WINDOW = 32_768
const LINE = 116
/** A passage this long that stands in the dictionary already is not repeated. */
const KNOWN = 24

const json = (values: readonly object[]): string => values.map((value) => JSON.stringify(value)).join('')

const codings = (codes: readonly (readonly [string, string])[]): string =>
  codes.map(([code, display]) => `"code":"${code}","display":"${display}"}],"text":"`).join('')

const units = (): string => UNITS.map((unit) => `"unit":"${unit}","system":"http://unitsofmeasure.org","code":"${unit}"}`).join('')

/** What of `piece` the text does not hold yet: passages known from {@link KNOWN} characters on are left out. */
const novel = (piece: string, text: string): string => {
  let kept = ''
  for (let i = 0; i < piece.length; ) {
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
  const groups = [
    ...MOST_COMMON.toReversed().map((value) => json([value])), units(),
    ...COMMON.toReversed().map((value) => json([value])), codings(LOINC), codings(SNOMED),
    ...RARE.toReversed().map((value) => json([value])), codings(VACCINES), codings(MEDICATIONS),
  ]
  const text = groups.reduce((known, group) => novel(group, known) + known, '')
  const bytes = new TextEncoder().encode(text)
  if (bytes.length > WINDOW) throw new Error(`the dictionary has ${bytes.length} bytes, DEFLATE reaches ${WINDOW}`)
  return bytes
}

/** The module that browsers and servers import. */
export const dictionaryModule = (bytes: Uint8Array): string => {
  const lines = Buffer.from(bytes).toString('base64').match(new RegExp(`.{1,${LINE}}`, 'g')) ?? []
  return [
    '/** The FHIR dictionary, version 1, in base64: made by spec/dictionary/make.ts, frozen. */',
    'export const FHIR_V1 = `',
    ...lines,
    '`.replaceAll(\'\\n\', \'\')',
    '',
  ].join('\n')
}

if (import.meta.main) {
  const bytes = makeDictionary()
  writeFileSync(new URL('fhir-v1.bin', import.meta.url), bytes)
  writeFileSync(new URL('../../packages/seal/src/dictionary/fhir-v1.ts', import.meta.url), dictionaryModule(bytes))
}
