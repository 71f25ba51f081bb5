/** One vault's history, played again from its statements: what must be stored about it follows from them. */
import {
  Access, actingKeys, Commit, decode, decodeSigned, Denial, equalBytes, Grant, GrantKeys, Manifest,
  type PrincipalKeys, Release, Revocation, Signed, statementId, type VaultGenesis, verifyGenesis, verifyGrantChain,
  verifyManifests, verifyRevocation, verifySigned,
} from '@scelle/seal/verify'
import { decideGrant, nextCategories } from '../decisions.ts'
import { INDEX_LIMITS } from '../limits.ts'
import { nameOf } from '../names.ts'
import type { CapsuleState, CategoryState, GrantState } from '../store.ts'
import { AuditFault, type FaultPlace, inPlace, requireThat } from './fault.ts'
import type { AuditSource, StatementRow } from './source.ts'

export interface ReplayedGrant extends GrantState {
  readonly sequence: number
  readonly statement: Uint8Array
  readonly grant: Grant
  readonly revokedBy: number
  readonly keysSequence: number
  readonly keysVersion: number
}

export interface ReplayedPart {
  readonly custodian: Uint8Array
  readonly manifests: Uint8Array[]
  readonly manifestSequences: number[]
  categories: CategoryState[]
  readonly grants: Map<string, ReplayedGrant>
  readonly capsules: Map<string, CapsuleState>
  /** Capsule ids by the hash of their header. */
  readonly hashes: Map<string, Uint8Array>
  /** `category/author/handle/version`, as names. */
  readonly versions: Set<string>
  /** `digest/category`. */
  readonly blobs: Set<string>
  readonly accesses: { readonly sequence: number; readonly reader: Uint8Array }[]
  readonly denials: { readonly sequence: number; readonly reader: Uint8Array; readonly access: Uint8Array }[]
}

export interface ReplayOptions {
  readonly source: AuditSource
  readonly keysOf: (principal: Uint8Array) => Promise<PrincipalKeys | undefined>
  readonly commit: (replay: Replay, row: StatementRow, part: ReplayedPart, commit: Commit) => Promise<void>
}

export const versionName = (
  { category, author, handle, version }: { category: number; author: Uint8Array; handle: Uint8Array; version: number },
): string => `${category}/${nameOf(author)}/${nameOf(handle)}/${version}`

export const blobName = (digest: Uint8Array, category: number): string => `${nameOf(digest)}/${category}`

export class Replay {
  readonly vault: Uint8Array
  readonly parts = new Map<string, ReplayedPart>()
  genesis: VaultGenesis | undefined
  genesisSequence = 0
  /** Sequence of the statement that is played. */
  current = 0
  /** A statement may be dated so many seconds ahead of the index's clock. */
  readonly skew = INDEX_LIMITS.clockSkew
  readonly #options: ReplayOptions
  /** Capsules of all parts: an id is the vault's. */
  readonly capsules = new Map<string, { part: ReplayedPart; state: CapsuleState }>()

  constructor(vault: Uint8Array, options: ReplayOptions) {
    this.vault = vault
    this.#options = options
  }

  async keys(principal: Uint8Array, place: FaultPlace): Promise<PrincipalKeys> {
    const keys = await this.#options.keysOf(principal)
    requireThat(keys !== undefined, place, 'a principal that it names is not registered here')
    return keys
  }

  part(custodian: Uint8Array): ReplayedPart | undefined {
    return this.parts.get(nameOf(custodian))
  }

  #requirePart(custodian: Uint8Array, place: FaultPlace): ReplayedPart {
    const part = this.part(custodian)
    requireThat(part !== undefined, place, 'it is about a part of the vault that does not exist')
    return part
  }

  /** Plays one statement, whose signature was checked before. */
  async play(row: StatementRow): Promise<void> {
    const place: FaultPlace = { table: 'statements', row: `sequence ${row.sequence}`, field: 'statement' }
    const { kind, body } = decode(Signed, row.statement)
    this.current = row.sequence
    await inPlace(place, async () => {
      if (kind === 'vault-genesis') return this.#genesis(row, place)
      if (kind === 'manifest') return this.#manifest(row, decode(Manifest, body), place)
      if (kind === 'grant') return this.#grant(row, decode(Grant, body), place)
      if (kind === 'grant-keys') return this.#grantKeys(row, decode(GrantKeys, body), place)
      if (kind === 'revocation') return this.#revocation(row, decode(Revocation, body), place)
      if (kind === 'commit') return this.#commit(row, decode(Commit, body), place)
      if (kind === 'access') return this.#access(row, decode(Access, body), place)
      if (kind === 'denial') return this.#denial(row, decode(Denial, body), place)
      if (kind === 'release') return this.#release(decode(Release, body), row, place)
      throw new AuditFault(place, `a ${kind} belongs to no vault`)
    })
  }

  async #genesis(row: StatementRow, place: FaultPlace): Promise<void> {
    requireThat(this.genesis === undefined, place, 'the vault has two beginnings')
    const { signer } = decodeSigned('vault-genesis', row.statement)
    this.genesis = (await verifyGenesis(row.statement, await this.keys(signer, place))).genesis
    this.genesisSequence = row.sequence
  }

  async #manifest(row: StatementRow, manifest: Manifest, place: FaultPlace): Promise<void> {
    const known = this.part(manifest.custodian)
    const part: ReplayedPart = known ?? {
      custodian: manifest.custodian, manifests: [], manifestSequences: [], categories: [], grants: new Map(),
      capsules: new Map(), hashes: new Map(), versions: new Set(), blobs: new Set(), accesses: [], denials: [],
    }
    this.parts.set(nameOf(manifest.custodian), part)
    part.manifests.push(row.statement)
    part.manifestSequences.push(row.sequence)
    requireThat(this.genesis !== undefined, place, 'the vault has no beginning')
    await verifyManifests(part.manifests, {
      vault: this.vault, genesis: this.genesis, custodian: await this.keys(manifest.custodian, place),
    })
    part.categories = nextCategories(part.categories, manifest.categories.map((entry) => ({
      category: entry.category, epoch: entry.epoch, strict: entry.strict, accessLog: entry.accessLog === true,
    })), row.sequence)
  }

  /** Root first. */
  #chain(part: ReplayedPart, id: Uint8Array | undefined): ReplayedGrant[] {
    const chain: ReplayedGrant[] = []
    for (let next = id; next !== undefined && chain.length < 16; next = chain[0]?.parent) {
      const grant = part.grants.get(nameOf(next))
      if (grant === undefined) break
      chain.unshift(grant)
    }
    return chain
  }

  async #grant(row: StatementRow, grant: Grant, place: FaultPlace): Promise<void> {
    const part = this.#requirePart(grant.custodian, place)
    const ancestors = this.#chain(part, grant.parent)
    const signer = ancestors.at(-1)?.grantee ?? grant.custodian
    const keys = new Map<string, PrincipalKeys>()
    for (const id of [grant.custodian, ...ancestors.map(({ grantee }) => grantee)]) {
      keys.set(nameOf(id), await this.keys(id, place))
    }
    await verifyGrantChain({
      chain: [...ancestors.map(({ statement }) => statement), row.statement], vault: this.vault,
      custodian: grant.custodian, keysOf: (id) => keys.get(nameOf(id)), at: grant.notBefore,
      need: { reader: grant.grantee, categories: grant.categories, rights: grant.rights },
    })
    const decision = decideGrant(
      { kind: 'grant', grant } as never, { categories: part.categories, parent: ancestors.at(-1), live: 0 },
    )
    if ('problem' in decision) throw new AuditFault(place, `the state before it refuses it: ${decision.problem}`)
    part.grants.set(nameOf(row.id), {
      id: row.id, parent: grant.parent, vault: this.vault, custodian: grant.custodian, signer, grantee: grant.grantee,
      mask: decision.mask, rights: grant.rights, purposes: grant.purposes, notBefore: grant.notBefore,
      expires: grant.expires, revoked: false, revokedAt: undefined, sequence: row.sequence, statement: row.statement,
      grant, revokedBy: 0, keysSequence: 0, keysVersion: 0,
    })
  }

  #owner(grant: Uint8Array): { part: ReplayedPart; grant: ReplayedGrant } | undefined {
    for (const part of this.parts.values()) {
      const found = part.grants.get(nameOf(grant))
      if (found !== undefined) return { part, grant: found }
    }
    return undefined
  }

  async #grantKeys(row: StatementRow, keys: GrantKeys, place: FaultPlace): Promise<void> {
    const found = this.#owner(keys.grant)
    const { signer } = decodeSigned('grant-keys', row.statement)
    const fits = found !== undefined && equalBytes(found.grant.signer, signer) && !found.grant.revoked &&
      keys.manifestVersion >= found.grant.keysVersion && keys.manifestVersion <= found.part.manifests.length
    requireThat(fits, place, 'it delivers keys of no grant that its signer gave')
    found.part.grants.set(nameOf(keys.grant), {
      ...found.grant, keysSequence: row.sequence, keysVersion: keys.manifestVersion,
    })
  }

  async #revocation(row: StatementRow, { grant: id }: Revocation, place: FaultPlace): Promise<void> {
    const found = this.#owner(id)
    requireThat(found !== undefined, place, 'it revokes no grant of this vault')
    const { part } = found
    const chain = this.#chain(part, id)
    const { signer } = decodeSigned('revocation', row.statement)
    await verifyRevocation(row.statement, await this.keys(signer, place), {
      grants: chain.map(({ grant }) => grant), ids: chain.map((link) => link.id),
    })
    for (const [name, grant] of part.grants) {
      const below = this.#chain(part, grant.id).some((link) => equalBytes(link.id, id))
      if (below && !grant.revoked) {
        part.grants.set(name, { ...grant, revoked: true, revokedAt: row.time, revokedBy: row.sequence })
      }
    }
    part.categories = part.categories.map((state, at) =>
      ((1 << at) & found.grant.mask) === 0 ? state : { ...state, closed: row.sequence })
  }

  async #commit(row: StatementRow, commit: Commit, place: FaultPlace): Promise<void> {
    const part = this.#requirePart(commit.custodian, place)
    const { signer } = decodeSigned('commit', row.statement)
    requireThat(equalBytes(commit.author, signer), place, 'it names another author than its signer')
    await this.#options.commit(this, row, part, commit)
  }

  async #access(row: StatementRow, access: Access, place: FaultPlace): Promise<void> {
    const part = this.#requirePart(access.custodian, place)
    const { signer } = decodeSigned('access', row.statement)
    const grants = access.chain.every((id) => part.grants.has(nameOf(id)))
    const last = part.grants.get(nameOf(access.chain.at(-1) ?? access.custodian))
    const reader = last?.grantee ?? access.custodian
    const fits = equalBytes(access.reader, signer) && grants && equalBytes(reader, access.reader)
    requireThat(fits, place, 'its reader holds no such grant')
    for (const hash of access.capsules) {
      const capsule = part.hashes.get(nameOf(hash))
      const state = capsule === undefined ? undefined : part.capsules.get(nameOf(capsule))
      requireThat(capsule !== undefined && state !== undefined, place, 'it names a capsule that is not there')
      part.capsules.set(nameOf(capsule), { ...state, closed: true })
    }
    part.accesses.push({ sequence: row.sequence, reader: access.reader })
  }

  async #denial(row: StatementRow, denial: Denial, place: FaultPlace): Promise<void> {
    const { denials } = await this.#options.source.vault(this.vault)
    const stored = denials.find(({ sequence }) => sequence === row.sequence)
    const at: FaultPlace = { table: 'denials', row: `sequence ${row.sequence}`, field: 'access' }
    requireThat(stored !== undefined, at, 'the row is missing')
    const fits = equalBytes(statementId(stored.access), denial.access)
    requireThat(fits, at, 'the access is another than the one that was refused')
    const { body } = await inPlace(at, async () =>
      verifySigned('access', stored.access, await actingKeys(
        decodeSigned('access', stored.access), (id) => this.keys(id, place), 'listed')))
    const { custodian } = decode(Access, body)
    this.#requirePart(custodian, place).denials.push({
      sequence: row.sequence, reader: denial.reader, access: stored.access,
    })
  }

  #release({ trustee }: Release, row: StatementRow, place: FaultPlace): void {
    const { signer } = decodeSigned('release', row.statement)
    const fits = equalBytes(trustee, signer) && this.genesis?.trustees.some((id) => equalBytes(id, trustee)) === true
    requireThat(fits, place, 'it is by nobody who is a trustee of this vault')
  }
}
