/**
 * The person's root secret while the page is open: made, wrapped, and had again. It is in this page's memory alone and
 * leaves it only inside a wrap.
 */
import {
  enrolmentHolds, newPrinted, OWN, openWrap, pairwiseIdentity, pairwiseSecrets, printedSecret, readPrinted,
  rootByPasskey, rootByPrinted, sealWrap, wrapByPasskey, wrapByPrinted, wrapPlace,
} from '@scelle/seal/recovery'
import { createPerson, renewPerson } from '@scelle/seal/persons'
import { type Context, equalBytes, type Passkey, type PrincipalKeys, SealError } from '@scelle/seal/verify'
import type { KeptWrap } from '@scelle/wire/passkey-page'
import type { PrfOutput } from './ceremony.ts'

/** A sheet on paper: the letters on it, and the wrap that they open. */
export interface Sheet {
  readonly identity: string
  readonly wrap: KeptWrap
}

export const wrapUnderPasskey = async (root: Uint8Array, prf: PrfOutput, context: Context): Promise<KeptWrap> => ({
  credential: prf.credential,
  sealed: await sealWrap(wrapByPasskey(root, context), wrapPlace(prf.output), context),
})

export const newSheet = async (root: Uint8Array, context: Context): Promise<Sheet> => {
  const identity = await newPrinted()
  const wrap = await wrapByPrinted(root, identity, context)
  return { identity, wrap: { sealed: await sealWrap(wrap, wrapPlace(printedSecret(identity)), context) } }
}

/** Throws `wrap-invalid`, `root-mismatch` where the house kept another wrap than the one that it was given. */
export const rootUnderPasskey = async (wraps: readonly KeptWrap[], prf: PrfOutput): Promise<Uint8Array> => {
  const wrap = wraps.find(({ credential }) => credential !== undefined && equalBytes(credential, prf.credential))
  if (wrap === undefined) throw new SealError('wrap-invalid', 'this passkey has no wrap; use another one')
  return rootByPasskey(await openWrap(wrap.sealed, wrapPlace(prf.output)))
}

/** What somebody typed off a sheet opens. Throws `printed-invalid` for a mistyped letter, `wrap-invalid`. */
export const rootUnderSheet = async (wraps: readonly KeptWrap[], typed: string): Promise<Uint8Array> => {
  const identity = await readPrinted(typed)
  const place = wrapPlace(printedSecret(identity))
  for (const { credential, sealed } of wraps) {
    const wrap = credential === undefined ? await openWrap(sealed, place).catch(() => undefined) : undefined
    if (wrap !== undefined) return rootByPrinted(wrap, identity)
  }
  throw new SealError('wrap-invalid', 'this sheet is of somebody else, or was replaced by a newer one')
}

/** An enrolment ends with two wraps that are not lost together: each thing is a place of its own. */
export const holds = (wraps: readonly KeptWrap[]): boolean => enrolmentHolds(wraps.map(({ credential, sealed }) => ({
  method: credential === undefined ? 'printed' : 'passkey', place: (credential ?? sealed).slice(0, 16),
})))

export interface Enrolment {
  readonly root: Uint8Array
  readonly passkey: Passkey
  /** The house, and the sealing key that it made; absent for a person of their own. */
  readonly at: { readonly house: Uint8Array; readonly sealingKey: Uint8Array } | undefined
}

/** The key records of a new person. */
export const enrolledChain = async ({ root, passkey, at }: Enrolment, context: Context): Promise<Uint8Array[]> => {
  if (at === undefined) {
    const person = await pairwiseIdentity(root, OWN)
    const { signing } = pairwiseSecrets(root, OWN)
    const { sealingKey } = person.keys.current
    return renewPerson(person.chain, { signing, sealingKey, passkeys: [passkey] }, context)
  }
  const { signing } = pairwiseSecrets(root, at.house)
  return [await createPerson({ signing, sealingKey: at.sealingKey, passkeys: [passkey] }, context)]
}

/** Whether these are a person's own key records, as a patient: then passkeys may be synced. */
export const isOwn = async (root: Uint8Array, person: PrincipalKeys): Promise<boolean> =>
  equalBytes((await pairwiseIdentity(root, OWN)).id, person.id)

/** The chain with these passkeys from now on. Throws `key-chain-broken` where the root is somebody else's. */
export const renewedChain = async (
  from: {
    readonly root: Uint8Array; readonly house: Uint8Array; readonly person: PrincipalKeys
    readonly chain: readonly Uint8Array[]; readonly passkeys: readonly Passkey[]
  },
  context: Context,
): Promise<Uint8Array[]> => {
  const { root, person, chain, passkeys } = from
  const { signing } = pairwiseSecrets(root, (await isOwn(root, person)) ? OWN : from.house)
  return renewPerson(chain, { signing, sealingKey: person.current.sealingKey, passkeys }, context)
}

/**
 * Throws `key-chain-broken` where this root signs for somebody else: a house that handed on another person's key
 * records would otherwise have them taken for this one's.
 */
export const madeBy = async (
  { root, house, person, chain }: Omit<Parameters<typeof renewedChain>[0], 'passkeys'>, context: Context,
): Promise<void> => {
  // Made, and dropped: a next record can be signed by nobody but the root's own key.
  await renewedChain({ root, house, person, chain, passkeys: person.current.passkeys ?? [] }, context)
}
