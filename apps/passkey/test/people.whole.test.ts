/**
 * People of a hospital, from their first key to their last sign-out: a real Chromium, the page as it is served, and a
 * real edge, index and trustees on sockets. The officer reads French, the doctor English, at one workstation.
 */
import { type Client, handleOf } from '@scelle/sdk'
import { fromHex, toHex, verifyKeyChain } from '@scelle/seal/verify'
import { type PageAnswer, type PageTask, readAnswer } from '@scelle/wire/passkey-page'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Authenticator, hasChromium, ReturnServer, Window } from './browser.ts'
import { type Told, valueIn } from './desk.ts'
import { found, type Hospital, keepSheet, openHospital, type Owned, owned, rootsIn } from './hospital.ts'
import { leaksOf } from './leaks.ts'
import { addressAs, type Asking, context } from './world.ts'

const hospital = await openHospital()
const { browser, constellation, desk, house, officer, officerId, site } = hospital ?? ({} as Hospital)
afterAll(() => hospital?.close())

const PATIENTS = 14
/** Hex id of the doctor, once enrolled. */
let person = ''
let claires: Authenticator
let clairesSession = ''
let key: Authenticator
let second: Authenticator
const sheets: string[] = []

/** The edge's answer, as the desk shows it. */
const shown = async ({ page }: Window): Promise<Told> =>
  ({ status: Number(await page.title()), text: await page.locator('pre').innerText() })

const sessionAt = async ({ page }: Window): Promise<string> => {
  const cookie = (await page.context().cookies()).find(({ name }) => name === 'desk')
  if (cookie === undefined) throw new Error('this browser has no session at the desk')
  return cookie.value
}

/** The desk sends the browser to the passkey page. */
const toPage = (window: Window, operation: string, values: Readonly<Record<string, string>>): Promise<void> =>
  window.visit(`${desk.origin}/ask/${operation}?${new URLSearchParams(values)}`)

/** Back from the page: the edge's answer to what was signed there. */
const backAt = async (window: Window, operation: string): Promise<Told> => {
  await window.page.waitForURL(`${desk.origin}/done/${operation}?*`)
  return shown(window)
}

const does = async (window: Window, operation: string, values: Readonly<Record<string, string>>): Promise<Told> => {
  await window.visit(`${desk.origin}/do/${operation}?${new URLSearchParams(values)}`)
  return shown(window)
}

const opens = async (window: Window, path: string): Promise<Told> => {
  await window.visit(`${desk.origin}/fhir/${path}`)
  return shown(window)
}

const opensIn = async (session: string, path: string): Promise<number> =>
  (await desk.ask('GET', path, undefined, session)).status

/** Another browser session at the same workstation, and whose key is in it. */
const changesTo = async (plugged: Authenticator): Promise<void> => {
  await officer.page.context().clearCookies()
  for (const each of officer.keys) await each.present(each === plugged)
}

const officerSignsIn = async (): Promise<number> => {
  await toPage(officer, 'login', { person: officerId, language: 'fr' })
  await officer.titled('Vous connecter ?')
  await officer.shot('20-sign-in-fr')
  await officer.press('Me connecter')
  return (await backAt(officer, 'login')).status
}

const signsIn = async (): Promise<Told> => {
  await toPage(officer, 'login', { person, language: 'en' })
  await officer.titled('Sign in?')
  await officer.shot('23-sign-in-en')
  await officer.press('Sign me in')
  return backAt(officer, 'login')
}

beforeAll(async () => {
  if (!hasChromium) return
  for (let n = 0; n < PATIENTS; n++) {
    await desk.ask('PUT', `Patient/p${n}`, { resourceType: 'Patient', id: `p${n}`, name: [{ family: `Famille${n}` }] })
    await desk.ask('PUT', `Condition/c${n}`, {
      resourceType: 'Condition', id: `c${n}`, subject: { reference: `Patient/p${n}` }, code: { text: 'Asthme' },
    })
  }
})

describe.skipIf(!hasChromium)('a doctor', () => {
  test('is enrolled by the officer: a key, a sheet that was tried, a register\'s word', async () => {
    expect(await officerSignsIn()).toBe(200)
    await toPage(officer, 'enrol', { name: 'Dr Amina Belkacem', language: 'en' })
    await officer.titled('Create your passkey')
    await officer.shot('21-enrol-en')
    claires = found(officer.keys[0])
    await claires.present(false)
    key = await officer.authenticator()
    await officer.press('Begin')
    sheets.push(await keepSheet(officer, 'en', '22-sheet-en'))
    await officer.press('Check the sheet')
    const enrolled = await backAt(officer, 'enrol')
    expect(enrolled).toMatchObject({ status: 200 })
    person = valueIn(enrolled, 'person')
    await changesTo(key)
    await toPage(officer, 'login', { person, language: 'en' })
    await officer.press('Sign me in')
    expect((await backAt(officer, 'login')).status, 'no register says who it is').toBe(403)

    await changesTo(claires)
    expect(await officerSignsIn()).toBe(200)
    const status = await constellation.register.enrol({
      subject: found(fromHex(person)), role: 'emergency-physician', organisation: house.identity.id, ownKey: false,
    })
    const statement = Buffer.from(status).toString('base64')
    expect((await does(officer, 'status', { person, statement })).status).toBe(200)
    expect((await does(officer, 'logout', {})).status).toBe(204)
  })

  test('signs in by that key, and opens a chart with the session that the browser has', async () => {
    await changesTo(key)
    expect((await opens(officer, 'Condition/c0')).status, 'nobody is signed in').toBe(401)
    expect(await signsIn()).toMatchObject({ status: 200, text: expect.stringContaining('emergency-physician') })
    expect(await opens(officer, 'Condition/c0')).toMatchObject({ status: 200, text: expect.stringContaining('Asthme') })
    await officer.shot('24-chart')
  })

  test('goes on beyond the free count after a second gesture, whose reason the page shows', async () => {
    const session = await sessionAt(officer)
    let n = 1
    while (n < PATIENTS && (await opensIn(session, `Condition/c${n}`)) === 200) n++
    expect(n).toBeGreaterThan(6)
    const refused = await opens(officer, `Condition/c${n}`)
    expect(refused).toMatchObject({ status: 403, text: expect.stringContaining('step-up-required') })
    await toPage(officer, 'confirm', { reader: person, reason: 'Night shift, ward full', language: 'en' })
    await officer.titled('Confirm?')
    expect(await officer.page.locator('dl').innerText()).toContain('Night shift, ward full')
    await officer.shot('25-step-up-en')
    await officer.press('Confirm')
    expect((await backAt(officer, 'confirm')).status).toBe(200)
    expect((await opens(officer, `Condition/c${n}`)).status).toBe(200)
  })

  test('loses the key, comes back with the sheet: sessions by the lost key are over, and it is refused', async () => {
    const before = await sessionAt(officer)
    await changesTo(claires)
    expect(await officerSignsIn()).toBe(200)
    clairesSession = await sessionAt(officer)
    expect(await opensIn(before, 'Condition/c0'), 'whoever has the key goes on').toBe(200)
    await claires.present(false)
    await toPage(officer, 'enrol', { task: 'recover', person, language: 'en' })
    await officer.titled('You have no key left')
    await officer.shot('26-recover-en')
    await officer.press('Regain access')
    second = await officer.authenticator()
    await officer.page.getByLabel('Letters of the sheet').fill(found(sheets[0]))
    await officer.press('Check the sheet')
    sheets.push(await keepSheet(officer, 'en', '27-new-sheet-en'))
    await officer.press('Check the sheet')
    expect(await backAt(officer, 'enrol')).toMatchObject({ status: 200, text: expect.stringContaining(person) })
    expect(await opensIn(before, 'Condition/c0')).toBe(401)

    await changesTo(key)
    await toPage(officer, 'login', { person, language: 'en' })
    await officer.press('Sign me in')
    await officer.page.getByRole('button', { name: 'Decline' }).waitFor()
    await officer.shot('28-lost-key-en')
    await officer.press('Decline')
    expect((await backAt(officer, 'login')).status, 'the lost key').toBe(403)
    await key.lose()
    officer.keys.splice(officer.keys.indexOf(key), 1)
    await changesTo(second)
    expect((await signsIn()).status).toBe(200)
    expect((await opens(officer, 'Condition/c0')).status).toBe(200)
  })
})

describe.skipIf(!hasChromium)('whoever is not the doctor', () => {
  let thief: Window
  beforeAll(async () => {
    thief = await Window.open(browser)
  })
  afterAll(() => thief?.page.close())

  /** Of the page, as the desk would send this browser there. */
  const askedIn = async (session: string): Promise<string> =>
    valueIn(await desk.operate('login', [
      ['person', person], ['return', `${desk.origin}/back/login`], ['language', 'en'],
    ], session), 'url')

  test('has nothing of an answer\'s copied address, in another browser or in a second tab', async () => {
    await changesTo(second)
    expect((await signsIn()).status).toBe(200)
    const address = officer.page.url()
    await thief.visit(address)
    expect((await shown(thief)).status).toBe(403)
    expect((await opens(thief, 'Condition/c0')).status).toBe(401)
    const tab = await officer.page.context().newPage()
    await tab.goto(address)
    expect(await tab.title()).toBe('403')
    await tab.close()
    expect((await opens(officer, 'Condition/c0')).status, 'the doctor goes on').toBe(200)
  })

  test('edits a request in the address bar: the page says that it is forged, and signs nothing', async () => {
    await thief.visit(`${desk.origin}/fhir/metadata`)
    const asked = new URL(await askedIn(await sessionAt(thief)))
    const octets = Buffer.from(asked.hash.slice(1), 'base64url')
    const at = octets.indexOf('/back/login')
    expect(at).toBeGreaterThan(0)
    octets[at + 1] = 'h'.codePointAt(0) ?? 0
    asked.hash = octets.toString('base64url')
    await thief.visit(asked.href)
    await thief.titled('Demande falsifiée')
    await thief.shot('29-forged-fr')
    expect(await thief.page.getByRole('button').allInnerTexts()).toEqual(['English'])
    await thief.visit(asked.href.slice(0, -40))
    await thief.titled('Demande illisible')
  })

  test('goes back after a sign-in and posts the answer again: neither page nor edge knows of it any more', async () => {
    await changesTo(second)
    expect((await signsIn()).status).toBe(200)
    const answer = found(desk.posted.at(-1))
    await officer.page.goBack()
    await officer.page.waitForURL(`${site.origin}/`)
    await officer.titled('Rien à signer ici')
    // Something was: the page does not say otherwise.
    expect(await officer.page.getByRole('alert').count()).toBe(0)
    await officer.shot('30-back-fr')
    await thief.visit(`${desk.origin}/fhir/metadata`)
    for (const window of [officer, thief]) {
      await window.visit(`${desk.origin}/fhir/metadata`)
      await window.page.evaluate((posted) => {
        const form = Object.assign(document.createElement('form'), { method: 'post', action: '/back/login' })
        form.append(Object.assign(document.createElement('input'), { name: 'answer', value: posted }))
        document.body.append(form)
        form.submit()
      }, answer)
      expect((await backAt(window, 'login')).status).toBe(403)
    }
  })

  test('begins a sign-in, and has the doctor sign it: nobody is signed in by that', async () => {
    await thief.visit(`${desk.origin}/fhir/metadata`)
    const theirs = await sessionAt(thief)
    await changesTo(second)
    await officer.visit(await askedIn(theirs))
    await officer.press('Sign me in')
    expect((await backAt(officer, 'login')).status).toBe(403)
    expect((await opens(officer, 'Condition/c0')).status).toBe(401)
    expect(await opensIn(theirs, 'Condition/c0')).toBe(401)
  })
})

/**
 * Nothing of the product asks for a patient's keys yet: here the hospital does, for what a portal will be. What the
 * portal will do with the root in the patient's browser, this test does with the one that their telephone gives back.
 */
describe.skipIf(!hasChromium)('a patient', () => {
  const TELEPHONE = { width: 390, locale: 'fr-FR' } as const
  const CATEGORIES = [{ code: 'summary', strict: false }, { code: 'access-log', strict: false }]
  const returned = new ReturnServer()
  let telephone: Window
  let own: Owned
  let letters: string
  let vault: Uint8Array

  beforeAll(async () => {
    if (hasChromium) await returned.start()
  })
  afterAll(() => returned.close())

  /** What the page answers, and the root in the hands of the only one who can open it. */
  const carriesOut = async (task: PageTask, fields: Asking, carried: () => Promise<void>): Promise<Owned> => {
    const state = context.random(16)
    await telephone.visit(await addressAs(`${site.origin}/`, house, task, {
      personName: 'Jeanne Morel', returnTo: returned.url, state, ...fields,
    }))
    await carried()
    const answer = readAnswer(await returned.next(), state)
    await telephone.titled('returned')
    await telephone.page.goto(site.origin)
    return owned(answer, (await telephone.witnessed()).prf)
  }

  const clientOf = async ({ identity }: Owned): Promise<Client> => {
    const client = await constellation.client(identity, { standing: { show: () => ({}) } })
    await client.people.register(identity.chain)
    return client
  }

  test('enrols on a telephone whose keys are synced: their principal, root and vault are their own', async () => {
    telephone = await Window.open(browser, TELEPHONE)
    await telephone.authenticator({ synced: true })
    own = await carriesOut('enrol', {}, async () => {
      await telephone.titled('Créer votre clé d’accès')
      await telephone.shot('40-patient-fr')
      await telephone.press('Commencer')
      letters = await keepSheet(telephone, 'fr', '41-patient-sheet-fr')
      await telephone.press('Vérifier la feuille')
    })
    expect(own.identity.keys.current.passkeys?.map(({ deviceBound }) => deviceBound)).toEqual([false])
    const client = await clientOf(own)
    const made = await client.createVault({ mode: 'owner', categories: CATEGORIES })
    const handle = handleOf(new Uint8Array(32), 'Observation', 'weight')
    await made.write([{ category: 'summary', handle, version: 1, content: '{"resourceType":"Observation"}' }])
    await made.share({
      to: house.identity.id, categories: ['summary'], until: Date.now() + 3_600_000, purposes: ['treatment'],
    })
    vault = made.id
    // The edge sees it offered, and opens nothing before somebody there accepts it.
    await hospital?.edge().lookForGrants()
    expect(await desk.ask('GET', '$scelle-offers', undefined, clairesSession))
      .toMatchObject({ status: 200, text: expect.stringContaining(toHex(own.identity.id)) })
  })

  test('loses the telephone, and is the same person on the next one, by the sheet: the vault opens', async () => {
    const before = own
    await telephone.page.context().close()
    telephone = await Window.open(browser, TELEPHONE)
    await telephone.authenticator({ synced: true })
    const asking = { person: [...before.identity.chain], wraps: [...before.wraps] }
    own = await carriesOut('recover', asking, async () => {
      await telephone.titled('Vous n’avez plus aucune clé')
      await telephone.shot('42-patient-recovers-fr')
      await telephone.press('Reprendre l’accès')
      await telephone.page.getByLabel('Lettres de la feuille').fill(letters)
      await telephone.press('Vérifier la feuille')
      await keepSheet(telephone, 'fr', '43-patient-new-sheet-fr')
      await telephone.press('Vérifier la feuille')
    })
    expect(toHex(own.identity.id)).toBe(toHex(before.identity.id))
    expect(toHex(own.root)).toBe(toHex(before.root))
    expect(own.identity.keys.current.passkeys).not.toEqual(before.identity.keys.current.passkeys)
    const chart = await (await (await clientOf(own)).vault(vault)).open()
    expect([...chart.opened()]).toHaveLength(1)
    const { prf } = await telephone.witnessed()
    const sheet = Buffer.from(letters.replaceAll(' ', ''))
    const secrets = { root: own.root, prf: found(fromHex(prf[0] ?? '')), sheet }
    expect(leaksOf(secrets, telephone.sent)).toEqual([])
  })
})

describe.skipIf(!hasChromium)('in the end', () => {
  test('the doctor signs out everywhere on the page: nothing more opens, and what was open closes', async () => {
    const sessions: string[] = []
    for (const _ of ['ward', 'office']) {
      await changesTo(second)
      expect((await signsIn()).status).toBe(200)
      sessions.push(await sessionAt(officer))
      expect((await opens(officer, 'Condition/c1')).status).toBe(200)
    }
    const client = await constellation.client('machine')
    const chain = await client.people.registered(found(fromHex(person)))
    const returned = new ReturnServer()
    await returned.start()
    const state = context.random(16)
    await officer.visit(await addressAs(`${site.origin}/`, house, 'sign-out', {
      person: [...chain], language: 'en', state, returnTo: returned.url,
    }))
    await officer.titled('Sign out everywhere?')
    await officer.shot('31-sign-out-en')
    await officer.press('Sign me out everywhere')
    const { signed } = readAnswer(await returned.next(), state)
    await officer.titled('returned')
    returned.close()
    await client.people.signOut(found(signed))
    // The edge has not heard of it yet: index and trustees refuse by themselves.
    for (const session of sessions) {
      expect(await desk.ask('GET', 'Condition/c2', undefined, session))
        .toMatchObject({ status: 401, text: expect.stringContaining('This session ended') })
    }
    const until = Date.now() + 20_000
    while (Date.now() < until && (await opensIn(sessions[0] ?? '', 'Condition/c1')) !== 401) {
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
    for (const session of sessions) expect(await opensIn(session, 'Condition/c1')).toBe(401)
  })

  test('no PRF output, root or sheet has left the browser, or lies on any disk', async () => {
    await officer.page.goto(site.origin)
    const { prf } = await officer.witnessed()
    const answers = desk.posted.map((posted): PageAnswer => readAnswer(posted))
    const roots = await rootsIn(answers, prf)
    expect([prf.length, roots.length]).toEqual([3, 2])
    const secrets = {
      ...Object.fromEntries(prf.map((output, at) => [`prf ${at}`, found(fromHex(output))])),
      ...Object.fromEntries(roots.map((root, at) => [`root ${at}`, root])),
      ...Object.fromEntries(sheets.map((letters, at) => [`sheet ${at}`, Buffer.from(letters.replaceAll(' ', ''))])),
    }
    expect(leaksOf(secrets, officer.sent)).toEqual([])
    expect(leaksOf(secrets, await hospital?.disks() ?? [])).toEqual([])
    // The search finds what it looks for: a public key that was sent, and that index and edge keep.
    const [passkey] = (await verifyKeyChain(found(answers.findLast(({ chain }) => chain !== undefined)?.chain)))
      .current.passkeys ?? []
    const known = { [toHex(found(passkey).credential)]: found(passkey).publicKey }
    expect(leaksOf(known, officer.sent)).toHaveLength(1)
    expect(leaksOf(known, await hospital?.disks() ?? [])).toHaveLength(1)
  })
})
