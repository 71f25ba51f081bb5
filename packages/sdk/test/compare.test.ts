/** Three accounts of one part's accesses: honest ones agree, and whoever changes one of them is named. */
import { type Access, statementId, toHex } from '@scelle/seal/verify'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Accounts, type AccessFinding, compareAccounts, type OpenedEntry } from '../src/accesses/compare.ts'
import type { ListedAccess } from '../src/accesses/listed.ts'
import type { ReleasedAccess } from '../src/accesses/released.ts'
import { type AccessFacts, noteOf, plainEntry } from '../src/entry-text.ts'

const INDEX = 'ee'.repeat(32)
const TRUSTEES = ['t1', 't2', 't3'].map((name) => toHex(new TextEncoder().encode(name.padEnd(32, '.'))))
const NOW = 1_768_464_000

const id = (name: string): Uint8Array => new TextEncoder().encode(name.padEnd(32, '.'))

interface Opening {
  readonly signed: Uint8Array
  readonly statement: string
  readonly access: Access
}

/** What nobody looks into here stands for the signed statement: its hash is what counts. */
const opening = (number: number, reader = `reader ${number % 3}`): Opening => {
  const signed = new TextEncoder().encode(`access ${number} of ${reader}`)
  return {
    signed,
    statement: toHex(statementId(signed)),
    access: {
      suite: 1, access: id(`${number}`).subarray(0, 16), vault: id('vault'), custodian: id('custodian'),
      reader: id(reader), capsules: [id(`capsule ${number % 4}`)], chain: [], purpose: 'treatment',
      oneTimeKey: new Uint8Array(1216), time: NOW - 1_000 + number,
    },
  }
}

const CATEGORIES = new Map(
  ['summary', 'notes', 'summary'].map((code, number) => [toHex(id(`capsule ${number}`)), code]),
)

const entryOf = ({ access, signed, statement }: Opening, more: Partial<AccessFacts> = {}): string =>
  plainEntry({
    access: toHex(access.access), signed, statement, vault: toHex(access.vault), custodian: toHex(access.custodian),
    reader: toHex(access.reader), index: INDEX, chain: [], capsules: 1, purpose: access.purpose,
    time: access.time * 1000,
    categories: access.capsules.flatMap((capsule) => CATEGORIES.get(toHex(capsule)) ?? []), ...more,
  })

const written = (of: Opening, text = entryOf(of)): OpenedEntry => ({
  author: toHex(of.access.reader), content: new TextEncoder().encode(text),
})

const listed = (of: Opening, place: number, refused?: string): ListedAccess => ({
  ...of, refused, place: { statement: id('s'), sequence: place + 1, time: of.access.time, salt: new Uint8Array(16) },
})

const released = (of: Opening, refused?: string): ReleasedAccess => ({
  ...of, refused, charged: refused === undefined, at: of.access.time,
})

/** Of each opening two trustees release, whichever. */
const honest = (openings: readonly Opening[]): Accounts => ({
  index: INDEX,
  listed: openings.map((each, place) => listed(each, place)),
  released: new Map(TRUSTEES.map((trustee, share) =>
    [trustee, openings.filter((_, place) => place % 3 !== share).map((each) => released(each))])),
  entries: openings.map((each) => written(each)),
  unopened: [],
  owner: toHex(id('custodian')),
  categoryOf: (capsule) => CATEGORIES.get(capsule),
  settled: NOW,
})

const some = (count: number): Opening[] => Array.from({ length: count }, (_, place) => opening(place))

const findingsOf = (accounts: Accounts): AccessFinding[] => compareAccounts(accounts).findings

test('the plain entry is read back as it was written', () => {
  const [first] = some(1) as [Opening]
  expect(noteOf(written(first).content)).toEqual({
    statement: first.statement, signed: first.signed, purpose: 'treatment', categories: ['summary'],
    person: undefined, organisation: undefined, houses: [], openedOffline: undefined,
  })
  for (const text of ['', '{}', '[]', 'null', '{"resourceType":"AuditEvent"}', '{"entity":[{"detail":[null]}]}']) {
    expect(noteOf(new TextEncoder().encode(text))).toBeUndefined()
  }
})

test('whatever was opened honestly, all accounts agree, and each access is told once, oldest first', () => {
  fc.assert(fc.property(fc.uniqueArray(fc.nat(200), { maxLength: 20 }), (numbers) => {
    const openings = numbers.map((number) => opening(number))
    const { accesses, findings } = compareAccounts(honest(openings))
    expect(findings).toEqual([])
    const times = numbers.toSorted((a, b) => a - b).map((number) => (NOW - 1_000 + number) * 1000)
    expect(accesses.map(({ time }) => time)).toEqual(times)
    for (const { releasedBy, note, place } of accesses) {
      expect([releasedBy.length, note === undefined, place === undefined]).toEqual([2, false, false])
    }
  }))
})

test('what was opened without a network is told beside the entry of its access, and never instead of it', () => {
  const [first] = some(1) as [Opening]
  const offline = [7_200_000, 3_600_000].map((ms) => written(first, entryOf(first, { openedOffline: ms })))
  const both = compareAccounts({ ...honest([first]), entries: [written(first), ...offline] })
  expect(both.findings).toEqual([])
  expect(both.accesses[0]).toMatchObject({ openedOffline: [3_600_000, 7_200_000], note: { openedOffline: undefined } })
  const alone = findingsOf({ ...honest([first]), entries: offline })
  expect(alone.map(({ code }) => code)).toEqual(['entry-missing'])
  const garbled = entryOf(first, { openedOffline: 1 }).replace('1970', 'never')
  expect(noteOf(new TextEncoder().encode(garbled))).toBeUndefined()
})

describe('whoever differs is named', () => {
  const openings = some(4)
  const [first, second] = openings as [Opening, Opening]
  const reader = (of: Opening): string => toHex(of.access.reader)
  const base = honest(openings)
  const without = <T>(all: readonly T[], place: number): T[] => all.filter((_, at) => at !== place)

  test('an index that leaves an access out', () => {
    expect(findingsOf({ ...base, listed: without(base.listed, 0) })).toEqual([
      { code: 'access-dropped', who: INDEX, access: first.statement, releasedBy: [TRUSTEES[1], TRUSTEES[2]] },
    ])
  })

  test('a reader that writes nothing, once its entry has had the time to arrive', () => {
    const silent = { ...base, entries: without(base.entries, 0) }
    expect(findingsOf(silent)).toEqual([
      { code: 'entry-missing', who: reader(first), access: first.statement, releasedBy: [TRUSTEES[1], TRUSTEES[2]] },
    ])
    expect(findingsOf({ ...silent, settled: first.access.time - 1 })).toEqual([])
  })

  test('a reader that opened nothing in the end owes no entry', () => {
    const none = new Map([...base.released].map(([trustee, list]) =>
      [trustee, list?.filter(({ statement }) => statement !== first.statement)]))
    expect(findingsOf({ ...base, released: none, entries: without(base.entries, 0) })).toEqual([])
  })

  test.each<[string, string | undefined]>([
    ['another purpose', entryOf(first, { purpose: 'legal' })],
    ['fewer categories', entryOf(first, { categories: [] })],
    ['another access', entryOf(first, { signed: second.signed })],
    ['no access', entryOf(first).replace('access-statement', 'access-words')],
    ['no JSON', 'opened nothing at all'],
  ])('a reader that writes %s', (_, text) => {
    const entries = [written(first, text), ...base.entries.slice(1)]
    const codes = findingsOf({ ...base, entries })
    expect(codes).toContainEqual(expect.objectContaining({ code: 'entry-garbled', who: reader(first) }))
    expect(codes).toContainEqual(expect.objectContaining({ code: 'entry-missing', access: first.statement }))
    expect(new Set(codes.map(({ who }) => who))).toEqual(new Set([reader(first)]))
  })

  test('one that writes the entry of somebody else\'s access, which does not hide that this one is missing', () => {
    const entries = [{ ...written(first), author: reader(second) }, ...base.entries.slice(1)]
    expect(findingsOf({ ...base, entries })).toEqual([
      { code: 'entry-garbled', who: reader(second), access: first.statement },
      expect.objectContaining({ code: 'entry-missing', who: reader(first) }),
    ])
  })

  test('one whose entry does not open', () => {
    expect(findingsOf({ ...base, unopened: [reader(first)] })).toEqual([{ code: 'entry-garbled', who: reader(first) }])
  })

  test('an entry about what nobody put on record', () => {
    const invented = opening(77)
    expect(findingsOf({ ...base, entries: [...base.entries, written(invented)] })).toEqual([
      { code: 'entry-garbled', who: reader(invented) },
    ])
  })

  test('a trustee that says nothing; the others\' lists still count', () => {
    const two = new Map([...base.released, [TRUSTEES[0]!, undefined] as const])
    expect(findingsOf({ ...base, released: two })).toEqual([{ code: 'trustee-silent', who: TRUSTEES[0] }])
    expect(findingsOf({ ...base, released: two, listed: without(base.listed, 0) })).toHaveLength(2)
  })

  test('a trustee that released what the index refused', () => {
    const refused = [listed(first, 0, 'grant-revoked'), ...base.listed.slice(1)]
    const lists = new Map(TRUSTEES.map((each, share) => [each, share === 0 ? [released(first)] : []]))
    const { accesses, findings } = compareAccounts({ ...base, listed: refused, released: lists })
    expect(findings).toContainEqual({ code: 'release-unlogged', who: TRUSTEES[0], access: first.statement })
    expect(accesses[0]?.refusals).toEqual([{ by: INDEX, problem: 'grant-revoked' }])
  })

  test('a trustee whose word has no charge; the owner itself is not metered', () => {
    const uncharged = new Map([...base.released].map(([trustee, list]) =>
      [trustee, list?.map((each) => ({ ...each, charged: trustee !== TRUSTEES[1] }))]))
    const findings = findingsOf({ ...base, released: uncharged })
    expect(findings.map(({ code, who }) => [code, who])).toEqual(base.released.get(TRUSTEES[1]!)?.map(() =>
      ['charge-missing', TRUSTEES[1]]))
    const its = (owner: string | undefined) => findingsOf({ ...base, released: uncharged, owner })
    expect(its(reader(first)).map(({ access }) => access)).not.toContain(first.statement)
    expect(its(undefined), 'in custody somebody may have claimed the vault').toEqual([])
  })

  test('refusals alone are told, and nobody has to explain them', () => {
    const denied = opening(50)
    const lists = new Map([...base.released].map(([trustee, list]) =>
      [trustee, [...(list ?? []), released(denied, 'receipt-invalid')]]))
    const { accesses, findings } = compareAccounts({
      ...base, listed: [...base.listed, listed(denied, 9, 'access-expired')], released: lists,
    })
    expect(findings).toEqual([])
    expect(accesses.at(-1)?.refusals).toHaveLength(4)
  })
})
