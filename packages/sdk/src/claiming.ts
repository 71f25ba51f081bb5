/**
 * A patient claims what was kept under their identity: a vault of their own, the identity bound to it by proof and
 * notice, and, of each part that a custodian hands over, the release secrets, fetched on record and kept. Every step
 * looks for what is there already, so that a call that was interrupted anywhere is simply made again.
 */
import { createVault, type NewCategory } from '@scelle/seal/keys'
import { encode, equalBytes, fromHex, statementId, toHex } from '@scelle/seal/verify'
import { NewVault } from '@scelle/wire/messages'
import type { Chart } from './chart.ts'
import type { Committer } from './committer.ts'
import type { Connection } from './connection.ts'
import { type Discovery, provenPseudonym } from './discovery.ts'
import { SdkError } from './errors.ts'
import { ClaimEvidence } from './handing-over.ts'
import { type Id, idBytes } from './ids.ts'
import { type Ring, ringItems, ringOf } from './key-ring.ts'
import { SDK_LIMITS } from './limits.ts'
import { merge } from './links.ts'
import type { OpenOptions } from './open.ts'
import type { Releaser } from './opening.ts'
import { type ChartProblem, release } from './release.ts'
import { Vault } from './vault.ts'
import { loadView } from './vault-view.ts'

export interface ClaimOptions {
  /** A listed issuer's signed proof of the identity. */
  readonly proof: Uint8Array
  /** Of the vault that is made; one for the ring is added. */
  readonly categories: readonly NewCategory[]
  /** A vault of one's own that there is already. */
  readonly vault?: Id
  /** Code of the category in the own vault where release secrets are kept: `private` where absent. */
  readonly ring?: string
  /** Has the controller of a vault that was handed over sign that it is the same person's (`agreeToMerge`). */
  readonly agreed?: (signed: Uint8Array, kept: Uint8Array) => Promise<Uint8Array>
}

/** A part of a vault in custody that was handed over. */
export interface KeptPart {
  readonly vault: Uint8Array
  readonly custodian: Uint8Array
  /** Capsules whose release secrets were fetched by this call. */
  readonly fetched: number
  readonly problems: readonly ChartProblem[]
}

interface Claimant {
  /** The patient's own. */
  readonly vault: Uint8Array
  /** For the custodians: see `Client.handOver`. */
  readonly evidence: Uint8Array
}

export type Claim = Claimant & (
  /** Milliseconds since 1970: called again then, it goes on, unless the custodian objects. */
  | { readonly state: 'waiting'; readonly until: number }
  /** `awaited` are vaults of which nothing was handed over yet. */
  | { readonly state: 'claimed'; readonly kept: readonly KeptPart[]; readonly awaited: readonly Uint8Array[] }
)

export type OpenClaimed = Pick<OpenOptions, 'custodian' | 'categories' | 'signal' | 'idle' | 'life'> &
  Pick<ClaimOptions, 'ring'>

export interface Claiming {
  readonly connection: Connection
  readonly committer: Committer
  readonly discovery: Discovery
}

const RING = 'private'

/** The answer, or undefined where the index knows of no such vault, or tells this client of none. */
const ifThere = async <T>(work: Promise<T>): Promise<T | undefined> => {
  try {
    return await work
  } catch (error) {
    if (error instanceof SdkError && error.problem === 'not-found') return undefined
    throw error
  }
}

/** What is made is kept before it is sent: interrupted in between, no second vault is made. */
const madeVault = async (
  { connection }: Claiming, pseudonym: Uint8Array, { categories, ring = RING }: ClaimOptions,
): Promise<Uint8Array> => {
  const { memory, identity, trusteeIds, context } = connection
  const name = toHex(pseudonym)
  let body = await memory.claiming(name)
  if (body === undefined) {
    const there = categories.some(({ code }) => code === ring)
    const all = there ? categories : [...categories, { code: ring, strict: true }]
    const made = await createVault(
      { mode: 'owner', controller: identity, trustees: trusteeIds, categories: all }, context)
    body = { genesis: made.genesisSigned, manifest: made.manifest.signed }
    await memory.keepClaiming(name, body)
  }
  const vault = statementId(body.genesis)
  if (await ifThere(loadView(connection, vault)) === undefined) {
    await connection.record('/v1/vaults', encode(NewVault, body), { signed: body.genesis, along: body.manifest })
  }
  return vault
}

const ringIn = async (own: Vault, category: string, owner: Uint8Array): Promise<Ring> => {
  const chart = await own.open({ categories: [category] })
  try {
    return ringOf(chart.opened(), owner)
  } finally {
    chart.close()
  }
}

/** The author goes on with what the law makes it keep, whatever care the patient ends: of what it writes here, too. */
const leaveKeepersRight = async (
  { connection }: Claiming, own: Vault, custodian: Uint8Array, ring: string,
): Promise<void> => {
  const given = (await own.grantsGiven()).some(({ grant, revoked, inForce }) =>
    grant.basis === 'legal-duty' && !revoked && inForce && equalBytes(grant.grantee, custodian))
  if (given) return
  const categories = [...(await own.categories()).keys()].filter((code) => code !== ring && code !== 'access-log')
  if (categories.length === 0) return
  const until = connection.context.now() + SDK_LIMITS.handedOverFor
  await own.share({ to: custodian, categories, basis: 'legal-duty', until })
}

/** Fetches what is missing of a part, and keeps it in the owner's vault. */
const fetchPart = async (
  { connection }: Claiming, own: Vault, kept: Vault, custodian: Uint8Array, ring: string,
): Promise<KeptPart> => {
  const known = await ringIn(own, ring, connection.identity.id)
  const { releases, problems } = await kept.releasesBut(known, custodian)
  const items = ringItems(connection, ring, releases)
  if (items.length > 0) await own.write(items)
  return { vault: kept.id, custodian, fetched: releases.size, problems }
}

/** See `Client.claim`. */
export const claim = async (at: Claiming, options: ClaimOptions): Promise<Claim> => {
  const { connection, committer, discovery } = at
  const { proof, ring = RING, agreed } = options
  const pseudonym = provenPseudonym(proof)
  const vault = options.vault === undefined ? await madeVault(at, pseudonym, options) : idBytes(options.vault)
  const { genesisSigned: genesis } = await loadView(connection, vault)
  const bound = await discovery.bindFound(genesis, vault, pseudonym, proof)
  const claimant = { vault, evidence: encode(ClaimEvidence, { genesis, proof }) }
  if (bound.due !== undefined) return { ...claimant, state: 'waiting', until: bound.due }
  const own = await Vault.load(connection, committer, vault)
  const kept: KeptPart[] = []
  const awaited: Uint8Array[] = []
  for (const id of bound.before ?? []) {
    const there = await ifThere(Vault.load(connection, committer, id))
    if (there === undefined) {
      awaited.push(id)
      continue
    }
    for (const name of there.custodians) {
      const custodian = fromHex(name) as Uint8Array
      await leaveKeepersRight(at, own, custodian, ring)
      kept.push(await fetchPart(at, own, there, custodian, ring))
    }
    const isLinked = bound.linked?.some((other) => equalBytes(other, id)) === true
    if (agreed !== undefined && !isLinked) await merge(connection, vault, id, (signed) => agreed(signed, id))
  }
  return { ...claimant, state: 'claimed', kept, awaited }
}

/** See `Client.openClaimed`. What was written since, the trustees release on record. */
export const openClaimed = async (
  { connection, committer }: Claiming, own: Uint8Array, kept: Uint8Array, how: OpenClaimed,
): Promise<Chart> => {
  const { ring: code = RING, ...options } = how
  const ring = await ringIn(await Vault.load(connection, committer, own), code, connection.identity.id)
  const releaser: Releaser = async (need) => {
    const rest = need.capsules.filter(({ headerHash }) => !ring.has(toHex(headerHash)))
    if (rest.length === 0) return { releases: new Map(ring), problems: [] }
    const { releases, problems } = await release(connection, { ...need, capsules: rest })
    return { releases: new Map([...ring, ...releases]), problems }
  }
  const vault = await Vault.load(connection, committer, kept)
  return vault.openBy({ ...options, purpose: 'patient-request' }, { releaser })
}
