/** Breaking the glass at the edge: who may, with what, what is seen, who is told, and what stays of it: nothing. */
import type { AuditEvent, Bundle, Parameters } from '@medplum/fhirtypes'
import { type Client, toHex, type Vault } from '@scelle/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Application, confirmedBy, createWorld, issueOf, loggedIn,
  parametersOf, reviewedBy, wordBy, type StaffKeys, type World,
} from './harness.ts'

const STAFF = {
  physician: { role: 'emergency-physician' }, nurse: { role: 'emergency-nurse' }, desk: { role: 'registration' },
  officer: { role: 'officer' },
} as const
const DAY = 24 * 3_600_000
const REASON = 'inconscient, sans papiers'

let world: World
const person = (name: keyof typeof STAFF): StaffKeys => world.staff.get(name) as StaffKeys
const code = (reply: { body: unknown }): string | undefined => issueOf(reply as never).details?.coding?.[0]?.code

/** Somebody at home elsewhere, who granted this house nothing, and left the way open, or did not. */
const stranger = async (n: number, open = true): Promise<{ patient: Client; vault: Vault; id: string }> => {
  const { constellation } = world
  const patient = await constellation.client('person', { registers: [constellation.register.id] })
  const vault = await patient.createVault({
    mode: 'owner',
    categories: ['summary', 'notes', 'access-log'].map((each) => ({ code: each, strict: each === 'notes' })),
  })
  const subject = { reference: `Patient/stranger${n}` }
  const item = (category: string, handle: string, content: object) => ({
    category, version: 1, handle: constellation.random(`stranger ${n} ${handle}`)(16), content: JSON.stringify(content),
  })
  await vault.write([
    item('summary', 'a', { resourceType: 'Patient', id: `stranger${n}`, name: [{ family: `Inconnue${n}` }] }),
    item('summary', 'b', {
      resourceType: 'AllergyIntolerance', id: `allergy${n}`, patient: subject,
      clinicalStatus: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }],
      },
    }),
    ...(n === 7 ? [item('summary', 'd', { resourceType: 'AllergyIntolerance', id: 'not one' })] : []),
    item('notes', 'c', { resourceType: 'Condition', id: `note${n}`, subject }),
  ])
  if (open) {
    await vault.share({
      to: constellation.emergency.id, categories: ['summary', 'notes'], summary: ['summary'],
      rights: ['read', 'shareOn'], purposes: ['emergency'], basis: 'vital-interest',
      until: constellation.now() + 300 * DAY, depth: 1,
    })
  }
  return { patient, vault, id: toHex(vault.id) }
}

const signed = async (
  vault: string | undefined, { reader = 'physician', by = reader, reason = REASON }: {
    reader?: keyof typeof STAFF; by?: keyof typeof STAFF; reason?: string
  } = {},
): Promise<string> => wordBy(world, by, {
  type: 'step-up', reader: person(reader).identity.id, reason, ...(vault === undefined ? {} : { vault }),
})

const breakGlass = async (app: Application, vault: string, more: Record<string, string> = {}) =>
  app.post<Bundle>('$scelle-break-glass', parametersOf({
    vault, reason: REASON, statement: await signed(vault), ...more,
  }))

const typesIn = ({ body }: { body: Bundle }): string[] =>
  (body.entry ?? []).map(({ resource }) => resource?.resourceType ?? '').toSorted()

describe('at a registered site', () => {
  beforeAll(async () => {
    world = await createWorld({
      seed: 'glass', registered: { role: 'hospital', emergency: true, name: 'CHU de Brest' }, staff: STAFF,
      basis: 'consent', emergency: true,
    })
  }, 30_000)
  afterAll(() => world.close())

  test('takes a person, the second key\'s reason for this patient, now, and nothing less', async () => {
    const { id } = await stranger(1)
    const { id: other } = await stranger(2)
    const machine = await world.app.serving('nobody').post('$scelle-break-glass', parametersOf({
      vault: id, reason: REASON, statement: await signed(id),
    }))
    expect([machine.status, code(machine)]).toEqual([401, 'person-required'])
    const app = await loggedIn(world, 'physician', 'less')
    const late = await signed(id)
    const said = []
    for (const statement of [
      await signed(undefined), await signed(other), await signed(id, { by: 'nurse' }),
      await signed(id, { reader: 'nurse' }), await signed(id, { reason: 'curieux' }),
    ]) said.push(code(await breakGlass(app, id, { statement })))
    await world.constellation.clock.advance(16 * 60_000)
    const again = await loggedIn(world, 'physician', 'late')
    said.push(code(await breakGlass(again, id, { statement: late })))
    expect(said).toEqual(Array<string>(6).fill('emergency-refused'))
    const refused = await breakGlass(again, id, { statement: late })
    expect([refused.status, issueOf(refused).details?.text]).toEqual([403, expect.stringContaining('seconde clé')])
    const desk = await loggedIn(world, 'desk')
    const by = await breakGlass(desk, id, { statement: await signed(id, { reader: 'desk' }) })
    expect(code(by), 'whoever treats nobody').toBe('emergency-refused')
  })

  test('opens the summary alone, says that it is an emergency, is told, and leaves nobody in any list', async () => {
    const { id, vault } = await stranger(3)
    const app = await loggedIn(world, 'physician', 'night')
    const opened = await breakGlass(app, id)
    expect(opened.status, opened.text).toBe(200)
    expect(typesIn(opened)).toEqual(['AllergyIntolerance', 'Patient'])
    expect(opened.body.meta?.security?.[0]?.code).toBe('BTG')
    expect(opened.headers.get('scelle-emergency')).toMatch(/^until=2/)
    expect(opened.body.entry?.every(({ fullUrl }) => fullUrl?.startsWith('https://emergency.invalid/'))).toBe(true)
    // Nothing of it is anywhere here afterwards, in this session neither.
    expect((await app.get('AllergyIntolerance/allergy3')).status).toBe(404)
    expect((await app.get('Patient/stranger3')).status).toBe(404)
    expect((await app.search('Patient?name=Inconnue3')).body.total).toBe(0)
    expect(world.edge().figures()).toMatchObject({ patients: 0 })
    expect(world.edge().figures().openCharts, 'but for the organisation\'s own').toBe(1)
    await world.constellation.clock.advance(60_000)
    const { accesses, findings } = await vault.accesses()
    expect(findings).toEqual([])
    expect(accesses).toMatchObject([{ purpose: 'emergency', reader: toHex(person('physician').identity.id) }])
    expect(accesses[0]?.houses.map(({ name, proven }) => [name, proven])).toEqual([['CHU de Brest', true]])
    const register = await app.get<Bundle<AuditEvent>>('AuditEvent')
    expect(register.text).toContain('"code":"emergency"')
    expect(register.text).toContain(id)
  })

  test('opens more with a colleague, who names the vault; the same patient again costs nothing', async () => {
    const { id } = await stranger(4)
    const app = await loggedIn(world, 'physician', 'more')
    const all = { categories: 'summary,notes' }
    expect(code(await breakGlass(app, id, all))).toBe('emergency-refused')
    const nurse = await loggedIn(world, 'nurse', 'colleague')
    const confirm = { reader: toHex(person('physician').identity.id), reason: 'je confirme' }
    expect((await confirmedBy(world, 'nurse', nurse, { ...confirm, vault: 'x' })).status).toBe(400)
    await confirmedBy(world, 'nurse', nurse, confirm)
    expect(code(await breakGlass(app, id, all)), 'of no patient').toBe('emergency-refused')
    expect((await confirmedBy(world, 'nurse', nurse, { ...confirm, vault: id })).status).toBe(200)
    for (let n = 0; n < 4; n++) {
      const opened = await breakGlass(app, id, all)
      expect(opened.status, opened.text).toBe(200)
      expect(typesIn(opened)).toEqual(['AllergyIntolerance', 'Condition', 'Patient'])
    }
  })

  test('says what of it could not be shown: a summary with a gap must not look whole', async () => {
    const { id } = await stranger(7)
    const app = await loggedIn(world, 'physician', 'gap')
    const nurse = await loggedIn(world, 'nurse', 'gap of a colleague')
    await confirmedBy(world, 'nurse', nurse, {
      reader: toHex(person('physician').identity.id), reason: 'je confirme', vault: id,
    })
    const opened = await breakGlass(app, id)
    expect(typesIn(opened)).toEqual(['AllergyIntolerance', 'OperationOutcome', 'Patient'])
    expect(opened.text).toContain('incomplete')
  })

  test('opens nobody who closed the way, or never left one', async () => {
    const app = await loggedIn(world, 'physician', 'closed')
    const never = await breakGlass(app, (await stranger(5, false)).id)
    expect([never.status, never.body.resourceType]).toEqual([403, 'OperationOutcome'])
    const { id, vault } = await stranger(6)
    const [way] = await vault.grantsGiven()
    await vault.revoke(way!.id)
    expect((await breakGlass(app, id)).status).toBe(403)
    expect((await breakGlass(app, '00'.repeat(32))).status).toBe(403)
  })

  test('a thief alone is soon at the end of it', async () => {
    const app = await loggedIn(world, 'nurse', 'thief')
    const said: number[] = []
    for (let n = 10; n < 14; n++) {
      const { id } = await stranger(n)
      said.push((await breakGlass(app, id, { statement: await signed(id, { reader: 'nurse' }) })).status)
    }
    expect(said.filter((status) => status === 200).length).toBeLessThanOrEqual(3)
    expect(said.at(-1)).toBe(403)
  })

  test('officers read the reasons and review; nobody else does', async () => {
    const nurse = await loggedIn(world, 'nurse', 'curious')
    expect((await nurse.get('$scelle-emergencies')).status).toBe(403)
    const officer = await loggedIn(world, 'officer')
    const listed = await officer.get<Parameters>('$scelle-emergencies')
    const emergencies = listed.body.parameter ?? []
    const partsOf = (place: number): Record<string, unknown> => Object.fromEntries(
      (emergencies[place]?.part ?? []).map(({ name, valueString }) => [name, valueString]))
    expect(emergencies.length).toBeGreaterThanOrEqual(4)
    const first = emergencies.map((_, place) => partsOf(place)).find(({ person: name }) => name === 'nurse')
    expect(first).toMatchObject({ reason: REASON, reader: toHex(person('nurse').identity.id) })
    const access = String(first?.['access'])
    expect((await nurse.post('$scelle-review', parametersOf({ access, reason: 'moi-même' }))).status).toBe(403)
    const none = await officer.post('$scelle-review', parametersOf({ access: '00'.repeat(32), reason: 'rien' }))
    expect(none.status).toBe(404)
    const reviewed = await reviewedBy(world, 'officer', officer, access)
    expect(reviewed.status, reviewed.text).toBe(200)
    const again = await officer.get<Parameters>('$scelle-emergencies')
    const done = again.body.parameter?.filter(({ part }) => part?.some(({ name }) => name === 'reviewed'))
    expect(done).toHaveLength(1)
  })
})

describe('elsewhere', () => {
  test('a house that no register calls a site is refused by trustees; one without the key, by its edge', async () => {
    world = await createWorld({
      seed: 'no site', registered: { role: 'hospital' }, staff: STAFF, basis: 'consent', emergency: true,
    })
    const { id } = await stranger(1)
    const app = await loggedIn(world, 'physician')
    expect(code(await breakGlass(app, id))).toBe('emergency-refused')
    await world.close()
    world = await createWorld({ seed: 'no key', registered: { role: 'hospital', emergency: true }, staff: STAFF })
    const keyless = await loggedIn(world, 'physician')
    expect((await breakGlass(keyless, (await stranger(1)).id)).status).toBe(400)
    await world.close()
  }, 20_000)

  test('of a patient of the house: care opens with a fact as before, and not by the way', async () => {
    world = await createWorld({
      seed: 'known', registered: { role: 'hospital', emergency: true }, staff: STAFF, emergency: true,
    })
    await world.app.put('Patient/p1', { resourceType: 'Patient', id: 'p1', name: [{ family: 'Connue' }] })
    const subject = { reference: 'Patient/p1' }
    await world.app.put('Condition/c1', { resourceType: 'Condition', id: 'c1', subject })
    const desk = await loggedIn(world, 'desk')
    await desk.post('Patient/p1/$scelle-fact', parametersOf({
      type: 'admission', until: new Date(world.constellation.now() + 60_000).toISOString(),
    }))
    const day = await loggedIn(world, 'physician', 'day')
    const card = await world.patiently(day.post('Patient/p1/$scelle-card', parametersOf({
      until: new Date(world.constellation.now() + DAY).toISOString(),
    })))
    expect(card.status, card.text).toBe(200)
    await day.post('$scelle-logout', undefined)
    await world.constellation.clock.advance(6 * 60_000)
    // Somebody who never opened it: there is no other grant yet than the way.
    const night = await loggedIn(world, 'nurse', 'night')
    const { body } = await night.post<Parameters>('Patient/p1/$scelle-vault', undefined)
    const statement = await signed(body.parameter?.[0]?.valueString, { reader: 'nurse' })
    const broken = await night.post('$scelle-break-glass', parametersOf({
      patient: 'Patient/p1', reason: REASON, statement,
    }))
    expect(broken.status, broken.text).toBe(200)
    expect(code(await night.get('Condition/c1'))).toBe('fact-required')
    await world.close()
  }, 20_000)
})
