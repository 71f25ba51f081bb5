/** The golden vault of format v1, opened as its owner does, and as a grantee's grantee does through two trustees. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { capsuleKey, checkLinks, openRecord, openRelease, ownerRelease } from '../packages/seal/src/envelope.ts'
import { openGrantKeys } from '../packages/seal/src/grants.ts'
import { type Identity, importIdentity } from '../packages/seal/src/identity.ts'
import { earlierSecrets, type EpochSecrets, openManifest } from '../packages/seal/src/keys.ts'
import { CourierKeys } from '../packages/seal/src/shares.ts'
import * as seal from '../packages/seal/src/verify.ts'
import { hex } from './vectors/operations.ts'

interface GoldenCommit {
  commit: string
  leaves: string
  capsules: { place: number; capsule: string }[]
  records: { place: number; header: string; digest: string; body: string }[]
}
interface Golden {
  identities: { owner: string; writer: string; grantee: string; team: string; trustees: string[] }
  genesis: string
  manifests: string[]
  grants: { grant: string; keys: string }[]
  encapsulations: string[]
  commits: GoldenCommit[]
  access: { signed: string; oneTimeSecret: string }
  answers: { trustee: string; access: string; enc: string; sealed: string[] }[]
  contents: Record<string, string>
}

const golden = JSON.parse(readFileSync(new URL('golden/v1/vault.json', import.meta.url)).toString()) as Golden

const load = async () => {
  const identity = async (name: 'owner' | 'writer' | 'grantee' | 'team'): Promise<Identity> =>
    importIdentity(hex(golden.identities[name]))
  const [owner, writer, grantee, team] = [
    await identity('owner'),
    await identity('writer'),
    await identity('grantee'),
    await identity('team'),
  ]
  const verified = await seal.verifyGenesis(hex(golden.genesis), owner.keys)
  const { manifests } = await seal.verifyManifests(golden.manifests.map(hex), { ...verified, custodian: owner.keys })
  const known = new Map(golden.encapsulations.map((text) => [seal.toHex(seal.encapsulationId(hex(text))), hex(text)]))
  return {
    owner,
    writer,
    grantee,
    team,
    ...verified,
    manifests,
    encapsulations: (id: Uint8Array) => known.get(seal.toHex(id)),
  }
}

const capsules = golden.commits.flatMap((commit) => commit.capsules.map(({ capsule }) => hex(capsule)))

/** Opens every record of the capsules whose release secrets are known, and answers their ids with their content. */
const openAll = async (
  releases: ReadonlyMap<string, Uint8Array>,
  secrets: EpochSecrets,
): Promise<Record<string, string>> => {
  const contents: Record<string, string> = {}
  for (const bytes of capsules) {
    const { capsule, header } = seal.decodeCapsule(bytes)
    const release = releases.get(seal.toHex(seal.capsuleHeaderHash(capsule.header)))
    if (release === undefined) continue
    const key = await capsuleKey({ headerBytes: capsule.header, release, secrets })
    for (const record of golden.commits.flatMap(({ records }) => records)) {
      const decoded = seal.decode(seal.RecordHeader, hex(record.header))
      if (!seal.equalBytes(decoded.capsule, header.capsule)) continue
      const { content } = await openRecord(key, hex(record.header), hex(record.body))
      contents[seal.toHex(decoded.record)] = seal.toHex(content)
    }
  }
  return contents
}

test('every commit holds what it says, and links to the one before', async () => {
  const { owner, writer, vault, encapsulations } = await load()
  for (const { commit: signed, leaves, records, capsules: own } of golden.commits) {
    const { commit } = await seal.verifyCommit(hex(signed), writer.keys)
    const list = Array.from({ length: leaves.length / 64 }, (_, i) => hex(leaves.slice(i * 64, i * 64 + 64)))
    const levels = seal.merkleLevels(list)
    for (const { place, header, digest, body } of records) {
      expect(seal.toHex(seal.sha256(hex(body)))).toBe(digest)
      seal.verifyPath(seal.recordLeaf(hex(header), hex(digest)), place, seal.merklePath(levels, place), commit)
    }
    for (const { place, capsule } of own)
      seal.verifyPath(seal.capsuleLeaf(hex(capsule)), place, seal.merklePath(levels, place), commit)
  }
  const commits = golden.commits.map(({ commit }) => hex(commit))
  const { last, records, wrong } = await checkLinks({
    commits,
    vault,
    custodian: owner.id,
    authorKeys: () => writer.keys,
    courierKeys: new CourierKeys(owner),
    encapsulations,
  })
  expect(wrong.size).toBe(0)
  const ids = commits.map((signed) => seal.toHex(seal.statementId(signed)))
  expect(seal.toHex(last.get(seal.toHex(writer.id))!)).toBe(ids.at(-1))
  expect([...records]).toEqual(ids.map((id, i) => [id, golden.commits[i]!.records.length]))
})

test('the owner opens everything without anybody', async () => {
  const { owner, manifests, encapsulations } = await load()
  const secrets = await earlierSecrets(manifests, await openManifest(manifests.at(-1)!, owner))
  const releases = new Map<string, Uint8Array>()
  for (const bytes of capsules) {
    releases.set(
      seal.toHex(seal.capsuleHeaderHash(seal.decodeCapsule(bytes).capsule.header)),
      await ownerRelease(bytes, owner, encapsulations),
    )
  }
  expect(await openAll(releases, secrets)).toEqual(golden.contents)
})

test.each([
  [0, 1],
  [1, 2],
  [2, 0],
])("a grantee's grantee opens its category through trustees %i and %i", async (a, b) => {
  const { owner, grantee, team, vault, genesis, manifests } = await load()
  const { access, id } = await seal.verifyAccess(hex(golden.access.signed), team.keys)
  const people = [owner, grantee, team]
  const chain = golden.grants.map(({ grant }) => hex(grant))
  const keysOf = (principal: Uint8Array) => people.find((one) => seal.equalBytes(one.id, principal))?.keys
  const category = manifests[0]!.categories[0]!.category
  const need = { reader: team.id, categories: [category], rights: seal.RIGHTS.read, purpose: access.purpose }
  const { grants, ids } = await seal.verifyGrantChain({
    chain,
    vault,
    custodian: owner.id,
    keysOf,
    at: access.time,
    need,
  })
  expect(access.chain).toEqual(ids)
  const { body } = await seal.verifySigned('grant-keys', hex(golden.grants[1]!.keys), grantee.keys)
  const opened = await openGrantKeys({
    keys: seal.decode(seal.GrantKeys, body),
    grant: grants[1]!,
    grantId: ids[1]!,
    grantee: team,
    manifest: manifests[1]!,
  })
  const answers = [golden.answers[a]!, golden.answers[b]!].map((one) => ({
    trustee: hex(one.trustee),
    access: hex(one.access),
    enc: hex(one.enc),
    sealed: one.sealed.map(hex),
  }))
  const headers = capsules.slice(0, 2).map((bytes) => seal.decodeCapsule(bytes).capsule.header)
  const release = await openRelease({
    answers,
    accessId: id,
    oneTimeSecret: hex(golden.access.oneTimeSecret),
    headers,
    genesis,
  })
  const contents = await openAll(release.releases, await earlierSecrets(manifests, opened))
  expect(Object.keys(contents).length).toBe(7)
  for (const [record, content] of Object.entries(contents)) expect(content).toBe(golden.contents[record])
})
