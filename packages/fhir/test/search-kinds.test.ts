/** Every kind of parameter by the examples of R4 search.html, one row each. */
import type { Resource } from '@medplum/fhirtypes'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseNumber } from '../src/search/number.ts'
import { parseSearch } from '../src/search.ts'
import type { ValueSets } from '../src/search.ts'
import { LIMITS } from '../src/limits.ts'
import { loadUnits } from '../src/units.ts'
import { validateResource } from '../src/validate.ts'
import { found, refusal } from './searching.ts'

const UCUM = 'http://unitsofmeasure.org'
const units = await loadUnits()

const resource = (resourceType: string, id: string, more: object): Resource =>
  validateResource({ resourceType, id, ...more })
const observation = (id: string, more: object): Resource =>
  resource('Observation', id, { status: 'final', code: { text: 'x' }, ...more })
const quantity = (id: string, value: number, code = 'mg', more: object = {}): Resource =>
  observation(id, { valueQuantity: { value, system: UCUM, code, unit: code, ...more } })

test('units of records and queries are remembered up to a number, and looked at up to a length', () => {
  const known = units.canonical('mg')
  expect(units.canonical('mg')).toBe(known)
  for (let at = 0; at < LIMITS.units; at++) units.canonical(`mg{${at}}`)
  expect(units.canonical('mg')).not.toBe(known)
  expect(units.canonical('mg')?.dimension).toBe(known?.dimension)
  const long = (words: number): string => Array(words).fill('m').join('.')
  expect(units.canonical(long(LIMITS.unitLength / 2))).toBeDefined()
  expect(units.canonical(long(LIMITS.unitLength / 2 + 1))).toBeUndefined()
})

describe('number', () => {
  test.each<[string, number, number, number]>([
    ['100', 99.5, 100, 100.5], ['100.00', 99.995, 100, 100.005], ['1e2', 95, 100, 105], ['-5.4', -5.45, -5.4, -5.35],
    ['5.40e-3', 0.00535, 0.0054, 0.00545], ['0.1', 0.05, 0.1, 0.15], ['5.4', 5.35, 5.4, 5.45], ['0', -0.5, 0, 0.5],
    ['1.2345e2', 123.445, 123.45, 123.455],
  ])('%s is %d to %d to %d', (text, low, value, high) => {
    expect(parseNumber(text)).toEqual({ prefix: 'eq', low, value, high })
  })

  const risk = (id: string, probabilityDecimal: number): Resource => resource('RiskAssessment', id,
    { status: 'final', subject: { reference: 'Patient/1' }, prediction: [{ probabilityDecimal }] })
  const risks = [risk('a', 0.7), risk('b', 0.75), risk('c', 0.76), risk('d', 0.84), risk('e', 1e-4)]

  test.each([
    ['probability=0.8', 'b c d'], ['probability=gt0.8', 'd'], ['probability=ne0.8', 'a e'], ['probability=0.75', 'b'],
    ['probability=lt0.75', 'a e'], ['probability=ge0.76', 'c d'], ['probability=le0.7', 'a e'],
    ['probability=sa0.75', 'c d'], ['probability=eb0.75', 'a e'], ['probability=ap0.8', 'b c d'],
    ['probability=1e-4', 'e'], ['probability=0.70,0.84', 'a d'], ['probability:missing=true', ''],
    ['_sort=-probability', 'd c b a e'],
  ])('RiskAssessment?%s', (query, expected) => {
    expect(found(risks, 'RiskAssessment', query).join(' ')).toBe(expected)
  })

  test('its own digits always match, as exact decimals', () => {
    const digits = fc.integer({ min: -99_999, max: 99_999 })
    fc.assert(fc.property(digits, fc.integer({ min: 0, max: 6 }), (whole, scale) => {
      const text = (whole / 10 ** scale).toFixed(scale)
      const { low = 1, value = 0, high = 0 } = parseNumber(text) ?? {}
      expect(value).toBe(Number(text))
      expect(low <= value && value < high).toBe(true)
      expect(Number((low + (high - low)).toFixed(scale + 2))).toBeCloseTo(Number(text) + 0.5 * 10 ** -scale, 10)
    }))
  })

  test.each(['', 'x', 'ge', '1,', '--1', '1e', '1e9999', '0x10', 'Infinity', 'NaN', '１', '9'.repeat(50), '1 '])(
    '"%s" is refused', (value) => {
      expect(refusal('RiskAssessment', `probability=${encodeURIComponent(value)}`).code).toBe('invalid-value')
    })
})

describe('quantity', () => {
  const doses = [quantity('a', 5.4), quantity('b', 5.35), quantity('c', 5.45), quantity('d', 0.0054, 'g'),
    quantity('e', 5.4, 'mL'), observation('f', { valueQuantity: { value: 5.4, unit: 'mg' } }), quantity('g', 9)]
  const name = 'value-quantity'

  test.each([
    [`${name}=5.4|${UCUM}|mg`, 'a b d'], [`${name}=5.40e-3|${UCUM}|g`, 'a b d'], [`${name}=5.4||mg`, 'a b f'],
    [`${name}=5.4`, 'a b e f'], [`${name}=le5.4|${UCUM}|mg`, 'a b d'], [`${name}=gt5.4|${UCUM}|mg`, 'c g'],
    [`${name}=ap5.4|${UCUM}|mg`, 'a b c d'], [`${name}=5.4|${UCUM}|MG`, ''], [`${name}=5.4|http://other.test|mg`, ''],
    [`${name}=ne5.4|${UCUM}|mg`, 'c g'], [`${name}=5.4|${UCUM}|mmol`, ''], [`${name}=9||mg`, 'g'],
    [`${name}=ge1|${UCUM}|no-such-unit`, ''], ['_sort=value-quantity', 'd b a e f c g'],
  ])('Observation?%s', (query, expected) => {
    expect(found(doses, 'Observation', query, { units }).join(' ')).toBe(expected)
  })

  test('without units only the same code compares', () => {
    expect(found(doses, 'Observation', `${name}=5.4|${UCUM}|mg`)).toEqual(['a', 'b'])
  })

  test('comparators, ranges, ages, money and samples', () => {
    const kinds = [
      quantity('less', 5, 'mg', { comparator: '<' }), quantity('most', 5, 'mg', { comparator: '<=' }),
      quantity('more', 5, 'mg', { comparator: '>' }), quantity('least', 0, 'mg', { comparator: '>=' }),
      observation('samples', { valueSampledData: { origin: { value: 10, system: UCUM, code: 'mg' }, period: 1,
        dimensions: 1, factor: 2, lowerLimit: -4, data: '1 E 3 L 2' } }),
    ]
    const ask = (value: string): string => found(kinds, 'Observation', `${name}=${value}|${UCUM}|mg`).join(' ')
    expect([ask('lt5'), ask('ge5')]).toEqual(['least less most samples', 'least more most samples'])
    expect([ask('gt5'), ask('gt15.9')]).toEqual(['least more samples', 'least more samples'])
    expect(ask('lt2')).toBe('least less most')
    expect(ask('lt2.1')).toBe('least less most samples') // L is the lower limit: 10 - 2 * 4
    const ages = [resource('Condition', 'a', { subject: { reference: 'Patient/1' }, onsetAge:
      { value: 30, system: UCUM, code: 'a', unit: 'years' } }),
      resource('Condition', 'b', { subject: { reference: 'Patient/1' }, onsetRange:
        { low: { value: 20, system: UCUM, code: 'a' } } })]
    expect(found(ages, 'Condition', 'onset-age=gt40||a', { units })).toEqual(['b'])
    expect(found(ages, 'Condition', `onset-age=360|${UCUM}|mo`, { units })).toEqual(['a'])
    const invoice = resource('Invoice', 'i', { status: 'issued', totalNet: { value: 12.5, currency: 'EUR' } })
    expect(found([invoice], 'Invoice', 'totalnet=12.5|urn:iso:std:iso:4217|EUR')).toEqual(['i'])
    expect(found([invoice], 'Invoice', 'totalnet=12.5||USD')).toEqual([])
  })

  test('temperatures have another zero; moles are no cells; arbitrary units are themselves', () => {
    const mixed = [quantity('f', 98.6, '[degF]'), quantity('c', 37, 'Cel'), quantity('m', 5, 'mmol/L'),
      quantity('n', 5, '10*9/L'), quantity('u', 5, '[iU]/L'), quantity('p', 7.4, '[pH]')]
    const ask = (value: string): string[] => found(mixed, 'Observation', `${name}=${value}`, { units })
    expect(ask(`37.0|${UCUM}|Cel`)).toEqual(['c', 'f'])
    expect(ask(`gt1|${UCUM}|10*9/L`)).toEqual(['n'])
    expect(ask(`5000|${UCUM}|10*6/L`)).toEqual(['n'])
    expect([ask(`5|${UCUM}|[iU]/L`), ask(`7.4|${UCUM}|[pH]`)]).toEqual([['u'], ['p']])
  })

  test.each(['5|mg', '5||', `5|${UCUM}|`, `|${UCUM}|mg`, 'x||mg', '5|a|b|c', ''])('"%s" is refused', (value) => {
    expect(refusal('Observation', `${name}=${encodeURIComponent(value)}`).code).toBe('invalid-value')
  })

  test('codes that break the library are no units', () => {
    for (const code of ['constructor', '__proto__', 'toString', '', '('.repeat(60), 'x'.repeat(1000), '{'.repeat(30)]) {
      expect(units.canonical(code), code).toBeUndefined()
    }
    fc.assert(fc.property(fc.string({ maxLength: 20 }), (code) => {
      const unit = units.canonical(code)
      expect(unit === undefined || unit.toBase(1) < unit.toBase(2)).toBe(true)
    }), { numRuns: 300 })
  })
})

describe('token', () => {
  const coded = (id: string, coding: object[], more: object = {}): Resource =>
    observation(id, { code: { coding, ...more } })
  const system = 'http://acme.test/codes'
  const list = [
    coded('a', [{ system, code: 'Ab', display: 'Glucosé à jeun' }]),
    coded('b', [{ code: 'ab' }], { text: 'Glycémie' }),
    coded('c', [{ system: UCUM, code: 'Ab' }]), coded('d', [{ system }, { system: 'urn:x', code: 'z' }]),
  ]

  test.each([
    ['code=ab', 'a b'], ['code=Ab', 'a b c'], [`code=${system}|AB`, 'a'], ['code=|AB', 'b'], [`code=${system}|`, 'a d'],
    [`code=${UCUM}|ab`, ''], [`code=${UCUM}|Ab`, 'c'], ['code:not=ab', 'c d'], [`code=${system.toUpperCase()}|Ab`, ''],
    ['code:text=gluc', 'a'], ['code:text=GLYCEMIE', 'b'], ['code:text=jeun', ''], ['code:not=Ab,z', ''],
    ['method:not=x', 'a b c d'], ['method:missing=true', 'a b c d'], ['status=final', 'a b c d'],
  ])('Observation?%s', (query, expected) => {
    expect(found(list, 'Observation', query).join(' ')).toBe(expected)
  })

  test('ids compare by case, identifiers do not', () => {
    const type = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR' }], text: 'Dossier' }
    const patients = [resource('Patient', 'p1', { identifier: [{ system: 'urn:s', value: 'X-1', type }] }),
      resource('Patient', 'P1', { identifier: [{ system: 'urn:s', value: 'x-1' }] })]
    const ask = (query: string): string[] => found(patients, 'Patient', query)
    expect([ask('_id=p1'), ask('_id=P1'), ask('_id:not=p1')]).toEqual([['p1'], ['P1'], ['P1']])
    expect(ask('identifier=urn:s|x-1')).toEqual(['P1', 'p1'])
    const ofType = 'identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|'
    expect([ask(`${ofType}x-1`), ask(`${ofType}x-2`), ask('identifier:text=doss')]).toEqual([['p1'], [], ['p1']])
    expect(refusal('Patient', 'identifier:of-type=a|b').code).toBe('invalid-value')
    expect(refusal('Observation', 'code:of-type=a|b|c').code).toBe('unsupported-modifier')
    expect(refusal('Patient', 'gender:text=fem').code).toBe('unsupported-modifier')
  })

  test('value sets only where they are loaded', () => {
    const valueSets: ValueSets = {
      expand: (url) =>
        (url === 'http://acme.test/vs' ? [{ system, code: 'Ab' }, { system: 'urn:x', code: 'z' }] : undefined),
      below: (_, code) => (code === 'top' ? [{ system, code: 'top' }, { system, code: 'ab' }] : undefined),
    }
    const ask = (query: string): string => found(list, 'Observation', query, { valueSets }).join(' ')
    expect([ask('code:in=http://acme.test/vs'), ask('code:not-in=http://acme.test/vs')]).toEqual(['a d', 'b c'])
    expect(ask(`code:below=${system}|top`)).toBe('a')
    expect(refusal('Observation', 'code:in=http://other.test', { valueSets }).code).toBe('invalid-value')
    expect(refusal('Observation', `code:above=${system}|top`, { valueSets }).code).toBe('unsupported-modifier')
    expect(refusal('Observation', 'code:below=top', { valueSets }).code).toBe('invalid-value')
    for (const modifier of ['in', 'not-in', 'below', 'above']) {
      expect(refusal('Observation', `code:${modifier}=x|y`).code).toBe('unsupported-modifier')
    }
  })
})

describe('string', () => {
  const named = (id: string, family: string): Resource => resource('Patient', id, { name: [{ family }] })
  const list = [named('a', 'Son'), named('b', 'Sonder'), named('c', 'Erikson'), named('d', 'Samsonite'),
    named('e', 'Éva'), named('f', 'E\u0301va'), named('g', "O'Brien"), named('h', 'O Brien'),
    named('i', 'Le  Goff-Petit'),
    named('j', 'Łukasz'), named('k', 'St. John')]

  test.each([
    ['family=son', 'a b'], ['family:contains=son', 'a b c d'], ['family:exact=Son', 'a'], ['family:exact=son', ''],
    ['family=eva', 'e f'], ['family=ÉVA', 'e f'],
    ['family=obrien', 'g'], ["family=o'brien", 'g'], ['family=O’Brien', 'g'],
    ['family=o-brien', 'h'], ['family=le goff petit', 'i'], ['family=le-goff', 'i'], ['family=lukasz', 'j'],
    ['family=st john', 'k'], ['family:contains=goff', 'i'], ['family=eva,son', 'a b e f'],
  ])('Patient?%s', (query, expected) => {
    expect(found(list, 'Patient', query).join(' ')).toBe(expected)
  })

  test.each(['%20', '.', "'", '...', '-'])('"%s" says nothing and is refused', (value) => {
    expect(refusal('Patient', `family=${value}`).code).toBe('invalid-value')
  })
})

describe('date', () => {
  const dated = (id: string, more: object): Resource => observation(id, more)
  const list = [
    dated('day', { effectiveDateTime: '2013-01-14' }), dated('ten', { effectiveDateTime: '2013-01-14T10:00:00Z' }),
    dated('eve', { effectiveDateTime: '2013-01-13T23:59:59Z' }), dated('month', { effectiveDateTime: '2013-01' }),
    dated('open', { effectivePeriod: { start: '2013-01-10' } }),
    dated('until', { effectivePeriod: { end: '2013-01-10' } }),
    dated('span', { effectivePeriod: { start: '2013-01-14T08:00:00Z', end: '2013-01-14T09:00:00Z' } }),
    dated('times', { effectiveTiming: { event: ['2013-02-01', '2013-02-05'] } }),
    dated('bounds', { effectiveTiming: { repeat: { boundsPeriod: { start: '2013-03-01', end: '2013-03-02' } } } }),
    dated('instant', { effectiveInstant: '2013-01-14T10:00:00.500Z' }), dated('none', {}),
  ]

  test.each([
    ['date=2013-01-14', 'day instant span ten'], ['date=ne2013-01-14', 'bounds eve month open times until'],
    ['date=lt2013-01-14T10:00', 'day eve month open span until'],
    ['date=gt2013-01-14T10:00', 'bounds day month open times'],
    ['date=ge2013-03-14', 'open'], ['date=le2013-01-09', 'month until'],
    ['date=sa2013-01-14', 'bounds times'], ['date=eb2013-01-14', 'eve until'], ['date=2013-02', 'times'],
    ['date=2013-01-14T10:00:00Z', 'instant ten'], ['date=2013-01-14T10:00:00.5Z', 'instant'],
    ['date=2013-01-14T11:00:00%2B01:00', 'instant ten'], ['date=ap2013-03-02', 'bounds open'],
    ['date=ge2013-01-14&date=lt2013-01-15', 'day instant month open span ten'], ['date:missing=true', 'none'],
  ])('Observation?%s', (query, expected) => {
    expect(found(list, 'Observation', query).toSorted().join(' ')).toBe(expected)
  })

  test('ap reaches a tenth of the time since further', () => {
    const now = Date.UTC(2013, 5, 10) // a hundred days after 2 March: ten days on each side
    expect(found(list, 'Observation', 'date=ap2013-03-11', { now })).toEqual(['bounds', 'open'])
    expect(found(list, 'Observation', 'date=ap2013-03-13', { now })).toEqual(['open'])
  })
})

describe('reference and uri', () => {
  const to = (id: string, reference: object): Resource => observation(id, { subject: reference })
  const list = [
    to('a', { reference: 'Patient/23' }), to('b', { reference: 'Patient/23/_history/2' }),
    to('c', { reference: 'Group/23' }),
    to('d', { reference: 'http://here.test/fhir/Patient/23' }),
    to('e', { reference: 'http://there.test/fhir/Patient/23' }),
    to('f', { identifier: { system: 'urn:s', value: '23' } }),
    observation('g', { subject: { reference: '#23' }, contained: [{ resourceType: 'Patient', id: '23' }] }),
  ]

  test.each([
    ['subject=23', 'a b c d'], ['subject=Patient/23', 'a b d'], ['subject:Patient=23', 'a b d'],
    ['subject:Group=23', 'c'],
    ['subject=http://here.test/fhir/Patient/23', 'a b d'], ['subject=http://there.test/fhir/Patient/23', 'e'],
    ['subject=Patient/23/_history/2', 'b'], ['subject:identifier=urn:s|23', 'f'], ['subject:identifier=|23', ''],
    ['patient=23', 'a b d'], ['subject:missing=true', ''], ['subject=Patient/23,Group/23', 'a b c d'],
  ])('Observation?%s', (query, expected) => {
    expect(found(list, 'Observation', query, { bases: ['http://here.test/fhir'] }).join(' ')).toBe(expected)
  })

  const sets = [resource('ValueSet', 'a', { status: 'active', url: 'http://acme.org/fhir/ValueSet/123' }),
    resource('ValueSet', 'b', { status: 'active', url: 'http://acme.org/fhir/ValueSet/123/_history/5' }),
    resource('ValueSet', 'c', { status: 'active', url: 'urn:oid:1.2.3' }),
    resource('ValueSet', 'd',
      { status: 'active', url: 'http://acme.org/fhir', meta: { profile: ['http://p.test|1.0'] } })]

  test.each([
    ['url=http://acme.org/fhir/ValueSet/123', 'a'], ['url:below=http://acme.org/fhir/', 'a b'],
    ['url=urn:oid:1.2.3', 'c'],
    ['url:above=http://acme.org/fhir/ValueSet/123/_history/5', 'a b d'], ['url=http://acme.org/FHIR', ''],
    ['_profile=http://p.test', 'd'], ['_profile=http://p.test|1.0', 'd'], ['_profile=http://p.test|2.0', ''],
  ])('ValueSet?%s', (query, expected) => {
    expect(found(sets, 'ValueSet', query).join(' ')).toBe(expected)
  })

  test('what R4 does not define is refused', () => {
    expect(refusal('ValueSet', 'url:below=urn:oid:1.2').code).toBe('invalid-value')
    expect(refusal('Observation', 'subject:below=1').code).toBe('unsupported-modifier')
    expect(refusal('ValueSet', 'url:contains=x').code).toBe('unsupported-modifier')
  })

  test('a canonical reference, with and without version', () => {
    const answers = ['http://q.test/q|1', 'http://q.test/q'].map((questionnaire, at) =>
      resource('QuestionnaireResponse', `${at}`, { status: 'completed', questionnaire }))
    const ask = (value: string): string[] => found(answers, 'QuestionnaireResponse', `questionnaire=${value}`)
    expect([ask('http://q.test/q'), ask('http://q.test/q\\|1')]).toEqual([['0', '1'], ['0']])
    expect(ask('http://q.test/q\\|2')).toEqual([])
  })
})

describe('composite', () => {
  const LOINC = 'http://loinc.org'
  const part = (code: string, value: number): object =>
    ({ code: { coding: [{ system: LOINC, code }] },
      valueQuantity: { value, system: UCUM, code: 'mm[Hg]', unit: 'mmHg' } })
  const list = [
    observation('a', { component: [part('8480-6', 150), part('8462-4', 80)] }),
    observation('b', { component: [part('8480-6', 80), part('8462-4', 150)] }),
    observation('c', part('8480-6', 150)),
    observation('d', { code: { coding: [{ system: LOINC, code: 'x' }] }, valueDateTime: '2020-05-01' }),
    observation('e', { code: { coding: [{ system: LOINC, code: 'y' }] }, valueString: 'Très élevé' }),
  ]

  test.each([
    ['component-code-value-quantity=http://loinc.org|8480-6$gt140', 'a'],
    ['component-code-value-quantity=8462-4$gt140', 'b'],
    ['component-code-value-quantity=8480-6$lt90,8462-4$lt90', 'a b'],
    ['combo-code-value-quantity=8480-6$gt140', 'a c'], ['code-value-quantity=8480-6$150||mmHg', 'c'],
    [`code-value-quantity=8480-6$20|${UCUM}|kPa`, 'c'], ['code-value-date=x$ge2020', 'd'],
    ['code-value-string=y$tres', 'e'],
    ['code-value-string=x$tres', ''], ['code-value-quantity:missing=false', 'c'],
  ])('Observation?%s', (query, expected) => {
    expect(found(list, 'Observation', query, { units }).join(' ')).toBe(expected)
  })

  test('parts of other elements, and of the resource', () => {
    const characteristic = [['gender', 'mixed'], ['owner', 'john']].map(([code, value]) => (
      { code: { coding: [{ code }] }, valueCodeableConcept: { coding: [{ code: value }] }, exclude: false }))
    const group = resource('Group', 'g', { type: 'person', actual: true, characteristic })
    const ask = (value: string): number => found([group], 'Group', `characteristic-value=${value}`).length
    expect([ask('gender$mixed'), ask('owner$mixed'), ask('gender$mixed,owner$mixed')]).toEqual([1, 0, 1])
    const document = resource('DocumentReference', 'd', { status: 'current', content: [{ attachment: { title: 'x' } }],
      relatesTo: [{ code: 'replaces', target: { reference: 'DocumentReference/1' } }] })
    expect(found([document], 'DocumentReference', 'relationship=replaces$DocumentReference/1')).toEqual(['d'])
    expect(refusal('DocumentReference', 'relationship=nothing$DocumentReference/1').code).toBe('invalid-value')
    const sequence = resource('MolecularSequence', 's', { coordinateSystem: 0, variant: [{ start: 10, end: 20 }],
      referenceSeq: { chromosome: { coding: [{ code: '1' }] }, genomeBuild: 'GRCh 38', strand: 'watson',
        windowStart: 1, windowEnd: 5 } })
    const at = (value: string): number =>
      found([sequence], 'MolecularSequence', `chromosome-variant-coordinate=${value}`).length
    expect([at('1$lt11$gt19'), at('2$lt11$gt19'), at('1$gt11$gt19')]).toEqual([1, 0, 0])
  })

  test.each(['a', 'a$', '$1', 'a$1$2', 'a$x', 'a$1|'])('"%s" is refused', (value) => {
    expect(refusal('Observation', `code-value-quantity=${encodeURIComponent(value)}`).code).toBe('invalid-value')
  })

  test('a dollar of the value is escaped', () => {
    const dollar = observation('z', { code: { coding: [{ code: 'a$b' }] }, valueString: 'x,y' })
    expect(found([dollar], 'Observation', 'code-value-string=a\\$b$x\\,y')).toEqual(['z'])
    expect(parseSearch('Observation', 'code=a\\$b').criteria).toHaveLength(1)
  })
})

test('a code that is no unit is printed nowhere: queries and records are strangers\' texts', () => {
  const printed: unknown[] = []
  const { log } = console
  console.log = (...line: unknown[]) => void printed.push(line)
  try {
    for (const code of ['&&l G[.', '(a{b}c)d', 'mg dL', 'constructor', '((((', 'x'.repeat(40)]) {
      expect(units.canonical(code)).toBeUndefined()
    }
    expect(units.canonical('mg/dL')?.toBase(1)).toBeGreaterThan(0)
  } finally {
    console.log = log
  }
  expect(printed).toEqual([])
})
