/** IHE MHD: submissions taken whole or not at all (ITI-65), found by their metadata (ITI-66, ITI-67). */
import { createHash } from 'node:crypto'
import type { Binary, Bundle, BundleEntry, DocumentReference, List } from '@medplum/fhirtypes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, issueOf, type World } from './harness.ts'
import { ask } from './octets.ts'
import { patient } from './records.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ seed: 'mhd' })
  await world.app.put('Patient/p', { ...patient('p'), identifier: [{ system: 'urn:oid:2.999', value: '17' }] })
  await world.app.put('Patient/q', { ...patient('q'), identifier: [{ system: 'urn:oid:2.999', value: '18' }] })
})
afterAll(() => world.close())

const MHD = 'https://profiles.ihe.net/ITI/MHD'
const uuid = (digit: number): string => `urn:uuid:aaaaaaaa-bbbb-4ccc-8ddd-e0000000000${digit}`
const coded = (system: string, code: string) => ({ coding: [{ system, code }] })
const HELLO = Buffer.from('Hello World').toString('base64')

interface Making {
  readonly level?: string
  readonly set?: Partial<List>
  readonly reference?: Partial<DocumentReference>
  readonly attachment?: object
  readonly binary?: Partial<Binary>
  readonly more?: readonly BundleEntry[]
  readonly subject?: string
}

const submissionSet = (subject: string, more: Partial<List>): List => ({
  resourceType: 'List', status: 'current', mode: 'working', code: coded(`${MHD}/CodeSystem/MHDlistTypes`,
    'submissionset'),
  date: '2026-01-02T03:04:05Z', subject: { reference: subject }, identifier: [{ system: 'urn:ietf:rfc:3986',
    value: 'urn:oid:2.999.1' }],
  extension: [
    { url: `${MHD}/StructureDefinition/ihe-sourceId`, valueIdentifier: { value: 'urn:oid:2.999.7' } },
    { url: `${MHD}/StructureDefinition/ihe-designationType`,
      valueCodeableConcept: coded('http://snomed.info/sct', '225728007') },
  ],
  entry: [{ item: { reference: uuid(2) } }], ...more,
})

const documentReference = (subject: string, more: Partial<DocumentReference>, attachment: object): DocumentReference =>
  ({
    resourceType: 'DocumentReference', status: 'current', subject: { reference: subject },
    masterIdentifier: { system: 'urn:ietf:rfc:3986', value: 'urn:oid:2.999.2' },
    contained: [{ resourceType: 'Practitioner', id: 'author', name: [{ family: 'Martin', given: ['Luc'] }] },
      { resourceType: 'Patient', id: 'source', name: [{ family: 'Dupont' }] }],
    author: [{ reference: '#author' }],
    type: coded('http://loinc.org', '60591-5'), category: [coded('http://loinc.org', '11369-6')],
    securityLabel: [coded('http://terminology.hl7.org/CodeSystem/v3-Confidentiality', 'N')],
    date: '2026-01-02T03:04:05Z',
    content: [{
      attachment: { contentType: 'text/plain', url: uuid(3), size: 11, language: 'fr', creation: '2026-01-01',
        hash: createHash('sha1').update('Hello World').digest('base64'), ...attachment },
      format: { system: 'http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode',
        code: 'urn:ihe:iti:xds-sd:text:2008' },
    }],
    context: { facilityType: coded('http://snomed.info/sct', '82242000'),
      practiceSetting: coded('http://snomed.info/sct', '408467006'), sourcePatientInfo: { reference: '#source' },
      event: [coded('http://snomed.info/sct', '35971002')], period: { start: '2026-01-01', end: '2026-01-02' } },
    ...more,
  })

const submission = (making: Making = {}): Bundle => {
  const { level = 'Comprehensive', set = {}, reference = {}, attachment = {}, binary = {}, more = [] } = making
  const { subject = 'Patient/p' } = making
  const post = (url: string): BundleEntry['request'] => ({ method: 'POST', url })
  return {
    resourceType: 'Bundle', type: 'transaction',
    meta: { profile: [`${MHD}/StructureDefinition/IHE.MHD.${level}.ProvideBundle`] },
    entry: [
      { fullUrl: uuid(1), resource: submissionSet(subject, set), request: post('List') },
      { fullUrl: uuid(2), resource: documentReference(subject, reference, attachment),
        request: post('DocumentReference') },
      { fullUrl: uuid(3), resource: { resourceType: 'Binary', contentType: 'text/plain', data: HELLO, ...binary },
        request: post('Binary') },
      ...more,
    ] as NonNullable<Bundle['entry']>,
  }
}

/** How many resources a patient's chart and the organisation's vault hold: nothing may be half kept. */
const held = async (): Promise<number[]> => {
  const counts = await Promise.all(['Patient/p', 'Patient/q'].map(async (each) =>
    (await world.app.get<Bundle>(`${each}/$everything`)).body.total ?? -1))
  return [...counts, (await world.app.search('Binary?patient:missing=true')).body.total ?? -1]
}

let retrieve = ''

describe('ITI-65', () => {
  test('files metadata and document in the patient\'s vault, linked', async () => {
    const answer = await world.app.post<Bundle>('', submission())
    expect(answer.status, answer.text).toBe(200)
    const locations = answer.body.entry?.map(({ response }) => response?.location?.split('/fhir/')[1] ?? '') ?? []
    expect(answer.body.entry?.map(({ response }) => response?.status)).toEqual(['201', '201', '201'])
    const [list = '', reference = '', binary = ''] = locations.map((each) => each.split('/_history')[0])
    const stored = (await world.app.get<DocumentReference>(reference)).body
    expect(stored.content[0]?.attachment.url).toBe(binary)
    expect((await world.app.get<List>(list)).body.entry?.[0]?.item.reference).toBe(reference)
    const everything = (await world.app.get<Bundle>('Patient/p/$everything')).body.entry ?? []
    expect(everything.map(({ resource }) => `${resource?.resourceType}/${resource?.id}`))
      .toEqual(expect.arrayContaining([list, reference, binary]))
    expect((await world.app.get<Binary>(binary, { accept: 'application/fhir+json' })).body.data).toBe(HELLO)
    retrieve = binary
  })

  test('takes the patient along where the sender has no other way', async () => {
    const own: BundleEntry = { fullUrl: uuid(4), resource: { resourceType: 'Patient', name: [{ family: 'Schmidt' }] },
      request: { method: 'POST', url: 'Patient' } }
    const answer = await world.app.post<Bundle>('', submission({ level: 'Minimal', subject: uuid(4), more: [own] }))
    expect(answer.status, answer.text).toBe(200)
    const id = answer.body.entry?.[3]?.response?.location?.split('/')[5] ?? ''
    expect((await world.app.search(`DocumentReference?patient=${id}&status=current`)).body.total).toBe(1)
  })

  const withDocument = (fullUrl: string, identifier: object[] = []): Bundle => {
    const author = uuid(7)
    const document: Bundle = {
      resourceType: 'Bundle', type: 'document', identifier: { system: 'urn:test', value: '1' },
      timestamp: '2026-01-01T00:00:00Z', entry: [
        { fullUrl: uuid(5), resource: { resourceType: 'Composition', status: 'final', title: 'x', date: '2026-01-01',
          type: coded('http://loinc.org', '11488-4'), subject: { reference: fullUrl },
          author: [{ reference: author }] } },
        { fullUrl, resource: { resourceType: 'Patient', id: 'q', ...(identifier.length > 0 ? { identifier } : {}) } },
        { fullUrl: author, resource: { resourceType: 'Practitioner', name: [{ family: 'Martin' }] } },
      ],
    }
    const given = submission({ level: 'Minimal', attachment: { size: undefined, hash: undefined,
      contentType: 'application/fhir+json' } })
    given.entry?.splice(2, 1, { fullUrl: uuid(3), resource: document, request: { method: 'POST', url: 'Bundle' } })
    return JSON.parse(JSON.stringify(given)) as Bundle
  }

  test.each(['http://edge.test/fhir/Patient/p', uuid(8), 'https://else.test/fhir/Patient/q'])(
    'takes a document Bundle as the document, whoever %s is to its sender', async (fullUrl) => {
      const answer = await world.app.post<Bundle>('', withDocument(fullUrl))
      expect(answer.status, answer.text).toBe(200)
      const id = answer.body.entry?.[2]?.response?.location?.split('/')[5] ?? ''
      const { body } = await world.app.search('Patient/p/Bundle')
      expect(body.entry?.map(({ resource }) => resource?.id)).toContain(id)
    })

  test('takes no document Bundle about somebody else', async () => {
    const before = await held()
    const named = withDocument(uuid(8), [{ system: 'urn:oid:2.999', value: '18' }])
    for (const given of [withDocument('http://edge.test/fhir/Patient/q'), named]) {
      const refused = await world.app.post('', given)
      expect([refused.status, issueOf(refused).code], refused.text).toEqual([422, 'business-rule'])
    }
    expect(await held()).toEqual(before)
  })

  test('a document that replaces another one supersedes it', async () => {
    const first = await world.app.post<Bundle>('', submission({ reference: { masterIdentifier: { value: 'old' } } }))
    const old = first.body.entry?.[1]?.response?.location?.split('/fhir/')[1]?.split('/_history')[0] ?? ''
    const part = (name: string, value: object): object => ({ name, ...value })
    const patch = { resourceType: 'Parameters', parameter: [{ name: 'operation', part: [
      part('type', { valueCode: 'replace' }), part('path', { valueString: 'DocumentReference.status' }),
      part('value', { valueCode: 'superseded' }),
    ] }] }
    const answer = await world.app.post<Bundle>('', submission({
      reference: { relatesTo: [{ code: 'replaces', target: { reference: old } }] },
      more: [{ fullUrl: uuid(6), resource: patch as never, request: { method: 'PATCH', url: old } }],
    }))
    expect(answer.status, answer.text).toBe(200)
    expect((await world.app.get<DocumentReference>(old)).body.status).toBe('superseded')
    const wild = structuredClone(patch)
    Object.assign(wild.parameter[0]?.part[1] ?? {}, { valueString: 'DocumentReference.subject' })
    const refused = await world.app.post('', submission({
      more: [{ fullUrl: uuid(6), resource: wild as never, request: { method: 'PATCH', url: old } }],
    }))
    expect(refused.status).toBe(400)
  })

  const comprehensive = [
    ['no type', { type: undefined }], ['no security label', { securityLabel: [] }],
    ['no source patient', { context: {} }], ['an author outside', { author: [{ reference: 'Practitioner/x' }] }],
  ] as const
  test.each<[string, Making, number]>([
    ['another patient in the list', { set: { subject: { reference: 'Patient/q' } } }, 422],
    ['another patient in the metadata', { reference: { subject: { reference: 'Patient/q' } } }, 422],
    ['no patient in the list', { set: { subject: undefined as never } }, 422],
    ['a Patient of its own beside another subject', { more: [{ fullUrl: uuid(4), resource: { resourceType: 'Patient' },
      request: { method: 'POST', url: 'Patient' } }] }, 422],
    ['the wrong hash', { attachment: { hash: createHash('sha1').update('Hello').digest('base64') } }, 400],
    ['the wrong size', { attachment: { size: 12 } }, 400],
    ['the wrong type', { attachment: { contentType: 'application/pdf' } }, 400],
    ['a document that is not there', { attachment: { url: uuid(9) } }, 400],
    ['a document on the disk', { attachment: { url: 'file:///etc/passwd' } }, 400],
    ['a document inside', { attachment: { data: HELLO } }, 400],
    ['a document nobody speaks of', { more: [{ fullUrl: uuid(8), resource: { resourceType: 'Binary',
      contentType: 'text/plain', data: HELLO }, request: { method: 'POST', url: 'Binary' } }] }, 400],
    ['metadata that the set does not list', { set: { entry: [] } }, 400],
    ['no source', { set: { extension: [] } }, 400],
    ['no unique id', { reference: { masterIdentifier: undefined as never } }, 400],
    ['something else', { more: [{ fullUrl: uuid(8), resource: { resourceType: 'Basic', code: { text: 'x' } },
      request: { method: 'POST', url: 'Basic' } }] }, 400],
    ['a second set', { more: [{ fullUrl: uuid(8), resource: submissionSet('Patient/p', {}),
      request: { method: 'POST', url: 'List' } }] }, 400],
    ...comprehensive.map(([name, reference]): [string, Making, number] => [name, { reference } as Making, 400]),
  ])('with %s is refused, and nothing of it is kept', async (_name, making, status) => {
    const before = await held()
    const refused = await world.app.post('', JSON.parse(JSON.stringify(submission(making))))
    expect([refused.status, issueOf(refused).severity], refused.text).toEqual([status, 'error'])
    expect(await held()).toEqual(before)
  })

  test('that is no transaction is refused', async () => {
    expect((await world.app.post('', { ...submission(), type: 'batch' })).status).toBe(400)
    expect((await world.reader.post('', submission())).status).toBe(403)
  })
})

test('ITI-68 gives the document itself', async () => {
  const { status, headers, bytes } = await ask(world.app, 'GET', retrieve, { accept: 'text/plain' })
  expect([status, headers.get('content-type')?.split(';')[0], bytes.toString()])
    .toEqual([200, 'text/plain', 'Hello World'])
})

describe('ITI-66 and ITI-67', () => {
  const MASTER = 'identifier=urn:ietf:rfc:3986|urn:oid:2.999.2'
  test.each([
    'List?patient=p&code=submissionset&status=current', 'List?patient=p&identifier=urn:oid:2.999.1',
    'List?patient=Patient/p&date=2026-01-02', 'List?patient=p&sourceId=urn:oid:2.999.7',
    'List?patient=p&designationType=http://snomed.info/sct|225728007',
    `DocumentReference?patient=p&status=current&${MASTER}`,
    'DocumentReference?patient=p&type=http://loinc.org|60591-5', 'DocumentReference?patient=p&category=11369-6',
    'DocumentReference?patient=p&creation=2026-01-01', 'DocumentReference?patient=p&date=ge2026-01-02',
    'DocumentReference?patient=p&event=35971002', 'DocumentReference?patient=p&period=ge2026-01-01',
    'DocumentReference?patient=p&facility=82242000', 'DocumentReference?patient=p&setting=408467006',
    'DocumentReference?patient=p&format=urn:ihe:iti:xds-sd:text:2008', 'DocumentReference?patient=p&security-label=N',
    'DocumentReference?patient.identifier=urn:oid:2.999|17&status=current',
    'List?patient.identifier=urn:oid:2.999|17&code=submissionset&status=current',
  ])('%s', async (path) => {
    const found = await world.app.search(path)
    expect(found.status, found.text).toBe(200)
    expect(found.body.total).toBeGreaterThan(0)
    const [type = '', query = ''] = path.split('?')
    const posted = await world.app.send<Bundle>('POST', `${type}/_search`, { raw: query,
      headers: { 'content-type': 'application/x-www-form-urlencoded' } })
    expect(posted.body.total).toBe(found.body.total)
  })

  test.each([
    'List?patient=p&code=folder', 'List?patient=q&code=submissionset', 'List?patient=p&sourceId=urn:oid:2.999.8',
    'DocumentReference?patient=p&creation=2025', 'DocumentReference?patient=q',
  ])('%s finds nothing', async (path) => {
    expect((await world.app.search(path)).body.total).toBe(0)
  })
})
