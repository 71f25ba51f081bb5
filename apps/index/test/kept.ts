/** What clients keep of everything that the index acknowledged: enough to bring it back to one that was restored. */
import { createAccess, createRevocation, signNotice } from '@scelle/seal/grants'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import type { MadeVault } from '@scelle/seal/keys'
import {
  controlSubject, decode, encode, statementId, toHex, verifyPosition, verifyPositions,
} from '@scelle/seal/verify'
import { entryOf } from '@scelle/wire/log'
import {
  CommitAnswers, CommitBatch, CommitSubmission, LogMissing, LogRestore, LogRestored, NewGrant, NewVault, Receipt,
} from '@scelle/wire/messages'
import { type Sealed, type World, Writer } from './world.ts'

export type Item = LogRestore['items'][number]

/** An item, and the leaf that the index's word names for it. */
export interface Kept {
  readonly item: Item
  readonly leaf: number
  readonly salt: Uint8Array
  readonly place: { readonly sequence: number; readonly salt: Uint8Array }
  /** The bytes of the leaf. */
  readonly entry: Uint8Array
}

const keptOf = (item: Item, place: { sequence: number; salt?: Uint8Array | undefined }): Kept => {
  const salt = place.salt as Uint8Array
  const signed = item.statement ?? (item.submission as CommitSubmission).commit
  return { item, leaf: place.sequence - 1, salt, place: { ...place, salt }, entry: entryOf(signed, salt) }
}

export class Keeper {
  readonly world: World
  readonly all: Kept[] = []
  /** Key records, in hex. */
  readonly records = new Set<string>()
  /** Requests as they were sent, and the word that answered them. */
  readonly asked: { readonly ask: () => Promise<Uint8Array>; readonly word: Uint8Array }[] = []
  /** What each feed has to show. */
  readonly feeds: { readonly as: Identity; readonly vault: MadeVault; readonly commits: Uint8Array[] }[] = []

  constructor(world: World) {
    this.world = world
  }

  async #post(as: Identity, path: string, body: Uint8Array, item: Omit<Item, 'word'>): Promise<Receipt> {
    const receipt = await this.world.must(Receipt, as, 'POST', path, { body })
    const signed = item.statement as Uint8Array
    const place = await verifyPosition(receipt.position, this.world.identity.keys, statementId(signed))
    this.all.push(keptOf({ word: receipt.position, ...item }, place))
    // Of control statements a trustee brings the statement alone: the word about it may be dated otherwise.
    if (controlSubject(signed) === undefined) {
      this.asked.push({
        ask: async () => (await this.world.must(Receipt, as, 'POST', path, { body })).position,
        word: receipt.position,
      })
    }
    return receipt
  }

  async principal(kind: 'person' | 'organisation' = 'person'): Promise<Identity> {
    const identity = await createIdentity(kind, this.world.context)
    const [record] = identity.chain as [Uint8Array]
    this.records.add(toHex(record))
    await this.#post(identity, '/v1/principals', record, { statement: record })
    return identity
  }

  async vault(owner: Identity): Promise<MadeVault> {
    const made = await this.world.makeVault(owner, 'owner')
    const { genesisSigned: genesis, manifest: { signed: manifest } } = made
    await this.#post(owner, '/v1/vaults', encode(NewVault, { genesis, manifest }),
      { statement: genesis, along: manifest })
    this.feeds.push({ as: owner, vault: made, commits: [] })
    return made
  }

  async grant(vault: MadeVault, owner: Identity, grantee: Identity): Promise<Uint8Array> {
    const { grantSigned: grant, keysSigned: keys, id } = await this.world.makeGrant(
      vault, { signer: owner, custodian: owner, grantee },
    )
    await this.#post(owner, '/v1/grants', encode(NewGrant, { grant, keys }), { statement: grant, along: keys })
    return id
  }

  async revoke(vault: MadeVault, owner: Identity, grant: Uint8Array): Promise<void> {
    const { signed } = await createRevocation({ vault: vault.vault, grant, signer: owner }, this.world.context)
    await this.#post(owner, '/v1/revocations', signed, { statement: signed })
  }

  async notice(signer: Identity): Promise<void> {
    const { context, trustees } = this.world
    const signed = await signNotice({
      signer, about: 'order', target: signer.id, content: context.random(100),
      trustees: trustees.map(({ keys }) => keys),
    }, context)
    await this.#post(signer, '/v1/orders', signed, { statement: signed })
  }

  /** Commits of one request: one word about all of them. */
  async commits(writer: Writer, count: number): Promise<Uint8Array> {
    const capsule = await writer.capsule()
    const batch: CommitSubmission[] = []
    for (let i = 0; i < count; i++) {
      const sealed = await writer.seal(capsule, [{}, {}], { withCapsule: i === 0 })
      batch.push(decode(CommitSubmission, sealed.submission))
    }
    await this.#commit(writer, batch)
    return capsule.headerHash
  }

  async commit(writer: Writer, sealed: Sealed): Promise<Kept> {
    await this.#commit(writer, [decode(CommitSubmission, sealed.submission)])
    return this.all.at(-1) as Kept
  }

  async #commit(writer: Writer, batch: readonly CommitSubmission[]): Promise<void> {
    const { world } = this
    const body = encode(CommitBatch, [...batch])
    const ids = batch.map(({ commit }) => statementId(commit))
    const ask = async (): Promise<Uint8Array> =>
      (await world.must(CommitAnswers, writer.author, 'POST', '/v1/commits', { body })).positions as Uint8Array
    const word = await ask()
    const held = await verifyPositions(word, world.identity.keys, ids)
    for (const [place, submission] of batch.entries()) this.all.push(keptOf({ word, submission }, held[place]!))
    this.asked.push({ ask, word })
    this.feeds.find(({ vault }) => vault === writer.vault)?.commits.push(...batch.map(({ commit }) => commit))
  }

  async access(vault: MadeVault, owner: Identity, capsule: Uint8Array): Promise<Receipt> {
    const { signed } = await createAccess({
      vault: vault.vault, custodian: owner.id, reader: owner, capsules: [capsule], chain: [],
      purpose: 'patient-request',
    }, this.world.context)
    return this.#post(owner, '/v1/accesses', signed, { statement: signed })
  }

  /** A write of every kind, by an owner that is new or not. */
  async everything(owner?: Identity): Promise<{ owner: Identity; vault: MadeVault }> {
    const as = owner ?? await this.principal()
    const vault = await this.vault(as)
    const writer = new Writer(this.world, as, vault, { custodian: as })
    const capsule = await this.commits(writer, 3)
    const grant = await this.grant(vault, as, await this.principal())
    await this.access(vault, as, capsule)
    await this.revoke(vault, as, grant)
    await this.notice(as)
    await this.commits(writer, 1)
    return { owner: as, vault }
  }
}

/** Sends items to an index that may be restored, as anybody. */
export const bring = async (world: World, as: Identity, items: readonly Item[]): Promise<LogRestored> => {
  const body = encode(LogRestore, { keys: [...as.chain], items: [...items] })
  return world.must(LogRestored, as, 'POST', '/v1/log/restore', { body })
}

export const missing = async (world: World): Promise<LogMissing> =>
  decode(LogMissing, (await world.send('GET', '/v1/log/missing', {})).body)
