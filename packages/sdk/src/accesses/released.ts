/** What a trustee itself says that it released or refused: asked of it directly, so that no index can leave it out. */
import { decode, encode, equalBytes, Release, SealError, Signed, toHex, verifySigned } from '@scelle/seal/verify'
import { ReleasesAnswer, ReleasesRequest } from '@scelle/wire/messages'
import type { Connection } from '../connection.ts'
import { SdkError } from '../errors.ts'
import { checkAccess, checkDenial, type ListedPart, type SignedAccess } from './listed.ts'

export interface ReleasedAccess extends SignedAccess {
  /** Code of the refusal, where the trustee refused. */
  readonly refused: string | undefined
  /** Whether its word has a charge, which that trustee alone can read. */
  readonly charged: boolean
  /** Seconds since 1970, of the trustee's clock. */
  readonly at: number
}

type Row = ReleasesAnswer['releases'][number]

const check = async (
  connection: Connection, of: ListedPart, { trustee, row }: { trustee: Uint8Array; row: Row },
): Promise<ReleasedAccess> => {
  const access = await checkAccess(connection, of, row.access)
  const { kind, keyVersion } = decode(Signed, row.word)
  if (kind === 'denial') {
    const { problem, time } = await checkDenial(connection, row.word, { server: trustee, access })
    return { ...access, refused: problem, charged: false, at: time }
  }
  const { keys } = await connection.directory.of(trustee, keyVersion)
  const release = decode(Release, (await verifySigned('release', row.word, keys)).body)
  const fits =
    equalBytes(release.trustee, trustee) &&
    equalBytes(release.vault, access.access.vault) &&
    toHex(release.access) === access.statement
  if (!fits) throw new SealError('release-mismatch', 'a word about a release is about another access')
  return { ...access, refused: undefined, charged: release.charge !== undefined, at: release.time }
}

/** Everything that shows whose list it is: a trustee looks nothing up. */
const requestFor = async (connection: Connection, { view, part }: ListedPart, since: number): Promise<Uint8Array> => {
  const ids = [view.genesis.controller, part.custodian.keys.id, connection.identity.id]
  const unique = new Map(ids.map((id) => [toHex(id), id]))
  const principals = await Promise.all([...unique.values()].map((id) => connection.directory.of(id)))
  return encode(ReleasesRequest, {
    genesis: view.genesisSigned,
    custodian: part.custodian.keys.id,
    keys: principals.map(({ chain }) => [...chain]),
    since,
  })
}

/** One trustee's list, oldest first, each access once. Throws SealError, SdkError `trustee-problem`, `network`…. */
export const releasedBy = async (
  connection: Connection, of: ListedPart, trustee: Uint8Array, signal?: AbortSignal,
): Promise<ReleasedAccess[]> => {
  const { target } = await connection.trustee(trustee)
  const found = new Map<string, ReleasedAccess>()
  for (let since = 0; ;) {
    const body = await requestFor(connection, of, since)
    const answer = decode(ReleasesAnswer, await connection.transport.ask(target, {
      method: 'POST', path: '/v1/released', body, signal, attempts: 2,
    }))
    const before = found.size
    for (const row of answer.releases) {
      const released = await check(connection, of, { trustee, row })
      // Of one access a trustee may have said both: what it gave out counts.
      if (released.refused === undefined || !found.has(released.statement)) found.set(released.statement, released)
      since = Math.max(since, released.at)
    }
    if (!answer.more) return [...found.values()]
    if (found.size === before) throw new SdkError('answer-invalid', 'a trustee promises more releases and has none')
  }
}
