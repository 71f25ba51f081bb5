/**
 * Release secrets that a patient fetched once, so that what was kept opens without trustees from then on. They rest in
 * the patient's own vault, sealed like any record of it. Without the category's secret, which a grant delivers, they
 * open nothing.
 */
import { bytes, decode, encode, field, fromHex, list, RIGHTS, SealError, struct, toHex } from '@scelle/seal/verify'
import type { OpenedRecord } from './bodies.ts'
import type { Connection } from './connection.ts'
import type { EntryWriter } from './entries.ts'
import { base64 } from './entry-text.ts'
import { Feed } from './feed.ts'
import { grantFor, type Keyring, readableFor, visibleIn } from './keyring.ts'
import { SDK_LIMITS } from './limits.ts'
import { choose, isLog, within } from './reach.ts'
import { release, type Released } from './release.ts'
import type { WriteItem } from './sealing.ts'
import type { VaultView } from './vault-view.ts'

/** By the hex of the capsule's header hash, which names vault and custodian. */
export type Ring = ReadonlyMap<string, Uint8Array>

const RingRecord = list(
  struct({ capsule: field(0, bytes(32)), secret: field(1, bytes(32)) }), SDK_LIMITS.ringSecrets,
)
/** A FHIR resource, so that whoever reads charts passes over it without harm. */
const CONTENT_TYPE = 'application/vnd.scelle.key-ring'

/** Throws SyntaxError. */
const fromBase64 = (text: string): Uint8Array => {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) throw new SyntaxError('no base64')
  return Uint8Array.from(atob(text), (one) => one.charCodeAt(0))
}

/** Records that hold these secrets, each under a handle of its own: nothing that is there is written over. */
export const ringItems = (connection: Connection, category: string, secrets: Ring): WriteItem[] => {
  const all = [...secrets].map(([capsule, secret]) => ({ capsule: fromHex(capsule) as Uint8Array, secret }))
  const items: WriteItem[] = []
  for (let done = 0; done < all.length; done += SDK_LIMITS.ringSecrets) {
    const data = base64(encode(RingRecord, all.slice(done, done + SDK_LIMITS.ringSecrets)))
    const content = JSON.stringify({ resourceType: 'Binary', contentType: CONTENT_TYPE, data })
    items.push({ category, handle: connection.context.random(16), version: 1, content })
  }
  return items
}

const secretsIn = ({ content }: OpenedRecord): [string, Uint8Array][] => {
  const text = new TextDecoder().decode(content)
  const { resourceType, contentType, data } = JSON.parse(text) as Partial<Record<string, unknown>>
  if (resourceType !== 'Binary' || contentType !== CONTENT_TYPE || typeof data !== 'string') return []
  return decode(RingRecord, fromBase64(data)).map(({ capsule, secret }) => [toHex(capsule), secret])
}

/** What the owner itself put there; whoever else may write in that category adds nothing to it. */
export const ringOf = (records: readonly OpenedRecord[], owner: Uint8Array): Ring => {
  const own = records.filter(({ author, contentType }) => author === toHex(owner) && contentType === 'fhir+json')
  return new Map(own.flatMap((record) => {
    try {
      return secretsIn(record)
    } catch (error) {
      // The owner's other records stand beside it, and are not all of our making.
      if (error instanceof SyntaxError || error instanceof SealError) return []
      throw error
    }
  }))
}

interface RingPart {
  readonly view: VaultView
  readonly keyring: Keyring
  readonly entries: EntryWriter
}

/** Has trustees release what is not known yet, attachments included. The access log, which grows by it, is left out. */
export const releaseRest = async (
  connection: Connection, { view, keyring, entries }: RingPart, known: Ring,
): Promise<Released> => {
  const purpose = 'patient-request'
  const readable = readableFor(keyring, purpose)
  const codes = [...keyring.categories].flatMap(([code, { id }]) =>
    readable.has(toHex(id)) && !isLog(keyring, id) ? [code] : [])
  const { chosen, reach } = choose(keyring, readable, codes)
  const visible = within(visibleIn(keyring), keyring, reach)
  const feed = await Feed.start(connection, view.vault, keyring.part, visible, keyring.own, reach)
  await feed.pull(undefined)
  const missing = [...feed.capsules].filter(({ category, headerHash }) =>
    chosen.has(category) && !known.has(toHex(headerHash)))
  const groups = Map.groupBy(missing, ({ header }) => grantFor(keyring, header.category, RIGHTS.read, purpose))
  const released: Released = { releases: new Map(), problems: [] }
  for (const [grant, capsules] of groups) {
    const { part } = keyring
    const encapsulation = feed.encapsulationNamed
    const some = await release(connection, { view, part, grant, purpose, capsules, entries, encapsulation })
    for (const [capsule, secret] of some.releases) released.releases.set(capsule, secret)
    released.problems.push(...some.problems)
  }
  return released
}
