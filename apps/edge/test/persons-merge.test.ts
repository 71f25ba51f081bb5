/** Merging two patients and taking it back: who is shown what, what is refused, and that the undo is exact. */
import type { Bundle, Parameters, Patient } from '@medplum/fhirtypes'
import { toHex } from '@scelle/sdk'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, issueOf, type Reply, type World } from './harness.ts'
import { pairsIn } from './pairs.ts'
import { glucose, patient } from './records.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ seed: 'merge', charts: { refresh: 0 } })
})
afterAll(() => world.close())

const reference = (name: string, id: string) => ({ name, valueReference: { reference: `Patient/${id}` } })
const parameters = (...parameter: NonNullable<Parameters['parameter']>): Parameters =>
  ({ resourceType: 'Parameters', parameter })
const merge = (source: string, target: string, ...more: NonNullable<Parameters['parameter']>) =>
  world.app.post<Parameters>('Patient/$merge',
    parameters(reference('source-patient', source), reference('target-patient', target), ...more))
const unmerge = (source: string) =>
  world.app.post<Parameters>('Patient/$scelle-unmerge', parameters(reference('source-patient', source)))
const resultOf = ({ body }: Reply<Parameters>) => body.parameter?.find(({ name }) => name === 'result')?.resource
const refusal = (reply: Reply<unknown>) => [reply.status, issueOf(reply).code]
const number = (value: string) => [{ system: 'urn:oid:1.2.3.4', value }]
const plain = (text: string): string => text.replace(/"versionId":"\d+","lastUpdated":"[^"]+"/, '')
const idsIn = ({ body }: Reply<Bundle>): string[] =>
  (body.entry ?? []).flatMap(({ resource }) => resource?.id ?? []).toSorted()

/** Two patients with a record each. The names of their records: `os`, `ot`. */
const two = async (name: string): Promise<{ s: string; t: string }> => {
  const [s, t] = [`${name}-s`, `${name}-t`]
  await world.app.put(`Patient/${s}`, { ...patient(s), active: true, identifier: number(s),
    extension: [{ url: 'https://example.org/height', valueDecimal: 1.5 }] })
  await world.app.put(`Patient/${t}`, { ...patient(t), identifier: number(t) })
  for (const [id, of, value] of [[`${name}-os`, s, 1], [`${name}-ot`, t, 2]] as const) {
    const put = await world.app.put(`Observation/${id}`, { ...glucose(of, value), id })
    expect(put.status, put.text).toBe(201)
  }
  return { s, t }
}

describe('a merge', () => {
  let s = ''
  let t = ''
  let before: Reply[] = []
  test('links both, and leaves the records as they are', async () => {
    ({ s, t } = await two('a'))
    before = [await world.app.get(`Patient/${s}`), await world.app.get(`Patient/${t}`),
      await world.app.get('Observation/a-os')]
    const merged = await merge(s, t)
    expect(merged.status, merged.text).toBe(200)
    const source = await world.app.get<Patient>(`Patient/${s}`)
    expect(source.body).toMatchObject({ active: false,
      link: [{ other: { reference: `Patient/${t}` }, type: 'replaced-by' }] })
    const target = await world.app.get<Patient>(`Patient/${t}`)
    expect(target.body).toEqual(resultOf(merged))
    expect(target.body.link).toEqual([{ other: { reference: `Patient/${s}` }, type: 'replaces' }])
    expect(target.body.identifier).toEqual([...number(t), { ...number(s)[0], use: 'old' }])
    expect((await world.app.get('Observation/a-os')).text).toBe(before[2]?.text)
  })

  test('shows the records of both to whoever reads the one that remains, each with its own subject', async () => {
    const found = await world.app.search(`Observation?patient=${t}`)
    expect(idsIn(found)).toEqual(['a-os', 'a-ot'])
    expect(found.body.total).toBe(2)
    for (const query of [`Observation?subject=Patient/${t}`, `Observation?patient=Patient/${t}&code=2339-0`,
      `Patient/${t}/Observation`]) {
      expect(idsIn(await world.app.search(query)), query).toEqual(['a-os', 'a-ot'])
    }
    const everything = await world.app.search(`Patient/${t}/$everything`)
    expect(idsIn(everything)).toEqual(['a-os', 'a-ot', s, t].toSorted())
    const of = new Map((found.body.entry ?? []).map(({ resource }) =>
      [resource?.id, (resource as { subject?: { reference?: string } }).subject?.reference]))
    expect([of.get('a-os'), of.get('a-ot')]).toEqual([`Patient/${s}`, `Patient/${t}`])
  })

  test('pages over both', async () => {
    let page = await world.app.search(`Observation?patient=${t}&_count=1&_sort=_id`)
    const seen = idsIn(page)
    const next = page.body.link?.find(({ relation }) => relation === 'next')?.url ?? ''
    page = await world.app.search(next)
    expect([...seen, ...idsIn(page)]).toEqual(['a-os', 'a-ot'])
  })

  test('is followed by whatever follows references: chains, _has and includes find the records of both', async () => {
    const [os, ot] = ['a-os', 'a-ot']
    for (const [query, found] of [
      [`Observation?patient.identifier=urn:oid:1.2.3.4|${t}`, [os, ot]],
      // The former number is on both, and means the one who remains.
      [`Observation?patient.identifier=urn:oid:1.2.3.4|${s}`, [os, ot]],
      [`Observation?subject:Patient._id=${t}`, [os, ot]],
      [`Observation?patient=${t}&patient.identifier=urn:oid:1.2.3.4|${t}`, [os, ot]],
      [`Patient?_id=${t}&_revinclude=Observation:patient`, [os, ot, t]],
      [`Patient?_id=${t}&_has:Observation:patient:_id=${os}`, [t]],
      [`Patient?_id=${t}&_has:Observation:patient:patient=${t}`, [t]],
      [`Observation?patient=${t}&_id=${os}&_include=Observation:patient`, [os, s, t]],
      [`Patient?_id=${s}&_revinclude=Observation:patient`, [os, s]],
      [`Patient?_id=${s}&_has:Observation:patient:_id=${ot}`, []],
    ] as const) {
      const reply = await world.reader.serving('chains').search(query)
      expect([query, reply.status, idsIn(reply)]).toEqual([query, 200, [...found]])
    }
    const counted = { 'if-none-exist': `_id=${os}&patient.identifier=urn:oid:1.2.3.4|${t}` }
    expect((await world.app.post('Observation', glucose(t, 3), counted)).status).toBe(200)
  })

  test('shows who asks for the former patient their own records only', async () => {
    expect(idsIn(await world.app.search(`Observation?patient=${s}`))).toEqual(['a-os'])
  })

  test('takes no new record and no change for the one that is gone; corrections of its records stay possible',
    async () => {
    for (const refused of [
      await world.app.post('Observation', glucose(s, 9)),
      await world.app.put('Observation/a-new', { ...glucose(s, 9), id: 'a-new' }),
      await world.app.put(`Patient/${s}`, patient(s)),
      await world.app.delete(`Patient/${s}`),
      await world.app.delete(`Patient/${t}`),
    ]) expect(refusal(refused)).toEqual([422, 'business-rule'])
    const corrected = await world.app.put('Observation/a-os', { ...glucose(s, 1.5), id: 'a-os' })
    expect(corrected.status).toBe(200)
    const found = await world.app.search(`Observation?patient=${t}&_sort=_id`)
    expect(found.body.entry?.[0]?.resource).toEqual(corrected.body)
    const put = await world.app.post('Observation', glucose(t, 3))
    expect(put.status).toBe(201)
    await world.app.delete(`Observation/${put.body.id}`)
    await world.app.put('Observation/a-os', { ...glucose(s, 1), id: 'a-os' })
  })

  test('survives a restart', async () => {
    await world.party.restart()
    expect(idsIn(await world.app.search(`Observation?patient=${t}`))).toEqual(['a-os', 'a-ot'])
    expect(refusal(await world.app.post('Observation', glucose(s, 9)))).toEqual([422, 'business-rule'])
  })

  test('is undone to the byte, but for version and time; twice is refused', async () => {
    const undone = await unmerge(s)
    expect(undone.status, undone.text).toBe(200)
    for (const [at, id] of [s, t].entries()) {
      expect(plain((await world.app.get(`Patient/${id}`)).text)).toBe(plain(before[at]?.text ?? ''))
    }
    expect(idsIn(await world.app.search(`Observation?patient=${t}`))).toEqual(['a-ot'])
    expect(idsIn(await world.app.search(`Observation?patient=${s}`))).toEqual(['a-os'])
    expect((await world.app.post('Observation', glucose(s, 9))).status).toBe(201)
    expect(refusal(await unmerge(s))).toEqual([422, 'business-rule'])
  })

  test('undone after the target was changed, keeps the change and takes back only what the merge brought', async () => {
    const { s: source, t: target } = await two('b')
    await merge(source, target)
    const { body } = await world.app.get<Patient>(`Patient/${target}`)
    await world.app.put(`Patient/${target}`, { ...body, birthDate: '1980-02-04' })
    expect((await unmerge(source)).status).toBe(200)
    const now = (await world.app.get<Patient>(`Patient/${target}`)).body
    expect([now.birthDate, now.link, now.identifier]).toEqual(['1980-02-04', undefined, number(target)])
  })
})

describe('merges that are refused', () => {
  test('itself, a chain begun at its middle, a cycle; a chain in order is shown whole', async () => {
    const [a, b, c] = [await two('c1'), await two('c2'), await two('c3')].map(({ s }) => s) as [string, string, string]
    expect(refusal(await merge(a, a))).toEqual([422, 'business-rule'])
    expect((await merge(a, b)).status).toBe(200)
    expect(refusal(await merge(b, a))).toEqual([422, 'business-rule'])
    expect(refusal(await merge(a, c))).toEqual([422, 'business-rule'])
    expect(refusal(await merge(c, a))).toEqual([422, 'business-rule'])
    expect((await merge(b, c)).status).toBe(200)
    expect(idsIn(await world.app.search(`Observation?patient=${c}`))).toEqual(['c1-os', 'c2-os', 'c3-os'])
    expect(refusal(await merge(c, a))).toEqual([422, 'business-rule'])
    expect(refusal(await unmerge(a)), 'the later one first').toEqual([422, 'business-rule'])
    expect((await unmerge(b)).status).toBe(200)
    expect(idsIn(await world.app.search(`Observation?patient=${c}`))).toEqual(['c3-os'])
    expect(idsIn(await world.app.search(`Observation?patient=${b}`))).toEqual(['c1-os', 'c2-os'])
    expect((await unmerge(a)).status).toBe(200)
  })

  test('nobody, somebody deleted, words that are not understood: each by name, and nothing is written', async () => {
    const { s, t } = await two('d')
    await world.app.put('Patient/d-gone', patient('d-gone'))
    await world.app.delete('Patient/d-gone')
    const versions = async () => [s, t].map(async (id) => (await world.app.get(`Patient/${id}`)).headers.get('etag'))
    const before = await Promise.all(await versions())
    const cases: [Reply<unknown>, number, string][] = [
      [await merge('nobody', t), 404, 'source-patient'],
      [await merge(s, 'd-gone'), 410, 'target-patient'],
      [await merge(s, t, { name: 'force', valueBoolean: true }), 400, 'Parameters.parameter'],
      [await merge(s, t, { name: 'preview', valueString: 'true' }), 400, 'Parameters.parameter'],
      [await merge(s, t, reference('source-patient', t)), 400, 'source-patient'],
      [await merge(s, t, { name: 'result-patient', resource: patient('other') }), 400, 'result-patient'],
      [await world.app.post('Patient/$merge', parameters(reference('target-patient', t))), 400, 'source-patient'],
      [await world.app.post('Patient/$merge', parameters(reference('target-patient', t),
        { name: 'source-patient', valueReference: { reference: 'Observation/d-os' } })), 400, 'source-patient'],
      [await world.app.post('Patient/$merge', parameters(reference('target-patient', t),
        { name: 'source-patient-identifier', valueIdentifier: { system: 'urn:oid:1.2.3.4', value: 'none' } })), 422,
      'source-patient-identifier'],
      [await world.app.post('Patient/$merge', patient()), 400, 'resourceType'],
    ]
    for (const [reply, status, expression] of cases) {
      expect([reply.status, issueOf(reply).expression], reply.text).toEqual([status, [expression]])
    }
    expect((await world.reader.post('Patient/$merge', parameters())).status).toBe(403)
    expect((await world.writer.post('Patient/$merge', parameters())).status).toBe(403)
    expect(await Promise.all(await versions())).toEqual(before)
  })
})

test('whatever is sent to the operations is refused with an OperationOutcome, and changes nothing', async () => {
  const { s, t } = await two('z')
  const name = fc.constantFrom('source-patient', 'target-patient', 'source-patient-identifier', 'result-patient',
    'preview', 'pair', 'as', '__proto__', 'constructor', '')
  const value = fc.oneof(
    fc.constant({ valueReference: { reference: `Patient/${s}` } }), fc.constant({ valueReference: {} }),
    fc.constant({ valueIdentifier: { system: 'urn:oid:1.2.3.4' } }), fc.constant({ valueIdentifier: {} }),
    fc.constant({ resource: { resourceType: 'Patient' } }), fc.constant({ part: [] }), fc.constant({}),
    fc.record({ valueString: fc.string() }), fc.record({ valueCode: fc.string() }), fc.anything())
  const parameter = fc.tuple(name, value).map(([each, held]) => ({ ...(held as object | null), name: each }))
  const body = fc.oneof(fc.array(parameter, { maxLength: 4 }).map((list) =>
    ({ resourceType: 'Parameters', parameter: list })), fc.anything(), fc.constant(patient()))
  const path = fc.constantFrom('Patient/$merge', 'Patient/$scelle-unmerge', '$scelle-resolve-duplicate')
  await fc.assert(fc.asyncProperty(path, body, async (to, sent) => {
    const raw = JSON.stringify(sent) ?? ''
    const reply = await world.app.send('POST', to, { raw })
    expect([400, 404, 410, 413, 422], `${to} ${raw} ${reply.text}`).toContain(reply.status)
    expect(issueOf(reply).severity).toBe('error')
  }), { numRuns: 300 })
  for (const id of [s, t]) expect((await world.app.get(`Patient/${id}`)).headers.get('etag')).toBe('W/"1"')
})

test('a preview says what would be, and writes nothing', async () => {
  const { s, t } = await two('e')
  const previewed = await merge(s, t, { name: 'preview', valueBoolean: true })
  expect((resultOf(previewed) as Patient).link).toEqual([{ other: { reference: `Patient/${s}` }, type: 'replaces' }])
  expect((await world.app.get(`Patient/${t}`)).headers.get('etag')).toBe('W/"1"')
})

test('both may be named by their numbers, the former number names the one that remains', async () => {
  const { s, t } = await two('f')
  const byNumber = (source: string, target: string) => world.app.post<Parameters>('Patient/$merge', parameters(
    { name: 'source-patient-identifier', valueIdentifier: { ...number(source)[0] } },
    { name: 'target-patient-identifier', valueIdentifier: { ...number(target)[0] } }))
  const result = { ...patient(t), identifier: number(t), gender: 'female' as const }
  expect((await byNumber(s, t)).status).toBe(200)
  expect(refusal(await byNumber(s, t)), 'now both name one patient').toEqual([422, 'business-rule'])
  expect(idsIn(await world.app.search(`Patient?identifier=urn:oid:1.2.3.4|${s}&active:not=false`))).toEqual([t])
  await unmerge(s)
  const given = await merge(s, t, { name: 'result-patient', resource: result })
  expect(resultOf(given)).toMatchObject({ ...result, link: [{ type: 'replaces' }] })
})

test('a merged pair is answered on the work list, and open again after the undo', async () => {
  const { s, t } = await two('g')
  const states = async () => {
    const found: string[] = []
    for (const state of ['open', 'not-same', 'merged']) {
      const { body } = await world.app.get<Parameters>(`$scelle-duplicates?state=${state}&_count=1000`)
      if (pairsIn(body).some(({ patients }) => patients.join() === `Patient/${s},Patient/${t}`)) found.push(state)
    }
    return found
  }
  expect(await states()).toEqual(['open'])
  await merge(s, t)
  expect(await states()).toEqual(['merged'])
  await world.app.put(`Patient/${t}`, { ...(await world.app.get<Patient>(`Patient/${t}`)).body, gender: 'female' })
  expect(await states()).toEqual(['merged'])
  await unmerge(s)
  expect(await states()).toEqual(['open'])
})

test('decimals keep their digits through merge and undo', async () => {
  const raw = '{"resourceType":"Patient","id":"h-s","extension":[{"url":"https://example.org/h","valueDecimal":1.50}]}'
  await world.app.send('PUT', 'Patient/h-s', { raw })
  await world.app.put('Patient/h-t', patient('h-t'))
  await merge('h-s', 'h-t')
  expect((await world.app.get('Patient/h-s')).text).toContain('"valueDecimal":1.50')
  await unmerge('h-s')
  expect((await world.app.get('Patient/h-s')).text).toContain('"valueDecimal":1.50')
})

describe('with another hospital', () => {
  let other: World
  beforeAll(async () => {
    other = await createWorld({ seed: 'merge', charts: { refresh: 0 }, within: world.constellation, name: 'second',
      partners: [toHex(world.party.id)] })
  })
  afterAll(() => other.close())

  const share = (id: string, rights = 'read') => world.app.post<Parameters>(`Patient/${id}/$scelle-share`, parameters(
    ...Object.entries({ with: toHex(other.party.id), categories: 'administrative,laboratory', rights,
      until: new Date(world.constellation.now() + 86_400_000).toISOString() })
      .map(([name, valueString]) => ({ name, valueString }))))

  test('a merge widens no grant: who was given one patient is not shown the other', async () => {
    const { s, t } = await two('i')
    expect((await share(t)).status).toBe(200)
    expect((await merge(s, t)).status).toBe(200)
    await other.edge().lookForGrants()
    expect(idsIn(await other.app.search(`Observation?patient=${t}`))).toEqual(['i-ot'])
    expect((await other.app.search(`Patient/${t}/$everything`)).body.entry?.map(({ resource }) => resource?.id)
      .toSorted()).toEqual(['i-ot', t])
    expect((await other.app.get('Observation/i-os')).status).toBe(404)
    expect((await other.app.search(`Observation?patient=${s}`)).status).toBe(404)
  })

  test('a patient that another organisation wrote is not merged, from either side', async () => {
    await other.app.put('Patient/mine', patient('mine'))
    for (const [source, target] of [['i-t', 'mine'], ['mine', 'i-t']] as const) {
      const refused = await other.app.post('Patient/$merge',
        parameters(reference('source-patient', source), reference('target-patient', target)))
      expect(refusal(refused)).toEqual([403, 'business-rule'])
    }
    expect((await other.app.get('Patient/mine')).headers.get('etag')).toBe('W/"1"')
  })
})
