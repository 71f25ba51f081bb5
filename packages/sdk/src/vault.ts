/** One patient's sealed records, as one principal may use them. */
import type { MadeVault } from '@scelle/seal/keys'
import { accessLogEntry, equalBytes, RIGHTS, toHex, type VaultGenesis } from '@scelle/seal/verify'
import { type PartAccesses, partAccesses } from './accesses/accesses.ts'
import { type ListedAccess, listedAccesses } from './accesses/listed.ts'
import type { AttachmentToSeal } from './attachments.ts'
import type { Chart } from './chart.ts'
import type { Committer, PreparedCommit, WriteTarget } from './committer.ts'
import type { Connection } from './connection.ts'
import { tellDecoy } from './decoys.ts'
import { EntryWriter } from './entries.ts'
import { SdkError } from './errors.ts'
import { type ChainedGrant, vaultGrants } from './grant-list.ts'
import { givenBefore } from './handed-over.ts'
import { type Id, idBytes } from './ids.ts'
import {
  type CategoryInfo,
  defaultCustodian,
  type Keyring,
  keyringOfOwn,
  openKeyring,
} from './keyring.ts'
import {
  decideIn, type GuardedVault, type Guardianship, guardianshipIn, keepIn, type KeptGuardianship,
} from './guardianship.ts'
import type { Ward, Wish } from './guardianship/decisions.ts'
import { releaseRest } from './key-ring.ts'
import { SDK_LIMITS } from './limits.ts'
import { openChart, type OpeningWays, type OpenOptions, type PartOptions } from './open.ts'
import { isLog } from './reach.ts'
import type { Released } from './release.ts'
import { type RecordName, recordProof } from './proofs.ts'
import { type Restricted, restrictIn, type Restriction, type RestrictingVault, unrestrictIn } from './restricting.ts'
import { beginRevocation, continueRevocations, type RevocationState, rotateEpochs } from './revoking.ts'
import { SEAL_AGAIN, type SealedAttachment, type WriteItem } from './sealing.ts'
import { renewGrants, type ShareOptions, shareWith } from './sharing.ts'
import { problemError } from './transport.ts'
import { loadView, type Part, partOf, type VaultView } from './vault-view.ts'
import { checkPart } from './withholding.ts'

export interface WriteResult {
  /** Hex, 16 bytes each. */
  readonly record: string
  readonly handle: string
  readonly version: number
  /** Statement id of the commit. */
  readonly commit: Uint8Array
  /** The commit's place at the index. */
  readonly sequence: number
}

interface Loaded {
  readonly view: VaultView
  readonly grants: readonly ChainedGrant[]
  /** By the hex id of the custodian. */
  readonly keyrings: Map<string, Promise<Keyring>>
}

const load = async (connection: Connection, id: Uint8Array): Promise<Loaded> => {
  const [view, grants] = await Promise.all([loadView(connection, id), vaultGrants(connection, id)])
  return { view, grants: grants.filter(({ grant }) => equalBytes(grant.vault, id)), keyrings: new Map() }
}

export class Vault {
  readonly id: Uint8Array
  readonly #connection: Connection
  readonly #committer: Committer
  #loaded: Loaded

  private constructor(connection: Connection, committer: Committer, loaded: Loaded) {
    this.id = loaded.view.vault
    this.#connection = connection
    this.#committer = committer
    this.#loaded = loaded
  }

  /** Used by `Client.vault`. Throws SealError where genesis, manifests or grants do not hold. */
  static async load(connection: Connection, committer: Committer, id: Uint8Array): Promise<Vault> {
    return new Vault(connection, committer, await load(connection, id))
  }

  /** Used by `Client.createVault`: what was just made here, so neither fetched nor opened again. */
  static async made(connection: Connection, committer: Committer, made: MadeVault): Promise<Vault> {
    const { vault, genesis, genesisSigned, manifest } = made
    const self = { keys: connection.identity.keys, chain: connection.identity.chain }
    const part: Part = {
      custodian: self, manifests: [manifest.manifest], signed: [manifest.signed], newest: manifest.manifest,
    }
    const name = toHex(self.keys.id)
    const view = { vault, genesis, genesisSigned, controller: self, parts: new Map([[name, part]]) }
    const keyring = await keyringOfOwn(part, manifest.secrets)
    const keyrings = new Map([[name, Promise.resolve(keyring)]])
    return new Vault(connection, committer, { view, grants: [], keyrings })
  }

  get genesis(): VaultGenesis {
    return this.#loaded.view.genesis
  }

  /** Hex ids of the custodians whose parts this principal may deal with. */
  get custodians(): string[] {
    return [...this.#loaded.view.parts.keys()]
  }

  /** Codes and what they stand for, as far as this principal may know them. */
  async categories(options: PartOptions = {}): Promise<ReadonlyMap<string, CategoryInfo>> {
    return (await this.#keyring(options)).categories
  }

  /** Asks the index again for manifests and grants. */
  async refresh(): Promise<void> {
    this.#loaded = await load(this.#connection, this.id)
  }

  #keyring(options: PartOptions): Promise<Keyring> {
    const { view, grants, keyrings } = this.#loaded
    const custodian =
      options.custodian === undefined ? defaultCustodian(this.#connection, view, grants) : idBytes(options.custodian)
    const name = toHex(custodian)
    const known = keyrings.get(name)
    if (known !== undefined) return known
    const opened = partOf(this.#connection, view, custodian).then((part) =>
      openKeyring(this.#connection, part, grants),
    )
    keyrings.set(name, opened)
    opened.catch(() => keyrings.delete(name))
    return opened
  }

  /**
   * Seals and signs, without submitting: see `Client.submit`. One prepared commit for one part at a time; the next
   * `prepare` waits until it is submitted, or discarded with `Client.discard`.
   */
  async prepare(items: readonly WriteItem[], options: PartOptions = {}): Promise<PreparedCommit> {
    const keyring = await this.#keyring(options)
    return this.#committer.prepare({ view: this.#loaded.view, keyring }, items)
  }

  /**
   * Seals octets of any size as they come, and uploads them where they are large. It is on record once it is written,
   * as a {@link WriteItem} with this answer as `sealed`; a reader asks for it by its record: `Chart.attachment`.
   */
  async sealAttachment(attachment: AttachmentToSeal, options: PartOptions = {}): Promise<SealedAttachment> {
    const keyring = await this.#keyring(options)
    return this.#committer.sealAttachment({ view: this.#loaded.view, keyring }, attachment)
  }

  /**
   * Seals, signs, submits: durable when it returns, all items or none. Throws SdkError `commit-refused` with
   * `problem` and the `items` concerned, `network` or `timeout` where the fate is unknown (write the same versions
   * again: those that were accepted are refused as `version-exists`), `no-grant`, `bad-input`.
   */
  async write(
    items: readonly WriteItem[],
    options: PartOptions & { readonly signal?: AbortSignal } = {},
  ): Promise<WriteResult[]> {
    for (let attempt = 1; ; attempt++) {
      const prepared = await this.prepare(items, options)
      const result = await this.#committer.submitOne(prepared, options.signal)
      if (result.accepted) {
        await this.#connection.logClient.keepCommits(result.word)
        await this.#connection.given?.keep({ word: result.word, submission: prepared.submission })
        this.#connection.logClient.lookSometimes()
        return prepared.items.map(({ record, handle, version }) => ({
          record: toHex(record),
          handle: toHex(handle),
          version,
          commit: prepared.id,
          sequence: result.position.sequence,
        }))
      }
      if (!SEAL_AGAIN.has(result.problem) || attempt >= SDK_LIMITS.writeAttempts) {
        const { message } = problemError('index', result.problem)
        throw new SdkError('commit-refused', message, { problem: result.problem, items: result.items })
      }
      if (result.problem === 'epoch-stale') await this.refresh()
    }
  }

  /**
   * Fetches, verifies and opens. Throws SealError for whatever the index serves that does not hold, SdkError
   * `no-grant`, `release-insufficient` (naming trustees), `network`, `chart-too-large`. What its own writer made
   * unopenable is listed in `Chart.problems` and does not hide the rest.
   */
  async open(options: OpenOptions = {}): Promise<Chart> {
    return this.openBy(options)
  }

  /** Used by `Client.releaseAhead` and `Client.openAhead`: as `open`, by other ways to release and to write entries. */
  async openBy(options: OpenOptions, ways: OpeningWays = {}): Promise<Chart> {
    const keyring = await this.#keyring(options)
    return openChart({
      connection: this.#connection, committer: this.#committer, view: this.#loaded.view, keyring,
      target: this.#target(keyring.part.custodian.keys.id),
      mayWrite: (author, category) => this.#mayWrite(keyring, author, category),
    }, options, ways)
  }

  /** Used by `Client.reportAhead`: writes entries about accesses to a part that were made before. */
  entriesOf(custodian: Uint8Array): EntryWriter {
    const target = this.#target(custodian)
    return new EntryWriter({ connection: this.#connection, committer: this.#committer, about: {}, target })
  }

  /** Used by `Client.claim`: release secrets of a part that are not known yet, but of the access log. Opens nothing. */
  async releasesBut(known: ReadonlyMap<string, Uint8Array>, custodian: Uint8Array): Promise<Released> {
    const keyring = await this.#keyring({ custodian })
    const { view } = this.#loaded
    return releaseRest(this.#connection, { view, keyring, entries: this.entriesOf(custodian) }, known)
  }

  #target(custodian: Uint8Array): (again: boolean) => Promise<WriteTarget> {
    return async (again) => {
      if (again) await this.refresh()
      return { view: this.#loaded.view, keyring: await this.#keyring({ custodian }) }
    }
  }

  /**
   * True where the custodian can tell that an author had the right to write; others are not shown each other's
   * grants. Entries about accesses are written by whoever may read anything.
   */
  #mayWrite(keyring: Keyring, author: Uint8Array, category: Uint8Array): boolean {
    if (!keyring.own || equalBytes(author, keyring.part.custodian.keys.id)) return true
    const reads = ({ grant }: ChainedGrant): boolean =>
      equalBytes(grant.grantee, author) && (grant.rights & RIGHTS.read) !== 0
    if (isLog(keyring, category) && this.#loaded.grants.some(reads)) return true
    return this.#loaded.grants.some(
      ({ grant }) =>
        equalBytes(grant.grantee, author) &&
        (grant.rights & RIGHTS.write) !== 0 &&
        grant.categories.some((one) => equalBytes(one, category)),
    )
  }

  /**
   * Gives somebody rights on categories, and the keys to them. Throws `no-grant`, `category-unknown`, SealError
   * `grant-…`.
   */
  async share(options: ShareOptions & PartOptions): Promise<{ grant: Uint8Array }> {
    return shareWith(this.#connection, this.#loaded.view, await this.#keyring(options), options)
  }

  /** Grants of this vault that this principal signed, or, as custodian, all of its part. */
  async grantsGiven(): Promise<ChainedGrant[]> {
    await this.refresh()
    const { id } = this.#connection.identity
    return this.#loaded.grants.filter(
      ({ grant, signer }) => equalBytes(signer, id) || equalBytes(grant.custodian, id),
    )
  }

  /**
   * Ends a grant: at the index, at every trustee, and (by the custodian) by new keys for what comes. What was already
   * opened cannot be taken back. Parties that are down are named and told again by `retryRevocations`.
   */
  async revoke(grantId: Id, options: { readonly rotate?: boolean } = {}): Promise<RevocationState> {
    const id = idBytes(grantId)
    const grant = (await this.grantsGiven()).find((one) => equalBytes(one.id, id))
    if (grant === undefined) throw new SdkError('no-grant', 'this principal gave no such grant in this vault')
    await beginRevocation(this.#connection, this.#loaded.view, grant, options.rotate ?? true)
    return (await this.retryRevocations()).get(toHex(id)) as RevocationState
  }

  /** Goes on with revocations that are not finished; their state by the hex id of the grant. */
  retryRevocations(): Promise<Map<string, RevocationState>> {
    return continueRevocations(this.#connection, this.#loaded.view, (categories) => this.rotate(categories))
  }

  /** Gives categories (by id; all where absent) new keys, and delivers them to whoever may still read. */
  async rotate(categories?: readonly Uint8Array[]): Promise<void> {
    const custodian = this.#connection.identity.id
    const all = [...(await this.#keyring({ custodian })).categories.values()].map(({ id }) => id)
    await rotateEpochs(
      this.#connection,
      async () => {
        await this.refresh()
        return { view: this.#loaded.view, keyring: await this.#keyring({ custodian }) }
      },
      categories ?? all,
    )
    await this.renewKeys({ custodian })
  }

  /**
   * Owner or custodian: keeps records from readers, who cannot tell them from records that never were. What they opened
   * before cannot be taken back. Grants are given anew, so whoever shares on has to do so again. Attachments cannot be
   * moved. Throws `not-custodian`, `category-unknown`, `bad-input`, and as `open`, `write` and `revoke` do; called
   * again, it goes on.
   */
  restrict(restriction: Restriction): Promise<Restricted> {
    return restrictIn(this.#connection, this.#restricting(), restriction)
  }

  /** Gives what was put aside to a reader who is granted the rest of it. Throws `category-unknown`, `no-grant`. */
  unrestrict(options: { readonly category: string; readonly to: Id }): Promise<void> {
    return unrestrictIn(this.#restricting(), options)
  }

  /** Owner or custodian: what was decided about who looks after this patient. Reading it is an access. */
  guardianship(): Promise<Guardianship | undefined> {
    return guardianshipIn(this.#guarded())
  }

  /** Owner or custodian: decides who looks after this patient, what they see, and has grants follow: `decideIn`. */
  decideGuardianship(
    known: Guardianship | { readonly ward: Ward }, wish: Wish,
  ): Promise<{ readonly guardianship: Guardianship; readonly kept: KeptGuardianship }> {
    return decideIn(this.#guarded(), known, wish)
  }

  /** Owner or custodian, once a day: gives, ends and rotates what the day's age asks for: see `keepIn`. */
  keepGuardianship(known: Guardianship): Promise<KeptGuardianship> {
    return keepIn(this.#guarded(), known)
  }

  #guarded(): GuardedVault {
    const { context } = this.#connection
    const { target, open, write, grants, share } = this.#restricting()
    return {
      open, write, grants, share, now: () => context.now(), random: (length) => context.random(length),
      keyring: async () => (await target()).keyring,
      revoke: (grant) => this.revoke(grant), rotate: (ids) => this.rotate(ids),
    }
  }

  /** Grants from before this part was handed over: what they delivered stays, and nothing newer is. */
  async #closed(): Promise<ReadonlySet<string>> {
    const { memory, identity } = this.#connection
    const kept = (await memory.handedOver(toHex(this.id)))?.grants ?? []
    return new Set([...kept, ...givenBefore(this.#loaded.grants, identity.id).map(({ id }) => id)].map(toHex))
  }

  #restricting(): RestrictingVault {
    const custodian = this.#connection.identity.id
    return {
      target: async () => {
        await this.refresh()
        return { view: this.#loaded.view, keyring: await this.#keyring({ custodian }) }
      },
      open: (code) => this.open({ custodian, categories: [code] }),
      write: (items) => this.write(items, { custodian }),
      grants: () => this.grantsGiven(),
      closed: () => this.#closed(),
      share: (options) => this.share({ ...options, custodian }),
      revoke: (grant) => this.revoke(grant, { rotate: false }),
    }
  }

  /** Delivers the newest keys to the receivers of grants that this principal signed; answers how many needed them. */
  async renewKeys(options: PartOptions = {}): Promise<number> {
    await this.refresh()
    const revoked = await this.#connection.memory.revokedGrants(toHex(this.id))
    const closed = await this.#closed()
    const keyring = await this.#keyring(options)
    const custodian = keyring.part.custodian.keys.id
    const grants = this.#loaded.grants.filter(({ grant }) => equalBytes(grant.custodian, custodian))
    return renewGrants(this.#connection, keyring, grants, new Set([...closed, ...revoked.map(toHex)]))
  }

  /**
   * Owner or custodian: who opened this part, by every account of it, and who has to explain a difference. Reading the
   * readers' entries is an access itself, unless the owner does; `openLog`: by somebody to whom it was granted, where
   * the custodian itself opens nothing. Throws as `open`, SdkError `not-custodian`.
   */
  async accesses(options: PartOptions & Pick<OpenOptions, 'about' | 'signal'> & {
    readonly openLog?: (options: OpenOptions) => Promise<Chart>
  } = {}): Promise<PartAccesses> {
    const { openLog = (opening: OpenOptions): Promise<Chart> => this.open(opening), ...part } = options
    const keyring = await this.#keyring(options)
    const entry = accessLogEntry(keyring.part.newest)
    const code = entry === undefined ? undefined : keyring.codes.get(toHex(entry.category))
    return partAccesses(this.#connection, {
      view: this.#loaded.view,
      part: keyring.part,
      keyring,
      openLog: code === undefined ? undefined : () => openLog({ ...part, categories: [code] }),
      signal: options.signal,
    })
  }

  /**
   * This vault is nobody's: whoever of one's own people opens it is locked by every trustee. Only they are told; keep
   * it out of lists and statistics, and give it a name that no clinician looks for. Throws as requests do.
   */
  declareDecoy(): Promise<void> {
    return tellDecoy(this.#connection, this.#loaded.view)
  }

  /**
   * A record's path, record → commit → checkpoint of all three trustees, as a file that needs nothing of this client:
   * `scelle verify --receipt` reads it. For owner, custodian, and the record's author; nothing is opened, and the file
   * holds no content. Throws `record-unknown`, `not-custodian`, `index-problem` (`not-cosigned`), `leaf-dropped`.
   */
  async proofOf(record: RecordName, options: PartOptions & Pick<OpenOptions, 'signal'> = {}): Promise<Uint8Array> {
    const keyring = await this.#keyring(options)
    return recordProof(this.#connection, {
      view: this.#loaded.view, keyring, name: record, signal: options.signal,
    })
  }

  /** The index's own list of accesses to a part, verified: owner or custodian. Nothing is opened. */
  async listedAccesses(options: PartOptions = {}): Promise<ListedAccess[]> {
    const { part } = await this.#keyring(options)
    return listedAccesses(this.#connection, { view: this.#loaded.view, part })
  }

  /**
   * Owner or custodian: checks that the index withholds no commit and no record. Throws SealError `feed-withheld`,
   * `feed-reordered`, `feed-replayed`, `feed-rolled-back`, `commit-link-broken`, `seal-invalid`, with the authors whose
   * commits do not hold, in hex, as `parties`; SdkError `not-custodian`.
   */
  async checkHistory(options: PartOptions & { readonly signal?: AbortSignal } = {}): Promise<void> {
    await checkPart(this.#connection, this.#loaded.view, await this.#keyring(options), options.signal)
  }
}
