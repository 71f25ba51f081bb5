/** Guardians in a real browser: who reads digits to whom, what is on the screens, and that nothing secret leaves. */
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { openPart, sealPart } from '@scelle/seal/shares'
import { decode, encode, equalBytes, toHex, verifyKeyChain, verifyObjection } from '@scelle/seal/verify'
import { PartAnswer, PartRequest } from '@scelle/wire/messages'
import {
  type CallAnswer, type GuardingAnswered, type GuardingAsked, type PageAnswer, type PageCall, type PageTask, readAnswer,
} from '@scelle/wire/passkey-page'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium, launch, ReturnServer, serveBuilt, type Site, Window } from './browser.ts'
import { leaksOf } from './leaks.ts'
import { addressAs, constellationOf, context, type House, newHouse, type Person } from './world.ts'

let browser: Browser
let site: Site
let house: House
let trustees: Identity[]
const returned = new ReturnServer()

const kept = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('the page answered without it')
  return value
}

/** Somebody in a window of their own, with their security key. */
class Someone {
  readonly name: string
  readonly window: Window
  person: Person | undefined

  constructor(name: string, window: Window) {
    this.name = name
    this.window = window
  }

  static async at(name: string): Promise<Someone> {
    const window = await Window.open(browser)
    await window.authenticator()
    return new Someone(name, window)
  }

  /** Goes to the page with a request; `answered` waits for what it says. */
  async begin(task: PageTask, guarding: GuardingAsked = {}, person = this.person): Promise<Uint8Array> {
    const state = context.random(16)
    const known = person === undefined ? { sealingKey: house.sealingKey } : {
      person: [...person.chain], wraps: [...person.wraps],
    }
    await this.window.visit(await addressAs(`${site.origin}/`, house, task, {
      returnTo: returned.url, state, personName: this.name, ...known, ...(task === 'enrol' ? {} : { guarding }),
    }))
    return state
  }

  async answered(state: Uint8Array): Promise<PageAnswer> {
    const answer = readAnswer(await returned.next(), state)
    await this.window.titled('returned')
    return answer
  }

  async about(state: Uint8Array): Promise<GuardingAnswered> {
    return kept((await this.answered(state)).guarding)
  }

  async enrols(): Promise<void> {
    const state = await this.begin('enrol')
    await this.window.press('Commencer')
    await this.copiesSheet()
    const { chain, wraps } = await this.answered(state)
    this.person = { chain: kept(chain), wraps: kept(wraps) }
  }

  async copiesSheet(): Promise<void> {
    await this.window.titled('Votre feuille de secours')
    const letters = (await this.window.page.locator('.groups li').allInnerTexts()).join(' ')
    await this.window.press('J’ai la feuille en main')
    await this.window.page.getByLabel('Lettres de la feuille').fill(letters)
    await this.window.press('Vérifier la feuille')
  }

  /** Off the screen, as they are read aloud. */
  digits(): Promise<string> {
    return this.window.page.locator('.digits').innerText()
  }

  async types(digits: string): Promise<void> {
    await this.window.page.getByLabel('Chiffres entendus').fill(digits)
    await this.window.press('Continuer')
  }
}

let jeanne: Someone
let guardians: Someone[]
let keys: Uint8Array[][]
let dealt: GuardingAnswered
let begun: GuardingAnswered['begun']
let answers: Uint8Array[]
let anew: Someone

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
}, 30_000)

afterAll(async () => {
  if (!hasChromium) return
  await browser.close()
  await site.server.close()
  returned.close()
})

const trusteesAt = (): NonNullable<GuardingAsked['trustees']> =>
  trustees.map(({ chain }, place) => ({ url: `https://trustee${place}.example`, chain: [...chain] }))

/** What a trustee gives once three days are over: its own rules have tests of their own. */
const given = async ({ trustee, body }: PageCall): Promise<CallAnswer> => {
  const holder = kept(trustees.find(({ id }) => equalBytes(id, trustee)))
  const { recovery, set, part: sealed, keys: [chain] } = decode(PartRequest, body)
  const { part } = await openPart({ set, sealed }, holder)
  const device = await verifyKeyChain(kept(chain))
  return {
    trustee, body: encode(PartAnswer, { trustee, part: await sealPart(part, recovery, trustee, device) }),
  }
}

describe.skipIf(!hasChromium)('guardians', () => {
  test('show twenty digits of their own, which the house\'s answer does not have', async () => {
    jeanne = await Someone.at('Dr Jeanne Morel')
    await jeanne.enrols()
    guardians = []
    for (const name of ['Anne Petit', 'Bruno Lam', 'Chloé Diaz']) {
      const guardian = await Someone.at(name)
      await guardian.enrols()
      guardians.push(guardian)
    }
    const [anne] = guardians as [Someone]
    const state = await anne.begin('guardian-key')
    await anne.window.titled('Vos chiffres de gardien')
    await anne.window.press('Voir mes chiffres')
    await anne.window.titled('Lisez ces chiffres')
    await anne.window.shot('20-guardian-digits')
    expect(await anne.digits()).toMatch(/^(\d{4} ){4}\d{4}$/)
    await anne.window.press('Continuer')
    const { key } = await anne.about(state)
    // Not the principal that the house has a sealing key for: what is sealed to it would be the house's to open.
    const own = await verifyKeyChain(kept(key))
    expect(equalBytes(own.id, (await verifyKeyChain(kept(anne.person).chain)).id)).toBe(false)
    expect(equalBytes(own.current.sealingKey, house.sealingKey)).toBe(false)
  }, 60_000)

  test('are named by digits that are typed: others stop the owner, and are not shown', async () => {
    keys = []
    const read: string[] = []
    for (const guardian of guardians) {
      const state = await guardian.begin('guardian-key')
      await guardian.window.press('Voir mes chiffres')
      await guardian.window.titled('Lisez ces chiffres')
      read.push(await guardian.digits())
      await guardian.window.press('Continuer')
      keys.push([...kept((await guardian.about(state)).key)])
    }
    const state = await jeanne.begin('name-guardians', {
      guardians: guardians.map(({ name }, place) => ({ name, chain: [...kept(keys[place])] })), trustees: trusteesAt(),
    })
    await jeanne.window.titled('Nommer vos trois gardiens')
    expect(await jeanne.window.page.locator('dl').innerText()).toContain('Anne Petit, Bruno Lam, Chloé Diaz')
    await jeanne.window.press('Commencer')
    await jeanne.window.titled('Appelez Anne Petit')
    await jeanne.types(kept(read[1]))
    await jeanne.window.page.getByRole('alert').waitFor()
    await jeanne.window.shot('21-other-digits')
    expect(await jeanne.window.page.locator('main').innerText()).not.toContain(kept(read[0]))
    for (const [place, { name }] of guardians.entries()) {
      await jeanne.window.titled(`Appelez ${name}`)
      await jeanne.types(kept(read[place]))
    }
    const answer = await jeanne.answered(state)
    dealt = kept(answer.guarding)
    jeanne.person = { ...kept(jeanne.person), wraps: kept(answer.wraps) }
    expect(dealt.packets).toHaveLength(3)
    expect(jeanne.person.wraps.filter(({ set }) => set !== undefined)).toHaveLength(1)
  }, 60_000)

  test('open their packets, and the owner\'s page finds that all three did', async () => {
    const codes: Uint8Array[] = []
    for (const [place, guardian] of guardians.entries()) {
      const state = await guardian.begin('guard', { packet: kept(dealt.packets?.[place]) })
      await guardian.window.press('Ouvrir la part')
      await guardian.window.titled('Vous devenez gardien')
      expect(await guardian.window.page.locator('dl').innerText()).toContain('Dr Jeanne Morel')
      await guardian.window.press('Je garde cette part')
      codes.push(kept((await guardian.about(state)).code))
    }
    await guardians[0]?.window.shot('22-returned')
    const set = kept(dealt.set)
    const lacking = await jeanne.begin('try-guardians', { set, codes: [...codes.slice(1), context.random(16)] })
    await jeanne.window.press('Vérifier')
    await jeanne.window.titled('Il manque un gardien')
    await jeanne.window.press('Continuer')
    expect(await jeanne.answered(lacking)).toMatchObject({ problem: 'no-recovery' })
    const state = await jeanne.begin('try-guardians', { set, codes })
    await jeanne.window.press('Vérifier')
    expect((await jeanne.about(state)).held).toBeDefined()
  }, 60_000)

  test('another guardian\'s packet opens for nobody else, and says so', async () => {
    const [anne] = guardians as [Someone]
    const state = await anne.begin('guard', { packet: kept(dealt.packets?.[1]) })
    await anne.window.press('Ouvrir la part')
    await anne.window.titled('Le secret gardé ne s’ouvre pas')
    await anne.window.press('Refuser')
    expect(await anne.answered(state)).toMatchObject({ problem: 'no-recovery' })
  })
})

describe.skipIf(!hasChromium)('losing everything', () => {
  test('begins with a new key and digits to write down; guardians give their share against these alone', async () => {
    anew = await Someone.at(jeanne.name)
    const state = await anew.begin('begin-recovery', {}, jeanne.person)
    await anew.window.titled('Reprendre l’accès avec vos gardiens')
    await anew.window.shot('23-begin-recovery')
    await anew.window.press('Créer la nouvelle clé')
    await anew.window.titled('Notez ces chiffres')
    const digits = await anew.digits()
    await anew.window.press('Continuer')
    begun = kept((await anew.about(state)).begun)
    answers = []
    for (const place of [0, 2]) {
      const guardian = kept(guardians[place])
      const giving = await guardian.begin('release-share', { packet: kept(dealt.packets?.[place]), begun })
      await guardian.window.titled('Rendre une part ?')
      if (place === 0) await guardian.window.shot('24-release')
      await guardian.window.press('J’ai la personne en ligne')
      await guardian.window.titled('Est-ce bien Dr Jeanne Morel ?')
      await guardian.types('1234 5678 9012 3456 7890')
      await guardian.window.page.getByRole('alert').waitFor()
      await guardian.types(digits)
      answers.push(kept((await guardian.about(giving)).answer))
    }
    expect(answers).toHaveLength(2)
  }, 60_000)

  test('whoever still has a key stops it, with one touch', async () => {
    const recovery = context.random(32)
    const state = await jeanne.begin('object', { set: kept(dealt.set), recovery })
    await jeanne.window.titled('Arrêter cette reprise d’accès ?')
    await jeanne.window.shot('25-object')
    await jeanne.window.press('L’arrêter')
    const { signed } = await jeanne.answered(state)
    const { objection } = await verifyObjection(kept(signed), await verifyKeyChain(kept(jeanne.person).chain))
    expect(objection.recovery === undefined ? '' : toHex(objection.recovery)).toBe(toHex(recovery))
  })

  test('ends with the same person, the new key alone, and a new sheet', async () => {
    const asked = { begun: kept(begun), answers, trustees: trusteesAt() }
    const fetching = await anew.begin('recover-by-guardians', asked, jeanne.person)
    await anew.window.titled('Les trois jours sont passés')
    await anew.window.press('Demander les parts')
    const calls = kept((await anew.about(fetching)).calls)
    expect(calls.map(({ path }) => path)).toEqual(Array.from({ length: 3 }, () => '/v1/recoveries/parts'))
    const heard = await Promise.all(calls.slice(1).map(given))
    const state = await anew.begin('recover-by-guardians', { ...asked, heard }, jeanne.person)
    await anew.window.titled('Vos gardiens ont répondu')
    await anew.window.shot('26-finish')
    await anew.window.press('Reprendre l’accès')
    await anew.copiesSheet()
    const { chain, wraps } = await anew.answered(state)
    const [before, after] = [await verifyKeyChain(kept(jeanne.person).chain), await verifyKeyChain(kept(chain))]
    expect(equalBytes(after.id, before.id)).toBe(true)
    expect(after.current.passkeys).toEqual([kept(begun).passkey])
    expect(wraps).toHaveLength(3)
    // The new key unlocks what came back: digits of the same guardian as ever.
    anew.person = { chain: kept(chain), wraps: kept(wraps) }
    const own = await anew.begin('guardian-key')
    await anew.window.press('Voir mes chiffres')
    await anew.window.titled('Lisez ces chiffres')
    await anew.window.press('Continuer')
    expect((await anew.about(own)).key).toHaveLength(1)
  }, 60_000)

  test('no PRF output left any of these windows', async () => {
    const all = [jeanne, anew, ...guardians]
    for (const { name, window } of all) {
      await window.page.goto(site.origin)
      const { prf } = await window.witnessed()
      const secrets = Object.fromEntries(prf.map((hex, place) => [`${name} ${place}`, Buffer.from(hex, 'hex')]))
      expect(Object.keys(secrets).length).toBeGreaterThan(0)
      expect(leaksOf(secrets, window.sent)).toEqual([])
    }
  })
})
