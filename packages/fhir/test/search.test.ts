import type { Resource } from '@medplum/fhirtypes'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileExpression, evaluatorFor, isCompiled } from '../src/expression.ts'
import { FhirError } from '../src/outcomes.ts'
import { foldText, splitAt, unescape } from '../src/search/query-text.ts'
import { ChartIndex, findMatches, parametersOf, parseSearch } from '../src/search.ts'
import type { Parameter } from '../src/search.ts'
import { columnOf } from '../src/search/columns.ts'
import type { Interval } from '../src/periods.ts'
import type { QuantityValue } from '../src/search/quantity.ts'
import type { ReferenceValue } from '../src/search/reference.ts'
import type { Text } from '../src/search/string.ts'
import type { Token } from '../src/search/token.ts'
import { LIMITS, resourceTypes, validateResource } from '../src/validate.ts'
import { hasMaterial, syntheaResources } from './material.ts'
import { brute, found, indexOf, refusal } from './searching.ts'

function outcomeOf(query: string): string {
  try {
    parseSearch('Observation', query)
  } catch (error) {
    return error instanceof FhirError ? 'ordinary' : String(error)
  }
  return 'ordinary'
}

describe('refuses what it does not understand', () => {
  test.each<[string, string, string, string]>([
    ['Spaceship', '', 'unknown-type', 'http.path'],
    ['DomainResource', '', 'unknown-type', 'http.path'],
    ['Patient', 'nom=Durand', 'unsupported-parameter', 'nom'],
    ['Patient', 'constructor=x', 'unsupported-parameter', 'constructor'],
    ['Patient', '__proto__=x', 'unsupported-parameter', '__proto__'],
    ['Patient', 'toString=x', 'unsupported-parameter', 'toString'],
    ['Observation', '_content=x', 'unsupported-parameter', '_content'],
    ['Observation', '_text=x', 'unsupported-parameter', '_text'],
    ['Observation', '_filter=x', 'unsupported-parameter', '_filter'],
    ['Patient', 'near=1|2', 'unsupported-parameter', 'near'],
    ['Observation', 'code:in=http://x.test', 'unsupported-modifier', 'code'],
    ['Observation', 'code:above=x', 'unsupported-modifier', 'code'],
    ['Observation', 'code:=x', 'unsupported-modifier', 'code'],
    ['Patient', 'name:not=x', 'unsupported-modifier', 'name'],
    ['Patient', 'birthdate:exact=2020', 'unsupported-modifier', 'birthdate'],
    ['Observation', 'subject:Ship=1', 'unsupported-modifier', 'subject'],
    ['Observation', 'subject:Practitioner=1', 'invalid-value', 'subject:Practitioner'],
    ['Observation', 'patient=Group/1', 'invalid-value', 'patient'],
    ['Observation', 'patient=a b', 'invalid-value', 'patient'],
    ['Observation', 'patient=', 'invalid-value', 'patient'],
    ['Observation', 'code=', 'invalid-value', 'code'],
    ['Observation', 'code=a,,b', 'invalid-value', 'code'],
    ['Observation', 'code=a|b|c', 'invalid-value', 'code'],
    ['Observation', 'code=|', 'invalid-value', 'code'],
    ['Observation', 'code=a\\x', 'invalid-value', 'code'],
    ['Observation', 'code:missing=yes', 'invalid-value', 'code:missing'],
    ['Observation', 'date=xx2020', 'invalid-value', 'date'],
    ['Observation', 'date=2020-13', 'invalid-value', 'date'],
    ['Observation', 'date=hier', 'invalid-value', 'date'],
    ['Observation', 'date=2020-01-01T10', 'invalid-value', 'date'],
    ['Patient', 'name=%20', 'invalid-value', 'name'],
    ['Patient', '_count=-1', 'invalid-value', '_count'],
    ['Patient', '_count=10&_count=20', 'invalid-value', '_count'],
    ['Patient', '_sort=', 'invalid-value', '_sort'],
    ['Patient', '_sort=nom', 'unsupported-parameter', '_sort'],
    ['Patient', '_sort=-', 'unsupported-parameter', '_sort'],
    ['Patient', '_format=xml', 'invalid-value', '_format'],
    ['Patient', '_total=some', 'invalid-value', '_total'],
    ['Patient', 'name', 'invalid-value', 'http.query'],
    ['Patient', 'name=%E0%A4', 'invalid-value', 'http.query'],
  ])('%s?%s', (type, query, code, expression) => {
    const error = refusal(type, query)
    expect([error.code, error.status, error.findings[0]?.expression]).toEqual([code, 400, expression])
  })

  test('too much is refused; values are never repeated', () => {
    expect(refusal('Patient', `name=${'x,'.repeat(LIMITS.searchValues + 1)}x`).code).toBe('too-many-values')
    expect(refusal('Patient', 'name=x&'.repeat(LIMITS.searchParameters + 1)).code).toBe('too-many-values')
    expect(refusal('Patient', `name=${'x'.repeat(LIMITS.queryLength)}`).code).toBe('too-many-values')
    expect(JSON.stringify(refusal('Observation', 'date=Madame Secret').outcome)).not.toContain('Secret')
    expect(JSON.stringify(refusal('Observation', 'Madame Secret=1').outcome)).not.toContain('Secret')
  })

  test('any text is understood or refused, never more', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.string(), (name, value) => {
      expect(outcomeOf(`${name}=${value}`)).toBe('ordinary')
    }), { numRuns: 1000 })
  })
})

const patient = (id: string, more: object): Resource => validateResource({ resourceType: 'Patient', id, ...more })
const people = [
  patient('a', { name: [{ family: 'Lefèvre', given: ['Zoé', 'Anne'] }], gender: 'female', birthDate: '1980-05',
    active: true,
    identifier: [{ system: 'urn:oid:1.2', value: 'A,1' }], telecom: [{ system: 'email', value: 'z@x.test' }],
      meta: { lastUpdated: '2024-03-01T10:00:00Z' } }),
  patient('b', { name: [{ family: 'Œuvrard' }], gender: 'male', birthDate: '1980', identifier: [{ value: 'B' }],
    deceasedBoolean: false,
    meta: { lastUpdated: '2024-03-02T10:00:00Z', tag: [{ system: 'http://x.test', code: 't' }] } }),
  patient('c', { name: [{ family: 'LEFEVRE-Martin' }], birthDate: '1980-05-17', deceasedDateTime: '2020-01-01',
    managingOrganization: { reference: 'Organization/o1' } }),
  patient('d', { name: [{ text: 'Inconnu' }], generalPractitioner: [{ reference: 'Organization/o1' },
    { reference: 'Practitioner/o1' }] }),
]
const ids = (query: string, resources = people): string[] =>
  found(resources, 'Patient', query, { bases: ['https://here.test/fhir'] })

test.each<[string, string]>([
  ['', 'a b c d'], ['_id=a,c', 'a c'], ['_id=e', ''], ['_id=a&_id=c', ''], ['gender=female', 'a'],
    ['gender=male,female', 'a b'],
  ['gender:not=female', 'b c d'], ['gender:not=female,male', 'c d'], ['gender:missing=true', 'c d'],
    ['gender:missing=false', 'a b'],
  ['family=lefevre', 'a c'], ['family=LEFÈVRE', 'a c'], ['family:exact=Lefèvre', 'a'], ['family:exact=lefèvre', ''],
    ['family:contains=martin', 'c'],
  ['name=zoe', 'a'], ['name=anne', 'a'], ['name=inconnu', 'd'], ['name=oeuv', 'b'], ['given=anne&family=lef', 'a'],
  ['birthdate=1980', 'a b c'], ['birthdate=1980-05', 'a c'], ['birthdate=1980-05-17', 'c'],
    ['birthdate=ne1980-05', 'b'],
  ['birthdate=gt1980-05', 'b'], ['birthdate=lt1980-05-17', 'a b'], ['birthdate=ge1980-05-17', 'a b c'],
    ['birthdate=le1980-05-17', 'a b c'],
  ['birthdate=sa1979', 'a b c'], ['birthdate=eb1981', 'a b c'], ['birthdate=ge1979&birthdate=le1979', ''],
  ['identifier=urn:oid:1.2|A\\,1', 'a'], ['identifier=A\\,1', 'a'], ['identifier=A,1', ''], ['identifier=|B', 'b'],
    ['identifier=|A\\,1', ''],
  ['identifier=urn:oid:1.2|', 'a'], ['email=z@x.test', 'a'], ['phone=z@x.test', ''], ['active=true', 'a'],
    ['deceased=true', 'c'], ['deceased=false', 'a b d'],
  ['organization=Organization/o1', 'c'], ['organization=o1', 'c'],
    ['organization=https://here.test/fhir/Organization/o1', 'c'],
  ['organization=https://there.test/fhir/Organization/o1', ''], ['general-practitioner=o1', 'd'],
    ['general-practitioner:Practitioner=o1', 'd'],
  ['general-practitioner=Practitioner/o2', ''], ['_lastUpdated=gt2024-03-01', 'b'], ['_tag=http://x.test|t', 'b'],
    ['_tag=t', 'b'],
  ['_sort=birthdate', 'b a c d'], ['_sort=-birthdate', 'b a c d'], ['_sort=family', 'a c b d'],
    ['_sort=-family', 'b c a d'], ['_sort=-_id', 'd c b a'],
  ['_sort=gender,-_id', 'a b d c'],
    ['_format=application/fhir%2Bjson', 'a b c d'],
])('Patient?%s', (query, expected) => {
  expect(ids(query).join(' ')).toBe(expected)
})

test('dates with an unencoded "+" of the zone', () => {
  expect(ids('_lastUpdated=2024-03-01T11:00:00+01:00')).toEqual(['a'])
  expect(ids('_lastUpdated=2024-03-01T11:00:00%2B01:00')).toEqual(['a'])
})

test('escapes: what is joined comes apart again', () => {
  const escape = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll(',', '\\,').replaceAll('|',
    '\\|').replaceAll('$', '\\$')
  fc.assert(fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', '\\', ',', '|', '$') }), { minLength: 1 }),
    (parts) => {
    expect(splitAt(parts.map(escape).join(','), ',').map(unescape)).toEqual(parts)
  }))
  expect(foldText(' ÉTÉ \t Straße Œ')).toBe('ete strasse oe')
})

test('the index forgets what is removed and replaced', () => {
  const index = indexOf(people)
  const find = (query: string): string[] => findMatches({ searched: index, beside: [] }, parseSearch('Patient', query))
  expect(find('gender=female')).toEqual(['a'])
  index.add(patient('a', { name: [{ family: 'X' }], gender: 'other' }))
  expect([find('gender=female'), find('gender=other'), index.size]).toEqual([[], ['a'], 4])
  expect([index.remove('Patient', 'a'), index.remove('Patient', 'a'), find('gender=other'),
    index.size]).toEqual([true, false, [], 3])
  expect([index.has('Patient', 'a'), index.has('Patient', 'b'), index.has('Ship', 'b')]).toEqual([false, true, false])
  expect([index.ids('Patient'), index.types()]).toEqual([['b', 'c', 'd'], ['Patient']])
  index.add(patient('aa', { gender: 'female' })) // into the place of the one removed
  expect([find('gender=female'), find('')]).toEqual([['aa'], ['aa', 'b', 'c', 'd']])
})

test('a resource is read once for all parameters of a search, and not again', () => {
  let reads = 0
  const index = new ChartIndex((_, id) => {
    reads++
    return people.find((each) => each.id === id) as Resource
  })
  for (const each of people) index.add(each)
  const search = (query: string): void => {
    findMatches({ searched: index, beside: [] }, parseSearch('Patient', query))
  }
  search('_id=a')
  expect(reads).toBe(0)
  search('gender=female&birthdate=ge1970&family=x&_sort=name')
  search('gender:not=male&_sort=-birthdate,family')
  expect(reads).toBe(people.length)
  search('telecom=x')
  expect(reads).toBe(2 * people.length)
})

test('what was indexed while it changed is what would be indexed afterwards', () => {
  const queries = ['gender=female', 'gender:not=female', 'name=le', 'birthdate=1980', 'identifier=urn:oid:1.2|',
    'organization=o1', '_sort=-birthdate', 'name:missing=true', 'email=z@x.test']
  const change = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.constantFrom('a', 'b', 'c', 'd', 'gone'))
  fc.assert(fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
    const now = new Map(people.map((each) => [each.id ?? '', each]))
    const index = new ChartIndex((_, id) => now.get(id) as Resource)
    for (const each of people) index.add(each)
    const answers = (searched: ChartIndex): string[][] => queries.map((query) =>
      findMatches({ searched, beside: [] }, parseSearch('Patient', query)))
    answers(index)
    for (const [id, like] of changes) {
      const model = people.find((each) => each.id === like)
      if (model) {
        now.set(id, { ...model, id })
        index.add({ ...model, id })
      } else if (now.delete(id)) index.remove('Patient', id)
    }
    expect(answers(index)).toEqual(answers(indexOf([...now.values()])))
  }))
})

test('every parameter that is offered compiles or has a reason not to', () => {
  const uncompiled = resourceTypes().flatMap((type) => parametersOf(type).filter((p) =>
    !isCompiled(p.expression)).map((p) => `${type}.${p.name}`))
  expect(uncompiled).toEqual(['InsurancePlan.name', 'Patient.deceased'])
})

describe.skipIf(!hasMaterial)('real material', () => {
  const resources = hasMaterial ? syntheaResources(3).map((resource, at) => ({ ...resource, id: `r${at}` })) : []

  test('compiled extraction yields what the FHIRPath evaluator yields', () => {
    let compared = 0
    for (const resource of [...resources, ...people]) {
      for (const parameter of parametersOf(resource.resourceType)) {
        // The evaluator does not know that every resource is a Resource.
        const expression = parameter.expression.replaceAll(/\b(Domain)?Resource\./g, `${resource.resourceType}.`)
        const plain = (list: { value: unknown }[]): unknown[] => list.map(({ value }) => value)
        expect(plain(compileExpression(expression)(resource as never)), `${resource.resourceType}.${parameter.name}`)
          .toEqual(plain(evaluatorFor(expression)(resource as never)))
        compared++
      }
    }
    expect(compared).toBeGreaterThan(5000)
  })

  test('the index answers what testing every resource answers', () => {
    const index = indexOf(resources)
    const types = [...new Set(resources.map(({ resourceType }) => resourceType))]
    const questions = types.flatMap((type) => {
      const sample = resources.filter(({ resourceType }) => resourceType === type).slice(0, 4)
      return parametersOf(type).flatMap((parameter) => sample.flatMap((each) => questionsOn(parameter, each)))
        .map((query) => ({ type, query }))
    })
    expect(questions.length).toBeGreaterThan(200)
    fc.assert(fc.property(fc.constantFrom(...questions), fc.constantFrom(...questions), (first, second) => {
      const query = first.type === second.type ? `${first.query}&${second.query}` : first.query
      const parsed = parseSearch(first.type, query)
      expect(findMatches({ searched: index, beside: [] }, parsed)).toEqual(brute(resources, parsed))
    }), { numRuns: 300 })
  })
})

/** Queries that the values of a real resource answer. */
function questionsOn(parameter: Parameter, resource: Resource): string[] {
  const { name, kind } = parameter
  const escaped = (value: string): string => encodeURIComponent(value.replaceAll(/[\\,|$]/g, '\\$&'))
  const ask = (value: string, modifier = ''): string => `${name}${modifier}=${value}`
  const values = columnOf(parameter).read(resource) ?? []
  const asked = values.flatMap((value) => {
    switch (kind) {
      case 'token': {
        const { code } = value as Token
        return code === '' ? [] : [ask(escaped(code)), ask(escaped(code), ':not')]
      }
      case 'string': return [ask(escaped((value as Text).raw.slice(0, 4)))].filter((each) => !/=(%20)*$/.test(each))
      case 'reference': {
        const { id, type } = value as ReferenceValue
        return id === undefined ? [] : [ask(`${type}/${id}`), ask(id)]
      }
      case 'date': return ['', 'ge', 'lt', 'ne', 'ap'].map((prefix) =>
        ask(prefix + new Date((value as Interval).low).toISOString().slice(0, 10)))
      case 'quantity': return ['', 'gt', 'le', 'ap'].map((prefix) => ask(`${prefix}${(value as QuantityValue).low}`))
      case 'number':
      case 'uri':
      case 'composite':
      default: return []
    }
  })
  return [...asked, ask('true', ':missing')]
}

test('what was entered unparsed is read when it is first asked for, and at once where it was', () => {
  const reads: string[] = []
  const index = new ChartIndex((_, id) => {
    reads.push(id)
    return { ...(people[0] as Resource), id }
  })
  const ask = (query: string): string[] => findMatches({ searched: index, beside: [] }, parseSearch('Patient', query))
  index.enter('Patient', 'x')
  index.enter('Patient', 'y')
  expect([reads, index.size, ask('_id=x,y,z')]).toEqual([[], 2, ['x', 'y']])
  expect([ask('gender=female'), reads]).toEqual([['x', 'y'], ['x', 'y']])
  index.enter('Patient', 'w')
  expect([ask('gender=female'), reads]).toEqual([['w', 'x', 'y'], ['x', 'y', 'w']])
})
