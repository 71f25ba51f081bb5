/**
 * Bindings that the log shows, each signed by two trustees or three. This trustee gets back those that it signed itself
 * and has forgotten, so that one that was restored signs no second binding of an identity; and it raises an alarm where
 * two others bound an identity to another vault than the one that it has, which nobody but them could do.
 */
import {
  Binding, decode, decodeSigned, equalBytes, requireSuite, statementId, toHex, VaultGenesis, verifySigned,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import type { BindingsShown } from '@scelle/wire/messages'
import type { ShownPrincipals } from '../shown.ts'
import type { Bound, DiscoveryStore } from './store.ts'

export interface ShownBinding {
  readonly bound: Bound
  /** Ids of those who signed. */
  readonly signers: readonly Uint8Array[]
  /** Whether one of them says that it takes an earlier one's place. */
  readonly changed: boolean
  /** This trustee's own, if it is among them. */
  readonly own: { readonly statement: Uint8Array; readonly previous: Uint8Array | undefined } | undefined
}

/** Checks that two of the trustees signed that one identity has that one vault. Throws Problem, SealError. */
export const verifyBindings = async (
  { bindings, genesis }: BindingsShown, principals: ShownPrincipals,
  { trustees, self }: { readonly trustees: readonly Uint8Array[]; readonly self: Uint8Array },
): Promise<ShownBinding> => {
  const refuse = (what: string): never => { throw new Problem('bad-statement', what) }
  const vault = statementId(genesis)
  const signers = new Map<string, Uint8Array>()
  const found: (Binding & { signer: Uint8Array; statement: Uint8Array })[] = []
  for (const statement of bindings) {
    const { signer } = decodeSigned('binding', statement)
    if (!trustees.some((id) => equalBytes(id, signer))) refuse('A binding is by nobody who is a trustee here.')
    const { body } = await verifySigned('binding', statement, principals.need(signer, 'trustee'))
    const binding = decode(Binding, body)
    requireSuite(binding)
    signers.set(toHex(signer), signer)
    found.push({ ...binding, signer, statement })
  }
  const pseudonym = found[0]?.pseudonym
  if (pseudonym === undefined || signers.size < 2) return refuse('A binding counts by two trustees.')
  const alike = found.every((one) => equalBytes(one.vault, vault) && equalBytes(one.pseudonym, pseudonym))
  if (!alike) refuse('The bindings are of different identities or vaults.')
  const own = found.find(({ signer }) => equalBytes(signer, self))
  const { controller, mode } = decode(VaultGenesis, decodeSigned('vault-genesis', genesis).body)
  return {
    bound: { pseudonym, vault, mode, controller, statement: (own ?? found[0])?.statement as Uint8Array },
    signers: [...signers.values()], changed: found.some(({ previous }) => previous !== undefined),
    own: own === undefined ? undefined : { statement: own.statement, previous: own.previous },
  }
}

/** Whether this trustee's own word says otherwise, or what the log showed before. Its own changes have a `previous`. */
const contradicts = ({ bound: { pseudonym, vault }, changed }: ShownBinding, discovery: DiscoveryStore): boolean => {
  const logged = discovery.loggedVaults(pseudonym)
  // What was shown before, and was changed since, may be shown again by anybody who has it.
  if (changed || logged.some((known) => equalBytes(known, vault))) return false
  const own = discovery.bound(pseudonym)
  if (own === undefined || equalBytes(own.vault, vault)) return own === undefined && logged.length > 0
  return decode(Binding, decodeSigned('binding', own.statement).body).previous === undefined
}

/** To be called within a transaction. Answers whether the bindings contradict what is known. */
export const keepShownBinding = (shown: ShownBinding, leaf: number, discovery: DiscoveryStore): boolean => {
  const { bound, own } = shown
  const conflict = contradicts(shown, discovery)
  const present = discovery.bound(bound.pseudonym)
  const follows = present === undefined
    ? own !== undefined
    : own?.previous !== undefined && equalBytes(own.previous, statementId(present.statement))
  if (follows && !conflict) discovery.bind(bound, present?.statement)
  discovery.keepLogged(bound.pseudonym, bound.vault, leaf)
  return conflict
}
