/** Scopes decide what a request may ask, before any chart is opened, and narrow what it is answered. */
import type { Bundle, Observation, Patient } from '@medplum/fhirtypes'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { issueOf, loggedIn, parametersOf } from './harness.ts'
import { type SignedInApplication, type SmartScene, signedIn, smartScene } from './smart-scene.ts'

let scene: SmartScene
let ids: [string, string]
let laboratory = ''
let vital = ''
let launches = 0

const launchFor = async (patient: string, client = 'records'): Promise<string> => {
  const ehr = await loggedIn(scene.world, 'alice', `e${++launches}`)
  const { body, text } = await ehr.post<ReturnType<typeof parametersOf>>(
    `Patient/${patient}/$scelle-launch`, parametersOf({ application: client }))
  const launch = body.parameter?.find(({ name }) => name === 'launch')?.valueString
  if (launch === undefined) throw new Error(`no launch: ${text}`)
  return launch
}

const within = async (scope: string, patient = ids[0]): Promise<SignedInApplication> =>
  signedIn(scene, { scope: `launch ${scope}`, launch: await launchFor(patient) })

const observation = (patient: string, category: string): Observation => ({
  resourceType: 'Observation', status: 'final', code: { text: category }, subject: { reference: `Patient/${patient}` },
  category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: category }] }],
})

beforeAll(async () => {
  scene = await smartScene()
  const writer = await signedIn(scene, { scope: 'user/*.cruds' })
  const made = async (body: object): Promise<string> => {
    const type = (body as { resourceType: string }).resourceType
    const reply = await writer.request<Patient>('POST', type, body)
    if (reply.body.id === undefined) throw new Error(reply.text)
    return reply.body.id
  }
  const patient = (family: string): Patient =>
    ({ resourceType: 'Patient', name: [{ family }], birthDate: '1980-01-01' })
  ids = [await made(patient('Un')), await made(patient('Deux'))]
  laboratory = await made(observation(ids[0], 'laboratory'))
  vital = await made(observation(ids[0], 'vital-signs'))
  await made(observation(ids[1], 'laboratory'))
}, 120_000)
afterAll(() => scene.world.close())

describe('scopes of one patient', () => {
  it('tell the application who it is, and search nobody else\'s chart', async () => {
    const app = await within('patient/*.rs')
    expect(app.claims['patient']).toBe(ids[0])
    const found = await app.request<Bundle>('GET', 'Observation?code:text=laboratory')
    expect(found.body.total, found.text).toBe(1)
    const patients = await app.request<Bundle>('GET', 'Patient?birthdate=1980-01-01')
    expect(patients.body.entry?.map(({ resource }) => resource?.id)).toEqual([ids[0]])
  })

  it.each([
    ['another patient', (other: string) => `Observation?patient=${other}`],
    ['another patient among several', (other: string) => `Observation?subject=Patient/${other},Patient/x`],
    ['another patient\'s compartment', (other: string) => `Patient/${other}/Observation`],
    ['another patient by id', (other: string) => `Patient?_id=${other}`],
    ['patients by what they are', () => 'Observation?patient.birthdate=1980-01-01'],
    ['everything of another', (other: string) => `Patient/${other}/$everything`],
    ['an absolute address of another', (other: string) => `Observation?subject=http://edge.test/fhir/Patient/${other}`],
  ])('do not ask for %s, and nothing is opened for it', async (_, path) => {
    const app = await within('patient/*.rs')
    const before = scene.world.edge().figures().openCharts
    const reply = await app.request('GET', path(ids[1]))
    expect([reply.status, issueOf(reply as never).code]).toEqual([403, 'forbidden'])
    expect(scene.world.edge().figures().openCharts).toBe(before)
  })

  it('read nothing of another chart: it is not there', async () => {
    const app = await within('patient/*.rs', ids[1])
    expect((await app.request('GET', `Observation/${laboratory}`)).status).toBe(404)
    expect((await app.request('GET', `Patient/${ids[0]}`)).status).toBe(404)
  })

  it('write what is that patient\'s alone', async () => {
    const app = await within('patient/*.cruds')
    expect((await app.request('POST', 'Observation', observation(ids[0], 'survey'))).status).toBe(201)
    expect((await app.request('POST', 'Observation', observation(ids[1], 'survey'))).status).toBe(403)
    const entry = [{ resource: observation(ids[1], 'survey'), request: { method: 'POST', url: 'Observation' } }]
    for (const type of ['transaction', 'batch']) {
      const { text } = await app.request('POST', '', { resourceType: 'Bundle', type, entry })
      expect(text).toContain('write what is that patient')
    }
    expect((await app.request('POST', 'Organization', { resourceType: 'Organization', name: 'x' })).status).toBe(403)
  })
})

describe('scopes with parameters', () => {
  it('narrow searches, totals and reads', async () => {
    const app = await within('patient/Observation.rs?category=laboratory')
    const found = await app.request<Bundle>('GET', 'Observation')
    expect([found.body.total, found.body.entry?.[0]?.resource?.id], found.text).toEqual([1, laboratory])
    expect((await app.request<Bundle>('GET', 'Observation?category=vital-signs')).body.total).toBe(0)
    expect((await app.request('GET', `Observation/${laboratory}`)).status).toBe(200)
    expect((await app.request('GET', `Observation/${vital}`)).status).toBe(404)
    expect((await app.request('GET', `Observation/${vital}/_history/1`)).status).toBe(403)
  })

  it('let no other search rest on what they narrow', async () => {
    const app = await within('patient/Observation.rs?category=laboratory patient/Patient.rs')
    const asked = await app.request('GET', `Patient?_id=${ids[0]}&_has:Observation:patient:category=vital-signs`)
    expect(asked.status).toBe(403)
    const beside = await app.request('GET', `Patient?_id=${ids[0]}&_revinclude=Observation:patient`)
    expect(beside.status).toBe(403)
  })
})

describe('what a token does not cover is not asked', () => {
  it.each([
    ['GET', 'Condition?patient={id}'], ['GET', 'Observation?patient={id}&_include=Observation:subject'],
    ['GET', 'Observation?encounter.status=finished&patient={id}'], ['GET', 'Patient/{id}/$everything'],
    ['GET', 'Observation/{id}/_history'], ['GET', '$export'], ['GET', 'Patient/$export'], ['GET', '$unclassified'],
    ['POST', 'Observation'], ['GET', 'AuditEvent?patient={id}'], ['POST', '$scelle-revoke'], ['POST', '$scelle-login'],
    ['GET', '$scelle-emergencies'], ['GET', 'Patient/{id}/$summary'], ['POST', '$scelle-break-glass'],
    ['POST', 'Patient/{id}/$scelle-launch'],
  ])('%s %s', async (method, path) => {
    const app = await signedIn(scene, { scope: 'user/Observation.rs?category=laboratory' })
    const before = scene.world.edge().figures().openCharts
    const reply = await app.request(method, path.replace('{id}', ids[0]), method === 'POST' ? {} : undefined)
    expect(reply.status, reply.text).toBe(403)
    expect(scene.world.edge().figures().openCharts).toBe(before)
  })
})
