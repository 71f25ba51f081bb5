/** Searches that look at more than the resources found: chains, `_has`, includes; and what they must never see. */
import type { Bundle, CapabilityStatement, OperationOutcome, Resource } from '@medplum/fhirtypes'
import { ProfileSet } from '@scelle/fhir/profiles'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, issueOf, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

let world: World

const FAMILIES: Readonly<Record<string, string>> = { a: 'Dupont', b: 'Martin', c: 'Martin' }

beforeAll(async () => {
  world = await createWorld({ seed: 'search-related' })
  const { app } = world
  await app.put('Organization/h', { resourceType: 'Organization', id: 'h', name: 'Hôpital' })
  await app.put('Practitioner/d', { resourceType: 'Practitioner', id: 'd', name: [{ family: 'Docteur' }] })
  await app.put('PractitionerRole/r', {
    resourceType: 'PractitionerRole', id: 'r', practitioner: { reference: 'Practitioner/d' },
    organization: { reference: 'Organization/h' },
  })
  for (const [id, family] of Object.entries(FAMILIES)) {
    await app.put(`Patient/${id}`, {
      ...patient(id), name: [{ family }], identifier: [{ system: 'urn:mrn', value: id }],
      managingOrganization: { reference: 'Organization/h' }, generalPractitioner: [{ reference: 'Practitioner/d' }],
    })
    await app.put(`Encounter/e${id}`, {
      resourceType: 'Encounter', id: `e${id}`, status: 'finished', class: { code: 'AMB' },
      subject: { reference: `Patient/${id}` }, serviceProvider: { reference: 'Organization/h' },
      participant: [{ individual: { reference: 'Practitioner/d' } }],
    })
    for (const place of [1, 2, 3]) {
      await app.put(`Observation/o${id}${place}`, {
        ...glucose(id, place), id: `o${id}${place}`, performer: [{ reference: 'Practitioner/d' }],
        valueQuantity: { value: place, unit: 'mmol/L', system: 'http://unitsofmeasure.org', code: 'mmol/L' },
        ...(place < 3 ? { encounter: { reference: `Encounter/e${id}` } } : {}),
      })
    }
  }
})
afterAll(() => world.close())

const keys = (bundle: Bundle, mode: string): string[] => (bundle.entry ?? [])
  .filter(({ search }) => search?.mode === mode).map(({ resource }) => `${resource?.resourceType}/${resource?.id}`)

/** `matches + included`, or the refusal. */
const answer = async (query: string, who = world.app): Promise<string> => {
  const { status, body } = await who.search(query)
  if (status !== 200) return `${status} ${issueOf({ body } as never).code}`
  const included = keys(body, 'include').toSorted()
  expect(body.total, 'what is included is not counted').toBe(keys(body, 'match').length)
  return [keys(body, 'match').join(' '), ...(included.length === 0 ? [] : [included.join(' ')])].join(' + ')
}

describe('chains, reverse chains and includes', () => {
  test.each([
    ['Observation?patient=a&encounter.status=finished', 'Observation/oa1 Observation/oa2'],
    ['Observation?patient=a&encounter.service-provider.name=hop', 'Observation/oa1 Observation/oa2'],
    ['Observation?patient=a&performer:Practitioner.family=docteur&value-quantity=gt2', 'Observation/oa3'],
    ['Observation?patient=a&performer:Practitioner.family=nobody', ''],
    ['Encounter?patient=a&_has:Observation:encounter:value-quantity=2', 'Encounter/ea'],
    ['Observation?patient=a&value-quantity=2000|http://unitsofmeasure.org|umol/L', 'Observation/oa2'],
    ['Observation?patient=a&code-value-quantity=2339-0$ge2000|http://unitsofmeasure.org|umol/L',
      'Observation/oa2 Observation/oa3'],
    ['Observation?patient=a&value-quantity=2|http://unitsofmeasure.org|no-unit', ''],
    ['Encounter?patient=a&_has:Observation:encounter:value-quantity=3', ''],
    ['Patient?organization.name=hop&family=dup', 'Patient/a'],
    ['Patient?general-practitioner.family=docteur', 'Patient/a Patient/b Patient/c'],
    ['Practitioner?_has:PractitionerRole:practitioner:organization=h', 'Practitioner/d'],
    ['Organization?_has:Patient:organization:family=dupont', 'Organization/h'],
    // One patient, named by what is known of them.
    ['Observation?patient.identifier=urn:mrn|a&value-quantity=1', 'Observation/oa1'],
    ['Observation?subject:Patient.family=dupont&value-quantity=1', 'Observation/oa1'],
    ['Observation?patient=a&value-quantity=1&_include=Observation:encounter',
      'Observation/oa1 + Encounter/ea'],
    ['Observation?patient=a&value-quantity=1&_include=Observation:*',
      'Observation/oa1 + Encounter/ea Patient/a Practitioner/d'],
    ['Observation?patient=a&value-quantity=1&_include=Observation:encounter'
      + '&_include:iterate=Encounter:service-provider', 'Observation/oa1 + Encounter/ea Organization/h'],
    ['Encounter?patient=a&_revinclude=Observation:encounter', 'Encounter/ea + Observation/oa1 Observation/oa2'],
    ['Patient?_id=a&_revinclude=Observation:subject', 'Patient/a + Observation/oa1 Observation/oa2 Observation/oa3'],
    ['Patient?_id=a&_has:Observation:patient:value-quantity=2', 'Patient/a'],
    ['Patient?_id=a&_has:Observation:patient:value-quantity=9', ''],
    ['Patient?_id=nobody&_revinclude=Observation:subject', ''],
    ['Patient?family=dup&_include=Patient:organization', 'Patient/a + Organization/h'],
    ['Patient/a/Observation?value-quantity=1&_include=Observation:subject', 'Observation/oa1 + Patient/a'],
    ['Observation?_id=oa1&_include=Observation:subject', 'Observation/oa1 + Patient/a'],
    ['Organization?_revinclude=Patient:organization', 'Organization/h + Patient/a Patient/b Patient/c'],
  ])('%s → %s', async (query, expected) => {
    expect(await answer(query)).toBe(expected)
  })

  test.each([
    'Patient?_has:Observation:patient:code=2339-0',
    'Patient?_id=a,b&_revinclude=Observation:subject',
    'Patient?family=dup&_revinclude=Observation:subject',
    'Patient?_id=a&_revinclude=Observation:performer',
    'Patient?_id=a&organization.name=h&_revinclude=Encounter:patient&_revinclude=Observation:performer',
    'Patient?organization._has:Encounter:service-provider:status=finished',
    'Practitioner?_has:Observation:performer:code=2339-0',
    'Organization?_revinclude=Encounter:service-provider',
    'Observation?performer.family=docteur',
    'Observation?patient._has:Encounter:patient:status=finished',
    'Observation?patient.family=martin',
    // Patients who only took part are named here too.
    'Patient?_id=a&_revinclude=Provenance:patient',
    'Patient?_id=a&_has:AuditEvent:patient:action=R',
    'Patient?_id=a&_revinclude=Appointment:patient',
    'Provenance?patient=a',
    'Appointment?patient.identifier=urn:mrn|a',
    // One of the alternatives is no patient: what speaks of it may be anywhere.
    'Observation?subject=Patient/a,Device/x',
    'Observation?subject=Patient/a,Group/g',
  ])('%s would need closed charts, and is refused whole', async (query) => {
    expect(await answer(query)).toBe('403 too-costly')
  })

  test('a patient who is not here has no records that could be said to be none', async () => {
    expect(await answer('AllergyIntolerance?patient.identifier=urn:mrn|x')).toBe('404 not-found')
  })

  test('no condition tells of a chart that another session has open', async () => {
    const { app, reader } = world
    const beside = 'Encounter?patient=b&_revinclude=Observation:encounter&_revinclude=Observation:subject'
    // The application opens all charts; the reader opens one.
    for (const id of Object.keys(FAMILIES)) expect((await app.search(`Observation?patient=${id}`)).status).toBe(200)
    await app.put('Observation/stray', {
      ...glucose('a', 7), id: 'stray', encounter: { reference: 'Encounter/eb' },
    })
    await app.search('Observation?patient=a')
    const query = beside.replace('&_revinclude=Observation:subject', '')
    expect(await answer(query)).toBe('Encounter/eb + Observation/ob1 Observation/ob2 Observation/stray')
    expect(await answer('Encounter?patient=b&_has:Observation:encounter:value-quantity=7')).toBe('Encounter/eb')
    expect(await answer(query, reader)).toBe('Encounter/eb + Observation/ob1 Observation/ob2')
    expect(await answer('Encounter?patient=b&_has:Observation:encounter:value-quantity=7', reader)).toBe('')
    await app.delete('Observation/stray')
  })
})

describe('pages', () => {
  const follow = async (query: string, between: (place: number) => Promise<unknown>): Promise<string[][]> => {
    const pages: string[][] = []
    for (let url: string | undefined = query; url !== undefined;) {
      const { status, body } = await world.app.search(url)
      expect(status).toBe(200)
      pages.push([...keys(body, 'match'), ...keys(body, 'include')])
      url = body.link?.find(({ relation }) => relation === 'next')?.url
      await between(pages.length)
    }
    return pages
  }

  test('are of one moment in every chart that the search looks at', async () => {
    const { app } = world
    const query = 'Observation?patient=c&encounter.service-provider.name=hop&_include=Observation:encounter&_count=1'
    const pages = await follow(query, async (place) => {
      await app.put('Organization/h', { resourceType: 'Organization', id: 'h', name: `Clinique ${place}` })
      await app.put('Encounter/ec', {
        resourceType: 'Encounter', id: 'ec', status: 'in-progress', class: { code: 'AMB' },
        subject: { reference: 'Patient/c' },
      })
      await app.delete('Observation/oc2')
    })
    expect(pages).toEqual([['Observation/oc1', 'Encounter/ec'], ['Observation/oc2', 'Encounter/ec']])
    expect(await answer('Observation?patient=c&encounter.service-provider.name=hop')).toBe('')
    await app.put('Organization/h', { resourceType: 'Organization', id: 'h', name: 'Hôpital' })
  })

  test('are not affected by a chart that is opened meanwhile', async () => {
    const { constellation } = world
    const own = await createWorld({ seed: 'again', name: 'again', within: constellation })
    await own.app.put('Patient/x', patient('x'))
    await own.app.put('Patient/y', patient('y'))
    for (const place of [1, 2]) await own.app.put(`Observation/x${place}`, { ...glucose('x', place), id: `x${place}` })
    const first = (await own.app.search('Observation?patient=x&_include=Observation:subject&_count=1')).body
    await own.app.search('Observation?patient=y')
    const next = first.link?.find(({ relation }) => relation === 'next')?.url ?? ''
    expect(keys((await own.app.search(next)).body, 'match')).toEqual(['Observation/x2'])
  })

  test('are over once a chart that was looked at is closed: without it, the search is another one', async () => {
    const { clock } = world.constellation
    const minutes = { idle: 5 * 60_000, absolute: 3_600_000 }
    const own = await createWorld({ seed: 'sight', name: 'sight', within: world.constellation, charts: minutes })
    await own.app.put('Patient/x', patient('x'))
    await own.app.put('Patient/y', patient('y'))
    for (const place of [1, 2, 3]) {
      await own.app.put(`Observation/x${place}`, { ...glucose('x', place), id: `x${place}` })
    }
    await own.app.search('Observation?patient=y')
    await clock.advance(4 * 60_000)
    const first = (await own.app.search('Observation?patient=x&_include=Observation:subject&_count=1')).body
    const next = first.link?.find(({ relation }) => relation === 'next')?.url ?? ''
    expect((await own.app.search(next)).status).toBe(200)
    await clock.advance(2 * 60_000)
    await own.app.search('Observation?patient=x')
    expect((await own.app.search(next)).status).toBe(410)
  })
})

describe('what of it is sent', () => {
  const resourceIn = async (query: string): Promise<Resource & Record<string, unknown>> =>
    (await world.app.search(query)).body.entry?.[0]?.resource as Resource & Record<string, unknown>

  test('_elements and _summary leave out, say so, and keep digits', async () => {
    await world.app.send('PUT', 'Observation/digits', {
      raw: JSON.stringify({ ...glucose('a', 5), id: 'digits' }).replace('"value":5', '"value":5.00'),
    })
    const some = await resourceIn('Observation?_id=digits&_elements=value')
    expect(Object.keys(some).toSorted()).toEqual(['code', 'id', 'meta', 'resourceType', 'status', 'valueQuantity'])
    expect(some.meta?.tag?.[0]?.code).toBe('SUBSETTED')
    const { text } = await world.app.search('Observation?_id=digits&_summary=true')
    expect(text).toContain('"value":5.00')
    expect(await resourceIn('Observation?_id=digits&_summary=data')).not.toHaveProperty('text')
    expect((await world.app.search('Observation?patient=a&_summary=x')).status).toBe(400)
    const bare = (await world.app.search('Observation?patient=a&_total=none&_count=1')).body
    expect([bare.total, bare.entry?.length]).toEqual([undefined, 1])
  })

  test('strict refuses what it does not know; lenient names it, and leaves it out of the self link', async () => {
    const { app } = world
    const query = 'Observation?patient=a&value-quantity=1&nonsense=x&code:below=y'
    for (const prefer of ['', 'handling=strict', 'handling=strict, handling=lenient']) {
      expect((await app.get(query, prefer === '' ? {} : { prefer })).status).toBe(400)
    }
    const { status, body } = await app.get<Bundle>(query, { prefer: 'handling=lenient' })
    expect([status, body.total]).toEqual([200, 1])
    expect(keys(body, 'match')).toEqual(['Observation/oa1'])
    const outcome = body.entry?.find(({ search }) => search?.mode === 'outcome')?.resource as OperationOutcome
    expect(outcome.issue.map(({ severity, expression }) => [severity, expression?.[0]]))
      .toEqual([['warning', 'nonsense'], ['warning', 'code']])
    expect(body.link?.[0]?.url).toBe('http://edge.test/fhir/Observation?patient=a&value-quantity=1')
    // A value that is not understood is no parameter that is not known.
    const bad = await app.get('Observation?patient=a&date=x&nonsense=y', { prefer: 'handling=lenient' })
    expect(bad.status).toBe(400)
    const counted = await app.get<Bundle>(`${query}&_summary=count`, { prefer: 'handling=lenient' })
    expect(counted.body.entry?.map(({ search }) => search?.mode)).toEqual(['outcome'])
  })

  test('leniency does not reach conditions of writes: they would match too much', async () => {
    const condition = { 'if-none-exist': 'identifier=urn:x|1&nonsense=x', 'prefer': 'handling=lenient' }
    expect((await world.app.post('Patient', patient(), condition)).status).toBe(400)
  })

  test('of a value set that is loaded, :in asks for its codes; of another, nothing is said', async () => {
    const valueSet = {
      resourceType: 'ValueSet', url: 'http://example.org/glucose', status: 'active',
      compose: { include: [{ system: 'http://loinc.org', concept: [{ code: '2339-0' }, { code: '2345-7' }] }] },
    }
    const profile = {
      resourceType: 'StructureDefinition', url: 'http://example.org/lab', name: 'Lab', type: 'Observation',
      kind: 'resource', derivation: 'constraint', status: 'active', abstract: false,
      baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Observation',
      differential: { element: [{ id: 'Observation.code', path: 'Observation.code',
        binding: { strength: 'required', valueSet: valueSet.url } }] },
    }
    const own = await createWorld({
      seed: 'sets', name: 'sets', within: world.constellation, profiles: new ProfileSet([valueSet, profile]),
    })
    await own.app.put('Patient/x', patient('x'))
    await own.app.put('Observation/x1', { ...glucose('x', 1), id: 'x1' })
    await own.app.put('Observation/x2', { ...glucose('x', 2), id: 'x2', code: { coding: [{ code: 'other' }] } })
    const found = async (query: string): Promise<string> => answer(query, own.app)
    expect(await found(`Observation?patient=x&code:in=${encodeURIComponent(valueSet.url)}`)).toBe('Observation/x1')
    expect(await found(`Observation?patient=x&code:not-in=${encodeURIComponent(valueSet.url)}`)).toBe('Observation/x2')
    expect(await found('Observation?patient=x&code:in=http://example.org/other')).toMatch(/^400 /)
    expect(await answer(`Observation?patient=a&code:in=${encodeURIComponent(valueSet.url)}`)).toMatch(/^400 /)
  })

  test('POST _search takes chains and includes in its body', async () => {
    const { body } = await world.app.send<Bundle>('POST', 'Observation/_search', {
      raw: 'patient=a&encounter.status=finished&_include=Observation%3Asubject&value-quantity=1',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect([keys(body, 'match'), keys(body, 'include')]).toEqual([['Observation/oa1'], ['Patient/a']])
  })

  test('the CapabilityStatement lists what is evaluated', async () => {
    const { body } = await world.app.get<CapabilityStatement>('metadata')
    const observation = body.rest?.[0]?.resource?.find(({ type }) => type === 'Observation')
    expect(observation?.searchParam).toContainEqual({ name: 'code-value-quantity', type: 'composite' })
    expect(observation?.searchInclude).toContain('Observation:subject')
    expect(observation?.searchRevInclude).toContain('Provenance:target')
    expect(observation?.searchParam?.map(({ name }) => name)).not.toContain('_text')
  })
})
