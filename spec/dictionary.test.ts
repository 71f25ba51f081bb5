/** The dictionary is frozen: its file, the module that runs and the hash in the spec are the same bytes. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { dictionaryOf } from '../packages/seal/src/dictionary/table.ts'
import { dictionaryModule, makeDictionary } from './dictionary/make.ts'

const read = (path: string): Buffer => readFileSync(new URL(path, import.meta.url))

test('dictionary 1 is the one that records were sealed with', () => {
  const file = read('dictionary/fhir-v1.bin')
  const hash = createHash('sha256').update(file).digest('hex')
  expect(read('format.md').toString()).toContain(`| 1 | \`spec/dictionary/fhir-v1.bin\` | \`${hash}\` |`)
  const dictionary = dictionaryOf(1)
  expect(Buffer.from(dictionary.hash).toString('hex')).toBe(hash)
  expect(Buffer.from(dictionary.bytes ?? []).equals(file)).toBe(true)
})

test('the script makes the same bytes again', () => {
  const made = makeDictionary()
  expect(Buffer.from(made).equals(read('dictionary/fhir-v1.bin'))).toBe(true)
  expect(dictionaryModule(made)).toBe(read('../packages/seal/src/dictionary/fhir-v1.ts').toString())
})

test('a number without a dictionary is refused', () => {
  expect(() => dictionaryOf(2)).toThrow(expect.objectContaining({ code: 'dictionary-unknown' }))
})
