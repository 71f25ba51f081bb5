/**
 * The other half of a name: its principal says, as a release on public record, that the name is its own. Without it
 * anybody's document could point at somebody else's principal. The release names the identifier, the place, and the
 * newest version, whose hash is over all before it: whoever takes over the host cannot show another past.
 */
import { addressOf, type Organisation } from '@scelle/credentials/organisation'
import { LogError, type LogPolicy } from '@scelle/log'
import { connect } from '@scelle/sdk'
import type { Identity } from '@scelle/seal/identity'
import { decode, SealError, toHex, verifyKeyChain } from '@scelle/seal/verify'
import { changedFiles, Release, RELEASE_PATH, verifyRelease } from '@scelle/wire/software'
import { CommandError, EXIT } from '../errors.ts'
import { type Installation, PARTIES, urlOf } from '../home.ts'
import type { Io } from '../io.ts'
import { MESSAGES } from '../messages.ts'
import { PUBLIC, publishedLog } from './change.ts'

/** Beside `did.json`. */
export const LINK_FILE = RELEASE_PATH.slice(1)

const FILES = ['did.jsonl', 'did.json'] as const

/** Of a release: the identifier without its place, which is the release's origin and paths. */
const nameOf = (scid: string): string => `did:webvh:${scid}`

/** By the principal that the document names, and by no other. */
export const linkName = async (io: Io, installation: Installation, identity: Identity): Promise<number> => {
  const { did } = MESSAGES[io.language]
  const { history } = await publishedLog(io)
  const own = `urn:scelle:principal:${toHex(identity.id)}`
  if (!(history.document['alsoKnownAs'] as string[]).includes(own)) throw new CommandError('usage', did.notOwn)
  if (history.deactivated) throw new CommandError('failed', did.ended)
  const trustees = PARTIES.filter((party) => party.startsWith('trustee'))
  const client = await connect({
    index: urlOf(installation, 'index'),
    trustees: trustees.map((party) => urlOf(installation, party)),
    identity, context: io,
    pins: { index: installation.ids.index, trustees: trustees.map((party) => installation.ids[party]) },
  })
  const { origin, pathname } = new URL(addressOf(history.did).base)
  const files = await Promise.all(FILES.map(async (file): Promise<[string, Uint8Array]> =>
    [`${pathname}${file}`, await io.home.read(...PUBLIC, file) ?? new Uint8Array(0)]))
  const release = await client.publish({
    name: nameOf(history.scid), version: history.versionIds.at(-1) ?? '', origin, files: new Map(files),
  })
  io.out(did.linked(history.did, await io.home.write(release, ...PUBLIC, LINK_FILE)))
  return EXIT.done
}

/** The principal does not say that the name is its own. The message says what is wrong with the release. */
export class NotLinked extends Error {
  constructor(detail: string) {
    super(detail)
    this.name = 'NotLinked'
  }
}

export interface Linked {
  /** Of the log, where the principal said so. */
  readonly leaf: number
}

/** `read` answers a path of the name's host. Throws NotLinked; SourceError as `read` does. */
export const verifyLink = async (
  organisation: Organisation, policy: LogPolicy, read: (path: string) => Promise<Uint8Array | undefined>,
): Promise<Linked> => {
  const { did, scid, versionIds, principal } = organisation
  const { origin, pathname } = new URL(addressOf(did).base)
  const file = await read(`${pathname}${LINK_FILE}`)
  if (file === undefined) throw new NotLinked('the host shows no release')
  try {
    const { software, leaf } = await verifyRelease(file, { publisher: principal, policy })
    const { kind } = await verifyKeyChain(decode(Release, file).publisher)
    if (kind !== 'organisation' && kind !== 'vendor') throw new NotLinked(`the principal is a ${kind}`)
    if (software.name !== nameOf(scid)) throw new NotLinked('the release is of another name')
    if (software.origin !== origin || !software.files.some(({ path }) => path === `${pathname}did.jsonl`)) {
      throw new NotLinked('the release is for another place')
    }
    // Later entries are the name's own business; an earlier one that differs is another history.
    if (!versionIds.includes(software.version)) throw new NotLinked('the release is of a version that is not shown')
    const changed = software.version === versionIds.at(-1) ? await changedFiles(software, read) : []
    if (changed.length > 0) throw new NotLinked(`not what was put on record: ${changed.join(', ')}`)
    return { leaf }
  } catch (error) {
    if (error instanceof LogError || error instanceof SealError) throw new NotLinked(error.message)
    throw error
  }
}
