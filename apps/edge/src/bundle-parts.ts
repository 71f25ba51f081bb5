/** What became of a Bundle's entries, as entries of the answer. */
import { type BundlePart, type FhirAnswer, locationOf, versionHeaders } from './answers.ts'
import type { Call } from './call.ts'
import { type Entry, isPassing } from './entry.ts'
import { EdgeError } from './errors.ts'
import { EDGE_LIMITS } from './limits.ts'
import type { PlannedChange } from './writes/planner.ts'

export const writtenPart = ({ status, entry }: PlannedChange, call: Call): BundlePart =>
  entry === undefined
    ? { head: { response: { status: String(status) } } }
    : entryPart(String(status), entry, call, entry.bytes)

/** Resources of writes are sent back where the client asks for them; in a Bundle they are left out otherwise. */
export const entryPart = (status: string, entry: Entry, call: Call, resource: Uint8Array): BundlePart => ({
  head: {
    response: {
      status,
      ...(entry.deleted ? {} : { location: locationOf(call.base, entry) }),
      etag: `W/"${entry.version}"`,
      lastModified: new Date(entry.updated).toISOString(),
    },
  },
  ...(entry.deleted || call.wishes.returns !== 'representation' ? {} : { resource }),
})

/** The answer to one interaction as a Bundle's entry. */
export const partOf = ({ status, entry, body, headers }: FhirAnswer, call: Call): BundlePart => {
  const isWrite = headers?.['location'] !== undefined || headers?.['content-location'] !== undefined
  if (entry !== undefined && isWrite) return entryPart(String(status), entry, call, entry.bytes)
  const response = {
    status: String(status),
    ...(entry === undefined
      ? {}
      : { etag: versionHeaders(entry)['etag'], lastModified: new Date(entry.updated).toISOString() }),
  }
  return { head: { response }, ...(body === undefined ? {} : { resource: body }) }
}

/** What the answers to a Bundle may come to: a small one could otherwise ask for more than this process has. */
export class AnswerRoom {
  #left: number = EDGE_LIMITS.bundleAnswers

  /** Before an entry is carried out. Throws `too-large` where no room is left. */
  require(): void {
    if (this.#left <= 0) throw tooMuch()
  }

  /** The answer to a read. Throws `too-large` where there is no room for it. */
  read(part: BundlePart): BundlePart {
    const { resource } = this.done(part)
    if (resource === undefined || this.#left >= 0) return part
    if (isPassing(resource)) resource.fill(0)
    throw tooMuch()
  }

  /** The answer to what has happened: it is told in any case. */
  done(part: BundlePart): BundlePart {
    this.#left -= part.resource?.length ?? 0
    return part
  }
}

const tooMuch = (): EdgeError =>
  new EdgeError('too-large', 'the answers to this Bundle are too large together: ask for this one by itself')
