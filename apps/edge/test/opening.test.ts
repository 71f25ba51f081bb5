/** Who has a name in a chart: whoever came first, of those who have a better right. */
import type { OpenedRecord } from '@scelle/sdk'
import { expect, test } from 'vitest'
import { bytesOf, type Entry, textOf } from '../src/entry.ts'
import { opened } from '../src/opening.ts'
import { Records } from '../src/records.ts'
import { glucose } from './records.ts'

const [SELF, CUSTODIAN, OTHER] = ['aa', 'bb', 'cc'].map((byte) => byte.repeat(32)) as [string, string, string]

const record = (author: string, version = 1): OpenedRecord => ({
  category: 'laboratory', handle: author.slice(0, 32), version, record: `${author}${version}`, author,
  time: Date.UTC(2026, 0) / 1000, contentType: 'fhir+json',
  content: bytesOf(JSON.stringify({ ...glucose('p', version), id: 'x', note: [{ text: `by ${author.slice(0, 2)}` }] })),
})

const shown = (...news: OpenedRecord[]): [text: string, hidden: number] => {
  const records = new Records()
  const around = { vault: 'v', self: SELF, custodians: [CUSTODIAN], known: () => undefined }
  const { hidden } = opened(news, records, around)
  return [/by ../.exec(textOf(records.latest('Observation/x') as Entry))?.[0] ?? '', hidden]
}

test('a name is this organisation\'s, then a custodian\'s, in whatever order the index lists them', () => {
  expect(shown(record(OTHER, 9), record(CUSTODIAN), record(SELF))).toEqual(['by aa', 2])
  expect(shown(record(SELF), record(OTHER, 9))).toEqual(['by aa', 1])
  expect(shown(record(OTHER), record(CUSTODIAN, 3))).toEqual(['by bb', 1])
  expect(shown(record(OTHER))).toEqual(['by cc', 0])
})
