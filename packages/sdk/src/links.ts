/** Two vaults turn out to be one person's, or not: said by their controllers, told to trustees. */
import { makeLink, signLink } from '@scelle/seal/grants'
import {
  decode, decodeSigned, equalBytes, encode, Link, SealError, statementId, toHex, verifyKeyChain, verifyLink,
} from '@scelle/seal/verify'
import { LinkShown } from '@scelle/wire/messages'
import type { Connection, Party } from './connection.ts'
import { SdkError } from './errors.ts'
import { logNotice } from './log/notices.ts'
import { loadView, type VaultView } from './vault-view.ts'

/** Signs a merge, as the controller of the vault that goes on; the other one's controller signs the same. */
export const signMerge = (
  { identity, context }: Connection, { vault }: VaultView, { vault: other }: VaultView,
): Promise<Uint8Array> => signLink(identity, makeLink({ action: 'merge', vault, other }, context))

/** Signs what another controller signed. */
export const agreeTo = (connection: Connection, signed: Uint8Array): Promise<Uint8Array> =>
  signLink(connection.identity, decode(Link, decodeSigned('link', signed).body))

/** Tells all trustees; done where two have it and the log, for those that were away. Throws as they refuse. */
export const tellLink = async (
  connection: Connection, link: readonly Uint8Array[], views: readonly [VaultView, VaultView],
): Promise<void> => {
  const controllers = new Map(views.map(({ genesis }) => [toHex(genesis.controller), genesis.controller]))
  const known = await Promise.all([...controllers.values()].map((id) => connection.directory.of(id)))
  const body = encode(LinkShown, {
    keys: known.map(({ chain }) => [...chain]), link: [...link], geneses: views.map((view) => view.genesisSigned),
  })
  const tell = ({ target }: Party): Promise<unknown> =>
    connection.transport.ask(target, { method: 'POST', path: '/v1/discovery/links', body, attempts: 2 })
  const parties = await connection.metTrustees()
  const failed: SdkError[] = []
  await Promise.all(parties.map((party) => tell(party).catch((error: unknown) => {
    if (!(error instanceof SdkError)) throw error
    failed.push(error)
  })))
  if (parties.length - failed.length < 2) {
    throw failed[0] ?? new SdkError('network', 'two trustees have to know of a link; ask again')
  }
  await logNotice(connection, { about: 'link', target: views[0].vault, content: body })
}

/** Ends a merge, by the word of either controller. */
export const signSplit = (
  connection: Connection, merge: Uint8Array, id: Uint8Array,
): Promise<Uint8Array> => {
  const { vault, other } = decode(Link, decodeSigned('link', merge).body)
  return signLink(connection.identity, makeLink({ action: 'split', vault, other, previous: id }, connection.context))
}

const viewsOf = async (
  connection: Connection, into: Uint8Array, other: Uint8Array,
): Promise<readonly [VaultView, VaultView]> => [await loadView(connection, into), await loadView(connection, other)]

/** See `Client.mergeVaults`. */
export const merge = async (
  connection: Connection, into: Uint8Array, other: Uint8Array, agreed?: (signed: Uint8Array) => Promise<Uint8Array>,
): Promise<Uint8Array> => {
  const views = await viewsOf(connection, into, other)
  const signed = await signMerge(connection, ...views)
  await tellLink(connection, agreed === undefined ? [signed] : [signed, await agreed(signed)], views)
  return signed
}

/** See `Client.splitVaults`. */
export const split = async (
  connection: Connection, merged: Uint8Array, into: Uint8Array, other: Uint8Array,
): Promise<void> => {
  const views = await viewsOf(connection, into, other)
  await tellLink(connection, [await signSplit(connection, merged, statementId(merged))], views)
}

/** The other vault of a link that a trustee shows, by the controllers' own signatures; undefined where they fail. */
export const linkedVault = async (shown: LinkShown, vault: Uint8Array): Promise<Uint8Array | undefined> => {
  try {
    const keys = await Promise.all(shown.keys.map((chain) => verifyKeyChain(chain)))
    const keysOf = (id: Uint8Array) => keys.find((one) => equalBytes(one.id, id))
    const { link } = await verifyLink({ ...shown, keysOf })
    if (link.action !== 'merge') return undefined
    if (equalBytes(link.vault, vault)) return link.other
    return equalBytes(link.other, vault) ? link.vault : undefined
  } catch (error) {
    // One that a trustee made up shows nothing, and must not hide the vault itself.
    if (error instanceof SealError) return undefined
    throw error
  }
}
