/** SMART App Launch 2.2, scopes for clinical data: a total grammar, and what covers what. */
import { resourceTypes } from '@scelle/fhir/validate'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { askedOf } from '../src/smart/applications.ts'
import {
  type Context, covers, type Letter, LETTERS, parseScope, rightsBy, type Scope, scopeText,
} from '../src/smart/scopes.ts'

const scope = fc.record({
  context: fc.constantFrom<Context[]>('patient', 'user', 'system'),
  type: fc.constantFrom('*', ...resourceTypes()),
  letters: fc.subarray<Letter>([...LETTERS], { minLength: 1 }).map((letters) => new Set(letters)),
})

const of = (text: string): Scope => {
  const parsed = parseScope(text)
  if (parsed === undefined) throw new Error(`${text} is no scope`)
  return parsed
}

describe('the grammar of scopes', () => {
  it('every scope is written in one way, which is read as that scope', () => {
    fc.assert(fc.property(scope, (made) => {
      expect(parseScope(scopeText(made))).toEqual(made)
    }))
  })

  it('every text is one scope or none, and what is read is written as it was', () => {
    const likely = fc.string({ unit: fc.constantFrom(...'patientuserOb*/.cruds?=&%#\\" '.split('')) })
    fc.assert(fc.property(fc.oneof(fc.string(), likely, scope.map((made) => `${scopeText(made)}x`)), (text) => {
      const parsed = parseScope(text)
      expect(parsed === undefined || scopeText(parsed) === text).toBe(true)
    }))
  })

  it.each([
    'patient/Observation.rs?category=laboratory',
    'user/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category%7Claboratory',
    'patient/Observation.s?category=laboratory&status=final',
  ])('%s', (text) => {
    expect(scopeText(of(text))).toBe(text)
  })

  it.each([
    '', 'patient/Observation', 'patient/Observation.', 'patient/Observation.sr', 'patient/Observation.rr',
    'patient/Observation.read', 'patient/*.*', 'patient/observation.r', 'patient/Nothing.r', 'practitioner/Patient.r',
    'patient/Observation.rs?', 'patient/Observation.rs?x=1', 'patient/Observation.cud?category=laboratory',
    'patient/Observation.cruds?category=laboratory', 'patient/*.rs?_lastUpdated=gt2020', ' patient/Patient.r',
    'patient/Observation.rs?subject:Patient.name=a', 'patient/Patient.rs?_has:Observation:subject:code=a',
    'patient/Observation.rs?_include=Observation:subject', 'patient/Observation.rs?_sort=date',
    'patient/Observation.rs?_count=1', 'patient/Observation.rs?_summary=true', 'patient/Observation.rs?category=a b',
    'patient/Observation.rs?category=a#b', 'patient/Observation.rs?category=a?b', `patient/${'A'.repeat(600)}.r`,
  ])('no scope: %j', (text) => {
    expect(parseScope(text)).toBeUndefined()
  })
})

describe('what covers what', () => {
  it('a scope covers itself, and what it covers gives no right that it does not give', () => {
    fc.assert(fc.property(scope, scope, (wide, narrow) => {
      expect(covers(wide, wide)).toBe(true)
      if (!covers(wide, narrow)) return
      const rights = rightsBy([wide])
      expect([...rightsBy([narrow])].every((right) => rights.has(right))).toBe(true)
    }))
  })

  it('covering is transitive', () => {
    fc.assert(fc.property(scope, scope, scope, (one, two, three) => {
      expect(!covers(one, two) || !covers(two, three) || covers(one, three)).toBe(true)
    }))
  })

  it('parameters narrow: without them is wider than with, and others are another scope', () => {
    const [all, laboratory, vital] = ['', '?category=laboratory', '?category=vital-signs']
      .map((query) => of(`patient/Observation.rs${query}`)) as [Scope, Scope, Scope]
    expect([covers(all, laboratory), covers(laboratory, all), covers(laboratory, vital)]).toEqual([true, false, false])
  })

  it.each([
    ['offline_access', 'outlives'], ['patient/Observation.rs user/Observation.rs', 'one context'],
    ['patient/Observation.c', 'wider'], ['system/Observation.rs', 'wider'], ['admin', 'not a scope'],
  ])('a request for %s is refused', (text, problem) => {
    expect(askedOf(text, [of('patient/*.rs'), of('user/*.rs')]).problem).toContain(problem)
  })

  it('no scope gives sharing or exporting', () => {
    const rights = rightsBy([of('system/*.cruds'), of('user/*.cruds')])
    expect([...rights].toSorted()).toEqual(['read', 'search', 'write'])
  })
})
