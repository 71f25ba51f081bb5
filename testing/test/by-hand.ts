/** What a client would never send: requests and commits made by hand, for attackers who are principals themselves. */
import { expect } from 'vitest'
import { formatProof, parseProof } from '@scelle/log'
import { Courier, createCommit, handleOf } from '@scelle/seal/envelope'
import { createAccess, openGrantKeys } from '@scelle/seal/grants'
import { earlierSecrets, type EpochSecrets } from '@scelle/seal/keys'
import type { Client } from '@scelle/sdk'
import {
  Capsule,
  CapsuleHeader,
  capsuleHeaderHash,
  type CategorySecrets,
  decode,
  decodeCapsule,
  decodeSigned,
  Encapsulation,
  encapsulationId,
  encode,
  Grant,
  GrantKeys,
  Manifest,
  RecordHeader,
  releaseCommitment,
  sha256,
  shareCommitment,
  statementId,
  toHex,
} from '@scelle/seal/verify'
import { signRequest } from '@scelle/wire/http'
import { CommitSubmission, Feed, NewGrant, NewVault, Receipt, ReleaseRequest } from '@scelle/wire/messages'
import { type Constellation, seededRandom } from '../src/constellation.ts'
import { CATEGORIES, item, lie, lieInFeed, type Scene } from './scene.ts'

export interface FeedCapsule {
  readonly header: CapsuleHeader
  readonly capsule: Capsule
  readonly encapsulations: readonly Uint8Array[]
}

/** Draws of the requests made by hand: no two alike. */
let drawn = 0

/** Every capsule of the scene's vault, as the index serves it to its custodian. */
export const capsulesOf = async ({ world, vault, hospital }: Scene): Promise<FeedCapsule[]> => {
  const found: FeedCapsule[] = []
  const stop = lie(world, /\/feed\?/, Feed, (feed) => {
    for (const { capsules } of feed.commits) {
      for (const { capsule } of capsules)
        found.push({ ...decodeCapsule(capsule), encapsulations: feed.encapsulations })
    }
    return feed
  })
  await (await (await world.client(hospital.identity)).vault(vault.id)).checkHistory()
  stop()
  return found
}

const post = async (
  world: Constellation,
  who: Client,
  url: string,
  body: Uint8Array,
): Promise<{ status: number; code?: string; detail?: string; body: Uint8Array }> => {
  const headers = await signRequest({
    method: 'POST',
    url,
    body,
    identity: who.identity,
    now: world.now,
    random: seededRandom(`post ${drawn++}`),
  })
  const response = await world.network.fetch(url, {
    method: 'POST',
    body: body as Uint8Array<ArrayBuffer>,
    headers: { 'content-type': 'application/cbor', ...headers },
  })
  const answer = new Uint8Array(await response.arrayBuffer())
  if (response.status === 200) return { status: 200, body: answer }
  return {
    status: response.status,
    body: answer,
    ...(JSON.parse(new TextDecoder().decode(answer)) as { code: string; detail: string }),
  }
}

/**
 * What an index does in an attacker's hands: any bytes become a leaf. The answer is what shows that it is in the log,
 * under a checkpoint that all three trustees cosigned.
 */
export const logged = async (
  { world, vault }: Scene, signed: Uint8Array,
): Promise<{ receipt: Uint8Array }> => {
  const statement = { id: statementId(signed), bytes: signed }
  const trustee = world.trustees[0]!.id
  const [outcome] = await world.indexStore.apply([{ kind: 'release', statement, vault: vault.id, trustee }])
  if (outcome === undefined || !('position' in outcome)) throw new Error('the store took no leaf')
  const { sequence, salt } = outcome.position
  for (let seconds = 0; seconds < 60; seconds++) {
    await world.clock.advance(1_000)
    const final = await world.network.fetch(`${world.index.url}/v1/log/final`)
    const proof = await world.network.fetch(`${world.index.url}/v1/log/proof/${sequence - 1}`)
    const isFinal = final.ok && Number((await final.text()).split('\n')[1]) >= sequence
    if (!isFinal || !proof.ok) continue
    const receipt = formatProof({ ...parseProof(new Uint8Array(await proof.arrayBuffer())), extra: salt })
    return { receipt }
  }
  throw new Error('the leaf was not cosigned by everybody within a minute')
}

/** An access by hand, under whatever grant the reader has. */
export const accessTo = async (
  { world, vault, hospital }: Scene,
  reader: Client,
  capsules: readonly { capsule: Capsule }[],
) => {
  const grants = await reader.grants()
  const access = await createAccess(
    {
      vault: vault.id,
      custodian: hospital.identity.id,
      reader: reader.identity,
      purpose: 'treatment',
      capsules: capsules.map(({ capsule }) => capsuleHeaderHash(capsule.header)),
      chain: grants.map(({ id }) => id),
    },
    { now: world.now, random: seededRandom(`access ${drawn++}`) },
  )
  const answer = await post(world, reader, `${world.index.url}/v1/accesses`, access.signed)
  return { ...answer, access }
}

/** A release by hand: the headers of some capsules with the shares of others. */
export const releaseOf = async (
  scene: Scene,
  reader: Client,
  headers: readonly FeedCapsule[],
  shares: readonly FeedCapsule[],
) => {
  const { world, hospital } = scene
  const { access, body } = await accessTo(scene, reader, headers)
  const { view, chain, statuses } = await provenBy(scene, reader)
  const { proof } = decode(Receipt, body)
  const shown = [hospital, reader, world.register, ...world.trustees].map(({ identity }) => [...identity.chain])
  const request = encode(ReleaseRequest, {
    access: access.signed,
    receipt: proof!,
    genesis: view,
    keys: shown,
    chain,
    capsules: headers.map(({ capsule }, i) => ({ header: capsule.header, share: shares[i]!.capsule.shares[0]! })),
    encapsulations: [...headers[0]!.encapsulations],
    statuses,
  })
  return post(world, reader, `${world.trustees[0]!.url}/v1/releases`, request)
}

/** Genesis, grant chain and statuses as the reader's own client sends them to a trustee. */
const provenBy = async (
  { world, vault }: Scene,
  reader: Client,
): Promise<{ view: Uint8Array; chain: Uint8Array[]; statuses: Uint8Array[] }> => {
  world.network.recording = true
  await (await reader.vault(vault.id)).open()
  world.network.recording = false
  const sent = world.network.seen.findLast(({ target }) => target === '/v1/releases')!
  const { genesis, chain, statuses = [] } = decode(ReleaseRequest, sent.body!)
  return { view: genesis, chain, statuses }
}

export interface OwnersCapsule extends ReturnType<typeof decodeCapsule> {
  readonly bytes: Uint8Array
  readonly encapsulation: (id: Uint8Array) => Uint8Array | undefined
}

/** A vault whose owner can give away release secrets: what trustees and index could do together. */
export const ownersScene = async ({ world }: Scene) => {
  world.network.recording = true
  const owner = await world.client('person')
  const vault = await owner.createVault({ mode: 'owner', categories: CATEGORIES })
  const capsules = async (): Promise<OwnersCapsule[]> => {
    const found: OwnersCapsule[] = []
    const stop = lieInFeed(world, (feed) => {
      const encapsulation = (id: Uint8Array) =>
        feed.encapsulations.find((bytes) => toHex(encapsulationId(bytes)) === toHex(id))
      for (const { capsule } of feed.commits.flatMap((commit) => commit.capsules)) {
        found.push({ ...decodeCapsule(capsule), bytes: capsule, encapsulation })
      }
      return feed
    })
    await vault.checkHistory()
    stop()
    return found
  }
  return { owner, vault, capsules }
}

/** Every category secret that follows from anything ever sent to the index for this principal. */
export const deliveredTo = async ({ world }: Scene, who: Client, vault: Uint8Array): Promise<EpochSecrets> => {
  const sent = world.network.seen.flatMap(({ method, target, body }) =>
    method === 'POST' && body !== undefined ? [{ target, body }] : [],
  )
  const grants = sent.filter(({ target }) => target === '/v1/grants').map(({ body }) => decode(NewGrant, body))
  const renewed = sent.filter(({ target }) => target === '/v1/grant-keys').map(({ body }) => body)
  const first = sent
    .filter(({ target }) => target === '/v1/vaults')
    .map(({ body }) => decode(NewVault, body).manifest)
  const later = sent.filter(({ target }) => target === '/v1/manifests').map(({ body }) => body)
  const manifests = [...first, ...later]
    .map((signed) => decode(Manifest, decodeSigned('manifest', signed).body))
    .filter((manifest) => toHex(manifest.vault) === toHex(vault))
  const secrets: CategorySecrets = []
  for (const { grant: signed, keys } of grants) {
    const grant = decode(Grant, decodeSigned('grant', signed).body)
    for (const delivery of [keys, ...renewed].map((bytes) =>
      decode(GrantKeys, decodeSigned('grant-keys', bytes).body),
    )) {
      if (toHex(grant.grantee) !== toHex(who.identity.id) || toHex(delivery.grant) !== toHex(statementId(signed)))
        continue
      const manifest = manifests[delivery.manifestVersion - 1]!
      secrets.push(
        ...(await openGrantKeys({ keys: delivery, grant, grantId: delivery.grant, grantee: who.identity, manifest })),
      )
    }
  }
  expect(secrets.length).toBeGreaterThan(0)
  return earlierSecrets(manifests, secrets)
}

/** A capsule that opens nowhere, committed by somebody who may write: the index cannot see that. */
export const submitBroken = async (
  { world, vault, hospital }: Scene,
  writer: Client,
  how: 'shares-disagree' | 'share-invalid',
): Promise<void> => {
  const context = { now: world.now, random: seededRandom('broken') }
  const courier = new Courier(writer.identity.id, context)
  const vaultOfWriter = await writer.vault(vault.id)
  const prepared = await vaultOfWriter.prepare([item('shape')])
  const shape = decodeCapsule(decode(CommitSubmission, prepared.submission).capsules[0]!.capsule).header
  writer.discard(prepared)
  const capsule = new Uint8Array(16).fill(7)
  // Well-formed shares, of nothing: two of them make another secret than two others.
  const shares = [1, 2, 3].map((x) => Uint8Array.of(...new Uint8Array(32).fill(40 + x * x), x))
  const header: CapsuleHeader = {
    ...shape,
    capsule,
    releaseCommitment: releaseCommitment(capsule, new Uint8Array(32).fill(3)),
    shareCommitments: shares.map((share, i) =>
      shareCommitment(capsule, how === 'share-invalid' ? (i + 1) % 3 : i, share),
    ),
  }
  const headerBytes = encode(CapsuleHeader, header)
  const seals = []
  for (const [i, trustee] of world.trustees.entries()) {
    seals.push(await courier.sealTo(trustee.identity.keys, 'share', capsuleHeaderHash(headerBytes), shares[i]!))
  }
  const made = await createCommit(
    {
      vault: vault.id,
      custodian: hospital.identity.id,
      author: writer.identity,
      capsules: [encode(Capsule, { header: headerBytes, shares: seals })],
      records: [await recordIn(capsule, courier, context)],
      linkRecipient: hospital.identity.keys,
    },
    courier,
    context,
  )
  const { commit, leaves, capsules, records, encapsulations } = made
  const submission = encode(CommitSubmission, { commit, leaves, capsules, records, encapsulations })
  const [result] = await writer.submit([
    { vault: vault.id, custodian: hospital.identity.id, id: made.id, submission, blobs: [], items: [] },
  ])
  expect(result).toMatchObject({ accepted: true })
}

/** A commit by somebody who may write, that claims a commit before it which never was. */
export const submitLinkedToNothing = async ({ world, vault, hospital }: Scene, writer: Client): Promise<void> => {
  const context = { now: world.now, random: seededRandom('linked to nothing') }
  const courier = new Courier(writer.identity.id, context)
  const prepared = await (await writer.vault(vault.id)).prepare([item('honest')])
  const honest = decode(CommitSubmission, prepared.submission)
  writer.discard(prepared)
  const { commit, leaves, capsules, records, encapsulations } = await createCommit(
    {
      vault: vault.id,
      custodian: hospital.identity.id,
      author: writer.identity,
      capsules: honest.capsules.map(({ capsule }) => capsule),
      records: honest.records.map(({ header, ...rest }) => ({ headerBytes: header, ...rest })),
      previous: context.random(32),
      linkRecipient: hospital.identity.keys,
      indexHas: (id) => courier.bytesOf(id) === undefined,
    },
    courier,
    context,
  )
  const named = [...honest.encapsulations, ...encapsulations].filter((bytes, i, all) => {
    const { recipient } = decode(Encapsulation, bytes)
    return toHex(recipient) !== toHex(hospital.identity.id) || i === all.length - 1
  })
  const submission = encode(CommitSubmission, { commit, leaves, capsules, records, encapsulations: named })
  const [result] = await writer.submit([
    { vault: vault.id, custodian: hospital.identity.id, id: statementId(commit), submission, blobs: [], items: [] },
  ])
  expect(result).toMatchObject({ accepted: true })
}

/** A record that names a capsule, sealed under anything. */
const recordIn = async (
  capsule: Uint8Array,
  courier: Courier,
  context: { now: () => number; random: (length: number) => Uint8Array },
) => {
  const body = context.random(96)
  const headerBytes = encode(RecordHeader, {
    suite: 1,
    capsule,
    record: context.random(16),
    handle: handleOf(courier.writer, 'Note', 'x'),
    version: 1,
    time: 0,
    contentType: 'fhir+json',
    dictionary: 0,
  })
  return { headerBytes, body, digest: sha256(body), size: body.length }
}
