/** Requests about guardians, verified before anything of them is shown. The house hands on; it vouches for nobody. */
import {
  decode, equalBytes, type PrincipalKeys, readRecoverySet, RecoveryAsk, type RecoverySet, recoverySetId, toHex,
  verifyKeyChain,
} from '@scelle/seal/verify'
import type {
  BegunRecovery, CallAnswer, GuardianTask, GuardingAsked, PageRequest, TrusteeAt,
} from '@scelle/wire/passkey-page'
import type { Constellation } from './constellation.ts'

export interface GuardianAsked {
  /** As the house calls them; who it is, twenty digits say. */
  readonly name: string
  readonly keys: PrincipalKeys
}

export interface TrusteeAsked {
  readonly url: string
  readonly keys: PrincipalKeys
}

/** An encoded set, and what it says. */
export interface SetAsked {
  readonly encoded: Uint8Array
  readonly says: RecoverySet
}

export type GuardianWish = { readonly person: PrincipalKeys } & (
  | { readonly task: 'guardian-key' }
  | { readonly task: 'begin-recovery' }
  | { readonly task: 'name-guardians'; readonly guardians: readonly GuardianAsked[]
    readonly trustees: readonly TrusteeAsked[] }
  | { readonly task: 'guard'; readonly packet: Uint8Array }
  | { readonly task: 'try-guardians'; readonly set: SetAsked; readonly codes: readonly Uint8Array[] }
  | { readonly task: 'object'; readonly set: SetAsked; readonly recovery: Uint8Array | undefined }
  | { readonly task: 'release-share'; readonly packet: Uint8Array; readonly ask: Uint8Array }
  | { readonly task: 'recover-by-guardians'; readonly begun: BegunRecovery; readonly answers: readonly Uint8Array[]
    readonly trustees: readonly TrusteeAsked[]; readonly heard: readonly CallAnswer[] | undefined }
)

/** What is missing, or another one than was expected: the caller says how the page stops. */
export class GuardianAskProblem extends Error {
  readonly code: 'malformed' | 'other-person' | 'not-for-this-page'
  constructor(code: GuardianAskProblem['code']) {
    super(code)
    this.name = 'GuardianAskProblem'
    this.code = code
  }
}

const needed = <T>(value: T | undefined): T => {
  if (value === undefined) throw new GuardianAskProblem('malformed')
  return value
}

/** Those that the page was built with, all three: a house that names its own would have their parts. */
export const trusteesIn = async (
  told: readonly TrusteeAt[], { trustees }: Constellation,
): Promise<TrusteeAsked[]> => {
  if (trustees.length !== 3) throw new GuardianAskProblem('not-for-this-page')
  const keys = await Promise.all(told.map(async ({ url, chain }) => ({ url, keys: await verifyKeyChain(chain) })))
  return trustees.map((id) => needed(keys.find((one) => equalBytes(one.keys.id, id) && URL.canParse(one.url))))
}

const guardiansIn = async (told: GuardingAsked['guardians'] = []): Promise<GuardianAsked[]> => {
  const guardians = await Promise.all(told.map(async ({ name, chain }) =>
    ({ name, keys: await verifyKeyChain(chain) })))
  const distinct = new Set(guardians.map(({ keys }) => toHex(keys.id)))
  if (distinct.size !== 3 || guardians.length !== 3) throw new GuardianAskProblem('malformed')
  if (guardians.some(({ keys }) => keys.kind !== 'person')) throw new GuardianAskProblem('other-person')
  return guardians
}

/** A set of this very person: what others guard is nobody else's to try, or to stop. */
const setIn = ({ set }: GuardingAsked, person: PrincipalKeys): SetAsked => {
  const encoded = needed(set)
  const says = readRecoverySet(encoded)
  if (!equalBytes(says.owner, person.id)) throw new GuardianAskProblem('other-person')
  return { encoded, says }
}

/** Throws {@link GuardianAskProblem}, SealError. */
export const guardianWishOf = async (
  task: GuardianTask, { guarding = {} }: PageRequest, person: PrincipalKeys, constellation: Constellation,
): Promise<GuardianWish> => {
  const trustees = () => trusteesIn(guarding.trustees ?? [], constellation)
  switch (task) {
    case 'guardian-key':
    case 'begin-recovery':
      return { task, person }
    case 'name-guardians':
      return { task, person, guardians: await guardiansIn(guarding.guardians), trustees: await trustees() }
    case 'guard':
      return { task, person, packet: needed(guarding.packet) }
    case 'try-guardians':
      return { task, person, set: setIn(guarding, person), codes: needed(guarding.codes) }
    case 'object':
      return { task, person, set: setIn(guarding, person), recovery: guarding.recovery }
    case 'release-share': {
      const { ask } = needed(guarding.begun)
      decode(RecoveryAsk, ask)
      return { task, person, packet: needed(guarding.packet), ask }
    }
    case 'recover-by-guardians':
  }
  return {
    task, person, begun: needed(guarding.begun), answers: needed(guarding.answers), trustees: await trustees(),
    heard: guarding.heard,
  }
}

/** The id of a set, as wraps name it. */
export const idOfSet = ({ encoded }: SetAsked): Uint8Array => recoverySetId(encoded)
