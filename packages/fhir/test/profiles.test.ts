import type { Resource } from '@medplum/fhirtypes'
import { describe, expect, test } from 'vitest'
import { LIMITS } from '../src/limits.ts'
import { FhirError } from '../src/outcomes.ts'
import type { CodeList } from '../src/profiles/code-lists.ts'
import { ProfileSet, profileFindingsOf, requireProfiles } from '../src/profiles.ts'
import { findingsOf } from '../src/validate.ts'
import { declaring, type ElementLine, type Json, profile } from './profiles-material.ts'

const patient = { resourceType: 'Patient', id: 'p', name: [{ family: 'Durand' }], gender: 'female', birthDate: '1980' }
const lab = 'http://terminology.hl7.org/CodeSystem/observation-category'
const observation = {
  resourceType: 'Observation', status: 'final', code: { coding: [{ system: 'http://loinc.org', code: '8302-2' }] },
  subject: { reference: 'Patient/p' }, valueQuantity: { value: 170, unit: 'cm' },
}

const GROUP = 'http://hl7.org/fhir/StructureDefinition/Group'

const told = (set: ProfileSet, resource: Resource, severity = 'error'): string[] =>
  profileFindingsOf(resource, set).filter((finding) => finding.severity === severity)
    .map(({ expression, diagnostics }) => `${expression}: ${diagnostics}`)

/** Errors of a resource that declares a profile of these elements. The resource itself is valid R4. */
const errorsOf = (elements: readonly ElementLine[], resource: Json, more: readonly Json[] = []): string[] => {
  expect(findingsOf(resource)).toEqual([])
  const type = String(resource['resourceType'])
  const set = new ProfileSet([profile('it', type, elements), ...more])
  expect(set.report.setAside).toEqual([])
  return told(set, declaring('it', resource))
}

describe('one element', () => {
  test.each<[string, ElementLine, Json, string | undefined]>([
    ['min met', { id: 'name', min: 1 }, patient, undefined],
    ['min missed', { id: 'photo', min: 1 }, patient, 'Patient.photo: it: at least 1, found 0'],
    ['max 0', { id: 'gender', max: '0' }, patient, 'Patient.gender: it: none allowed'],
    ['max', { id: 'name', max: '1' }, { ...patient, name: [{ family: 'A' }, { family: 'B' }] },
      'Patient.name: it: at most 1, found 2'],
    ['fixed met', { id: 'gender', fixedCode: 'female' }, patient, undefined],
    ['fixed missed', { id: 'gender', fixedCode: 'male' }, patient,
      'Patient.gender: it: not the value that is fixed here'],
    ['fixed is whole', { id: 'name', fixedHumanName: { family: 'Durand' } },
      { ...patient, name: [{ family: 'Durand', text: 'D' }] }, 'Patient.name[0]: it: not the value that is fixed here'],
    ['pattern is a part', { id: 'name', patternHumanName: { family: 'Durand' } },
      { ...patient, name: [{ family: 'Durand', text: 'D' }] }, undefined],
    ['pattern missed', { id: 'code', patternCodeableConcept: { coding: [{ code: 'x' }] } }, observation,
      'Observation.code: it: not of the pattern demanded here'],
    ['type narrowed', { id: 'value[x]', type: [{ code: 'string' }] }, observation,
      'Observation.value: it: expected string'],
    ['choice by its type name', { id: 'valueQuantity.unit', max: '0' }, observation,
      'Observation.value.unit: it: none allowed'],
    ['one type of a choice demanded', { id: 'valueString', min: 1 }, observation,
      'Observation.value: it: at least 1, found 0'],
    ['target type', { id: 'subject', type: [{ code: 'Reference', targetProfile: [GROUP] }] }, observation,
      'Observation.subject: it: a reference to Patient, expected Group'],
    ['length', { id: 'name.family', maxLength: 3 }, patient, 'Patient.name[0].family: it: longer than 3 characters'],
    ['range', { id: 'value[x].value', maxValueDecimal: 100 }, observation,
      'Observation.value.value: it: outside the range demanded here'],
    ['extension of a primitive demanded', { id: 'birthDate.extension', min: 1 }, patient,
      'Patient.birthDate.extension: it: at least 1, found 0'],
    ['a value demanded, an extension given', { id: 'birthDate', fixedDate: '1980' },
      { ...patient, birthDate: undefined, _birthDate: { extension: [{ url: 'u:x', valueString: 'x' }] } },
      'Patient.birthDate: it: not the value that is fixed here'],
    ['invariant kept', { id: '', constraint: [{ key: 'a-1', severity: 'error', expression: 'name.exists()' }] },
      patient, undefined],
    ['invariant broken', { id: '', constraint: [{ key: 'a-1', severity: 'error', human: 'a photo',
      expression: 'photo.exists()' }] }, patient, 'Patient: it: a-1: a photo'],
    ['invariant in a backbone', { id: 'contact', constraint: [{ key: 'a-2', severity: 'error', human: 'a phone',
      expression: 'telecom.exists()' }] }, { ...patient, contact: [{ name: { text: 'x' } }] },
      'Patient.contact[0]: it: a-2: a phone'],
    ['equality at two places', { id: '', constraint: [{ key: 'a-3', severity: 'error', human: 'same',
      expression: 'name.first().period = address.first().period' }] },
      { ...patient, name: [{ family: 'A', period: { start: '2020' } }], address: [{ period: { start: '2020' } }] },
      undefined],
    ['inequality at two places', { id: '', constraint: [{ key: 'a-4', severity: 'error', human: 'other',
      expression: 'name.first().period != address.first().period' }] },
      { ...patient, name: [{ family: 'A', period: { start: '2020' } }], address: [{ period: { start: '2020' } }] },
      'Patient: it: a-4: other'],
  ])('%s', (_, element, resource, expected) => {
    const sent = JSON.parse(JSON.stringify(resource)) as Json
    expect(errorsOf([element], sent)).toEqual(expected === undefined ? [] : [expected])
  })
})

const sliced = (discriminator: Json, rules = 'open', more: Json = {}): ElementLine =>
  ({ id: 'category', slicing: { discriminator: [discriminator], rules, ...more } })
const labSlice = (name: string, code: string, more: Json = {}): ElementLine[] => [
  { id: `category:${name}`, sliceName: name, ...more },
  { id: `category:${name}.coding.code`, patternCode: code },
]
const withCategories = (...codes: string[]): Json =>
  ({ ...observation, category: codes.map((code) => ({ coding: [{ system: lab, code }] })) })
const byCode = { type: 'value', path: 'coding.code' }

describe('slices', () => {
  const two = [...labSlice('lab', 'laboratory', { min: 1, max: '1' }), ...labSlice('vital', 'vital-signs')]
  test.each<[string, ElementLine[], Json, string[]]>([
    ['each value in its slice', [sliced(byCode), ...two], withCategories('vital-signs', 'laboratory', 'exam'), []],
    ['too few', [sliced(byCode), ...two], withCategories('exam'),
      ['Observation.category: it: at least 1 of the slice lab, found 0']],
    ['too many', [sliced(byCode), ...two], withCategories('laboratory', 'laboratory'),
      ['Observation.category: it: at most 1 of the slice lab, found 2']],
    ['closed', [sliced(byCode, 'closed'), ...two], withCategories('laboratory', 'exam'),
      ['Observation.category[1]: it: belongs to none of the slices allowed here']],
    ['ordered', [sliced(byCode, 'open', { ordered: true }), ...two], withCategories('vital-signs', 'laboratory'),
      ['Observation.category: it: the slices are not in the order demanded here']],
    ['open at the end', [sliced(byCode, 'openAtEnd'), ...two], withCategories('exam', 'laboratory'),
      ['Observation.category: it: values outside the slices must come last']],
    ['by pattern of the value itself', [sliced({ type: 'pattern', path: '$this' }), {
      id: 'category:lab', min: 1, patternCodeableConcept: { coding: [{ system: lab, code: 'laboratory' }] },
    }], withCategories('exam'), ['Observation.category: it: at least 1 of the slice lab, found 0']],
    ['what a slice demands inside', [sliced(byCode), ...labSlice('lab', 'laboratory'),
      { id: 'category:lab.text', min: 1 }], withCategories('laboratory', 'exam'),
    ['Observation.category[0].text: it: at least 1, found 0']],
    ['by existence', [sliced({ type: 'exists', path: 'text' }), { id: 'category:worded', max: '0' },
      { id: 'category:worded.text', min: 1 }], { ...observation, category: [{ text: 'x' }] },
    ['Observation.category: it: none of the slice worded allowed']],
    ['by type', [{ id: 'value[x]', slicing: { discriminator: [{ type: 'type', path: '$this' }], rules: 'closed' } },
      { id: 'value[x]:valueString', type: [{ code: 'string' }] }], observation,
    ['Observation.value: it: belongs to none of the slices allowed here']],
    ['a choice, by the slice\'s name alone', [{ id: 'value[x]:valueQuantity.code', min: 1 }], observation,
      ['Observation.value.code: it: at least 1, found 0']],
    ['slices of a slice', [sliced(byCode), ...labSlice('lab', 'laboratory'),
      { id: 'category:lab/own', min: 1 }, { id: 'category:lab/own.coding.system', patternUri: 'u:own' },
      { id: 'category:lab/own.coding.code', patternCode: 'laboratory' }], withCategories('laboratory'),
    ['Observation.category[0].coding[0].system: it: not of the pattern demanded here']],
  ])('%s', (_, elements, resource, expected) => {
    expect(errorsOf(elements, resource)).toEqual(expected)
  })

  test('by the profile of what a reference names, inside a Bundle', () => {
    const document = (gender: string): Json => ({
      resourceType: 'Bundle', type: 'collection', entry: [
        { fullUrl: 'urn:uuid:6f4ed3e6-6cd5-4b32-a9d1-5e7ad5bd0f1a', resource: { ...patient, gender } },
        { fullUrl: 'urn:uuid:6f4ed3e6-6cd5-4b32-a9d1-5e7ad5bd0f1b', resource: {
          resourceType: 'List', status: 'current', mode: 'working',
          meta: { profile: ['https://example.org/list'] },
          entry: [{ item: { reference: 'urn:uuid:6f4ed3e6-6cd5-4b32-a9d1-5e7ad5bd0f1a' } }] } },
      ],
    })
    const set = new ProfileSet([
      profile('women', 'Patient', [{ id: 'gender', fixedCode: 'female' }]),
      profile('list', 'List', [
        { id: 'entry', slicing: { discriminator: [{ type: 'profile', path: 'item.resolve()' }], rules: 'closed' } },
        { id: 'entry:woman', sliceName: 'woman', min: 1 },
        { id: 'entry:woman.item', type: [{ code: 'Reference', targetProfile: ['https://example.org/women'] }] },
      ]),
    ])
    expect(told(set, document('female') as unknown as Resource)).toEqual([])
    expect(told(set, document('male') as unknown as Resource)).toEqual([
      'Bundle.entry[1].resource.entry[0]: list: belongs to none of the slices allowed here',
      'Bundle.entry[1].resource.entry: list: at least 1 of the slice woman, found 0',
      'Bundle.entry[0].resource.gender: women: not the value that is fixed here',
    ])
  })
})

const nicknames = profile('nickname', 'Extension', [
  { id: 'url', fixedUri: 'https://example.org/nickname' },
  { id: 'value[x]', min: 1, type: [{ code: 'string' }] },
], { kind: 'complex-type' })

describe('extensions', () => {
  const named = (extension: Json): Json =>
    ({ ...patient, extension: [{ url: 'https://example.org/nickname', ...extension }] })

  test('are held against their definition wherever they stand', () => {
    const set = new ProfileSet([nicknames])
    expect(told(set, named({ valueString: 'Zoé' }) as unknown as Resource)).toEqual([])
    expect(told(set, named({ valueBoolean: true }) as unknown as Resource)).toEqual([
      'Patient.extension[0].value: nickname: expected string',
    ])
    const inner = { ...patient, contact: [{ name: { extension: [{ url: 'https://example.org/nickname',
      valueBoolean: true }], text: 'x' } }] }
    expect(told(set, inner as unknown as Resource)).toHaveLength(1)
  })

  test('are sliced by their URL', () => {
    const elements = [{ id: 'extension:nick', sliceName: 'nick', min: 1,
      type: [{ code: 'Extension', profile: ['https://example.org/nickname'] }] }]
    expect(errorsOf(elements, named({ valueString: 'Zoé' }), [nicknames])).toEqual([])
    expect(errorsOf(elements, patient, [nicknames])).toEqual([
      'Patient.extension: it: at least 1 of the slice nick, found 0',
    ])
  })
})

describe('bindings', () => {
  const valueSet = (include: Json[], more: Json = {}): Json =>
    ({ resourceType: 'ValueSet', url: 'https://example.org/vs', compose: { include }, ...more })
  const bound = (strength: string, set: Json): [string[], string[]] => {
    const profiles = new ProfileSet([set, profile('it', 'Observation', [
      { id: 'code', binding: { strength, valueSet: 'https://example.org/vs' } },
    ])])
    const resource = declaring('it', observation)
    return [told(profiles, resource), told(profiles, resource, 'warning')]
  }

  test('a listed code passes, another one is refused where the list is required, warned of where extensible', () => {
    const other = valueSet([{ system: 'http://loinc.org', concept: [{ code: '29463-7' }] }])
    const same = valueSet([{ system: 'http://loinc.org', concept: [{ code: '8302-2' }] }])
    expect(bound('required', same)).toEqual([[], []])
    expect(bound('required', other)[0]).toEqual(['Observation.code: it: no code of the required value set'])
    expect(bound('extensible', other)).toEqual([[], ['Observation.code: it: no code of the extensible value set']])
    expect(bound('preferred', other)).toEqual([[], []])
  })

  test('what is not listed is warned of, never passed in silence', () => {
    const warning = ['Observation.code: it: the required value set is not listed in the loaded packages: not checked']
    const filtered = valueSet([{ system: 'http://loinc.org', filter: [{ property: 'x', op: '=', value: 'y' }] }])
    expect(bound('required', filtered)).toEqual([[], warning])
    expect(bound('required', { ...filtered, url: 'https://example.org/other' })).toEqual([[], warning])
    expect(bound('required', valueSet([{ system: 'http://loinc.org' }]))).toEqual([[], warning])
    const exclude = [{ system: 'http://loinc.org', concept: [{ code: '8302-2' }] }]
    expect(bound('required', valueSet([], { compose: { include: exclude, exclude } }))).toEqual([[], warning])
  })

  test('a value set that includes itself is set aside', () => {
    const set = new ProfileSet([valueSet([{ valueSet: ['https://example.org/vs'] }]), profile('it', 'Observation', [
      { id: 'code', binding: { strength: 'required', valueSet: 'https://example.org/vs' } },
    ])])
    expect(set.report.setAside).toEqual(['https://example.org/vs: a value set includes itself'])
  })
})

describe('what is declared', () => {
  const base = profile('base', 'Patient', [{ id: 'photo', min: 1 }])
  const derived = profile('derived', 'Patient', [{ id: 'gender', max: '0' }],
    { baseDefinition: 'https://example.org/base', version: '2.0' })

  test('a derived profile asks what its base asks', () => {
    expect(told(new ProfileSet([derived, base]), declaring('derived', patient))).toEqual([
      'Patient.photo: derived: at least 1, found 0', 'Patient.gender: derived: none allowed',
    ])
  })

  test('a version that is loaded is found, another one is said not to be', () => {
    const set = new ProfileSet([derived, base])
    expect(told(set, declaring('derived|2.0', patient))).toHaveLength(2)
    expect(told(set, declaring('derived|3.0', patient))).toEqual([])
    expect(told(set, declaring('derived|3.0', patient), 'information')).toEqual([
      'Patient.meta.profile[0]: this profile is not loaded here: not checked',
    ])
  })

  test('by a contained resource, or one in a Bundle, counts as well', () => {
    const set = new ProfileSet([base])
    const inner = declaring('base', { ...patient, id: 'in' })
    const outer = { ...observation, subject: { reference: '#in' }, contained: [inner] }
    expect(told(set, outer as unknown as Resource)).toEqual([
      'Observation.contained[0].photo: base: at least 1, found 0',
    ])
  })

  test('a profile of another type is an error', () => {
    expect(told(new ProfileSet([base]), declaring('base', observation))).toEqual(['Observation: base: is for Patient'])
  })

  test('asked for beside what is declared', () => {
    const findings = profileFindingsOf(patient as unknown as Resource, new ProfileSet([base]),
      ['https://example.org/base', 'https://example.org/none'])
    expect(findings.map(({ severity }) => severity)).toEqual(['error', 'information'])
  })

  test('a write that breaks it is refused with 422, by name, without the value', () => {
    const set = new ProfileSet([profile('it', 'Patient', [{ id: 'name.family', fixedString: 'X' }])])
    const refused = (): void => requireProfiles(declaring('it', patient), set)
    expect(refused).toThrow(FhirError)
    try {
      refused()
    } catch (error) {
      expect((error as FhirError).status).toBe(422)
      expect(JSON.stringify((error as FhirError).outcome)).not.toContain('Durand')
    }
    expect(() => requireProfiles(declaring('it', patient), new ProfileSet([]))).not.toThrow()
  })
})

describe('invariants that cannot be evaluated', () => {
  test.each(['subject.resolve().exists()', 'code.memberOf(\'x\')', 'nonsense(', 'descendants().count() > 0'])(
    'are named: %s', (expression) => {
      const set = new ProfileSet([profile('it', 'Observation', [
        { id: '', constraint: [{ key: 'x-1', severity: 'error', human: 'h', expression }] },
      ])])
      const resource = declaring('it', observation)
      expect(told(set, resource)).toEqual([])
      expect(told(set, resource, 'warning')).toEqual(['Observation: it: the invariant x-1 cannot be evaluated here'])
    })
})

describe('a value set is whole', () => {
  const CODES = 'urn:codes'
  const system = (content: string, count = 2): Json => ({ resourceType: 'CodeSystem', url: CODES, content,
    concept: Array.from({ length: count }, (_, at) => ({ code: `c${at}` })) })
  const other = { resourceType: 'ValueSet', url: 'urn:other', compose: { include: [{ system: CODES,
    concept: [{ code: 'c1' }] }] } }
  const listOf = (include: readonly Json[], codeSystem: Json = system('complete')): CodeList | undefined =>
    new ProfileSet([
      profile('it', 'Patient', [{ id: 'language', binding: { strength: 'required', valueSet: 'urn:it' } }]),
      codeSystem, other, { resourceType: 'ValueSet', url: 'urn:it', compose: { include } },
    ]).codes('urn:it')

  test.each<[string, readonly Json[], Json?]>([
    ['all of a complete code system', [{ system: CODES }]],
    ['codes that it lists', [{ system: CODES, concept: [{ code: 'c0' }] }]],
    ['one other value set', [{ valueSet: ['urn:other'] }]],
  ])('with %s', (_, include, codeSystem) => {
    expect(listOf(include, codeSystem)).toMatchObject({ whole: true })
  })

  test.each<[string, readonly Json[], Json?]>([
    ['a filter, which nothing evaluates here', [{ system: CODES, filter: [{ property: 'concept', op: 'is-a',
      value: 'c0' }] }]],
    ['a fragment of a code system', [{ system: CODES }], system('fragment')],
    ['a code system that is not loaded', [{ system: 'urn:nowhere' }]],
    ['what two value sets have in common', [{ valueSet: ['urn:other', 'urn:another'] }]],
    ['what a code system and a value set have in common', [{ system: CODES, valueSet: ['urn:other'] }]],
    ['more codes than the limit', [{ system: CODES }], system('complete', LIMITS.valueSetCodes + 1)],
    ['one of these beside what is', [{ system: CODES }, { system: 'urn:nowhere' }]],
  ])('not with %s', (_, include, codeSystem) => {
    expect(listOf(include, codeSystem)).toMatchObject({ whole: false })
  })
})
