/** A submission of as many documents as a transaction may hold, named by long addresses that differ in their end. */
import type { Binary, Bundle, BundleEntry, List } from '@medplum/fhirtypes'
import { expect, test } from 'vitest'
import { MHD, MHD_LIST_TYPES, provideTransaction } from '../src/mhd.ts'

const subject = { reference: 'Patient/1' }
const post = (url: string) => ({ request: { method: 'POST' as const, url } })

const urlOf = (at: number): string => `urn:x:${'a'.repeat(1000)}${String(at).padStart(6, '0')}`

const document = (at: number, url: string): BundleEntry[] => [
  { fullUrl: `urn:x:d${at}`, ...post('DocumentReference'), resource: {
    resourceType: 'DocumentReference', status: 'current', subject, masterIdentifier: { value: `${at}` },
    content: [{ attachment: { contentType: 'text/plain', url, size: 3 } }],
  } },
  { fullUrl: url, ...post('Binary'), resource: { resourceType: 'Binary', contentType: 'text/plain', data: 'YWJj' } },
]

const submission = (documents: readonly BundleEntry[]): Bundle => ({
  resourceType: 'Bundle', type: 'transaction', entry: [{ fullUrl: 'urn:x:set', ...post('List'), resource: {
    resourceType: 'List', status: 'current', mode: 'working', date: '2026-01-01', subject,
    code: { coding: [{ system: MHD_LIST_TYPES, code: 'submissionset' }] },
    extension: [{ url: `${MHD}/StructureDefinition/ihe-sourceId`, valueIdentifier: { value: 'urn:oid:1.2.3' } }],
    entry: documents.flatMap(({ fullUrl, resource }) =>
      (resource?.resourceType === 'DocumentReference' ? [{ item: { reference: fullUrl ?? '' } }] : [])),
  } }, ...documents],
})

const provided = (documents: readonly BundleEntry[]): Bundle =>
  provideTransaction(submission(documents), 'minimal', { sha1: () => '', bases: [] })

test('each finds its own document, in one go', () => {
  const documents = Array.from({ length: 9_000 }, (_, at) => document(at, urlOf(at))).flat()
  const started = process.hrtime.bigint()
  const { entry = [] } = provided(documents)
  expect(Number(process.hrtime.bigint() - started) / 1e9).toBeLessThan(5)
  const held = entry.filter(({ resource }) => resource?.resourceType === 'Binary')
  expect(held).toHaveLength(9_000)
  for (const { resource } of held) expect(resource).toMatchObject({ securityContext: subject })
})

test('of two entries with one address the first is the document, and one that nobody names is refused', () => {
  const [reference, binary] = document(1, urlOf(1)) as [BundleEntry, BundleEntry]
  const other: BundleEntry = { ...binary, resource: { resourceType: 'Binary', contentType: 'text/html' } }
  expect(() => provided([reference, binary, other])).not.toThrow()
  expect(() => provided([reference, other, binary])).toThrow('the type is not that of the Binary')
  expect(() => provided([reference, binary, { ...binary, fullUrl: 'urn:x:loose' }])).toThrow('no DocumentReference')
  const { fullUrl: _, ...nameless } = binary
  expect(() => provided([reference, binary, nameless])).toThrow('no DocumentReference')
})

test('a document that its submission set does not list is refused', () => {
  const bundle = submission(document(1, urlOf(1)))
  const [set, ...others] = bundle.entry ?? []
  const unlisted = { ...set, resource: { ...set?.resource as List, entry: [{ item: { reference: 'urn:x:another' } }] } }
  expect(() => provideTransaction({ ...bundle, entry: [unlisted, ...others] }, 'minimal',
    { sha1: () => '', bases: [] })).toThrow('does not list')
})

test('a patch supersedes a DocumentReference, and does nothing else', () => {
  const patch = (path: string, value: string, type = 'replace', more: readonly string[] = []): BundleEntry => ({
    fullUrl: 'urn:x:patch', request: { method: 'PATCH', url: 'DocumentReference/9' }, resource: {
      resourceType: 'Parameters', parameter: ['operation', ...more].map((name) => ({ name, part: [
        { name: 'type', valueCode: type }, { name: 'path', valueString: path }, { name: 'value', valueCode: value },
      ] })),
    } })
  const status = 'DocumentReference.status'
  const carried = provided([...document(1, urlOf(1)), patch(status, 'superseded')]).entry?.at(-1)?.resource as Binary
  expect(JSON.parse(atob(carried.data ?? ''))).toEqual([{ op: 'replace', path: '/status', value: 'superseded' }])
  for (const wrong of [
    patch(status, 'current'), patch('DocumentReference.subject', 'superseded'), patch(status, 'superseded', 'delete'),
    patch(status, 'superseded', 'replace', ['operation']),
  ]) expect(() => provided([...document(1, urlOf(1)), wrong])).toThrow('to superseded only')
})
