/** What trustees must know at once, from whoever may say it: each of them directly, and all by the log, sealed. */
import { SealError, type NoticeAbout } from '@scelle/seal/verify'
import type { Connection } from './connection.ts'
import { SdkError } from './errors.ts'
import { logNotice } from './log/notices.ts'

/** What became of it. */
export interface Told {
  /** Ids of the trustees that were not reached. They read it in the log, or are told again. */
  readonly pending: readonly Uint8Array[]
  /** Whether the index has put it on record: then no trustee cosigns what comes after without having applied it. */
  readonly logged: boolean
}

export interface ToTell {
  readonly about: NoticeAbout
  /** At each trustee. */
  readonly path: string
  /** Whom it is about. */
  readonly target: Uint8Array
  /** The request's body, and the notice's content. */
  readonly content: Uint8Array
  /** It is on record already: trustees that were away are told once more, and the log is not. */
  readonly isLogged?: boolean
}

type Answered = { readonly told: true } | { readonly pending: Uint8Array } | { readonly refused: SdkError }

const tell = async (connection: Connection, id: Uint8Array, { path, content: body }: ToTell): Promise<Answered> => {
  try {
    const { target } = await connection.trustee(id)
    await connection.transport.ask(target, { method: 'POST', path, body, attempts: 2 })
    return { told: true }
  } catch (error) {
    if (!(error instanceof SdkError)) throw error
    return error.problem === undefined ? { pending: id } : { refused: error }
  }
}

/** An index that is down, or lies, does not make undone what trustees have. */
const log = async (connection: Connection, { about, target, content }: ToTell): Promise<boolean> => {
  try {
    await logNotice(connection, { about, target, content })
    return true
  } catch (error) {
    if (!(error instanceof SdkError || error instanceof SealError)) throw error
    connection.log('notice-pending', { code: error instanceof SdkError ? error.problem ?? error.code : error.code })
    return false
  }
}

/** Throws as trustees refuse; what all of them refuse is not logged. Told again, it counts once. */
export const tellTrustees = async (connection: Connection, what: ToTell): Promise<Told> => {
  const answers = await Promise.all(connection.trusteeIds.map((id) => tell(connection, id, what)))
  const refusals = answers.flatMap((answer) => 'refused' in answer ? [answer.refused] : [])
  const isFor = what.isLogged !== true && refusals.length < answers.length
  const logged = isFor ? await log(connection, what) : what.isLogged === true
  const [refused] = refusals
  if (refused !== undefined) throw refused
  return { pending: answers.flatMap((answer) => 'pending' in answer ? [answer.pending] : []), logged }
}
