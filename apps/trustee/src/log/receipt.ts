/** No log entry, no key: the proof that an access is in the log, as this trustee itself checks it. */
import { LogError } from '@scelle/log'
import type { PrincipalKeys, VerifiedVault } from '@scelle/seal/verify'
import { equalBytes } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { logPolicy, QUORUM, type VerifiedReceipt, verifyReceipt, witnessName } from '@scelle/wire/log'
import type { ShownPrincipals } from '../shown.ts'
import type { ShownLeaf } from './mirror-store.ts'
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

/** What this trustee knows of the log, and its own keys. */
export interface LogWitnessed {
  readonly witness: Witness
  readonly seen: SeenNotes
  readonly own: PrincipalKeys
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
 * trustee of this vault too; and the tree is the one that this trustee has. Whose keys sign for the index is what the
 * index itself showed when it handed over the log, never what the request shows.
 * Resolves with its leaf. Throws Problem `receipt-invalid`, `log-recovering`, `log-forked`.
 */
export const requireLogged = async (
  shown: ReceiptShown, { witness, seen, own }: LogWitnessed,
): Promise<ShownLeaf> => {
  witness.forks.require()
  const index = await witness.index()
  if (index === undefined) throw new Problem('receipt-invalid', 'This trustee has not cosigned anything yet.')
  const { proof, checkpoint: { size, root, cosigned } } = await verified(shown, index, own)
  const note = { size, root, note: proof.checkpoint }
  const remembered = await witness.owns(note)
  if (!remembered || witness.behind) {
    throw new Problem('log-recovering', 'This trustee was restored from a backup and waits for the log to reach it.')
  }
  for (const trustee of shown.vault.genesis.trustees) if (cosigned.has(witnessName(trustee))) seen.add(trustee, note)
  // The salt is not authenticated, but the leaf is made with it.
  return { leaf: proof.index, statement: shown.access, salt: proof.extra ?? new Uint8Array(16) }
}
