/**
 * Guardianship as grants, given by whoever controls the vault: an organisation that keeps it, or the child once it has
 * its own keys. A guardian reads and shares on; whatever it gives on ends with its own grant. An age step is the expiry
 * of one grant and the beginning of the next, narrower one, made ahead, so that nobody has to be there on a birthday;
 * at each end what was opened gets new keys.
 */
import { fromHex, RIGHTS, toHex } from '@scelle/seal/verify'
import type { Chart } from './chart.ts'
import { SdkError } from './errors.ts'
import type { ChainedGrant } from './grant-list.ts'
import {
  type Decision, decided, GUARDIANSHIP, guardiansIn, type Wanted, wantedAt, type Ward, type Wish,
} from './guardianship/decisions.ts'
import type { Keyring } from './keyring.ts'
import { SDK_LIMITS } from './limits.ts'
import type { RevocationState } from './revoking.ts'
import type { WriteItem } from './sealing.ts'
import type { ShareOptions } from './sharing.ts'

/** All that was ever decided about a ward, as the record in the vault has it. */
export interface Guardianship {
  readonly ward: Ward
  readonly decisions: readonly Decision[]
  /** Of the record: hex, 16 bytes, and its version, from 1. */
  readonly handle: string
  readonly version: number
}

/** What was done so that grants are what was decided. Grants by hex id. */
export interface KeptGuardianship {
  readonly given: readonly string[]
  readonly ended: readonly string[]
  /** Codes of categories that got new keys because a guardian's grant on them was over. */
  readonly rotated: readonly string[]
  /** Hex ids of trustees that could not be told yet of a grant's end: `Vault.retryRevocations` tells them. */
  readonly pending: readonly string[]
}

/** What guardianship asks its vault for. */
export interface GuardedVault {
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  /** As the index has it now. */
  readonly keyring: () => Promise<Keyring>
  readonly open: (code: string) => Promise<Chart>
  readonly write: (items: readonly WriteItem[]) => Promise<unknown>
  readonly grants: () => Promise<readonly ChainedGrant[]>
  readonly share: (options: ShareOptions) => Promise<{ readonly grant: Uint8Array }>
  readonly revoke: (grant: Uint8Array) => Promise<RevocationState>
  readonly rotate: (categories: readonly Uint8Array[]) => Promise<void>
}

const requireController = ({ own, categories }: Keyring): void => {
  if (!own) throw new SdkError('not-custodian', 'guardianship is kept by whoever controls the vault, or its part')
  if (!categories.has(GUARDIANSHIP)) {
    throw new SdkError('category-unknown', 'a ward\'s vault is made with a category for what is decided: guardianship')
  }
}

/** As the vault has it; undefined where nothing was decided. For another device: reading it is an access. */
export const guardianshipIn = async (vault: GuardedVault): Promise<Guardianship | undefined> => {
  requireController(await vault.keyring())
  const chart = await vault.open(GUARDIANSHIP)
  try {
    const [record] = chart.latest()
    if (record === undefined) return undefined
    const { handle, version, content } = record
    const kept = JSON.parse(new TextDecoder().decode(content)) as Pick<Guardianship, 'ward' | 'decisions'>
    return { ...kept, handle, version }
  } finally {
    chart.close()
  }
}

/**
 * Decides, puts it on record, and has the grants follow. The record's commit is signed and logged, and holds all that
 * was decided before: whoever decided otherwise meanwhile has written this version, and this throws `commit-refused`.
 * Throws `guardianship-refused` where it may not be decided.
 */
export const decideIn = async (
  vault: GuardedVault, known: Guardianship | { readonly ward: Ward }, wish: Wish,
): Promise<{ readonly guardianship: Guardianship; readonly kept: KeptGuardianship }> => {
  requireController(await vault.keyring())
  const before = 'decisions' in known ? known : { ...known, decisions: [], handle: toHex(vault.random(16)), version: 0 }
  if (before.decisions.length >= SDK_LIMITS.guardianshipDecisions) {
    throw new SdkError('guardianship-refused', 'too much was decided here: make a new record')
  }
  const { ward, handle } = before
  const decision = decided(ward, before.decisions, wish, vault.now())
  const guardianship = { ward, handle, decisions: [...before.decisions, decision], version: before.version + 1 }
  await vault.write([{
    category: GUARDIANSHIP, handle: fromHex(handle) as Uint8Array, version: guardianship.version,
    content: JSON.stringify({ ward, decisions: guardianship.decisions }),
  }])
  return { guardianship, kept: await keepIn(vault, guardianship) }
}

/** A guardian's own grant, and no other one of the same person's: one reads for oneself, and shares on. */
const isGuardians = ({ grant }: ChainedGrant, ever: ReadonlySet<string>): boolean =>
  grant.parent === undefined && ever.has(toHex(grant.grantee)) && grant.basis === 'consent' &&
  (grant.rights & RIGHTS.shareOn) !== 0 && grant.purposes.includes('patient-request')

const seconds = (ms: number): number => Math.floor(ms / 1000)

const fits = ({ grant }: ChainedGrant, wanted: Wanted, { codes }: Keyring, now: number): boolean => {
  const given = grant.categories.map((id) => codes.get(toHex(id)))
  const begins = wanted.from === undefined ? grant.notBefore <= now : grant.notBefore === seconds(wanted.from)
  return toHex(grant.grantee) === wanted.to && grant.expires === seconds(wanted.until) && begins &&
    given.length === wanted.categories.length && wanted.categories.every((code) => given.includes(code))
}

const give = (vault: GuardedVault, { to, categories, from, until }: Wanted): Promise<{ grant: Uint8Array }> =>
  vault.share({
    to, categories, until, rights: ['read', 'shareOn'], depth: SDK_LIMITS.guardianshipDepth, basis: 'consent',
    purposes: ['treatment', 'administration', 'patient-request'], ...(from === undefined ? {} : { from }),
  })

/** When the present keys of a category were made, in seconds. */
const madeAt = ({ part: { manifests } }: Keyring, category: string, epoch: number): number =>
  manifests.find(({ categories }) =>
    categories.some((one) => toHex(one.category) === category && one.epoch === epoch))?.time ?? 0

/** Categories of which a guardian's grant is over, and whose keys are still those that it gave. */
const overdue = (guardians: readonly ChainedGrant[], keyring: Keyring, now: number): [code: string, id: Uint8Array][] =>
  [...keyring.categories].flatMap(([code, { id, epoch }]) => {
    const made = madeAt(keyring, toHex(id), epoch)
    const isOver = guardians.some(({ grant }) => grant.expires <= now && made < grant.expires &&
      grant.categories.some((one) => toHex(one) === toHex(id)))
    return isOver ? [[code, id] as [string, Uint8Array]] : []
  })

/**
 * Makes grants what was decided, at this time; to be called at least once a day, and again after it threw. Whatever a
 * guardian gave on to somebody who is a guardian no more ends here too. Narrower before wider: what is to end, ends
 * first. Throws as sharing, revoking and rotating do.
 */
export const keepIn = async (
  vault: GuardedVault, { ward, decisions }: Pick<Guardianship, 'ward' | 'decisions'>,
): Promise<KeptGuardianship> => {
  const keyring = await vault.keyring()
  requireController(keyring)
  const now = seconds(vault.now())
  const { ever, former } = guardiansIn(decisions)
  const all = await vault.grants()
  const guardians = all.filter((one) => isGuardians(one, ever))
  const wanted = wantedAt(ward, decisions, vault.now())
  const standing = guardians.filter(({ revoked, grant }) => !revoked && grant.expires > now)
  const ending = [
    ...standing.filter((one) => !wanted.some((want) => fits(one, want, keyring, now))),
    ...all.filter(({ revoked, grant }) => !revoked && grant.expires > now && grant.parent !== undefined &&
      former.has(toHex(grant.grantee))),
  ]
  const pending = new Set<string>()
  for (const { id } of ending) for (const trustee of (await vault.revoke(id)).pending) pending.add(trustee)
  const given: string[] = []
  for (const want of wanted) {
    if (!standing.some((one) => fits(one, want, keyring, now))) given.push(toHex((await give(vault, want)).grant))
  }
  const late = overdue(guardians, await vault.keyring(), now)
  if (late.length > 0) await vault.rotate(late.map(([, id]) => id))
  return {
    given, ended: ending.map(({ id }) => toHex(id)), rotated: late.map(([code]) => code), pending: [...pending],
  }
}
