/**
 * One identity, one vault: this trustee signs one binding of a pseudonym and refuses a second. Two trustees' bindings
 * count, so an index, or one trustee, cannot choose whose keys a writer uses.
 *
 * Who may bind: the controller of the vault. In custody, a provider that a listed issuer knows. As an owner, with proof
 * by an issuer that the identity is theirs; otherwise whoever looks a person up could have that person's records sealed
 * to itself. Who may change: the owner; of a vault in custody its controller, or the owner to be, each after notice.
 */
import {
  Binding, decode, decodeSigned, encode, equalBytes, IdentityProof, requireCurrentKey, requireSuite, statementId, SUITE,
  toHex, type VerifiedVault, verifySigned,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { type BindingAnswer, type BindingRequest, LinkShown } from '@scelle/wire/messages'
import { TRUSTEE_LIMITS } from '../limits.ts'
import type { Serving } from '../routes.ts'
import { shareIndex, verifyVault } from '../vault.ts'
import { type Asked, standingOfAsker } from './evaluate.ts'
import type { Bound } from './store.ts'

/** The proof shown, if it is one of this owner and pseudonym by a listed issuer. Throws `proof-required`. */
const requireProof = async (
  { request: { proof, pseudonym }, principals, asker }: Asked<BindingRequest>, vault: Uint8Array,
  { issuers }: Pick<Serving, 'issuers'>, now: number,
): Promise<{ issuer: Uint8Array; inPerson: boolean }> => {
  if (proof === undefined) throw new Problem('proof-required')
  const { signer } = decodeSigned('identity-proof', proof)
  const keys = issuers.some((id) => equalBytes(id, signer)) ? principals.find(signer) : undefined
  if (keys === undefined) throw new Problem('proof-required', 'The proof is by nobody whom this trustee lists.')
  const { body, signed } = await verifySigned('identity-proof', proof, keys)
  requireCurrentKey(signed, keys)
  const shown = decode(IdentityProof, body)
  requireSuite(shown)
  const holds = equalBytes(shown.subject, asker.id) && equalBytes(shown.pseudonym, pseudonym) &&
    (shown.vault === undefined || equalBytes(shown.vault, vault)) && now >= shown.notBefore && now < shown.expires
  if (!holds) throw new Problem('proof-required', 'The proof is of another person or vault, or not valid now.')
  return { issuer: signer, inPerson: shown.inPerson }
}

/** Whether the asker may have this identity bound to the vault, and whether at once. */
const mayBind = async (
  asked: Asked<BindingRequest>, { vault, genesis }: VerifiedVault, present: Bound | undefined, serving: Serving,
  now: number,
): Promise<'now' | 'after-notice'> => {
  const { asker } = asked
  if (!equalBytes(asker.id, genesis.controller)) {
    // An owner moves to another vault of its own only: whoever has its key has no say over others' vaults.
    throw new Problem('not-permitted', 'The controller of the vault asks for it to be bound.')
  }
  if (present?.mode === 'owner') {
    if (genesis.mode !== 'owner' || !equalBytes(present.controller, asker.id)) throw new Problem('already-bound')
    return 'now'
  }
  if (genesis.mode === 'custody') {
    await standingOfAsker(asked, serving, now)
    if (present === undefined) return 'now'
    if (!equalBytes(present.controller, asker.id)) throw new Problem('already-bound')
    return 'after-notice'
  }
  const { issuer, inPerson } = await requireProof(asked, vault, serving, now)
  if (present === undefined) return 'now'
  if (equalBytes(issuer, present.controller)) {
    throw new Problem('proof-required', 'The proof is by the custodian itself. Another body proves the identity.')
  }
  return inPerson ? 'now' : 'after-notice'
}

const signBinding = (
  { pseudonym }: BindingRequest, vault: Uint8Array, present: Bound | undefined, { identity, context }: Serving,
): Promise<Uint8Array> => identity.sign('binding', encode(Binding, {
  suite: SUITE, pseudonym, vault, ...(present === undefined ? {} : { previous: statementId(present.statement) }),
  time: Math.floor(context.now() / 1000), nonce: context.random(16),
}))

/** What is bound, and what is known beside it. */
const answerOf = (
  present: Bound, { claimed, links }: { claimed: Uint8Array[]; links: Uint8Array[] },
): BindingAnswer => ({
  binding: present.statement,
  ...(links.length === 0 ? {} : { linked: links.map((shown) => decode(LinkShown, shown)) }),
  ...(claimed.length === 0 ? {} : { before: claimed }),
})

/** The custodian learns by it that the patient has claimed; the patient, which vaults are to be handed over. */
const besides = ({ pseudonym, vault, mode }: Bound, { discovery }: Serving['store']) => ({
  claimed: mode === 'owner' ? discovery.claimed(pseudonym) : [], links: discovery.links(vault),
})

/** The answer, or until when the change waits: asked again then, it is made. */
export const bind = async (asked: Asked<BindingRequest>, serving: Serving): Promise<BindingAnswer> => {
  const { request, principals } = asked
  const { identity, store, context } = serving
  const { discovery } = store
  const now = Math.floor(context.now() / 1000)
  const expected = { vault: statementId(request.genesis), custodian: asked.asker.id }
  const verified = await verifyVault(request.genesis, expected, principals)
  shareIndex(verified, identity.id)
  const { vault, genesis } = verified
  const present = discovery.bound(request.pseudonym)
  if (present !== undefined && equalBytes(present.vault, vault)) {
    // Others who deposited in a vault in custody are told what they asked for, and no more.
    const its = equalBytes(present.controller, asked.asker.id)
    return its ? answerOf(present, besides(present, store)) : { binding: present.statement }
  }
  if (await mayBind(asked, verified, present, serving, now) === 'after-notice') {
    const { pseudonym } = request
    const due = now + TRUSTEE_LIMITS.bindingNotice
    const notice = discovery.keepNotice({ pseudonym, vault, asker: asked.asker.id, due })
    if (now < notice.due) return { binding: (present as Bound).statement, pending: { vault, due: notice.due } }
  }
  const statement = await signBinding(request, vault, present, serving)
  const { mode, controller } = genesis
  const next = { pseudonym: request.pseudonym, vault, mode, controller, statement }
  const bound = discovery.bind(next, present?.statement)
  return answerOf(bound, besides(bound, store))
}

/** What this trustee has bound, for whoever a listed issuer knows. Throws `not-found`, `status-required`. */
export const find = async (
  asked: Asked<{ readonly pseudonym: Uint8Array; readonly statuses: readonly Uint8Array[] }>, serving: Serving,
): Promise<BindingAnswer> => {
  const { store, context } = serving
  const { discovery } = store
  await standingOfAsker(asked, serving, Math.floor(context.now() / 1000))
  const present = discovery.bound(asked.request.pseudonym)
  if (present === undefined) throw new Problem('not-found')
  const notice = discovery.notice(asked.request.pseudonym)
  return {
    ...answerOf(present, besides(present, store)),
    ...(notice === undefined ? {} : { pending: { vault: notice.vault, due: notice.due } }),
  }
}

/** The controller of the vault that is bound stops a change that waits: the identity is then proven in person. */
export const object = (
  { request, asker }: Asked<{ readonly pseudonym: Uint8Array }>, { store: { discovery } }: Serving,
): void => {
  const present = discovery.bound(request.pseudonym)
  if (present === undefined || toHex(present.controller) !== toHex(asker.id)) throw new Problem('not-permitted')
  discovery.dropNotice(request.pseudonym)
}
