/**
 * Notices of the log: officers' orders, registers' withdrawals, bindings, links, recoveries and objections, sealed to
 * trustees. A trustee that was away when officers locked somebody, or was restored from a backup, has the lock before
 * it cosigns, and so releases on, anything later.
 *
 * Whoever has a registered key may put one on record. So one that does not open or hold is told to the operator and
 * changes nothing; if it kept a trustee from cosigning, anybody could stop the log.
 */
import type { Identity } from '@scelle/seal/identity'
import { openNotice } from '@scelle/seal/shares'
import {
  decode, decodeSigned, ed25519Verify, equalBytes, leafSubject, Notice, type NoticeAbout, Objection, requireSuite,
  SealError, signatureInput, toHex,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import {
  BindingsShown, LinkShown, ObjectionShown, OrderNotice, RecoveryShown, WithdrawalNotice,
} from '@scelle/wire/messages'
import { faultOf, type Log } from '@scelle/wire/server'
import { applyLink, verifyShownLink } from '../discovery/links.ts'
import { keepShownBinding, verifyBindings } from '../discovery/logged.ts'
import { TRUSTEE_LIMITS } from '../limits.ts'
import type { KnownChanges, Withdrawn } from '../meter/changes.ts'
import { type VerifiedOrder, verifyOrder } from '../meter/orders.ts'
import { namedIn } from '../meter/standing.ts'
import { verifyWithdrawal } from '../meter/withdrawals.ts'
import { type KnownKeys, verifyPrincipals } from '../principals.ts'
import { verifyShownObjection, verifyShownRecovery } from '../recovery/cases.ts'
import type { ShownPrincipals } from '../shown.ts'
import type { TrusteeStore } from '../store.ts'
import type { ControlEffects, ControlLeaf, KeyAt } from './control.ts'

export interface NoticesOptions {
  readonly identity: Identity
  readonly store: TrusteeStore
  readonly issuers: readonly Uint8Array[]
  /** Ids of the other trustees, in the order of the configuration. */
  readonly peers: readonly Uint8Array[]
  readonly now: () => number
  readonly log: Log
}

/** Applied within the transaction that keeps the tree; may throw Problem or SealError, and then changed nothing. */
type Effect = () => void

interface Opened {
  readonly leaf: number
  readonly notice: Notice
  readonly content: Uint8Array
  /** What earlier notices of the same run withdraw: an officer who has left gives no orders after it. */
  readonly withdrawn: Withdrawn[]
}

interface Run extends Pick<Opened, 'withdrawn'> {
  readonly keyAt: KeyAt
  /** Seconds: of what this trustee cosigned last. */
  readonly since: number
}

type ShownIn = (keys: readonly (readonly Uint8Array[])[]) => Promise<ShownPrincipals>

export class Notices {
  readonly #options: NoticesOptions

  constructor(options: NoticesOptions) {
    this.#options = options
  }

  /** See `WitnessOptions.notices`. */
  async read({ notices, keyAt }: Pick<ControlEffects, 'notices' | 'keyAt'>, since: number): Promise<() => void> {
    const effects: { readonly leaf: number; readonly effect: Effect }[] = []
    const withdrawn: Withdrawn[] = []
    for (const notice of notices) {
      try {
        effects.push({ leaf: notice.leaf, effect: await this.#read(notice, { keyAt, since, withdrawn }) })
      } catch (error) {
        this.#ignore(notice.leaf, error)
      }
    }
    return () => {
      for (const { leaf, effect } of effects) this.#apply(leaf, effect)
    }
  }

  /** What fails by a rule is undone by itself; a disk that fails has to undo the whole tree. */
  #apply(leaf: number, effect: Effect): void {
    try {
      this.#options.store.log.transaction(effect)
    } catch (error) {
      if (!(error instanceof Problem || error instanceof SealError)) throw error
      this.#ignore(leaf, error)
    }
  }

  #ignore(leaf: number, error: unknown): void {
    const { log } = this.#options
    const known = error instanceof Problem || error instanceof SealError
    // A defect, which a stranger's notice may have found: the log goes on.
    if (!known) log({ event: 'fault', ...faultOf(error) })
    log({ event: 'notice-ignored', leaf, code: known ? error.code : 'internal' })
  }

  async #read({ leaf, statement }: ControlLeaf, { keyAt, since, withdrawn }: Run): Promise<Effect> {
    const { signer, body, keyVersion, signature } = decodeSigned('notice', statement)
    const key = keyAt(signer, leaf)
    const input = signatureInput('notice', signer, keyVersion, body)
    if (key?.version !== keyVersion || !ed25519Verify(key.signingKey, input, signature)) {
      throw new SealError('signature-invalid', 'a notice is not signed by a key that the log has')
    }
    const notice = decode(Notice, body)
    requireSuite(notice)
    if (notice.time > this.#options.now() / 1000 + TRUSTEE_LIMITS.accessAhead) {
      throw new Problem('bad-statement', 'A notice is dated in the future.')
    }
    const opened = { leaf, notice, withdrawn, content: await openNotice(notice, signer, this.#options.identity) }
    const shown: ShownIn = (keys) => verifyPrincipals(keys, this.#headsAt(leaf, keyAt))
    const readers: Record<NoticeAbout, () => Promise<Effect>> = {
      order: () => this.#order(opened, shown, since),
      binding: () => this.#binding(opened, shown),
      link: () => this.#link(opened, shown),
      recovery: () => this.#recovery(opened, shown),
      objection: () => this.#objection(opened, shown),
      withdrawal: () => this.#withdrawal(opened, shown),
    }
    return readers[notice.about]()
  }

  /**
   * An order is judged as of the notice's time, which signer and index could make up: to have a clear carried out long
   * after it ended. But what this trustee cosigned last had no such leaf, so it is not older than that. A lock is never
   * too old: an index could have a trustee that was away cosign what is before the lock first, and be rid of it.
   */
  #requireTime({ time }: Notice, { order }: VerifiedOrder, since: number): void {
    const loosens = order.action !== 'lock' && order.action !== 'review'
    if (loosens && time < since - TRUSTEE_LIMITS.noticeDelay) {
      throw new Problem('bad-statement', 'A notice is dated before the leaves that came before it.')
    }
  }

  /**
   * Keys are held against the log as it was at the leaf: an order is good though its officer has replaced the key
   * since. A record that only earlier requests showed counts too, where the log does not have it at all.
   */
  #headsAt(leaf: number, keyAt: KeyAt): KnownKeys {
    const { store } = this.#options
    return {
      log: { loggedKey: (principal) => keyAt(principal, leaf) },
      headOf: (principal) => {
        const head = store.headOf(principal)
        const logged = keyAt(principal, Number.MAX_SAFE_INTEGER)
        return head !== undefined && head.version > (logged?.version ?? 0) ? head : undefined
      },
    }
  }

  async #order({ notice, content, withdrawn }: Opened, shown: ShownIn, since: number): Promise<Effect> {
    const { store, issuers } = this.#options
    const { time } = notice
    const ordered = decode(OrderNotice, content)
    const principals = await shown(ordered.keys)
    const known = store.meter.changes.about(namedIn(ordered.statuses, principals), time)
    const changes: KnownChanges = { ...known, withdrawn: [...known.withdrawn, ...withdrawn] }
    const verified = await verifyOrder(ordered, principals, { issuers, now: time, changes })
    this.#requireTime(notice, verified, since)
    return () => store.order(verified, [], time, true)
  }

  /** Also one that is old: a status that was taken back does not come back because a trustee was away. */
  async #withdrawal({ notice, content, withdrawn }: Opened, shown: ShownIn): Promise<Effect> {
    const { store, issuers } = this.#options
    const told = decode(WithdrawalNotice, content)
    const verified = await verifyWithdrawal(told, await shown(told.keys), { issuers, now: notice.time })
    withdrawn.push(verified)
    return () => store.withdraw(verified, [])
  }

  async #binding({ leaf, content }: Opened, shown: ShownIn): Promise<Effect> {
    const { store: { discovery }, identity: { id: self }, peers, log } = this.#options
    const notice = decode(BindingsShown, content)
    const trustees = [self, ...peers]
    const verified = await verifyBindings(notice, await shown(notice.keys), { trustees, self })
    const names = trustees.map(toHex)
    return () => {
      if (!keepShownBinding(verified, leaf, discovery)) return
      log({ event: 'binding-conflict', leaf, trustees: verified.signers.map((id) => names.indexOf(toHex(id))) })
    }
  }

  async #recovery({ notice, content }: Opened, shown: ShownIn): Promise<Effect> {
    const { store: { recovery }, identity: { id: self } } = this.#options
    const begun = decode(RecoveryShown, content)
    const now = Math.floor(this.#options.now() / 1000)
    const verified = await verifyShownRecovery(begun, await shown(begun.keys), { self, now, notice })
    // The label is what the owner finds it by: under another one it would be no notice.
    if (verified !== undefined && !equalBytes(notice.subject, leafSubject(verified.owner))) {
      throw new Problem('bad-statement', 'A recovery is put on record under another label than its owner\'s.')
    }
    return () => { if (verified !== undefined) recovery.begin(verified) }
  }

  async #objection({ content }: Opened, shown: ShownIn): Promise<Effect> {
    const { store: { recovery } } = this.#options
    const told = decode(ObjectionShown, content)
    const { owner } = decode(Objection, decodeSigned('objection', told.objection).body)
    const object = await verifyShownObjection(told, await shown(told.keys), owner)
    return () => { object(recovery) }
  }

  async #link({ content }: Opened, shown: ShownIn): Promise<Effect> {
    const { store: { discovery } } = this.#options
    const notice = decode(LinkShown, content)
    const verified = await verifyShownLink(notice, await shown(notice.keys))
    return () => applyLink(verified, notice, discovery)
  }
}
