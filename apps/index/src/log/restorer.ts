/**
 * Applies what was brought back, in the order of its leaves: each with the place that it had, under what was stored
 * then. What the index once accepted is accepted again, since all that it depended on stands before it.
 */
import {
  Access, actingKeys, decode, decodeSigned, Denial, equalBytes, Grant, GrantKeys, KeyRecord, type Kind, Manifest,
  Release, Revocation, SealError, Signed, VaultGenesis, ZERO32,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { CommitSubmission } from '@scelle/wire/messages'
import { INDEX_LIMITS } from '../limits.ts'
import { type FoundLeaf, type LostLeaves, type Restored, RestoreRefused } from '../lost-leaves.ts'
import { manifestOperation } from '../manifest-operation.ts'
import type { Registry } from '../registry.ts'
import type { GrantKeysOperation, Operation } from '../store.ts'
import { verifySubmission } from '../submission.ts'
import { Found, placeOf, storedStatement } from './found.ts'

interface Leaf {
  readonly leaf: number
  readonly found: Found
  readonly kind: Kind
}

/** A leaf, and the one whose statement came along with its own. */
interface Unit {
  readonly first: Leaf
  readonly second: Leaf | undefined
}

/** Kinds that come with a second statement. */
const ALONG: Partial<Record<Kind, Kind>> = { 'vault-genesis': 'manifest', grant: 'grant-keys' }

const bodyOf = ({ found, kind }: Leaf): Uint8Array => decodeSigned(kind, found.statement).body

const signerOf = ({ found, kind }: Leaf): Uint8Array => decodeSigned(kind, found.statement).signer

const grantKeysOf = (leaf: Leaf): GrantKeysOperation => {
  const { vault, grant, manifestVersion } = decode(GrantKeys, bodyOf(leaf))
  return { kind: 'grant-keys', statement: storedStatement(leaf.found), vault, grant, manifestVersion }
}

const manifestOf = ({ found }: Leaf) => {
  const manifest = decode(Manifest, decodeSigned('manifest', found.statement).body)
  return manifestOperation(found.statement, manifest, storedStatement(found).id)
}

type Make = (unit: Unit, registry: Registry) => Operation | Promise<Operation>

const commitOf: Make = async ({ first: { found } }, registry) => {
  if (found.submission === undefined) throw new SealError('commit-root-mismatch', 'a commit came without its items')
  const author = await actingKeys(decodeSigned('commit', found.statement), async (id) => {
    const keys = await registry.keysOf(id)
    if (keys === undefined) throw new Problem('principal-unknown')
    return keys
  }, 'listed')
  return verifySubmission(decode(CommitSubmission, found.submission), {
    author,
    at: found.time,
    genesisOf: async (id) => (await registry.vault(id))?.genesis,
    encapsulations: registry,
  })
}

const MAKE: Partial<Record<Kind, Make>> = {
  'key-record': ({ first }) => {
    const signer = signerOf(first)
    const statement = storedStatement(first.found)
    const principal = equalBytes(signer, ZERO32) ? statement.id : signer
    return { kind: 'key-record', statement, principal, version: decode(KeyRecord, bodyOf(first)).version }
  },
  'vault-genesis': ({ first, second }) => ({
    kind: 'vault',
    statement: storedStatement(first.found),
    controller: signerOf(first),
    mode: decode(VaultGenesis, bodyOf(first)).mode,
    manifest: manifestOf(second as Leaf),
  }),
  manifest: ({ first }) => manifestOf(first),
  grant: ({ first, second }) => ({
    kind: 'grant',
    statement: storedStatement(first.found),
    signer: signerOf(first),
    grant: decode(Grant, bodyOf(first)),
    keys: grantKeysOf(second as Leaf),
    at: first.found.time,
    counted: 'in-vault',
  }),
  'grant-keys': ({ first }) => grantKeysOf(first),
  revocation: ({ first }) => {
    const { vault, grant } = decode(Revocation, bodyOf(first))
    return { kind: 'revocation', statement: storedStatement(first.found), vault, grant }
  },
  notice: ({ first }) => ({ kind: 'notice', statement: storedStatement(first.found), signer: signerOf(first) }),
  'sign-out': ({ first }) => ({ kind: 'notice', statement: storedStatement(first.found), signer: signerOf(first) }),
  software: ({ first }) => ({ kind: 'notice', statement: storedStatement(first.found), signer: signerOf(first) }),
  commit: commitOf,
  access: ({ first }) => ({
    kind: 'access',
    statement: storedStatement(first.found),
    access: decode(Access, bodyOf(first)),
    at: first.found.time,
  }),
  denial: ({ first }) => {
    const access = first.found.access as Uint8Array
    const { vault, reader } = decode(Denial, bodyOf(first))
    const { custodian } = decode(Access, decodeSigned('access', access).body)
    return { kind: 'denial', statement: storedStatement(first.found), vault, custodian, reader, access }
  },
  release: ({ first }) => {
    const { vault, trustee } = decode(Release, bodyOf(first))
    return { kind: 'release', statement: storedStatement(first.found), vault, trustee }
  },
}

const leafOf = ({ leaf, content }: FoundLeaf): Leaf => {
  const found = decode(Found, content)
  return { leaf, found, kind: decode(Signed, found.statement).kind }
}

/** Leaves as they belong together; a last one whose second is not there yet is left. */
const unitsOf = (front: readonly FoundLeaf[]): Unit[] => {
  const units: Unit[] = []
  for (let i = 0; i < front.length; i++) {
    const first = leafOf(front[i] as FoundLeaf)
    if (ALONG[first.kind] === undefined) {
      units.push({ first, second: undefined })
      continue
    }
    const next = front[++i]
    if (next !== undefined) units.push({ first, second: leafOf(next) })
  }
  return units
}

/** It says something about what was brought back, and nothing about a disk. */
const isVerdict = (error: unknown): boolean =>
  error instanceof SealError || error instanceof Problem || error instanceof RestoreRefused

export class Restorer {
  readonly #lost: LostLeaves
  readonly #registry: Registry

  constructor(lost: LostLeaves, registry: Registry) {
    this.#lost = lost
    this.#registry = registry
  }

  /**
   * Applies what stands at the front. Resolves with whether it came further. What proves useless, because its items are
   * not those of the commit, is forgotten and is missing again. Throws RestoreRefused.
   */
  async advance(): Promise<boolean> {
    const before = (await this.#lost.range()).from
    const batch: Unit[] = []
    const flush = async (): Promise<void> => {
      const units = batch.splice(0)
      if (units.length > 0) await this.#apply(units)
    }
    for (const unit of unitsOf(await this.#lost.front(INDEX_LIMITS.restoredAtOnce))) {
      // Commits depend on each other by encapsulations alone; all else is looked up where it is stored.
      if (unit.first.kind !== 'commit') await flush()
      batch.push(unit)
      if (unit.first.kind !== 'commit') await flush()
    }
    await flush()
    return (await this.#lost.range()).from > before
  }

  /** All at once; where that fails, one after the other, so that what is useless is known. */
  async #apply(units: readonly Unit[]): Promise<void> {
    try {
      const restored: Restored[] = []
      for (const unit of units) restored.push(await this.#make(unit))
      await this.#lost.restore(restored)
    } catch (error) {
      if (!isVerdict(error)) throw error
      if (units.length === 1) await this.#useless(units[0] as Unit, error)
      for (const unit of units) await this.#apply([unit])
    }
  }

  async #make(unit: Unit): Promise<Restored> {
    const { first, second } = unit
    const make = MAKE[first.kind]
    if (make === undefined || (second !== undefined && second.kind !== ALONG[first.kind])) {
      throw new RestoreRefused(`a ${first.kind} cannot stand here`)
    }
    const places = [first, ...(second === undefined ? [] : [second])].map(({ leaf, found }) => placeOf(leaf, found))
    return { operation: await make(unit, this.#registry), places }
  }

  async #useless({ first }: Unit, cause: unknown): Promise<never> {
    await this.#lost.forget(first.leaf)
    throw new RestoreRefused(`a ${first.kind} that was brought back is of no use`, { cause })
  }
}
