/** People of the house: who opens, with what right, on whose meter; what the edge counts by itself. */
import type { Bundle, Parameters } from '@medplum/fhirtypes'
import { toHex } from '@scelle/sdk'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type Application, askedToLogin, confirmedBy, createWorld, issueOf,
  loggedIn, loginOf, parametersOf, type StaffKeys, type World,
} from './harness.ts'

const STAFF = {
  martin: { role: 'gp' }, durand: { role: 'gp' }, secretary: { role: 'registration' }, engineer: { role: 'engineer' },
  officer: { role: 'officer' },
} as const
const HOUR = 3_600_000

let world: World
const make = async (basis: 'care-team' | 'consent'): Promise<void> => {
  world = await createWorld({ seed: `staff ${basis}`, registered: { role: 'practice' }, staff: STAFF, basis })
}

const person = (name: string): StaffKeys => world.staff.get(name) as StaffKeys
const code = (reply: { body: unknown }): string | undefined =>
  issueOf(reply as never).details?.coding?.[0]?.code

/** A patient whom an application registered, with a condition. */
const patient = async (n: number): Promise<string> => {
  const id = `p${n}`
  await world.app.put(`Patient/${id}`, { resourceType: 'Patient', id, name: [{ family: `Famille${n}` }] })
  const { status, text } = await world.app.put(`Condition/c${n}`, {
    resourceType: 'Condition', id: `c${n}`, subject: { reference: `Patient/${id}` },
    code: { coding: [{ system: 'http://snomed.info/sct', code: '38341003' }] },
  })
  if (status !== 201) throw new Error(text)
  return id
}

const until = (hours: number): string => new Date(world.constellation.now() + hours * HOUR).toISOString()

/** As an officer of the house orders it. */
const lockDevice = async (name: string): Promise<void> => {
  const { constellation } = world
  const officer = await constellation.client('person')
  const status = await constellation.register.enrol({
    subject: officer.identity.id, role: 'officer', organisation: world.party.id,
  })
  const { identity, statuses } = person(name)
  const order = await officer.newOrder({
    action: 'lock', scope: 'device', target: identity.id, reason: 'clé volée',
    until: constellation.now() + HOUR,
  })
  await officer.order([order], [status, ...statuses])
}

const open = async (app: Application, n: number) => app.get(`Condition/c${n}`)

describe('under consent', () => {
  beforeAll(async () => {
    await make('consent')
    for (let n = 0; n < 45; n++) await patient(n)
  }, 60_000)
  afterAll(() => world.close())

  test('no application opens a chart by itself', async () => {
    const refused = await open(world.app, 0)
    expect([refused.status, code(refused)]).toEqual([401, 'person-required'])
    expect(issueOf(refused).details?.text).toContain('page des clés')
  })

  test('no application gives records out by itself, nor does who keeps the machines', async () => {
    const thief = await world.constellation.client('organisation')
    const share = (app: Application) => app.post('Patient/p1/$scelle-share', parametersOf({
      with: toHex(thief.identity.id), categories: 'summary', until: until(24),
    }))
    const refused = await share(world.app)
    expect([refused.status, code(refused)]).toEqual([401, 'person-required'])
    expect((await share(await loggedIn(world, 'engineer', 'sharing'))).status).toBe(403)
    for (const path of ['Patient/p1/$scelle-grants', 'Patient/p1/$scelle-accesses', '$scelle-offers']) {
      expect((await world.app.get(path)).status, path).toBe(401)
    }
    expect((await world.app.post('Patient/p1/$scelle-decoy', undefined)).status).toBe(401)
    expect((await thief.grants()).length).toBe(0)
  })

  test('a stranger\'s word for somebody\'s going on is not kept: it would push out a colleague\'s', async () => {
    const stranger = await world.constellation.client('person')
    const signed = await stranger.confirm({
      type: 'colleague', reader: person('martin').identity.id, organisation: world.party.id, reason: 'moi aussi',
    })
    const upload = parametersOf({ statement: Buffer.from(signed).toString('base64') })
    expect((await world.app.post('$scelle-confirm', upload)).status).toBe(400)
  })

  test('a sign-in takes the passkey\'s word, for this session, once', async () => {
    const app = world.app.serving('someone')
    const elsewhere = world.app.serving('someone else')
    expect((await app.post('$scelle-login', await loginOf(world, 'martin', app, 'durand'))).status).toBe(403)
    expect((await app.post('$scelle-login', await loginOf(world, 'martin', elsewhere))).status).toBe(403)
    const good = await loginOf(world, 'martin', app)
    expect((await app.post('$scelle-login', good)).status).toBe(200)
    await expect(askedToLogin(world, 'durand', app), 'taken').rejects.toThrow('409')
    await app.post('$scelle-logout', undefined)
    expect((await app.post('$scelle-login', good)).status, 'replayed').toBe(403)
    expect((await open(app, 0)).status).toBe(401)
  })

  test('a person opens with a grant of the organisation, under its own id and on its own meter', async () => {
    const martin = await loggedIn(world, 'martin')
    const opened = await open(martin, 0)
    expect(opened.status, opened.text).toBe(200)
    expect(opened.headers.get('scelle-meter')).toMatch(/^day=1\//)
    expect((await martin.get('Patient/p0/$scelle-accesses')).status, 'an officer\'s').toBe(403)
    const { body: accesses } = await (await loggedIn(world, 'officer', 'accesses'))
      .get<Parameters>('Patient/p0/$scelle-accesses')
    expect(JSON.stringify(accesses)).toContain(toHex(person('martin').identity.id))
    const durand = await loggedIn(world, 'durand')
    await open(durand, 1)
    const standing = await durand.get<Parameters>('$scelle-standing')
    const days = standing.body.parameter?.flatMap(({ part = [] }) =>
      part.flatMap(({ name, valueInteger }) => (name === 'day' ? valueInteger : [])))
    expect(days?.toSorted()).toEqual([0, 1, 1])
  })

  test('no more than the role: the desk sees who comes, and no diagnosis', async () => {
    const desk = await loggedIn(world, 'secretary')
    const { status, body } = await desk.get<Bundle>('Patient/p2/$everything')
    expect(status).toBe(200)
    expect(body.entry?.map(({ resource }) => resource?.resourceType)).toEqual(['Patient'])
    expect((await open(desk, 2)).status).not.toBe(200)
  })

  test('an access log is the officer\'s to read here, and asking for it signs nothing', async () => {
    const martin = await loggedIn(world, 'martin', 'curious')
    await open(martin, 0)
    const grants = async () => ((await martin.get<Bundle>('Patient/p0/$scelle-grants')).body.entry ?? []).length
    const before = await grants()
    expect((await martin.search('AuditEvent?patient=Patient/p0')).status).toBe(403)
    expect(await grants()).toBe(before)
    const officer = await loggedIn(world, 'officer')
    const { status, body } = await officer.search('AuditEvent?patient=Patient/p0')
    expect([status, (body.total ?? 0) > 0]).toEqual([200, true])
  })

  test('who keeps the machines has no list, takes nothing along, opens nobody', async () => {
    const engineer = await loggedIn(world, 'engineer')
    expect((await engineer.search('Patient?name=Famille')).status).toBe(403)
    expect((await engineer.get('Patient/p0')).status).toBe(403)
    expect((await open(engineer, 0)).status).toBe(403)
  })

  test('the ladder: free, the second key, a colleague, and everybody else goes on', async () => {
    const martin = await loggedIn(world, 'martin', 'ladder')
    const codes: (string | undefined)[] = []
    let n = 3
    const go = async (): Promise<string> => {
      for (; n < 45; n++) {
        const reply = await open(martin, n)
        if (reply.status !== 200) return code(reply) ?? String(reply.status)
      }
      return 'all'
    }
    codes.push(await go())
    const first = n
    const { identity } = person('martin')
    const stepUp = await confirmedBy(world, 'martin', martin, {
      reader: toHex(identity.id), reason: 'rappel de la liste',
    })
    expect(stepUp.status, stepUp.text).toBe(200)
    codes.push(await go())
    const second = n
    const durand = await loggedIn(world, 'durand', 'colleague')
    const confirmed = await confirmedBy(world, 'durand', durand, {
      reader: toHex(identity.id), reason: 'absence, je confirme',
    })
    expect(confirmed.status, confirmed.text).toBe(200)
    codes.push(await go())
    expect(codes.slice(0, 2)).toEqual(['step-up-required', 'colleague-required'])
    expect([first > 15, second > first, n > second]).toEqual([true, true, true])
    expect((await open(durand, 2)).status).toBe(200)
  }, 60_000)

  test('keys that the house changed reach its people', async () => {
    const durand = await loggedIn(world, 'durand', 'before')
    expect((await open(durand, 1)).status).toBe(200)
    const partner = await world.constellation.client('organisation')
    const shared = await durand.post<Parameters>('Patient/p1/$scelle-share', parametersOf({
      with: toHex(partner.identity.id), categories: 'summary', until: until(24),
    }))
    const grant = shared.body.parameter?.[0]?.valueString as string
    expect((await durand.post('$scelle-revoke', parametersOf({ grant }))).status).toBe(200)
    await world.app.put('Condition/later', {
      resourceType: 'Condition', id: 'later', subject: { reference: 'Patient/p1' },
    })
    const after = await loggedIn(world, 'durand', 'after')
    expect((await after.get('Condition/later')).status).toBe(200)
  })

  test('a list row is counted, and who lists too much is stopped; a restart refills nothing', async () => {
    const desk = await loggedIn(world, 'secretary', 'listing')
    let misses = 0
    for (; misses < 300; misses++) {
      if ((await desk.get(`Patient/nobody${misses}`)).status !== 404) break
    }
    expect(misses).toBe(240)
    await world.party.kill()
    await world.party.restart()
    const again = await loggedIn(world, 'secretary', 'after the restart')
    expect((await again.get('Patient/nobody')).status).toBe(403)
    expect((await again.search('Patient?name=Famille7')).status).toBe(200)
  })
})

describe('as a care team', () => {
  beforeEach(() => make('care-team'))
  afterEach(() => world.close())

  test('a chart opens with a fact by somebody else, and not with the reader\'s own', async () => {
    const id = await patient(1)
    const martin = await loggedIn(world, 'martin')
    expect(code(await open(martin, 1))).toBe('fact-required')
    const own = await martin.post(`Patient/${id}/$scelle-fact`, parametersOf({ type: 'appointment', until: until(4) }))
    expect(own.status, own.text).toBe(200)
    expect(code(await open(martin, 1))).toBe('fact-required')
    const desk = await loggedIn(world, 'secretary')
    const made = await desk.post(`Patient/${id}/$scelle-fact`, parametersOf({ type: 'appointment', until: until(4) }))
    expect(made.status, made.text).toBe(200)
    expect((await open(martin, 1)).status).toBe(200)
    const durand = await loggedIn(world, 'durand')
    expect((await open(durand, 1)).status).toBe(200)
  })

  test('an appointment that the desk enters opens the chart, a doctor\'s own does not', async () => {
    const id = await patient(1)
    const enter = (app: Application, name: string) => app.put(`Appointment/${name}`, {
      resourceType: 'Appointment', id: name, status: 'booked', start: until(1), end: until(2),
      participant: [{ actor: { reference: `Patient/${id}` }, status: 'accepted' }],
    })
    const martin = await loggedIn(world, 'martin')
    expect((await enter(martin, 'own')).status).toBe(201)
    expect((await enter(world.app, 'of-an-application')).status).toBe(201)
    expect(code(await open(martin, 1))).toBe('fact-required')
    const desk = await loggedIn(world, 'secretary')
    expect((await enter(desk, 'desk')).status).toBe(201)
    expect((await open(martin, 1)).status).toBe(200)
  })

  test('whoever is locked vouches for nobody', async () => {
    const id = await patient(1)
    const desk = await loggedIn(world, 'secretary')
    await desk.post(`Patient/${id}/$scelle-fact`, parametersOf({ type: 'appointment', until: until(4) }))
    const martin = await loggedIn(world, 'martin')
    expect((await open(martin, 1)).status).toBe(200)
    await lockDevice('secretary')
    const durand = await loggedIn(world, 'durand')
    expect(code(await open(durand, 1))).toBe('fact-required')
  })

  test('a fact about another patient, of another house, forged, or with a stranger\'s status is not kept', async () => {
    const id = await patient(1)
    const desk = await loggedIn(world, 'secretary')
    const vault = (await desk.post<Parameters>(`Patient/${id}/$scelle-vault`, undefined)).body
      .parameter?.[0]?.valueString as string
    const stranger = await world.constellation.client('person')
    const sign = async (fields: object): Promise<Uint8Array> => stranger.fact({
      type: 'referral', vault, organisation: world.party.id, from: world.constellation.now(),
      until: world.constellation.now() + HOUR, ...fields,
    })
    const upload = async (fact: Uint8Array, more: Record<string, string> = {}): Promise<number> =>
      (await world.app.post(`Patient/${id}/$scelle-fact`, parametersOf({
        statement: Buffer.from(fact).toString('base64'), ...more,
      }))).status
    const forged = await sign({})
    forged[forged.length - 1] = (forged.at(-1) as number) ^ 1
    const own = person('martin').statuses[0] as Uint8Array
    expect([
      await upload(await sign({ vault: new Uint8Array(32) })),
      await upload(await sign({ organisation: stranger.identity.id })),
      await upload(forged), await upload(await sign({}), { status: Buffer.from(own).toString('base64') }),
      await upload(await sign({})),
    ]).toEqual([400, 400, 400, 400, 400])
    const martin = await loggedIn(world, 'martin')
    expect(code(await open(martin, 1))).toBe('fact-required')
  })

  test('a lock ends the session and what it has open', async () => {
    const id = await patient(1)
    const desk = await loggedIn(world, 'secretary')
    await desk.post(`Patient/${id}/$scelle-fact`, parametersOf({ type: 'admission', until: until(4) }))
    const martin = await loggedIn(world, 'martin')
    expect((await open(martin, 1)).status).toBe(200)
    expect(world.edge().figures().openCharts, 'and the organisation\'s own').toBe(2)
    await lockDevice('martin')
    await world.constellation.clock.advance(20_000)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect((await open(martin, 1)).status).toBe(401)
    expect(world.edge().figures().openCharts).toBe(1)
    const back = await loggedIn(world, 'martin', 'again')
    expect(code(await open(back, 1))).toBe('locked')
  })

  test('a leaver is out within a minute: the register took the status back, and the session ends', async () => {
    const id = await patient(1)
    const desk = await loggedIn(world, 'secretary')
    await desk.post(`Patient/${id}/$scelle-fact`, parametersOf({ type: 'admission', until: until(4) }))
    const martin = await loggedIn(world, 'martin')
    expect((await open(martin, 1)).status).toBe(200)
    const { constellation } = world
    const register = await constellation.client(constellation.register.identity)
    const withdrawn = constellation.now()
    await register.withdraw(await register.newWithdrawal(person('martin').identity.id))
    await constellation.clock.advance(20_000)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect((await open(martin, 1)).status).toBe(401)
    expect(constellation.now() - withdrawn).toBeLessThan(60_000)
    expect(world.edge().figures().openCharts).toBe(1)
    const back = await loggedIn(world, 'martin', 'again')
    expect(code(await open(back, 1))).toBe('status-withdrawn')
    expect((await open(desk, 1)).status).not.toBe(401)
  })
})
