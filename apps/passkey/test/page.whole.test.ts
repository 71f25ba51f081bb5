/** The page in a real browser, with real keys: from enrolment to the last sign-out. */
import { makeOrder } from '@scelle/seal/grants'
import {
  Confirmation, decode, encode, equalBytes, fromHex, Order, SUITE, Ticket, verifySession, verifySigned, verifySignOut,
} from '@scelle/seal/verify'
import { type PageAnswer, type PageTask, readAnswer } from '@scelle/wire/passkey-page'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rootUnderPasskey } from '../src/page/root.ts'
import { type Authenticator, hasChromium, Window } from './browser.ts'
import { leaksOf } from './leaks.ts'
import { openScene, type Scene } from './scene.ts'
import { crossCheckAssertion, crossCheckRegistration } from './third-party.ts'
import {
  addressAs, type Asking, context, INDEX, keysOf, now, type Person, sessionAskedBy, stepUpOf,
} from './world.ts'

const scene = await openScene()
const { browser, site, house, returned } = scene ?? ({} as Scene)
afterAll(() => scene?.close())

const begin = async (window: Window, task: PageTask, fields: Asking): Promise<Uint8Array> => {
  const state = context.random(16)
  await window.visit(await addressAs(`${site.origin}/`, house, task, { returnTo: returned.url, state, ...fields }))
  return state
}

const answered = async (window: Window, state: Uint8Array): Promise<PageAnswer> => {
  const answer = readAnswer(await returned.next(), state)
  await window.titled('returned')
  return answer
}

const kept = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('the page answered without it')
  return value
}

const personIn = ({ chain, wraps }: PageAnswer): Person => ({ chain: kept(chain), wraps: kept(wraps) })

/** Copies the letters off the screen, as a person does off the paper, and types them. */
const typeSheet = async (window: Window): Promise<string> => {
  await window.titled('Votre feuille de secours')
  const letters = (await window.page.locator('.groups li').allInnerTexts()).join(' ')
  await window.press('J’ai la feuille en main')
  await window.titled('Vérifions la feuille')
  await window.page.getByLabel('Lettres de la feuille').fill(letters.toLowerCase())
  return letters
}

const known = ({ chain, wraps }: Person): Asking => ({ person: [...chain], wraps: [...wraps] })

describe.skipIf(!hasChromium)('a doctor', () => {
  let window: Window
  let doctor: Person
  let first: Authenticator

  beforeAll(async () => {
    window = await Window.open(browser)
    first = await window.authenticator()
  })
  afterAll(() => window.page.close())

  test('enrols: a device-bound passkey, the root wrapped twice, the sheet tried', async () => {
    const state = await begin(window, 'enrol', { sealingKey: house.sealingKey })
    await window.titled('Créer votre clé d’accès')
    await window.shot('01-enrol')
    await window.press('Commencer')
    await window.titled('Votre feuille de secours')
    await window.shot('02-sheet')
    await typeSheet(window)
    await window.shot('03-rehearsal')
    await window.press('Vérifier la feuille')
    doctor = personIn(await answered(window, state))
    const keys = await keysOf(doctor)
    expect(keys.current.passkeys?.map(({ deviceBound, origin, rpId }) => ({ deviceBound, origin, rpId })))
      .toEqual([{ deviceBound: true, origin: site.origin, rpId: 'localhost' }])
    expect(equalBytes(keys.current.sealingKey, house.sealingKey)).toBe(true)
    expect(doctor.wraps).toHaveLength(2)
  })

  test('has the passkey that @simplewebauthn/server reads out of the same registration', async () => {
    await window.page.goto(site.origin)
    const [registration] = (await window.witnessed()).registrations
    const [passkey] = (await keysOf(doctor)).current.passkeys ?? []
    await expect(crossCheckRegistration(kept(registration), kept(passkey))).resolves.toBe(true)
  })

  test('signs in: a session that seal and @simplewebauthn/server both verify', async () => {
    const person = await keysOf(doctor)
    const body = await sessionAskedBy(house, person)
    const state = await begin(window, 'sign-in', { ...known(doctor), body, application: 'DPI de nuit' })
    await window.titled('Vous connecter ?')
    expect(await window.page.locator('dd').allInnerTexts()).toEqual([
      'CHU de Bellerive\nnom certifié par le registre', 'Dr Amina Belkacem', 'DPI de nuit', 'soigner, urgences',
      expect.stringMatching(/\d\d:\d\d/), new URL(returned.url).origin,
    ])
    await window.shot('04-sign-in')
    await window.press('Me connecter')
    const signed = kept((await answered(window, state)).signed)
    const session = await verifySession(signed, { person, house: house.identity.keys })
    expect(session.deviceBound).toBe(true)
    await expect(crossCheckAssertion(signed, person)).resolves.toBe(true)
  })

  test('says who somebody is, to a register: nothing is said of opening, and the session opens nothing', async () => {
    const person = await keysOf(doctor)
    const body = await sessionAskedBy(house, person, { purposes: [] })
    const state = await begin(window, 'sign-in', { ...known(doctor), body })
    await window.titled('Confirmer que c’est vous ?')
    expect(await window.page.locator('main').innerText()).toContain('Rien ne pourra être ouvert en votre nom.')
    expect(await window.page.locator('dd').allInnerTexts()).not.toContain('soigner, urgences')
    await window.press('Confirmer')
    const signed = kept((await answered(window, state)).signed)
    expect((await verifySession(signed, { person, house: house.identity.keys })).purposes).toEqual([])
  })

  test('steps up: the reason is on the screen and in the statement', async () => {
    const person = await keysOf(doctor)
    const body = stepUpOf(house, person)
    const state = await begin(window, 'confirm', { ...known(doctor), kind: 'confirmation', body })
    await window.titled('Confirmer ?')
    expect(await window.page.locator('dl').innerText()).toContain('Garde de nuit, service plein')
    await window.shot('05-step-up')
    await window.press('Confirmer')
    const { body: signed } = await verifySigned('confirmation', kept((await answered(window, state)).signed), person)
    expect(decode(Confirmation, signed).reason).toBe('Garde de nuit, service plein')
  })

  test('signs that a key is replaced: both keys are on the screen, and in what is signed', async () => {
    const person = await keysOf(doctor)
    const [target, replacement] = [new Uint8Array(32).fill(0xab), new Uint8Array(32).fill(0xcd)]
    const body = encode(Order, makeOrder({
      action: 'replace', scope: 'device', target, replacement, reason: 'clé perdue', notBefore: now(),
      expires: now() + 14 * 3600,
    }, context))
    const state = await begin(window, 'confirm', { ...known(doctor), kind: 'order', body })
    await window.titled('Signer cet ordre ?')
    const shown = await window.page.locator('dl').innerText()
    expect(shown).toContain('ab'.repeat(8))
    expect(shown).toContain('cd'.repeat(8))
    await window.press('Confirmer')
    const { body: signed } = await verifySigned('order', kept((await answered(window, state)).signed), person)
    expect(signed).toEqual(body)
  })

  test('lets a vendor in: whom, for which patients and how long is on the screen, and in the ticket', async () => {
    const person = await keysOf(doctor)
    const body = encode(Ticket, {
      suite: SUITE, organisation: house.identity.id, vendor: INDEX, number: 'INC-4711', vaults: [INDEX],
      purpose: 'administration', subcontract: false, notBefore: now(), expires: now() + 3_600,
      nonce: context.random(16),
    })
    const state = await begin(window, 'confirm', { ...known(doctor), kind: 'ticket', body })
    await window.titled('Laisser entrer cet éditeur ?')
    const shown = await window.page.locator('dl').innerText()
    for (const fact of ['INC-4711', 'un seul, désigné', 'gestion administrative', 'non']) expect(shown).toContain(fact)
    await window.press('Confirmer')
    const signed = kept((await answered(window, state)).signed)
    expect(decode(Ticket, (await verifySigned('ticket', signed, person)).body).number).toBe('INC-4711')
  })

  test('declines: the house hears so, and has nothing signed', async () => {
    const person = await keysOf(doctor)
    const state = await begin(window, 'sign-in', { ...known(doctor), body: await sessionAskedBy(house, person) })
    await window.press('Refuser')
    const answer = await answered(window, state)
    expect(answer).toMatchObject({ problem: 'declined' })
    expect(answer.signed).toBeUndefined()
  })

  test('adds a second passkey, and loses the first: its sessions are over with the next record', async () => {
    const before = await keysOf(doctor)
    const signing = await begin(window, 'sign-in', { ...known(doctor), body: await sessionAskedBy(house, before) })
    await window.press('Me connecter')
    const session = kept((await answered(window, signing)).signed)

    const adding = await begin(window, 'add-passkey', known(doctor))
    await window.titled('Ajouter une clé d’accès')
    await window.shot('06-add')
    await window.press('Ajouter une clé')
    // The old key is touched once too often: it is refused, and the page says to take another one.
    await window.titled('Aucune clé utilisable')
    await window.shot('06-same-key')
    await first.present(false)
    await window.authenticator()
    await window.press('Réessayer')
    doctor = personIn(await answered(window, adding))
    const both = (await keysOf(doctor)).current.passkeys ?? []
    expect(both).toHaveLength(2)
    expect(doctor.wraps).toHaveLength(3)

    await first.lose()
    const removing = await begin(window, 'remove-passkey', known(doctor))
    await window.page.getByLabel('Clé 1', { exact: false }).check()
    await window.shot('07-remove')
    await window.press('Retirer cette clé')
    doctor = personIn(await answered(window, removing))
    const after = await keysOf(doctor)
    expect(after.current.passkeys).toEqual([both[1]])
    expect(doctor.wraps).toHaveLength(2)
    await expect(verifySession(session, { person: after, house: house.identity.keys }))
      .rejects.toMatchObject({ code: 'session-invalid' })
  })

  test('signs out everywhere', async () => {
    const person = await keysOf(doctor)
    const state = await begin(window, 'sign-out', known(doctor))
    await window.titled('Vous déconnecter partout ?')
    await window.shot('08-sign-out')
    await window.press('Me déconnecter partout')
    const signed = kept((await answered(window, state)).signed)
    expect((await verifySignOut(signed, person)).signOut.session).toBeUndefined()
    await expect(crossCheckAssertion(signed, person)).resolves.toBe(true)
  })

  test('leaves nothing behind in the browser, and no request in an address', async () => {
    await window.visit(await addressAs(`${site.origin}/`, house, 'sign-out', known(doctor)))
    await window.titled('Vous déconnecter partout ?')
    const left = await window.page.evaluate(async () => ({
      local: Object.keys(localStorage), databases: await indexedDB.databases(), cookies: document.cookie,
      address: location.href,
    }))
    expect(left).toEqual({ local: [], databases: [], cookies: '', address: `${site.origin}/` })
  })
})

describe.skipIf(!hasChromium)('a patient', () => {
  let window: Window
  let patient: Person
  let letters: string
  afterAll(() => window.page.close())

  test('enrols with a synced passkey: the principal is their own', async () => {
    window = await Window.open(browser)
    await window.authenticator({ synced: true })
    const state = await begin(window, 'enrol', { personName: 'Jeanne Morel' })
    await window.press('Commencer')
    letters = await typeSheet(window)
    await window.press('Vérifier la feuille')
    patient = personIn(await answered(window, state))
    const keys = await keysOf(patient)
    expect(keys.records).toHaveLength(2)
    expect(keys.current.passkeys?.map(({ deviceBound }) => deviceBound)).toEqual([false])
  })

  test('neither the PRF output nor the root leaves the page, in any encoding', async () => {
    await window.page.goto(site.origin)
    const [output] = (await window.witnessed()).prf
    const prf = kept(fromHex(output ?? ''))
    const [passkey] = (await keysOf(patient)).current.passkeys ?? []
    const root = await rootUnderPasskey(patient.wraps, { credential: kept(passkey).credential, output: prf })
    expect(leaksOf({ prf, root, sheet: Buffer.from(letters.replaceAll(' ', '')) }, window.sent)).toEqual([])
    // The search finds what it looks for: public octets that the answer does hold.
    expect(leaksOf({ key: kept(passkey).publicKey }, window.sent)).toEqual(['key'])
  })

  test('loses everything, and comes back with the sheet: the same person, one new passkey, a new sheet', async () => {
    const before = await keysOf(patient)
    await window.page.close()
    window = await Window.open(browser)
    await window.authenticator({ synced: true })
    const state = await begin(window, 'recover', { ...known(patient), personName: 'Jeanne Morel' })
    await window.titled('Vous n’avez plus aucune clé')
    await window.shot('09-recover')
    await window.press('Reprendre l’accès')
    const field = window.page.getByLabel('Lettres de la feuille')
    await field.fill('QQQQQQ QQQQQQ')
    await window.press('Vérifier la feuille')
    await window.page.getByRole('alert').waitFor()
    expect(await window.page.getByRole('alert').innerText()).toContain('comparez-les groupe par groupe')
    await window.shot('10-wrong-letters')
    await field.fill(letters)
    await window.press('Vérifier la feuille')
    const newLetters = await typeSheet(window)
    await window.press('Vérifier la feuille')
    const after = await keysOf(personIn(await answered(window, state)))
    expect(equalBytes(after.id, before.id)).toBe(true)
    expect(after.current.passkeys).toHaveLength(1)
    expect(after.current.passkeys).not.toEqual(before.current.passkeys)
    expect(newLetters).not.toBe(letters)
  })
})
