/** What surrounds the matching: leniency, the self link, order, summaries, what a CapabilityStatement may promise. */
import type { Observation, Patient, Resource } from '@medplum/fhirtypes'
import { describe, expect, test } from 'vitest'
import { findMatches, includesOf, parametersOf, parseSearch, project, revIncludesOf } from '../src/search.ts'
import { LIMITS, resourceTypes, validateResource } from '../src/validate.ts'
import { found, indexOf, refusal } from './searching.ts'

describe('lenient', () => {
  const lenient = (type: string, query: string): [string, string[]] => {
    const { understood, ignored } = parseSearch(type, query, { lenient: true })
    return [understood, ignored.map(({ name }) => name)]
  }

  test.each<[string, string, string[]]>([
    ['nom=x&name=%C3%A9va', 'name=%C3%A9va', ['nom']], ['?name:soundex=x&gender=male', 'gender=male', ['name']],
    ['_filter=x&_text=y&_content=z&_list=1&_query=q', '', ['_filter', '_text', '_content', '_list', '_query']],
    ['link.nom=x&_has:Ship:a:b=c&_sort=nom&_count=5', '_count=5', ['link.nom', '_has:Ship:a:b', '_sort']],
    ['_include=Patient:nom&_revinclude:recurse=Observation:patient', '', ['_include', '_revinclude']],
    ['name=a', 'name=a', []], ['Madame%20Secret=1', '', ['(unprintable)']],
  ])('%s', (query, understood, ignored) => {
    expect(lenient('Patient', query)).toEqual([understood, ignored])
  })

  test('what is said of the ignored names no value; the rest is answered', () => {
    const { ignored, criteria } = parseSearch('Patient', 'nom=Secret&gender=male', { lenient: true })
    expect(ignored).toEqual([{ name: 'nom', diagnostics: 'nom is not a search parameter supported for Patient' }])
    expect(criteria).toHaveLength(1)
  })

  test.each(['birthdate=hier', 'gender=homme', 'name=', '_count=x', '_summary=all', '_elements=nom', 'name', '_total=x',
    '_include=x', `${'link.'.repeat(9)}name=x`])('a value that cannot be read stays an error: %s', (query) => {
    expect(refusal('Patient', query, { lenient: true }).status).toBe(400)
  })

  test('handled parameters are nobody\'s business here', () => {
    const { understood, ignored } = parseSearch('Patient', 'token=abc&name=x', { handled: ['token'] })
    expect([understood, ignored]).toEqual(['name=x', []])
  })
})

describe('order', () => {
  const observation = (id: string, date: string | undefined, code: string): Resource => ({
    resourceType: 'Observation', id, status: 'final', code: { coding: [{ code }] },
    ...(date === undefined ? {} : { effectiveDateTime: date }), valueQuantity: { value: Number(id.slice(1)) },
  })
  const list = [observation('o3', '2020', 'b'), observation('o1', '2021-02', 'a'), observation('o2', undefined, 'a'),
    observation('o4', '2021-01', 'b'), observation('o10', '2021-02', 'b')]

  test.each([
    ['', 'o1 o10 o2 o3 o4'], ['_sort=date', 'o3 o4 o1 o10 o2'], ['_sort=-date', 'o1 o10 o4 o3 o2'],
    ['_sort=code,-date', 'o1 o2 o10 o4 o3'], ['_sort=-code,date', 'o3 o4 o10 o1 o2'], ['_sort=-_id', 'o4 o3 o2 o10 o1'],
    ['_sort=value-quantity', 'o1 o2 o3 o4 o10'], ['_sort=method,-_id', 'o4 o3 o2 o10 o1'],
    ['_sort=date&_count=2', 'o3 o4 o1 o10 o2'], // pages are the caller's slices
  ])('Observation?%s', (query, expected) => {
    expect(found(list, 'Observation', query).join(' ')).toBe(expected)
  })

  test.each<[string, string]>([
    ['_sort=code-value-quantity', 'unsupported-parameter'], ['_sort=_score', 'unsupported-parameter'],
    ['_sort=date,', 'invalid-value'], ['_sort=date&_sort=code', 'invalid-value'],
    ['_sort=--date', 'unsupported-parameter'],
    [`_sort=${'date,'.repeat(LIMITS.sortKeys)}code`, 'invalid-value'],
  ])('%s is refused', (query, code) => {
    expect(refusal('Observation', query).code).toBe(code)
  })
})

test('pages, totals and summaries as asked', () => {
  const of = (query: string): unknown[] => {
    const { count, totalOnly, withTotal, total, summary } = parseSearch('Patient', query)
    return [count, totalOnly, withTotal, total, summary]
  }
  expect(of('')).toEqual([LIMITS.pageDefault, false, true, 'accurate', 'false'])
  expect(of('_count=0')).toEqual([0, true, true, 'accurate', 'false'])
  expect(of('_count=99999&_total=none')).toEqual([LIMITS.pageMax, false, false, 'none', 'false'])
  expect(of('_summary=count&_total=estimate')).toEqual([LIMITS.pageDefault, true, true, 'estimate', 'count'])
})

describe('projection', () => {
  const patient = validateResource({
    resourceType: 'Patient', id: 'p', meta: { versionId: '3', tag: [{ code: 't' }] },
    implicitRules: 'http://rules.test',
    text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' },
    extension: [{ url: 'http://e.test', valueString: 'x' }],
    modifierExtension: [{ url: 'http://m.test', valueString: 'x' }],
    identifier: [{ system: 'urn:s', value: '1', assigner: { display: 'CHU' } }], name: [{ family: 'Durand' }],
    birthDate: '1980-01-01', _birthDate: { extension: [{ url: 'http://b.test', valueString: 'x' }] },
    deceasedBoolean: false,
    photo: [{ contentType: 'image/png', data: 'AAAA' }], contact: [{ name: { family: 'X' } }],
    maritalStatus: { text: 'm' },
    communication: [{ language: { text: 'fr' }, preferred: true }],
  }) as Patient
  const shown = (query: string, resource: Resource = patient): Record<string, unknown> =>
    project(resource, parseSearch('Patient', query)) as unknown as Record<string, unknown>

  test('nothing asked: the very object', () => {
    expect(project(patient, parseSearch('Patient', ''))).toBe(patient)
  })

  test.each<[string, string]>([
    ['_summary=true',
      '_birthDate birthDate deceasedBoolean id identifier implicitRules meta modifierExtension name resourceType'],
    ['_summary=text', 'id implicitRules meta modifierExtension resourceType text'],
    ['_elements=birthDate,deceased',
      '_birthDate birthDate deceasedBoolean id implicitRules meta modifierExtension resourceType'],
    ['_elements=id', 'id implicitRules meta modifierExtension resourceType'],
  ])('%s keeps', (query, members) => {
    expect(Object.keys(shown(query)).toSorted().join(' ')).toBe(members)
  })

  test('_summary=data is all but the narrative', () => {
    expect(Object.keys(shown('_summary=data'))).toHaveLength(Object.keys(patient).length - 1)
  })

  test.each(['_summary=true', '_summary=text', '_summary=data', '_elements=name'])(
    '%s: tagged, valid, the resource itself untouched', (query) => {
      const before = JSON.stringify(patient)
      const part = shown(query)
      const tag = (part['meta'] as { tag: { code: string }[] }).tag.map(({ code }) => code)
      expect([tag, part['id']]).toEqual([['t', 'SUBSETTED'], 'p'])
      validateResource(structuredClone(part))
      expect(JSON.stringify(patient)).toBe(before)
    })

  test('summary elements at every level; mandatory ones stay', () => {
    const { identifier } = shown('_summary=true')
    expect(identifier).toEqual([{ system: 'urn:s', value: '1', assigner: { display: 'CHU' } }])
    const observation: Observation = { resourceType: 'Observation', id: 'o', status: 'final', code: { text: 'x' },
      referenceRange: [{ text: 'r' }], note: [{ text: 'n' }],
      component: [{ code: { text: 'c' }, valueString: 'v', referenceRange: [{ text: 'r' }] }] }
    const summary = project(observation, parseSearch('Observation', '_summary=true'))
    expect(summary.component).toEqual([{ code: { text: 'c' }, valueString: 'v' }])
    expect([summary.note, summary.referenceRange]).toEqual([undefined, undefined])
    const parts = project(observation, parseSearch('Observation', '_elements=note'))
    expect(Object.keys(parts).toSorted().join(' ')).toBe('code id meta note resourceType status')
  })

  test('_elements is about the matches; _summary about all', () => {
    const contact = [{ name: { text: 'x' } }]
    const organisation: Resource = { resourceType: 'Organization', id: 'o', name: 'CHU', contact }
    expect(shown('_elements=name', organisation)).toBe(organisation)
    expect(Object.keys(shown('_summary=true', organisation)).toSorted()).toEqual(['id', 'meta', 'name', 'resourceType'])
  })

  test.each(['_elements=nom', '_elements=', '_elements=name.family', '_elements=constructor', '_elements=name,,id',
    '_elements=name&_summary=true', `_elements=${'id,'.repeat(LIMITS.elements)}id`])('%s is refused', (query) => {
    expect(refusal('Patient', query).code).toBe('invalid-value')
  })
})

test('what is offered is evaluated, and what is evaluated is offered', () => {
  for (const type of resourceTypes()) {
    for (const { name, kind } of parametersOf(type)) {
      const [criterion] = parseSearch(type, `${name}:missing=true`).criteria
      expect(criterion?.parameter, `${type}.${name}`).toMatchObject({ name, kind })
    }
  }
  expect(parametersOf('Observation').map(({ name }) => name)).toEqual(expect.arrayContaining(
    ['_id', '_lastUpdated', '_profile', '_security', '_source', '_tag', 'code-value-quantity', 'value-quantity']))
  expect(parametersOf('Observation').map(({ name }) => name)).not.toEqual(expect.arrayContaining(['_text']))
  for (const name of includesOf('Encounter')) {
    expect(parseSearch('Encounter', `_include=${name}`).includes).toHaveLength(1)
  }
  const reverse = revIncludesOf('Patient')
  expect(reverse).toContain('Observation:patient')
  for (const name of reverse) expect(parseSearch('Patient', `_revinclude=${name}`).includes).toHaveLength(1)
})

describe('hostile', () => {
  const inherited = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf']

  test('names of the prototype are no parameters, types, modifiers or elements', () => {
    for (const name of inherited) {
      for (const query of [`${name}=x`, `name:${name}=x`, `link.${name}=x`, `link:${name}.name=x`, `_has:${name}:x:y=z`,
        `_has:Observation:${name}:code=z`, `_sort=${name}`, `_include=${name}:x`, `_include=Patient:${name}`,
        `_elements=${name}`, `_summary=${name}`, `_revinclude=Observation:patient:${name}`]) {
        expect(refusal('Patient', query).status, query).toBe(400)
      }
      expect(found([{ resourceType: 'Patient', id: 'a', identifier: [{ system: name, value: name }] }], 'Patient',
        `identifier=${name}|${name}`)).toEqual(['a'])
    }
  })

  test('a resource of very many values is indexed and forgotten in its own time', () => {
    const many = 100_000
    const coding = Array.from({ length: many }, (_, at) => ({ system: `urn:s:${at}`, code: 'same' }))
    const entry = Array.from({ length: many }, (_, at) => ({ item: { reference: `Patient/1/_history/${at}` } }))
    const list = { resourceType: 'List', id: 'l', status: 'current', mode: 'working', code: { coding }, entry }
    const index = indexOf([list as Resource])
    const ask = (query: string): string[] => findMatches({ searched: index, beside: [] }, parseSearch('List', query))
    expect([ask('code=urn:s:7|same'), ask('code=urn:x|same'), ask('item=Patient/1/_history/9'), ask('item=2')])
      .toEqual([['l'], [], ['l'], []])
    index.remove('List', 'l')
    expect(ask('code=same')).toEqual([])
  }, 30_000)

  test('texts that would make a careless pattern run for ever do not', () => {
    const long = LIMITS.queryLength - 40
    const queries = ['\\'.repeat(2), 'a'.repeat(long), '9'.repeat(long), '-'.repeat(long),
      '.'.repeat(long), '|'.repeat(long),
      `${'1'.repeat(long / 2)}.${'1'.repeat(long / 2 - 1)}`, `Patient/${'a'.repeat(long - 8)}`, ':'.repeat(long),
      '$'.repeat(long)]
    const names = ['probability', 'date', 'subject', 'identifier', 'subject.name', '_has:Provenance:target:agent',
      '_include', '_sort', '_elements', `${'subject:Patient.'.repeat(500)}name`]
    for (const name of names) {
      for (const value of queries) {
        try {
          parseSearch('RiskAssessment', `${name}=${value}`, { lenient: true })
        } catch (error) {
          expect((error as { status?: number }).status, name).toBe(400)
        }
      }
    }
  }, 30_000)
})
