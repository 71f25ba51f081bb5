/** A vault as the index shows it, checked back to its controller's keys. */
import {
  decode,
  decodeSigned,
  type Manifest,
  SealError,
  toHex,
  type VaultGenesis,
  verifyGenesis,
  verifyManifests,
} from '@scelle/seal/verify'
import { VaultView as ServedView } from '@scelle/wire/messages'
import type { Connection } from './connection.ts'
import type { KnownPrincipal } from './directory.ts'
import { inParallel } from './timers.ts'
import { SDK_LIMITS } from './limits.ts'
import { SdkError } from './errors.ts'

/** One custodian's part of a vault: all its manifests, oldest first. */
export interface Part {
  readonly custodian: KnownPrincipal
  readonly manifests: readonly Manifest[]
  readonly signed: readonly Uint8Array[]
  readonly newest: Manifest
}

export interface VaultView {
  readonly vault: Uint8Array
  readonly genesis: VaultGenesis
  readonly genesisSigned: Uint8Array
  readonly controller: KnownPrincipal
  /** By the hex of the custodian's id. */
  readonly parts: ReadonlyMap<string, Part>
}

/** What a client remembers about one custodian's part is kept under this name. */
export const partName = (vault: Uint8Array, custodian: Uint8Array): string => `${toHex(vault)}/${toHex(custodian)}`

const verifyPart = async (
  connection: Connection,
  view: Omit<VaultView, 'parts'>,
  served: { custodian: Uint8Array; versions: Uint8Array[] },
): Promise<Part> => {
  const newestVersion = Math.max(0, ...served.versions.map((signed) => decodeSigned('manifest', signed).keyVersion))
  const custodian = await connection.directory.of(served.custodian, newestVersion)
  const name = partName(view.vault, served.custodian)
  const known = await connection.memory.manifestSeen(name)
  const { manifests, ids } = await verifyManifests(served.versions, {
    vault: view.vault,
    genesis: view.genesis,
    custodian: custodian.keys,
    ...(known === undefined ? {} : { known }),
  })
  const newest = manifests.at(-1)
  const id = ids.at(-1)
  if (newest === undefined || id === undefined)
    throw new SealError('manifest-invalid', 'the index serves a custodian without any manifest')
  if (known === undefined || newest.version > known.version) {
    await connection.memory.sawManifest(name, { version: newest.version, id })
  }
  return { custodian, manifests, signed: served.versions, newest }
}

/** Checks a genesis against the id it was asked for: the index chooses neither. */
export const verifyView = async (
  connection: Connection,
  vault: Uint8Array,
  served: ServedView,
): Promise<VaultView> => {
  const signed = decodeSigned('vault-genesis', served.genesis)
  const controller = await connection.directory.of(signed.signer, signed.keyVersion)
  const verified = await verifyGenesis(served.genesis, controller.keys)
  if (toHex(verified.vault) !== toHex(vault)) {
    throw new SealError('vault-mismatch', 'the index serves another vault than the one asked for')
  }
  const view = { vault, genesis: verified.genesis, genesisSigned: served.genesis, controller }
  const parts = await inParallel(served.manifests, SDK_LIMITS.lookupsAtOnce, (part) =>
    verifyPart(connection, view, part),
  )
  const byCustodian = new Map(parts.map((part) => [toHex(part.custodian.keys.id), part]))
  if (byCustodian.size !== parts.length) throw new SealError('manifest-invalid', 'the index serves a custodian twice')
  return { ...view, parts: byCustodian }
}

export const loadView = async (connection: Connection, vault: Uint8Array): Promise<VaultView> => {
  const answer = await connection.askIndex({ method: 'GET', path: `/v1/vaults/${toHex(vault)}` })
  return verifyView(connection, vault, decode(ServedView, answer))
}

/** The part of one custodian. Throws `manifest-rolled-back` where it was there before and is not any more. */
export const partOf = async (connection: Connection, view: VaultView, custodian: Uint8Array): Promise<Part> => {
  const part = view.parts.get(toHex(custodian))
  if (part !== undefined) return part
  if ((await connection.memory.manifestSeen(partName(view.vault, custodian))) !== undefined) {
    throw new SealError('manifest-rolled-back', 'the index does not serve the manifests of a custodian any more')
  }
  throw new SdkError('no-grant', 'this vault has no such part for this principal')
}
