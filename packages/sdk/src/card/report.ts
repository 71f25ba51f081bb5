/**
 * What was opened without a network, put on record when it is back: for each note an emergency opening as every other,
 * with its access in the log, its entry in the patient's access log, which holds the note, and its place in the
 * officers' queue at the trustees. There is no second way through any of them.
 */
import { type CardOpening, SealError, toHex, verifyCardOpening } from '@scelle/seal/verify'
import type { Connection } from '../connection.ts'
import { SdkError } from '../errors.ts'
import type { OpenOptions } from '../open.ts'

export interface ReportOptions {
  /**
   * Has the site sign its way on to this reader, for hours, where that has not happened yet: by `Vault.share` of the
   * client with the emergency key.
   */
  readonly way?: (opening: CardOpening) => Promise<void>
  /** Codes; what the way gives where absent. */
  readonly categories?: readonly string[]
}

export interface CardReport {
  readonly note: Uint8Array
  /** Statement id of the note, hex: the patient sees the same one. */
  readonly id: string
  /**
   * `told`: patient and officers see it, now or since an earlier report: throw the note away. `logged`: the patient
   * sees it; trustees refused, so officers do not yet. `failed`: keep the note, and report it again.
   */
  readonly state: 'told' | 'logged' | 'failed'
  /** Code of what went wrong, of the other party where it refused. */
  readonly problem?: string
}

interface Openable {
  readonly open: (options: OpenOptions) => Promise<{ readonly close: () => void }>
}

/** Refused after the entry was written: see `releaseOnce` in `release.ts`. An access without receipt has no entry. */
const isLogged = (error: SdkError | SealError): boolean =>
  error instanceof SdkError && error.code === 'release-insufficient' &&
  !(error.cause instanceof SdkError && error.cause.problem === 'not-cosigned')

const problemOf = (error: SdkError | SealError): string => {
  if (error instanceof SealError) return error.code
  const cause = error.cause instanceof SdkError ? error.cause.problem : undefined
  return error.problem ?? cause ?? error.code
}

/** Reports this reader's own notes, one after the other; one that fails keeps none from being reported. */
export const reportCards = async (
  connection: Connection, vault: (id: Uint8Array) => Promise<Openable>, notes: readonly Uint8Array[],
  { way, categories }: ReportOptions = {},
): Promise<CardReport[]> => {
  const { identity, memory } = connection
  const report = async (note: Uint8Array): Promise<CardReport> => {
    const { opening, id: statement } = await verifyCardOpening(note, identity.keys)
    const id = toHex(statement)
    if (await memory.cardReported(id)) return { note, id, state: 'told' }
    try {
      await way?.(opening)
      const chart = await (await vault(opening.vault)).open({
        purpose: 'emergency', about: { offline: note }, ...(categories === undefined ? {} : { categories }),
      })
      chart.close()
      await memory.nowCardReported(id)
      return { note, id, state: 'told' }
    } catch (error) {
      if (!(error instanceof SdkError) && !(error instanceof SealError)) throw error
      return { note, id, state: isLogged(error) ? 'logged' : 'failed', problem: problemOf(error) }
    }
  }
  const reports: CardReport[] = []
  // The same note twice in one list is one opening too.
  for (const note of notes) reports.push(await report(note))
  return reports
}
