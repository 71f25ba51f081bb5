/** A hospital as its people meet it: index, three trustees and edge on real sockets, the page, and a desk. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createEdge, type Edge } from '@scelle/edge'
import {
  createIdentity, exportIdentity, type Identity, importIdentity, rotateIdentity,
} from '@scelle/seal/identity'
import { sealingKeyOf } from '@scelle/seal/persons'
import { OWN, pairwiseIdentity } from '@scelle/seal/recovery'
import { fromHex, toHex, verifyKeyChain } from '@scelle/seal/verify'
import { type Constellation, createConstellation } from '@scelle/testing/constellation'
import { type KeptWrap, type PageAnswer, readAnswer } from '@scelle/wire/passkey-page'
import type { Browser } from 'playwright-core'
import { rootUnderPasskey } from '../src/page/root.ts'
import { hasChromium, launch, ReturnServer, serveBuilt, type Site, Window } from './browser.ts'
import { Desk } from './desk.ts'
import { addressAs, context, type House, type Person } from './world.ts'

export interface Hospital {
  readonly constellation: Constellation
  readonly site: Site
  readonly browser: Browser
  readonly desk: Desk
  readonly house: House
  /** The first officer, at their workstation. */
  readonly officer: Window
  /** Hex id. */
  readonly officerId: string
  readonly edge: () => Edge
  /** What index, trustees and edge have written. */
  readonly disks: () => Promise<string[]>
  readonly close: () => Promise<void>
}

export const found = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('it is not there')
  return value
}

const SHEET = {
  fr: ['Votre feuille de secours', 'J’ai la feuille en main', 'Vérifions la feuille', 'Lettres de la feuille'],
  en: ['Your recovery sheet', 'I have the sheet in my hand', 'Let us check the sheet', 'Letters of the sheet'],
} as const

/** Copies the letters off the screen, as a person does off the paper, and types them. */
export const keepSheet = async (window: Window, language: 'fr' | 'en', shot: string): Promise<string> => {
  const [title, kept, check, field] = SHEET[language]
  await window.titled(title)
  await window.shot(shot)
  const letters = (await window.page.locator('.groups li').allInnerTexts()).join(' ')
  await window.press(kept)
  await window.titled(check)
  await window.page.getByLabel(field).fill(letters)
  return letters
}

/** Every root that one of these PRF outputs gives back from what the page answered: what no one else may have. */
export const rootsIn = async (answers: readonly PageAnswer[], outputs: readonly string[]): Promise<Uint8Array[]> => {
  const opened: (Uint8Array | undefined)[] = []
  for (const { wraps = [] } of answers) {
    for (const { credential } of wraps) {
      for (const output of credential === undefined ? [] : outputs) {
        const prf = { credential: found(credential), output: found(fromHex(output)) }
        opened.push(await rootUnderPasskey(wraps, prf).catch(() => undefined))
      }
    }
  }
  return opened.filter((root) => root !== undefined)
}

/** Somebody whose principal is nobody's but their own. */
export interface Owned {
  readonly root: Uint8Array
  readonly identity: Identity
  readonly wraps: readonly KeptWrap[]
}

/** As whom a portal would act, in the browser that has the PRF's output. */
export const owned = async (answer: PageAnswer, outputs: readonly string[]): Promise<Owned> => {
  const root = found((await rootsIn([answer], outputs))[0])
  const chain = found(answer.chain)
  const first = await pairwiseIdentity(root, OWN)
  const secrets = chain.map(() => found(first.secrets[0]))
  return { root, wraps: found(answer.wraps), identity: await importIdentity(exportIdentity({ chain, secrets })) }
}

/** Everything that is written under a folder. */
const written = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return Promise.all(entries.filter((entry) => entry.isFile()).map(async (entry) =>
    (await readFile(join(entry.parentPath, entry.name))).toString('latin1')))
}

interface FirstOfficer extends Person {
  readonly window: Window
  /** X-Wing seed that the house made. */
  readonly sealing: Uint8Array
}

/** Before the edge runs, by hand: there has to be somebody who enrols the others. */
const enrolOfficer = async (house: House, site: Site, browser: Browser): Promise<FirstOfficer> => {
  const window = await Window.open(browser)
  await window.authenticator()
  const [sealing, state] = [context.random(32), context.random(16)]
  const returned = new ReturnServer()
  await returned.start()
  await window.visit(await addressAs(`${site.origin}/`, house, 'enrol', {
    personName: 'Claire Vasseur', sealingKey: sealingKeyOf(sealing), returnTo: returned.url, state,
  }))
  await window.press('Commencer')
  await keepSheet(window, 'fr', '19-officer-sheet-fr')
  await window.press('Vérifier la feuille')
  const { chain, wraps } = readAnswer(await returned.next(), state)
  await window.titled('returned')
  returned.close()
  if (chain === undefined || wraps === undefined) throw new Error('the officer did not enrol')
  return { window, chain, wraps, sealing }
}

const houseOf = async (constellation: Constellation): Promise<House> => {
  const { register } = constellation
  const identity = await rotateIdentity(await constellation.identity('organisation'), context, { flowOnly: true })
  const status = await register.enrol({ subject: identity.id, role: 'hospital', name: 'CHU de Bellerive' })
  return { identity, status, register: register.identity, sealingKey: new Uint8Array() }
}

interface Opening {
  readonly house: House
  readonly site: Site
  readonly officer: FirstOfficer
  readonly application: Identity
}

/** Its people are the officer, and whoever enrols from now on. Answers with the officer's hex id. */
const openEdge = async (
  constellation: Constellation, { house, site, officer, application }: Opening,
): Promise<{ url: string; officerId: string; edge: () => Edge }> => {
  let edge: Edge | undefined
  const { id } = await verifyKeyChain(officer.chain)
  const status = await constellation.register.enrol({
    subject: id, role: 'officer', organisation: house.identity.id, ownKey: false,
  })
  const { url } = await constellation.attach({
    name: 'edge', identity: house.identity,
    start: async ({ context: around, directory, authority }) => (edge = await createEdge({
      identity: house.identity, data: directory, ...around, authorities: [authority],
      index: { url: constellation.index.url, id: toHex(constellation.index.id) },
      trustees: constellation.trustees.map((trustee) => ({ url: trustee.url, id: toHex(trustee.id) })),
      organisation: { name: 'CHU de Bellerive' },
      applications: [{
        id: toHex(application.id), name: 'desk', keys: application.chain, rights: ['read', 'write', 'search', 'share'],
      }],
      standing: { statuses: () => [house.status] },
      staff: {
        basis: 'consent', page: `${site.origin}/`,
        people: [{
          name: 'Claire Vasseur', chain: officer.chain, sealing: [officer.sealing], statuses: () => [status],
        }],
      },
      write: () => undefined,
    })),
  })
  return { url, officerId: toHex(id), edge: () => found(edge) }
}

/** Undefined where no Chromium is installed. */
export const openHospital = async (): Promise<Hospital | undefined> => {
  if (!hasChromium) return undefined
  const constellation = await createConstellation({ seed: 'hospital', sockets: { now: Date.now } })
  const house = await houseOf(constellation)
  const site = await serveBuilt((origin) => ({
    origin, rpId: 'localhost', index: toHex(constellation.index.id), registers: [toHex(constellation.register.id)],
  }))
  const browser = await launch()
  const officer = await enrolOfficer(house, site, browser)
  const application = await createIdentity('machine', context)
  const { url, officerId, edge } = await openEdge(constellation, { house, site, officer, application })
  const desk = new Desk(application, () => url)
  await desk.start()
  return {
    constellation, site, browser, desk, house, officer: officer.window, officerId, edge,
    disks: () => written(constellation.directory),
    close: async () => {
      await browser.close()
      await site.server.close()
      desk.close()
      await constellation.close()
    },
  }
}
