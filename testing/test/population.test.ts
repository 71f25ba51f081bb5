import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import type { Bundle, Resource } from '@medplum/fhirtypes'
import { describe, expect, test } from 'vitest'
import { seedState, Prng } from '../src/population/prng.ts'
import { drawPerson } from '../src/population/identity.ts'
import { nirIsValid } from '../src/population/nir.ts'
import { type DemoPatient, organisations, population, PopulationError, toNdjson } from '../src/population.ts'

const SEED = 'valmont'
const people: readonly DemoPatient[] = [...population({ seed: SEED, patients: 600 })]
const everything: readonly Resource[] = people.flatMap(({ resources }) => resources)

function digest(lines: Iterable<string>): string {
  const hash = createHash('sha256')
  for (const line of lines) hash.update(line)
  return hash.digest('hex')
}

/** Every literal reference of a value, at any depth. */
function references(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(references)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, part]) => (
    key === 'reference' && typeof part === 'string' ? [part] : references(part)))
}

describe('determinism', () => {
  test('another process in another time zone and language writes the same bytes', () => {
    const program = `import { population, organisations, toNdjson } from './testing/src/population.ts'
      import { createHash } from 'node:crypto'
      const hash = createHash('sha256')
      for (const line of toNdjson(organisations('${SEED}'))) hash.update(line)
      for (const line of toNdjson(population({ seed: '${SEED}', patients: 50 }))) hash.update(line)
      console.log(hash.digest('hex'))`
    const root = new URL('../..', import.meta.url)
    const elsewhere = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, TZ: 'Pacific/Auckland', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' },
    }).trim()
    const here = digest([
      ...toNdjson(organisations(SEED)), ...toNdjson(population({ seed: SEED, patients: 50 })),
    ])
    expect(elsewhere).toBe(here)
  })

  test('a patient is the same whatever the size of the population, and iterating twice gives it twice', () => {
    const few = population({ seed: SEED, patients: 20 })
    const first = digest(toNdjson(few))
    expect(digest(toNdjson(few))).toBe(first)
    expect(digest(toNdjson(people.slice(0, 20)))).toBe(first)
  })

  test('another seed gives other people, another date other ages', () => {
    const ids = new Set(everything.map(({ id }) => id))
    for (const { resources } of population({ seed: 'valmont2', patients: 50 })) {
      for (const { id } of resources) expect(ids.has(id)).toBe(false)
    }
    const earlier = [...population({ seed: SEED, patients: 30, asOf: '2010-06-30' })]
    for (const { patient } of earlier) expect((patient.birthDate ?? '9') <= '2010-06-30').toBe(true)
  })

  test('unusable parameters are refused by name', () => {
    const code = (act: () => unknown): unknown => {
      try {
        act()
      } catch (error) {
        return error instanceof PopulationError ? error.code : error
      }
      return undefined
    }
    expect(code(() => population({ seed: '', patients: 1 }))).toBe('seed-empty')
    expect(code(() => organisations(''))).toBe('seed-empty')
    expect(code(() => population({ seed: 'a', patients: -1 }))).toBe('size-invalid')
    expect(code(() => population({ seed: 'a', patients: 1.5 }))).toBe('size-invalid')
    expect(code(() => population({ seed: 'a', patients: 1, asOf: '2026-02-30' }))).toBe('date-invalid')
    expect([...population({ seed: 'a', patients: 0 })]).toEqual([])
  })
})

describe('identifiers', () => {
  test('no resource id occurs twice, organisations included, and all look like UUIDs of version 4', () => {
    const ids = [...everything, ...organisations(SEED)].map(({ id }) => id ?? '')
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  test('matricules carry the test OID, a valid key, and the sex, year, month and birthplace of their owner', () => {
    let seen = 0
    for (const { patient } of people) {
      const ins = patient.identifier?.find(({ system }) => system?.startsWith('urn:oid:1.2.250.1.213.1.4.'))
      const identity = JSON.stringify(patient.extension)
      expect(identity.includes('"VALI"')).toBe(ins !== undefined)
      if (!ins) continue
      seen++
      const value = ins.value ?? ''
      expect(ins.system).toBe('urn:oid:1.2.250.1.213.1.4.10')
      expect(nirIsValid(value)).toBe(true)
      expect(value[0]).toBe(patient.gender === 'male' ? '1' : '2')
      expect(value.slice(1, 5)).toBe((patient.birthDate ?? '').slice(2, 4) + (patient.birthDate ?? '').slice(5, 7))
      expect(identity).toContain(`"code":"${value.slice(5, 10)}"`)
    }
    expect(seen).toBeGreaterThan(people.length * 0.9)
  })

  test('100,000 people have 100,000 matricules, some of them Corsican', () => {
    const seed = seedState(SEED)
    const matricules = new Set<string>()
    for (let i = 0; i < 100_000; i++) matricules.add(drawPerson(new Prng(seed, i), seed, i, 20_468).matricule)
    expect(matricules.size).toBe(100_000)
    expect([...matricules].some((value) => /^.{5}2[AB]/.test(value))).toBe(true)
  })

  test('telephone numbers are from the ranges kept for fiction, e-mail from example domains', () => {
    const numbers = everything.flatMap((resource) => (
      resource.resourceType === 'Patient'
        ? [...(resource.telecom ?? []), ...(resource.contact ?? []).flatMap(({ telecom }) => telecom ?? [])] : []))
    expect(numbers.length).toBeGreaterThan(people.length)
    for (const { system, value } of numbers) {
      const kept = system === 'email' ? /^[a-z]+\.[a-z]+\d+@courriel\.example$/ : /^(01 99 00|06 39 98)( \d\d){2}$/
      expect(value).toMatch(kept)
    }
  })
})

describe('references', () => {
  test('each one names a resource of the same patient or of the organisations', () => {
    const outside = new Set(organisations(SEED).map(({ resourceType, id }) => `${resourceType}/${id ?? ''}`))
    for (const { resources } of people) {
      const inside = new Set(resources.map(({ resourceType, id }) => `${resourceType}/${id ?? ''}`))
      for (const reference of references(resources)) {
        expect(inside.has(reference) || outside.has(reference), reference).toBe(true)
      }
    }
    for (const reference of references(organisations(SEED))) expect(outside.has(reference)).toBe(true)
  })

  test('a bundle puts every resource under its id and resolves its own references by fullUrl', () => {
    for (const person of people.slice(0, 60)) {
      const bundle: Bundle = person.bundle()
      const entries = bundle.entry ?? []
      expect(bundle.type).toBe('transaction')
      expect(entries.map(({ resource }) => resource?.id)).toEqual(person.resources.map(({ id }) => id))
      const urls = new Set(entries.map(({ fullUrl }) => fullUrl))
      const elsewhere = /^(Practitioner|Organization|Location)\//
      const inside = references(entries).filter((reference) => !elsewhere.test(reference))
      expect(inside.length).toBeGreaterThan(0)
      for (const reference of inside) expect(urls.has(reference), reference).toBe(true)
      for (const { request, resource, fullUrl } of entries) {
        expect(request).toEqual({ method: 'PUT', url: `${resource?.resourceType ?? ''}/${resource?.id ?? ''}` })
        expect(fullUrl).toBe(`urn:uuid:${resource?.id ?? ''}`)
      }
    }
  })
})

describe('canaries', () => {
  test('each occurs literally in the JSON of its patient, and names, matricule and notes are among them', () => {
    for (const { patient, resources, canaries } of people) {
      const json = JSON.stringify(resources)
      for (const canary of canaries) expect(json.includes(canary), canary).toBe(true)
      expect(new Set(canaries).size).toBe(canaries.length)
      const wanted = [
        patient.name?.[0]?.text, patient.address?.[0]?.text, patient.telecom?.[0]?.value,
        ...(patient.identifier ?? []).map(({ value }) => value),
        ...resources.flatMap((r) => (r.resourceType === 'Condition' ? r.note?.map(({ text }) => text) ?? [] : [])),
        ...resources.flatMap((r) => (r.resourceType === 'Observation' ? r.note?.map(({ text }) => text) ?? [] : [])),
        ...resources.flatMap((r) => (r.resourceType === 'Communication' ? [r.payload?.[0]?.contentString] : [])),
      ].filter((text) => (text?.length ?? 0) >= 6)
      for (const text of wanted) expect(canaries).toContain(text)
    }
  })

  test('a hundred patients give a leak test its thousand strings', () => {
    expect(new Set(people.slice(0, 150).flatMap(({ canaries }) => canaries)).size).toBeGreaterThan(1000)
  })

  test('no two patients share a matricule, record number, or letter', () => {
    const own = /^(IPP|ADH|SEJ|[12]\d{4})|^[\w+/=]{80}$/
    const long = people.flatMap(({ canaries }) => canaries.filter((text) => own.test(text)))
    expect(long.length).toBeGreaterThan(people.length * 3)
    expect(new Set(long).size).toBe(long.length)
  })
})
