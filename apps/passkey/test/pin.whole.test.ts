/** A security key without a PRF, in a real browser: its own key, a PIN, and the trustees between two visits. */
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { decode, encode, equalBytes, toHex, verifyKeyChain } from '@scelle/seal/verify'
import { evaluateBlinded, openPinShare } from '@scelle/seal/voprf'
import { PinEvaluation, PinTry } from '@scelle/wire/messages'
import { type PageAnswer, type PageTask, type PinAsked, readAnswer } from '@scelle/wire/passkey-page'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium, launch, ReturnServer, serveBuilt, type Site, Window } from './browser.ts'
import { leaksOf } from './leaks.ts'
import { addressAs, type Asking, constellationOf, context, type House, newHouse, type Person } from './world.ts'

const PIN = 'zèbre 42!'

let browser: Browser
let site: Site
let house: House
let trustees: Identity[]
let window: Window
let nurse: Person
const returned = new ReturnServer()

beforeAll(async () => {
  if (!hasChromium) return
  const register = await createIdentity('organisation', context)
  house = await newHouse(register)
  trustees = await Promise.all([0, 1, 2].map(() => createIdentity('trustee', context)))
  await returned.start()
  site = await serveBuilt((origin) => ({
    ...constellationOf(origin, register), trustees: trustees.map(({ id }) => toHex(id)),
  }))
  browser = await launch()
  window = await Window.open(browser)
  await window.authenticator({ hasPrf: false })
}, 30_000)

afterAll(async () => {
  if (!hasChromium) return
  await browser.close()
  await site.server.close()
  returned.close()
})

const kept = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('the page answered without it')
  return value
}

const counting = (): PinAsked => ({
  trustees: trustees.map(({ chain }, place) => ({ url: `https://trustee${place}.example`, chain: [...chain] })),
})

const begin = async (task: PageTask, fields: Asking): Promise<Uint8Array> => {
  const state = context.random(16)
  await window.visit(await addressAs(`${site.origin}/`, house, task, { returnTo: returned.url, state, ...fields }))
  return state
}

const answered = async (state: Uint8Array): Promise<PageAnswer> => {
  const answer = readAnswer(await returned.next(), state)
  await window.titled('returned')
  return answer
}

/** What two trustees say; how they count has tests of its own. */
const heard = async ({ state, calls }: NonNullable<PageAnswer['pin']>): Promise<PinAsked> => ({
  ...counting(), state,
  heard: await Promise.all(calls.slice(0, 2).map(async ({ trustee, body }) => {
    const holder = kept(trustees.find(({ id }) => equalBytes(id, trustee)))
    const { set, share: sealed, blinded } = decode(PinTry, body)
    const { share } = await openPinShare({ set, sealed }, holder)
    return { trustee, body: encode(PinEvaluation, { trustee, ...evaluateBlinded(blinded, share, context), left: 9 }) }
  })),
})

const typePin = async (pin: string, label = 'Code'): Promise<void> => {
  await window.page.getByLabel(label, { exact: true }).fill(pin)
}

const known = ({ chain, wraps }: Partial<Person>): Asking =>
  ({ person: [...kept(chain)], wraps: [...kept(wraps)] })

describe.skipIf(!hasChromium)('a nurse whose key has no PRF', () => {
  test('enrols with a PIN that is typed twice, a sheet, and a second visit after the trustees answered', async () => {
    const first = await begin('enrol', { sealingKey: house.sealingKey, pin: counting() })
    await window.press('Commencer')
    await window.titled('Choisissez un code pour ce navigateur')
    await typePin('12345')
    await typePin('12345', 'Le même code, encore une fois')
    await window.press('Continuer')
    await window.page.getByRole('alert').waitFor()
    expect(await window.page.getByRole('alert').innerText()).toContain('Six caractères au moins')
    await typePin(PIN)
    await typePin('zèbre 43!', 'Le même code, encore une fois')
    await window.press('Continuer')
    expect(await window.page.getByRole('alert').innerText()).toContain('diffèrent')
    await window.shot('30-choose-pin')
    await typePin(PIN)
    await typePin(PIN, 'Le même code, encore une fois')
    await window.press('Continuer')
    await window.titled('Votre feuille de secours')
    const letters = (await window.page.locator('.groups li').allInnerTexts()).join(' ')
    await window.press('J’ai la feuille en main')
    await window.page.getByLabel('Lettres de la feuille').fill(letters)
    await window.press('Vérifier la feuille')
    const made = await answered(first)
    const second = await begin('enrol', {
      sealingKey: house.sealingKey, ...known(made), pin: await heard(kept(made.pin)),
    })
    await window.press('Commencer')
    const { chain, wraps, known: told } = await answered(second)
    nurse = { chain: kept(chain), wraps: kept(wraps) }
    expect((await verifyKeyChain(nurse.chain)).current.passkeys).toHaveLength(1)
    expect(nurse.wraps.map(({ device }) => device)).toEqual([true, undefined])
    expect(told?.map(({ path }) => path)).toEqual(Array.from({ length: 3 }, () => '/v1/pins/known'))
  }, 60_000)

  test('unlocks with the PIN later: a wrong one is told, with the tries that are left', async () => {
    const first = await begin('guardian-key', { ...known(nurse), pin: counting() })
    await window.press('Voir mes chiffres')
    await window.titled('Tapez le code de ce navigateur')
    await typePin('cheval 42!')
    await window.press('Continuer')
    const second = await begin('guardian-key', { ...known(nurse), pin: await heard(kept((await answered(first)).pin)) })
    await window.press('Voir mes chiffres')
    await window.page.getByRole('alert').waitFor()
    expect(await window.page.getByRole('alert').innerText()).toContain('Essais restants : 9')
    await window.shot('31-wrong-pin')
    await typePin(PIN)
    await window.press('Continuer')
    const third = await begin('guardian-key', { ...known(nurse), pin: await heard(kept((await answered(second)).pin)) })
    await window.press('Voir mes chiffres')
    await window.titled('Lisez ces chiffres')
    await window.press('Continuer')
    const { guarding, known: told } = await answered(third)
    expect(guarding?.key).toHaveLength(1)
    expect(told).toHaveLength(3)
  }, 60_000)

  test('what the house carried opens nothing a second time in the same browser', async () => {
    const first = await begin('guardian-key', { ...known(nurse), pin: counting() })
    await window.press('Voir mes chiffres')
    await typePin(PIN)
    await window.press('Continuer')
    const pin = await heard(kept((await answered(first)).pin))
    const second = await begin('guardian-key', { ...known(nurse), pin })
    await window.press('Voir mes chiffres')
    await window.titled('Lisez ces chiffres')
    await window.press('Abandonner')
    await answered(second)
    const third = await begin('guardian-key', { ...known(nurse), pin })
    await window.press('Voir mes chiffres')
    await window.titled('Tapez le code de ce navigateur')
    await window.press('Abandonner')
    expect(await answered(third)).toMatchObject({ problem: 'declined' })
  }, 60_000)

  test('neither PIN nor key leaves: scripts cannot have the key, and what was sent has no PIN in it', async () => {
    await window.page.goto(site.origin)
    const keys = await window.page.evaluate(() => new Promise<boolean[]>((resolve, reject) => {
      const opening = indexedDB.open('scelle', 1)
      opening.addEventListener('error', () => reject(new Error('no database')))
      opening.addEventListener('success', () => {
        const all = opening.result.transaction('keys').objectStore('keys').getAll()
        all.addEventListener('success', () => {
          resolve((all.result as CryptoKey[]).map(({ extractable }) => extractable))
        })
      })
    }))
    // The device's own; of PINs that were typed nothing is left.
    expect(keys).toEqual([false])
    expect(leaksOf({ pin: new TextEncoder().encode(PIN) }, window.sent)).toEqual([])
  })

  test('without trustees to count, a key without a PRF is refused as before', async () => {
    const state = await begin('enrol', { sealingKey: house.sealingKey })
    await window.press('Commencer')
    await window.titled('Cette clé ne suffit pas')
    await window.press('Refuser')
    expect(await answered(state)).toMatchObject({ problem: 'no-recovery' })
  })
})
