/** An opening that happened without a network, as its reader reports it: checked before the patient is told. */
import { decodeSigned, equalBytes, fromHex, SealError, toHex, verifyCardOpening } from '@scelle/seal/verify'
import type { Connection } from '../connection.ts'
import { SdkError } from '../errors.ts'
import type { VaultView } from '../vault-view.ts'
import type { AccessFinding, SeenAccess } from './compare.ts'

export interface OfflineOpening {
  /** Statement id of the reader's note, hex. Two accesses with the same one report one opening. */
  readonly note: string
  /** Milliseconds since 1970, by the clock of the site: when the summary was shown. */
  readonly time: number
  readonly reason: string
  /** Statement id of the card, hex. */
  readonly card: string
  /** The emergency key that opened it, hex. */
  readonly site: string
}

/** Undefined for an opening over the network. A note that does not hold is a finding against its reader. */
export const offlineOf = async (
  connection: Connection, { vault }: Pick<VaultView, 'vault'>, { note, reader, statement }: SeenAccess,
  findings: AccessFinding[],
): Promise<OfflineOpening | undefined> => {
  const signed = note?.offline
  if (signed === undefined) return undefined
  try {
    const { keyVersion } = decodeSigned('card-opening', signed)
    const { keys } = await connection.directory.of(fromHex(reader) as Uint8Array, keyVersion)
    const { opening, id } = await verifyCardOpening(signed, keys)
    if (!equalBytes(opening.vault, vault)) throw new SealError('vault-mismatch', 'a note is about another vault')
    const { time, reason, card, site } = opening
    return { note: toHex(id), time: time * 1000, reason, card: toHex(card), site: toHex(site) }
  } catch (error) {
    if (!(error instanceof SealError) && !(error instanceof SdkError && error.code === 'answer-invalid')) throw error
    findings.push({ code: 'entry-garbled', who: reader, access: statement })
    return undefined
  }
}
