/** SMART App Launch 2.2 at the edge, by `oauth4webapi` as its author published it. */
import type { Bundle, Patient } from '@medplum/fhirtypes'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SmartScene, signedIn, smartScene } from './smart-scene.ts'

let scene: SmartScene

const patient: Patient = { resourceType: 'Patient', name: [{ family: 'Essai' }], birthDate: '1980-01-01' }

beforeAll(async () => {
  scene = await smartScene()
}, 60_000)
afterAll(() => scene.world.close())

describe('an application of a person', () => {
  it('signs in, writes, reads and searches', async () => {
    const app = await signedIn(scene, { scope: 'openid fhirUser user/*.cruds' })
    expect(app.claims.token_type).toBe('dpop')
    expect(app.claims.scope).toContain('user/*.cruds')
    const made = await app.request<Patient>('POST', 'Patient', patient)
    expect(made.status, made.text).toBe(201)
    const id = made.body.id ?? ''
    const read = await app.request<Patient>('GET', `Patient/${id}`)
    expect(read.body.name?.[0]?.family).toBe('Essai')
    const found = await app.request<Bundle>('GET', `Observation?patient=Patient/${id}`)
    expect(found.status, found.text).toBe(200)
  })
})
