/** A Binary that another organisation's software sealed, in whatever layout, as JSON with its octets inside. */
import { expect, test } from 'vitest'
import type { Attachment } from '@scelle/sdk'
import { binaryOf, measured } from '../src/attachments/octets.ts'
import { Reader, type ReaderOptions } from '../src/attachments/reader.ts'
import { Turns } from '../src/attachments/streams.ts'
import { bytesOf, type Entry, textOf } from '../src/entry.ts'

const OCTETS = Buffer.from('Lettre de liaison')

const reader = (): Reader => {
  const attachment = {
    category: 'documents', author: 'ab', length: OCTETS.length,
    range: async function* (start = 0, end = OCTETS.length) {
      yield OCTETS.subarray(start, end)
    },
  } satisfies Attachment
  return new Reader({
    repository: { locate: async () => ({ vault: 'v' }) },
    charts: { use: async () => ({ attachment: async () => attachment }) },
    turns: new Turns(), timers: { after: () => () => undefined }, passed: () => undefined,
  } as unknown as ReaderOptions)
}

const sealed = (text: string): Entry => ({
  type: 'Binary', id: 'b', version: 1, updated: 0, category: 'documents', author: 'ab', handle: 'cd', deleted: false,
  bytes: bytesOf(text),
})

const binary = binaryOf('b', 'text/plain', 'Patient/p', { ...measured(OCTETS), record: 'ef'.repeat(16) })

test.each([
  ['one line', JSON.stringify(binary)], ['a line that ends', `${JSON.stringify(binary)}\r\n`],
  ['several lines', ` ${JSON.stringify(binary, undefined, 2)}\n\n`],
])('of %s is one resource', async (_, text) => {
  const whole = JSON.parse(textOf(await reader().whole('s', sealed(text))))
  expect(whole).toEqual({ ...binary, data: OCTETS.toString('base64') })
})

test('with octets in two places has none', async () => {
  const both = sealed(JSON.stringify({ ...binary, data: 'SGVsbG8=' }))
  const text = textOf(await reader().whole('s', both))
  expect(text.match(/"data"/g)).toHaveLength(1)
})
