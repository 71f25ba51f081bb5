/** A principal's door to its vaults. */
import type { SealedCard } from '@scelle/seal/envelope'
import { createManifest, createVault, type NewCategory } from '@scelle/seal/keys'
import type { Identity } from '@scelle/seal/identity'
import { encode, type PrincipalKeys, toHex, type VaultGenesis } from '@scelle/seal/verify'
import { NewVault } from '@scelle/wire/messages'
import { type CardToMake, makeCard } from './card/make.ts'
import { type CardReport, reportCards, type ReportOptions } from './card/report.ts'
import { type OpenAhead, openAhead, type ReleaseAhead, releaseAhead, reportAllOpened } from './ahead.ts'
import type { Chart } from './chart.ts'
import { type Claim, claim, type Claiming, type ClaimOptions, openClaimed, type OpenClaimed } from './claiming.ts'
import { Committer, type PreparedCommit, type SubmitResult } from './committer.ts'
import { Connection, type Options } from './connection.ts'
import { type BindResult, Discovery, type Found, provenPseudonym, type Traits } from './discovery.ts'
import { SdkError } from './errors.ts'
import { agreeTo, merge, split } from './links.ts'
import { type GrantNotice, receivedNotices } from './grant-list.ts'
import { handOver, type HandedOver, type HandOver } from './handing-over.ts'
import { type Id, idBytes } from './ids.ts'
import { SDK_LIMITS } from './limits.ts'
import type { ForeignKey } from './log/key-leaves.ts'
import type { LogClient } from './log/log-client.ts'
import { type AcceptedCommits, type Returned, Returning } from './log/returning.ts'
import {
  agreeToOrder, type BrokenGlass, brokenGlass, newOrder, type NewOrder, sendOrder,
} from './officer.ts'
import { type People, peopleOf } from './people.ts'
import { relayedRecoveries, type RelayedRecoveries } from './recovery/relay.ts'
import { type ReceivedGrant, receivedGrants } from './received.ts'
import { type NewRelease, publishRelease } from './software.ts'
import type { Told } from './telling.ts'
import { Vault } from './vault.ts'
import {
  knownConfirmation, type KnownConfirmation, knownFact, type KnownFact, knownOrder, type KnownOrder, knownStatus,
  type KnownStatus, makeConfirmation, makeFact, type NewConfirmation, type NewFact, type StandingAt, standingNow,
} from './vouching.ts'
import { loadView, partName } from './vault-view.ts'
import { newWithdrawal, sendWithdrawal } from './withdrawing.ts'

export interface VaultOptions {
  /** `owner`: this principal is the patient, and opens without trustees. `custody`: nobody claimed the vault yet. */
  readonly mode: VaultGenesis['mode']
  readonly categories: readonly NewCategory[]
}

export class Client {
  readonly identity: Identity
  readonly #connection: Connection
  readonly #committer: Committer
  readonly #discovery: Discovery

  constructor(connection: Connection) {
    this.identity = connection.identity
    this.#connection = connection
    this.#committer = new Committer(connection)
    this.#discovery = new Discovery(connection)
  }

  /** Principal ids of index and trustees: write them down once, and give them as `pins` from then on. */
  get parties(): { readonly index: Uint8Array; readonly trustees: readonly Uint8Array[] } {
    return { index: this.#connection.index.id, trustees: this.#connection.trusteeIds }
  }

  /** People of this house, in whose sessions it acts. */
  get people(): People {
    return peopleOf(this.#connection)
  }

  /** Recoveries of people whose pages have no network, passed on. */
  get recoveries(): RelayedRecoveries {
    return relayedRecoveries(this.#connection)
  }

  /** The index's log, verified: what it acknowledged, and what was found wrong with it. */
  get log(): LogClient {
    return this.#connection.logClient
  }

  /**
   * Looks after this principal's own key records, about once a minute, until the answer is called: whoever stole an old
   * key and has the index on its side would have to log a new one. `told` hears of each that is not this client's, with
   * its leaf and between when it came; `failed` of looks that could not be finished, the log's lies among them.
   */
  watchOwnKeys(
    told: (found: ForeignKey) => void,
    failed: (error: unknown) => void = () => {},
    every: number = SDK_LIMITS.ownKeysEvery,
  ): () => void {
    return this.#connection.ownKeys.watch(every, told, failed)
  }

  /** Capsules to which this client can still add records. */
  get openCapsules(): number {
    return this.#committer.openCapsules
  }

  /** A new vault, with this principal as its owner, or as its first custodian. */
  async createVault(options: VaultOptions): Promise<Vault> {
    const connection = this.#connection
    const made = await createVault(
      {
        mode: options.mode,
        controller: this.identity,
        trustees: connection.trusteeIds,
        categories: options.categories,
      },
      connection.context,
    )
    const body = encode(NewVault, { genesis: made.genesisSigned, manifest: made.manifest.signed })
    await connection.record('/v1/vaults', body, { signed: made.genesisSigned, along: made.manifest.signed })
    await connection.memory.sawManifest(partName(made.vault, this.identity.id), { version: 1, id: made.manifest.id })
    this.#committer.isNew(made.vault, this.identity.id)
    return Vault.made(connection, this.#committer, made)
  }

  /** A custodian's own part of a vault in custody that somebody else created. */
  async joinVault(id: Id, options: { readonly categories: readonly NewCategory[] }): Promise<Vault> {
    const connection = this.#connection
    const vault = idBytes(id)
    const { genesis, parts } = await loadView(connection, vault)
    if (genesis.mode !== 'custody' || parts.has(toHex(this.identity.id))) {
      throw new SdkError('bad-input', 'a claimed vault has no custodians, and a custodian has one part')
    }
    const made = await createManifest(
      { vault, custodian: this.identity, categories: options.categories },
      connection.context,
    )
    await connection.record('/v1/manifests', made.signed)
    await connection.memory.sawManifest(partName(vault, this.identity.id), { version: 1, id: made.id })
    this.#committer.isNew(vault, this.identity.id)
    return this.vault(vault)
  }

  /**
   * A vault of one's own, or of which one was granted something. Throws SealError where what is served does not hold.
   */
  vault(id: Id): Promise<Vault> {
    return Vault.load(this.#connection, this.#committer, idBytes(id))
  }

  /** Verified keys of a principal, whose id is the hash of the first of them. */
  async principal(id: Id): Promise<PrincipalKeys> {
    return (await this.#connection.directory.of(idBytes(id))).keys
  }

  /**
   * The vault of somebody, by who they are; undefined where there is none yet. Counted at two trustees, found or not.
   * Throws `bad-input`, `discovery-insufficient`.
   */
  discover(traits: Traits): Promise<Found | undefined> {
    return this.#discovery.discover(traits)
  }

  /** What stands for an identity: for issuers, who prove it. Counted at two trustees. */
  pseudonymOf(traits: Traits): Promise<Uint8Array> {
    return this.#discovery.pseudonym(traits)
  }

  /**
   * Has a vault of this principal's found under an identity: of a custodian, by who the patient is; of an owner, by a
   * listed issuer's proof that it is theirs. Where the identity has a vault in custody already, the change waits for 72
   * hours after notice, unless proven in person. Throws `index-problem`, `trustee-problem`, `discovery-insufficient`.
   */
  async bind(id: Id, whose: Traits | { readonly proof: Uint8Array }): Promise<BindResult> {
    const vault = idBytes(id)
    const { genesisSigned } = await loadView(this.#connection, vault)
    const proof = 'proof' in whose ? whose.proof : undefined
    const pseudonym = 'proof' in whose ? provenPseudonym(whose.proof) : await this.#discovery.pseudonym(whose)
    return this.#discovery.bind(genesisSigned, vault, pseudonym, proof)
  }

  /**
   * As a patient: claims what was kept under an identity, by a listed issuer's proof of it. Called again it goes on
   * where it was; what custodians have not handed over yet is `awaited`: show them the `evidence`. Throws as `bind`,
   * `share` and opening do.
   */
  claim(options: ClaimOptions): Promise<Claim> {
    return claim(this.#claiming(), options)
  }

  /** As the patient who claimed: opens what was kept, by the secrets that `claim` put into the own vault. */
  openClaimed(own: Id, kept: Id, options: OpenClaimed = {}): Promise<Chart> {
    return openClaimed(this.#claiming(), idBytes(own), idBytes(kept), options)
  }

  /**
   * As a custodian: gives the patient who claimed the keys to one's part, after giving it new ones, which grants from
   * before do not get. Called again it goes on where it was. Throws `not-claimed`, and as `discover` and `share` do.
   */
  async handOver(id: Id, options: HandOver): Promise<HandedOver> {
    return handOver(this.#connection, this.#discovery, await this.vault(id), options)
  }

  #claiming(): Claiming {
    return { connection: this.#connection, committer: this.#committer, discovery: this.#discovery }
  }

  /**
   * Says that `other` is the same person's as `into`, which goes on. Both controllers sign: where the other vault is
   * somebody else's, `agreed` gets what to have signed (`agreeToMerge`) and answers with it. The answer is the merge,
   * which ends by `splitVaults`. Nobody may read more by it, and no count shrinks.
   */
  mergeVaults(
    into: Id, other: Id, agreed?: (signed: Uint8Array) => Promise<Uint8Array>,
  ): Promise<Uint8Array> {
    return merge(this.#connection, idBytes(into), idBytes(other), agreed)
  }

  /** As the controller of the other vault, once both were looked at. */
  agreeToMerge(signed: Uint8Array): Promise<Uint8Array> {
    return agreeTo(this.#connection, signed)
  }

  /** As either controller: the two are not one person. */
  splitVaults(merged: Uint8Array, into: Id, other: Id): Promise<void> {
    return split(this.#connection, merged, idBytes(into), idBytes(other))
  }

  /** As the controller of the vault that an identity has: stops a change that waits. */
  async objectTo(traits: Traits): Promise<void> {
    return this.#discovery.object(await this.#discovery.pseudonym(traits))
  }

  /**
   * What others gave this principal, in force or not, by its signatures alone: nothing is opened, so that whom to
   * trust can be decided first. Grants that do not verify are left out.
   */
  received(): Promise<GrantNotice[]> {
    return receivedNotices(this.#connection)
  }

  /**
   * Grants in force that this principal received, in all vaults. Anybody may send one, so what does not hold, or does
   * not open, is left out and told to the log: a stranger's broken grant must not hide the others.
   */
  grants(): Promise<ReceivedGrant[]> {
    return receivedGrants(this.#connection)
  }

  /**
   * Submits prepared commits of any vaults in as few requests as possible; one answer each, in order. The same commit
   * may be submitted again, also after a restart, and is accepted once. Where this throws, fates are unknown: submit
   * again.
   */
  submit(prepared: readonly PreparedCommit[], signal?: AbortSignal): Promise<SubmitResult[]> {
    return this.#committer.submit(prepared, signal)
  }

  /**
   * Gives an index that was restored from a backup what it lost and this client still has: what it gave it itself, as
   * far as its `state` outlives it, and `kept`. One question where nothing is missing.
   */
  returnLost(kept: Iterable<AcceptedCommits> = []): Promise<Returned> {
    return new Returning(this.#connection, this.#connection.given).run(kept)
  }

  /**
   * What this client opened under a vendor's ticket, as one signed file with the receipts: for the sponsor, who checks
   * it by `scelle verify --report`. A ticket under which nothing was opened has one, too. Throws `bad-input`.
   */
  visitReport(ticket: Uint8Array): Promise<Uint8Array> {
    return this.#connection.visits.report(this.#connection, ticket)
  }

  /** As an officer: signs an order. Told to nobody yet: see `order`. Throws `bad-input`. */
  newOrder(order: NewOrder): Promise<Uint8Array> {
    return newOrder(this.#connection, order)
  }

  /** As the second officer: the same order, signed too. Throws SealError. */
  agreeToOrder(signed: Uint8Array): Promise<Uint8Array> {
    return agreeToOrder(this.#connection, signed)
  }

  /**
   * A summary that opens at emergency sites without a network, for the patient to carry: see `makeCard`. What is on it
   * stays on it: nobody can revoke a card.
   */
  makeCard(card: CardToMake): Promise<SealedCard> {
    return makeCard(this.#connection, card)
  }

  /**
   * Puts on record what this principal opened by `openCardOffline`. What it shows for it (`standing`) is what breaking
   * the glass takes, the reason by `offlineReason`. A note that was told once is not told again.
   */
  reportCards(notes: readonly Uint8Array[], options: ReportOptions = {}): Promise<CardReport[]> {
    return reportCards(this.#connection, (id) => this.vault(id), notes, options)
  }

  /**
   * Releases and logs now what is opened in the next hours, also without a network: for whom somebody else signed an
   * appointment, a referral or an admission. The answer rests on a disk: this device alone opens it. Attachments stay
   * behind. Throws as `Vault.open`, with `ahead-refused` as the trustees' problem where they do not let it; `bad-input`
   * where there is nothing to release.
   */
  releaseAhead(vault: Id, options: ReleaseAhead): Promise<Uint8Array> {
    return releaseAhead(this.#connection, this.#committer, idBytes(vault), options)
  }

  /** As the function of that name, which needs no client: nobody can be met during an outage. */
  openAhead(kept: Uint8Array, options: OpenAhead): Promise<Chart> {
    return openAhead(this.#connection, kept, options)
  }

  /**
   * Writes into the patients' access logs what was opened without a network, once it is back. `pending` are notes to
   * report again, each with the code of what was in its way; `no-grant` and `not-found` stay, where the grant has
   * ended since.
   */
  async reportAhead(
    notes: readonly Uint8Array[],
  ): Promise<{ readonly pending: readonly { readonly note: Uint8Array; readonly code: string }[] }> {
    return { pending: await reportAllOpened(this.#connection, this.#committer, notes) }
  }

  /** Puts a release of this publisher's on record; the file that its origin shows. */
  publish(release: NewRelease): Promise<Uint8Array> {
    return publishRelease(this.#connection, release)
  }

  /** Tells all trustees what officers ordered, and has it logged: see `sendOrder`. */
  order(orders: readonly Uint8Array[], statuses: readonly Uint8Array[]): Promise<Told> {
    return sendOrder(this.#connection, orders, statuses)
  }

  /** As a register: takes back what it said of a principal. Told to nobody yet: see `withdraw`. */
  newWithdrawal(subject: Id): Promise<Uint8Array> {
    return newWithdrawal(this.#connection, subject)
  }

  /** Tells all trustees what a register took back, and has it logged: see `sendWithdrawal`. */
  withdraw(withdrawal: Uint8Array, isLogged = false): Promise<Told> {
    return sendWithdrawal(this.#connection, withdrawal, isLogged)
  }

  /** For an officer: broken glass of its organisation, newest first, with the readers' reasons. */
  brokenGlass(statuses: readonly Uint8Array[]): Promise<BrokenGlass[]> {
    return brokenGlass(this.#connection, statuses)
  }

  /** Signs why an opening by others is care. Throws `bad-input`. */
  fact(fact: NewFact): Promise<Uint8Array> {
    return makeFact(this.#connection, fact)
  }

  /** Stands for another reader's going on; as a second key, for the reader whose it is. Throws `bad-input`. */
  confirm(confirmation: NewConfirmation): Promise<Uint8Array> {
    return makeConfirmation(this.#connection, confirmation)
  }

  /** What others signed, once the signature holds under the signer's newest key. Throws SealError. */
  get statements(): {
    readonly fact: (signed: Uint8Array) => Promise<KnownFact>
    readonly confirmation: (signed: Uint8Array) => Promise<KnownConfirmation>
    readonly status: (signed: Uint8Array) => Promise<KnownStatus>
    readonly order: (signed: Uint8Array) => Promise<KnownOrder>
  } {
    return {
      fact: (signed) => knownFact(this.#connection, signed),
      confirmation: (signed) => knownConfirmation(this.#connection, signed),
      status: (signed) => knownStatus(this.#connection, signed),
      order: (signed) => knownOrder(this.#connection, signed),
    }
  }

  /** Where this reader stands with the trustees' meters, by each that answers. Nothing is charged. */
  standing(statuses: readonly Uint8Array[]): Promise<StandingAt[]> {
    return standingNow(this.#connection, statuses)
  }

  /** Gives up a prepared commit, so that the next one for its vault can be prepared. */
  discard(prepared: PreparedCommit): void {
    this.#committer.discard(prepared)
  }
}

/**
 * Meets index and trustees, checks who they are, and registers this identity where it is new.
 * Throws SdkError `network`, `pin-mismatch`, SealError `key-chain-broken`.
 */
export const connect = async (options: Options): Promise<Client> => {
  if (options.trustees.length !== 3)
    throw new SdkError('bad-input', 'there are three trustees; give the address of each')
  const connection = new Connection(options)
  await connection.meet()
  await connection.register()
  return new Client(connection)
}
