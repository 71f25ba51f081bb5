/** No log entry, no key: the proof that an access is in the log, as this trustee itself checks it. */
import { LogError } from '@scelle/log'
import { equalBytes, type PrincipalKeys, type VerifiedVault, verifyKeyChain } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { logPolicy, QUORUM, type VerifiedReceipt, verifyReceipt, witnessName } from '@scelle/wire/log'
import type { ShownPrincipals } from '../shown.ts'
import { requireClock } from './clock.ts'
import type { SeenNote, ShownLeaf } from './mirror-store.ts'
import type { SeenNotes } from './seen.ts'
import type { Witness } from './witness.ts'

export interface ReceiptShown {
  /** A tlog-proof; see `Receipt` of the wire. */
  readonly receipt: Uint8Array
  /** The signed access. */
  readonly access: Uint8Array
  readonly vault: VerifiedVault
  readonly principals: ShownPrincipals
}

/** Keys of the index, out of the chain that it showed when it handed over the log: verified when it grows. */
export class LogSigners {
  #known: { readonly last: Uint8Array; readonly keys: PrincipalKeys } | undefined

  async of(chain: readonly Uint8Array[]): Promise<PrincipalKeys | undefined> {
    const last = chain.at(-1)
    if (last === undefined) return undefined
    if (this.#known === undefined || !equalBytes(this.#known.last, last)) {
      this.#known = { last, keys: await verifyKeyChain(chain) }
    }
    return this.#known.keys
  }
}

/** A trustee's cosignature that holds, and its time in seconds. */
export interface Cosignature {
  readonly trustee: Uint8Array
  readonly time: number
}

/** An access whose proof holds: what the trustee's own mirror is to be held against. */
export interface Recorded {
  readonly leaf: ShownLeaf
  readonly note: SeenNote
  readonly cosigned: readonly Cosignature[]
}

const verified = async (
  { receipt, access, vault, principals }: ReceiptShown, index: PrincipalKeys, own: PrincipalKeys,
): Promise<VerifiedReceipt> => {
  const trustees = vault.genesis.trustees.flatMap((id) =>
    equalBytes(id, own.id) ? [own] : principals.find(id) ?? [])
  const policy = logPolicy({ index, trustees, quorum: QUORUM.release, required: own.id })
  try {
    return await verifyReceipt(receipt, access, policy)
  } catch (error) {
    if (error instanceof LogError) throw new Problem('receipt-invalid', `${error.code}: ${error.message}`)
    throw error
  }
}

/**
 * The access is a leaf of the tree of a checkpoint that the index signed, that this trustee cosigned, and another
 * trustee of this vault too. Whose keys sign for the index is what the index itself showed when it handed over the log,
 * never what the request shows. Throws Problem `receipt-invalid`.
 */
export const verifyLogged = async (
  shown: ReceiptShown, index: PrincipalKeys | undefined, own: PrincipalKeys,
): Promise<Recorded> => {
  if (index === undefined) throw new Problem('receipt-invalid', 'This trustee has not cosigned anything yet.')
  const { proof, checkpoint: { size, root, cosigned } } = await verified(shown, index, own)
  return {
    // The salt is not authenticated, but the leaf is made with it.
    leaf: { leaf: proof.index, statement: shown.access, salt: proof.extra ?? new Uint8Array(16) },
    note: { size, root, note: proof.checkpoint },
    cosigned: shown.vault.genesis.trustees.flatMap((trustee) => {
      const time = cosigned.get(witnessName(trustee))
      return time === undefined ? [] : [{ trustee, time }]
    }),
  }
}

/** What this trustee knows of the log, and its own id. */
export interface LogWitnessed {
  readonly witness: Witness
  readonly seen: SeenNotes
  readonly own: Uint8Array
}

/**
 * The tree is the one that this trustee has, and its clock is with its peers'. `now`: seconds. Throws `log-recovering`,
 * `log-forked`, `clock-skewed`.
 */
export const requireRecorded = async (
  { note, cosigned }: Pick<Recorded, 'note' | 'cosigned'>, { witness, seen, own }: LogWitnessed, now: () => number,
): Promise<void> => {
  witness.forks.require()
  const remembered = await witness.owns(note)
  if (!remembered || witness.behind) {
    throw new Problem('log-recovering', 'This trustee was restored from a backup and waits for the log to reach it.')
  }
  for (const { trustee, time } of cosigned) seen.add(trustee, note, time)
  const ownTime = cosigned.find(({ trustee }) => equalBytes(trustee, own))?.time
  const peers = cosigned.filter(({ trustee }) => !equalBytes(trustee, own))
  requireClock({
    now: now(), own: ownTime ?? 0, peers: peers.map(({ time }) => time), newest: seen.newest(own),
  })
}
