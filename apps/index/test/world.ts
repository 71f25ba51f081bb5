/** One index in this process with a clock and randomness of its own, principals to talk to it, and material to send. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Courier,
  createCapsule,
  createCommit,
  type MadeCommit,
  type OpenCapsule,
  type RecordToCommit,
  sealRecord,
} from '@scelle/seal/envelope'
import { createGrant, type MadeGrant } from '@scelle/seal/grants'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { createVault, type MadeManifest, type MadeVault } from '@scelle/seal/keys'
import {
  type Codec, type Context, decode, encode, type Grant, type Positions, type PrincipalKeys, statementId, toHex,
  verifyPositions,
} from '@scelle/seal/verify'
import type { ProblemCode } from '@scelle/wire/errors'
import { signRequest } from '@scelle/wire/http'
import { CommitAnswers, CommitBatch, CommitSubmission, Feed, NewGrant, NewVault, Receipt } from '@scelle/wire/messages'
import type { LogEvent } from '@scelle/wire/server'
import type { Timers } from '@scelle/wire/timers'
import {
  createIndex, type IndexServer, openPostgresStorage, openStorage, type Storage, type StorageOptions,
} from '../src/index.ts'
import { quickTimers, Witnesses } from './witnesses.ts'

/** A generator of bytes that gives the same ones for the same seed. */
export const seeded = (seed: string): Context['random'] => {
  let block = 0
  return (length) => {
    const out = new Uint8Array(length)
    for (let at = 0; at < length; at += 32) {
      const hash = createHash('sha256').update(`${seed}/${block++}`).digest()
      out.set(hash.subarray(0, Math.min(32, length - at)), at)
    }
    return out
  }
}

export interface Clock {
  /** Milliseconds since 1970 UTC. */
  now: number
}

export interface Answered {
  readonly status: number
  readonly code: string | undefined
  readonly body: Uint8Array
  readonly headers: Readonly<Record<string, unknown>>
}

export interface Ask {
  readonly body?: Uint8Array
  readonly headers?: Record<string, string>
}

export const START = Date.UTC(2026, 0, 15, 8)

export const temporaryDirectory = (): { path: string; remove: () => void } => {
  const path = mkdtempSync(join(tmpdir(), 'scelle-index-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

export interface WorldOptions {
  readonly seed: string
  readonly clock?: Clock
  readonly storage?: Pick<StorageOptions, 'tick' | 'flush' | 'faultPoints'>
  readonly timers?: Timers
}

/** A database of a world's own. */
export interface WorldDatabase {
  readonly url: string
  readonly remove: () => Promise<void>
}

export class World {
  /** Makes a database for each world that says nothing of its storage: `postgres-routes.test.ts` sets it. */
  static freshDatabase: (() => Promise<WorldDatabase>) | undefined

  readonly clock: Clock
  readonly context: Context
  readonly admitted: string[] = []
  readonly directory: string
  readonly events: LogEvent[] = []
  identity!: Identity
  trustees!: Identity[]
  storage!: Storage
  server!: IndexServer
  /** The trustees as far as the index needs them: they cosign. */
  witnesses!: Witnesses
  readonly #options: WorldOptions
  /** Of the index, from its next start on. */
  timers: Timers
  readonly #remove: () => void
  #database: WorldDatabase | undefined
  #starts = 0

  private constructor(options: WorldOptions) {
    this.#options = options
    this.timers = options.timers ?? quickTimers
    this.clock = options.clock ?? { now: START }
    this.context = { now: () => this.clock.now, random: seeded(options.seed) }
    const directory = temporaryDirectory()
    this.directory = directory.path
    this.#remove = directory.remove
  }

  static async create(options: WorldOptions): Promise<World> {
    const world = new World(options)
    world.identity = await createIdentity('index', world.context)
    world.trustees = await Promise.all([0, 1, 2].map(() => createIdentity('trustee', world.context)))
    world.witnesses = new Witnesses(world.identity.keys, world.trustees, world.context.now)
    if (options.storage === undefined) world.#database = await World.freshDatabase?.()
    await world.open()
    return world
  }

  /** On the engine of this world. */
  async open(): Promise<void> {
    if (this.#database === undefined) return this.start()
    const { identity, directory } = this
    const context = this.#indexContext()
    this.storage = await openPostgresStorage({ directory, identity, context, database: this.#database.url })
    this.#serve(context)
  }

  start(): void {
    const { identity, directory } = this
    const context = this.#indexContext()
    this.storage = openStorage({ directory, identity, context, ...this.#options.storage })
    this.#serve(context)
  }

  /** What the index draws for itself, whenever it does, changes nothing of what a test draws. */
  #indexContext(): Context {
    return { ...this.context, random: seeded(`${this.#options.seed}/index/${this.#starts++}`) }
  }

  #serve(context: Context): void {
    const { identity } = this
    this.server = createIndex({
      ...this.storage,
      identity,
      context,
      admitted: this.admitted,
      trustees: this.witnesses.addresses,
      fetch: this.witnesses.fetch,
      timers: this.timers,
      log: (event) => this.events.push(event),
    })
  }

  async stop(): Promise<void> {
    await this.server.close()
    await this.storage.store.close()
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.open()
  }

  async end(): Promise<void> {
    await this.stop()
    this.#remove()
    await this.#database?.remove()
  }

  async ask(
    as: Identity,
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    { body, headers }: Ask = {},
  ): Promise<Answered> {
    const url = `http://localhost${path}`
    const signed = await signRequest({
      method,
      url,
      body,
      identity: as,
      now: this.context.now,
      random: this.context.random,
    })
    return this.send(method, path, { ...signed, ...headers }, body)
  }

  async send(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    headers: Record<string, string>,
    body?: Uint8Array,
  ): Promise<Answered> {
    const answer = await this.server.inject({
      method,
      url: path,
      headers: { host: 'localhost', ...(body === undefined ? {} : { 'content-type': 'application/cbor' }), ...headers },
      ...(body === undefined ? {} : { payload: Buffer.from(body) }),
    })
    const problem = answer.headers['content-type']?.toString().startsWith('application/problem+json') === true
    return {
      status: answer.statusCode,
      code: problem ? (JSON.parse(answer.payload) as { code: string }).code : undefined,
      body: new Uint8Array(answer.rawPayload),
      headers: answer.headers,
    }
  }

  /** Asks, and decodes the answer; throws where it is a refusal. */
  async must<T>(codec: Codec<T>, as: Identity, method: 'GET' | 'POST', path: string, ask: Ask = {}): Promise<T> {
    const answer = await this.ask(as, method, path, ask)
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${answer.code}`)
    return decode(codec, answer.body)
  }

  async register(identity: Identity): Promise<Identity> {
    for (const record of identity.chain) await this.must(Receipt, identity, 'POST', '/v1/principals', { body: record })
    return identity
  }

  async principal(kind: PrincipalKeys['kind'] = 'person'): Promise<Identity> {
    return this.register(await createIdentity(kind, this.context))
  }

  /** A hospital that the index admitted. */
  async provider(): Promise<Identity> {
    const identity = await this.principal('organisation')
    this.admitted.push(toHex(identity.id))
    await this.restart()
    return identity
  }

  async makeVault(
    controller: Identity,
    mode: 'owner' | 'custody',
    codes = ['summary', 'laboratory'],
  ): Promise<MadeVault> {
    return createVault(
      {
        mode,
        controller,
        trustees: this.trustees.map(({ id }) => id),
        categories: codes.map((code) => ({ code, strict: code === 'mental-health' })),
      },
      this.context,
    )
  }

  async vault(controller: Identity, mode: 'owner' | 'custody' = 'owner', codes?: string[]): Promise<MadeVault> {
    const made = await this.makeVault(controller, mode, codes)
    const body = encode(NewVault, { genesis: made.genesisSigned, manifest: made.manifest.signed })
    await this.must(Receipt, controller, 'POST', '/v1/vaults', { body })
    return made
  }

  async makeGrant(
    vault: MadeVault,
    from: { signer: Identity; custodian: Identity; grantee: Identity },
    fields: Partial<Grant> = {},
  ): Promise<MadeGrant> {
    const now = Math.floor(this.clock.now / 1000)
    const { signer, custodian, grantee } = from
    const invented = (fields.categories ?? []).filter(
      (id) => !vault.manifest.secrets.some((one) => toHex(one.category) === toHex(id)),
    )
    const secrets = [
      ...vault.manifest.secrets,
      ...invented.map((category) => ({ category, code: 'invented', epoch: 0, secret: this.context.random(32) })),
    ]
    const grant = {
      vault: vault.vault,
      custodian: custodian.id,
      grantee: grantee.id,
      categories: vault.manifest.secrets.map(({ category }) => category),
      rights: 7,
      purposes: ['treatment' as const],
      basis: 'consent' as const,
      notBefore: now - 10,
      expires: now + 30 * 86_400,
      depth: 2,
      ...fields,
    }
    return createGrant(
      { signer, grantee: grantee.keys, secrets, manifestVersion: vault.manifest.manifest.version, grant },
      this.context,
    )
  }

  async grant(
    vault: MadeVault,
    from: { signer: Identity; custodian: Identity; grantee: Identity },
    fields: Partial<Grant> = {},
  ): Promise<MadeGrant> {
    const made = await this.makeGrant(vault, from, fields)
    const body = encode(NewGrant, { grant: made.grantSigned, keys: made.keysSigned })
    await this.must(Receipt, from.signer, 'POST', '/v1/grants', { body })
    return made
  }

  async feed(as: Identity, vault: Uint8Array, custodian: Identity, query = ''): Promise<Feed> {
    return this.must(Feed, as, 'GET', `/v1/vaults/${toHex(vault)}/feed?custodian=${toHex(custodian.id)}${query}`)
  }

  async commit(author: Identity, ...submissions: Uint8Array[]): Promise<CommitAnswer[]> {
    return this.submit(author, submissions.map((bytes) => decode(CommitSubmission, bytes)))
  }

  /** The answers, each accepted one with its place, once the index's word about all of them was verified. */
  async submit(author: Identity, submissions: readonly CommitSubmission[]): Promise<CommitAnswer[]> {
    const body = encode(CommitBatch, [...submissions])
    return commitAnswers(submissions, await this.must(CommitAnswers, author, 'POST', '/v1/commits', { body }),
      this.identity.keys)
  }
}

/** Without a problem the commit was accepted, and has a place. */
export interface CommitAnswer {
  readonly problem?: ProblemCode
  readonly places?: readonly number[]
  readonly position?: Positions['held'][number]
}

export const commitAnswers = async (
  submissions: readonly CommitSubmission[], { answers, positions }: CommitAnswers, index: PrincipalKeys,
): Promise<CommitAnswer[]> => {
  const ids = submissions.filter((_, i) => answers[i]?.problem === undefined).map(({ commit }) => statementId(commit))
  const held = ids.length === 0 ? [] : [...(await verifyPositions(positions as Uint8Array, index, ids))]
  return answers.map(({ problem, places }) => ({
    ...(problem === undefined ? { position: held.shift() as Positions['held'][number] } : { problem }),
    ...(places === undefined ? {} : { places }),
  }))
}

export interface Sealed {
  readonly made: MadeCommit
  readonly capsule: OpenCapsule
  readonly submission: Uint8Array
  /** Of the records, in their order. */
  readonly bodies: readonly Uint8Array[]
}

/** What a writer needs of its world. */
type Around = Pick<World, 'context' | 'trustees' | 'commit'>

/** One author's hand in one part of a vault: capsules, handles and the link to its previous commit. */
export class Writer {
  readonly world: Around
  readonly author: Identity
  readonly vault: MadeVault
  readonly custodian: Identity
  readonly owner: Identity
  manifest: MadeManifest
  courier: Courier
  previous: Uint8Array | undefined

  constructor(
    world: Around,
    author: Identity,
    vault: MadeVault,
    parties: { custodian: Identity; owner?: Identity; manifest?: MadeManifest },
  ) {
    this.world = world
    this.author = author
    this.vault = vault
    this.custodian = parties.custodian
    this.owner = parties.owner ?? parties.custodian
    this.manifest = parties.manifest ?? vault.manifest
    this.courier = new Courier(author.id, world.context)
  }

  async capsule(category = 0): Promise<OpenCapsule> {
    return createCapsule(
      {
        vault: this.vault.vault,
        genesis: this.vault.genesis,
        custodian: this.custodian.id,
        category: this.manifest.manifest.categories[category] as MadeManifest['manifest']['categories'][number],
        retention: 'care',
        trustees: this.world.trustees.map(({ keys }) => keys),
        owner: this.owner.keys,
      },
      this.courier,
      this.world.context,
    )
  }

  /** Seals records of the given handles, as version 1 unless they say otherwise. */
  async seal(
    capsule: OpenCapsule,
    records: readonly { handle?: Uint8Array; version?: number; content?: string; blob?: boolean }[],
    fields: { withCapsule?: boolean } = {},
  ): Promise<Sealed> {
    const { context } = this.world
    const sealed: RecordToCommit[] = []
    const bodies: Uint8Array[] = []
    for (const { handle, version = 1, content = '{"resourceType":"Basic"}', blob = false } of records) {
      const one = await sealRecord(
        capsule,
        {
          handle: handle ?? context.random(16),
          version,
          time: Math.floor(context.now() / 1000),
          contentType: 'fhir+json',
          content,
        },
        context,
      )
      const { headerBytes, digest, body } = one
      sealed.push({ headerBytes, digest, size: body.length, ...(blob ? {} : { body }) })
      bodies.push(body)
    }
    const made = await createCommit(
      {
        vault: this.vault.vault,
        custodian: this.custodian.id,
        author: this.author,
        capsules: (fields.withCapsule ?? true) ? [capsule.capsuleBytes] : [],
        records: sealed,
        ...(this.previous === undefined ? {} : { previous: this.previous }),
        linkRecipient: (this.vault.genesis.mode === 'owner' ? this.owner : this.custodian).keys,
      },
      this.courier,
      context,
    )
    return { made, capsule, bodies, submission: encode(CommitSubmission, made) }
  }

  /** A new capsule with this many records, committed. */
  async write(count = 1, category = 0): Promise<Sealed> {
    const sealed = await this.seal(
      await this.capsule(category),
      Array.from({ length: count }, () => ({})),
    )
    const [answer] = await this.world.commit(this.author, sealed.submission)
    if (answer?.position === undefined) throw new Error(`commit refused: ${answer?.problem}`)
    this.previous = sealed.made.id
    return sealed
  }
}
