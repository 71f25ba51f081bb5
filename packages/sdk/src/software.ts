/** Puts a release of software on record, for its publisher. */
import { encode, sha256, Software, SUITE } from '@scelle/seal/verify'
import { encodeProven } from '@scelle/wire/proven'
import { encodeRelease } from '@scelle/wire/software'
import type { Connection } from './connection.ts'
import { SdkError } from './errors.ts'
import { SDK_LIMITS } from './limits.ts'
import { keptWord, type Place, wordOf } from './log/places.ts'
import { pause } from './timers.ts'

export interface NewRelease {
  readonly name: string
  readonly version: string
  /** As browsers write it; absent for what is not served to them. */
  readonly origin?: string
  /** Path, with its first slash, to octets. */
  readonly files: ReadonlyMap<string, Uint8Array>
}

const isNotYet = (error: unknown): boolean =>
  error instanceof SdkError && (error.problem === 'not-cosigned' || error.problem === 'not-found')

const receiptOf = async (connection: Connection, place: Place, signal?: AbortSignal): Promise<Uint8Array> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await connection.logClient.receiptOf(place, 'final')
    } catch (error) {
      if (!isNotYet(error) || attempt >= SDK_LIMITS.finalAttempts) throw error
    }
    await pause(connection.timers, SDK_LIMITS.finalPause * 2 ** (attempt - 1), signal)
  }
}

/** The file that the origin shows: see `@scelle/wire/software`. Throws as `Connection.record` does. */
export const publishRelease = async (
  connection: Connection, { name, version, origin, files }: NewRelease,
): Promise<Uint8Array> => {
  const { identity, context } = connection
  const signed = await identity.sign('software', encode(Software, {
    suite: SUITE, name, version, time: Math.floor(context.now() / 1000), salt: context.random(16),
    files: [...files].map(([path, octets]) => ({ path, sha256: sha256(octets) })),
    ...(origin === undefined ? {} : { origin }),
  }))
  const [place] = wordOf(keptWord(await connection.record('/v1/software', signed), signed)).places
  if (place === undefined) throw new SdkError('answer-invalid', 'the index does not say where a release stands')
  const receipt = await receiptOf(connection, place)
  return encodeRelease({ publisher: [...identity.chain], proven: encodeProven({ statement: signed, receipt }) })
}
