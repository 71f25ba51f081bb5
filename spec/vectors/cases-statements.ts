/** Key chains, vaults, manifests, grants, accesses, revocations, commits: valid, and each with one thing wrong. */
import { createGrant } from '../../packages/seal/src/grants.ts'
import { rotateIdentity } from '../../packages/seal/src/identity.ts'
import { createManifest } from '../../packages/seal/src/keys.ts'
import * as seal from '../../packages/seal/src/verify.ts'
import { context, type Golden, nowSeconds } from './golden.ts'
import { bodyOf, chainOf, changed, stored } from './material.ts'
import type { Vector } from './operations.ts'

const { toHex } = seal

const keyChainCases = async (golden: Golden): Promise<Vector[]> => {
  const { owner, writer } = golden
  const [genesis, second] = owner.chain as [Uint8Array, Uint8Array]
  const fork = await rotateIdentity(owner, context)
  const twice = await rotateIdentity(fork, context)
  const forged = seal.encode(seal.Signed, { ...seal.decode(seal.Signed, second), signature: new Uint8Array(64) })
  const other = seal.decode(seal.Signed, second)
  const byOther = seal.decode(seal.Signed, await writer.sign('key-record', other.body))
  const cases: [string, Uint8Array[]][] = [
    ['genesis alone', [genesis]], ['rotated', [genesis, second]], ['empty', []], ['without genesis', [second]], ['order swapped', [second, genesis]],
    ['a record left out', [genesis, second, twice.chain[3]!]], ['a fork', [genesis, second, fork.chain[2]!, fork.chain[2]!]],
    ['another principal\'s record', [writer.chain[0]!, second]], ['signature forged', [genesis, forged]],
    ['signed by another principal', [genesis, seal.encode(seal.Signed, byOther)]],
    ['another kind of statement', [golden.made.genesisSigned]],
  ]
  return cases.map(([name, chain]) => ({ name: `key chain: ${name}`, op: 'key-chain', in: { chain: chain.map(toHex) } }))
}

const vaultCases = async (golden: Golden): Promise<Vector[]> => {
  const { owner, former, writer, made, first, second } = golden
  const controller = chainOf(owner)
  const genesis = toHex(made.genesisSigned)
  const body = seal.decode(seal.VaultGenesis, bodyOf(made.genesisSigned))
  const sameTrustees = await owner.sign('vault-genesis', seal.encode(seal.VaultGenesis, { ...body, trustees: [body.trustees[0]!, body.trustees[0]!, body.trustees[2]!] }))
  const ownTrustee = await owner.sign('vault-genesis', seal.encode(seal.VaultGenesis, { ...body, trustees: [body.trustees[0]!, owner.id, body.trustees[2]!] }))
  const otherSuite = await owner.sign('vault-genesis', seal.encode(seal.VaultGenesis, { ...body, suite: 2 }))
  const base = { genesis, controller, custodian: controller }
  const versions = [first.signed, second.signed].map(toHex)
  const resign = (change: object): Promise<Uint8Array> => owner.sign('manifest', seal.encode(seal.Manifest, { ...second.manifest, ...change }))
  const dropped = await resign({ categories: second.manifest.categories.slice(1) })
  const loosened = await resign({ categories: second.manifest.categories.map((entry) => ({ ...entry, strict: false })) })
  const skipped = await resign({ categories: second.manifest.categories.map((entry, i) => (i === 0 ? { ...entry, epoch: 2 } : entry)) })
  const otherKey = await resign({ categories: second.manifest.categories.map((entry, i) => (i === 1 ? { ...entry, publicKey: changed(entry.publicKey, 5) } : entry)) })
  const third = seal.encode(seal.Manifest, { ...second.manifest, version: 3, previous: second.id })
  const foreign = await createManifest({ vault: made.vault, custodian: writer, categories: [{ code: 'x', strict: false }] }, context)
  const identity = stored(owner)
  const manifest = toHex(bodyOf(second.signed))
  const wrapBroken = { ...second.manifest, categories: second.manifest.categories.map((entry, i) => (i === 0 ? { ...entry, previous: changed(entry.previous!, 0) } : entry)) }
  const asked = [first, second].flatMap(({ manifest: { categories } }) => categories.map(({ category, epoch }) => ({ category, epoch })))
  const bodies = [first, second].map(({ signed }) => toHex(bodyOf(signed)))
  const lying = second.secrets.map((one, i) => (i === 0 ? { ...one, secret: changed(one.secret!, 0) } : one))
  return [
    { name: 'genesis', op: 'vault-genesis', in: { signed: genesis, controller } },
    { name: 'genesis by another', op: 'vault-genesis', in: { signed: genesis, controller: chainOf(writer) } },
    { name: 'genesis with a trustee twice', op: 'vault-genesis', in: { signed: toHex(sameTrustees), controller } },
    { name: 'genesis with its controller among the trustees', op: 'vault-genesis', in: { signed: toHex(ownTrustee), controller } },
    { name: 'genesis of another suite', op: 'vault-genesis', in: { signed: toHex(otherSuite), controller } },
    { name: 'genesis forged', op: 'vault-genesis', in: { signed: toHex(changed(made.genesisSigned, -1)), controller } },
    { name: 'manifests', op: 'manifests', in: { ...base, versions } },
    { name: 'manifests as known', op: 'manifests', in: { ...base, versions, known: { version: 2, id: toHex(second.id) } } },
    { name: 'manifests rolled back', op: 'manifests', in: { ...base, versions: versions.slice(0, 1), known: { version: 2, id: toHex(second.id) } } },
    { name: 'manifest replaced', op: 'manifests', in: { ...base, versions, known: { version: 1, id: toHex(second.id) } } },
    { name: 'first manifest missing', op: 'manifests', in: { ...base, versions: versions.slice(1) } },
    { name: 'manifest twice', op: 'manifests', in: { ...base, versions: [versions[0], versions[0]] } },
    { name: 'category dropped', op: 'manifests', in: { ...base, versions: [versions[0], toHex(dropped)] } },
    { name: 'strict bit dropped', op: 'manifests', in: { ...base, versions: [versions[0], toHex(loosened)] } },
    { name: 'epoch skipped', op: 'manifests', in: { ...base, versions: [versions[0], toHex(skipped)] } },
    { name: 'key changed without an epoch', op: 'manifests', in: { ...base, versions: [versions[0], toHex(otherKey)] } },
    { name: 'manifest under the newest key', op: 'manifests', in: { ...base, versions: [...versions, toHex(await owner.sign('manifest', third))] } },
    { name: 'manifest under a replaced key', op: 'manifests', in: { ...base, versions: [...versions, toHex(await former.sign('manifest', third))] } },
    { name: 'custodian that the owner is not', op: 'manifests', in: { ...base, custodian: chainOf(writer), versions: [toHex(foreign.signed)] } },
    { name: 'manifest opened', op: 'open-manifest', in: { manifest, identity } },
    { name: 'manifest opened by another', op: 'open-manifest', in: { manifest, identity: stored(writer) } },
    { name: 'manifest sealed for another version', op: 'open-manifest', in: { manifest: toHex(seal.encode(seal.Manifest, { ...second.manifest, version: 3 })), identity } },
    { name: 'manifest publishing another key', op: 'open-manifest', in: { manifest: toHex(bodyOf(otherKey)), identity } },
    { name: 'all epochs', op: 'earlier-secrets', in: { manifests: bodies, secrets: second.secrets, asked } },
    { name: 'an old epoch does not reach forward', op: 'earlier-secrets', in: { manifests: bodies, secrets: first.secrets, asked } },
    { name: 'a wrap that lies', op: 'earlier-secrets', in: { manifests: [bodies[0], toHex(seal.encode(seal.Manifest, wrapBroken))], secrets: second.secrets, asked } },
    { name: 'a secret that yields another key', op: 'earlier-secrets', in: { manifests: bodies, secrets: lying, asked } },
  ]
}

const grantCases = async (golden: Golden): Promise<Vector[]> => {
  const { owner, grantee, team, root, child, made, second } = golden
  const at = nowSeconds()
  const laboratory = second.manifest.categories[1]!.category
  const stranger = second.manifest.categories[2]!.category
  const base = {
    chain: [root.grantSigned, child.grantSigned].map(toHex), vault: toHex(made.vault), custodian: toHex(owner.id), keys: [owner, grantee, team].map(chainOf), at,
    reader: toHex(team.id), categories: child.grant.categories.map(toHex), rights: seal.RIGHTS.read, purpose: 'treatment',
  }
  const { suite: _, salt: __, ...fields } = child.grant
  const widened = async (name: string, change: object, signer = grantee): Promise<Vector> => {
    const made = await createGrant({ signer, grantee: team.keys, secrets: second.secrets, manifestVersion: 2, grant: { ...fields, ...change } }, context)
    return { name: `child ${name}`, op: 'grant-chain', in: { ...base, chain: [base.chain[0], toHex(made.grantSigned)], need: undefined } }
  }
  const orphan = { ...fields }
  delete orphan.parent
  return [
    { name: 'chain of two', op: 'grant-chain', in: base },
    { name: 'root alone', op: 'grant-chain', in: { ...base, chain: base.chain.slice(0, 1), reader: toHex(grantee.id), rights: 7 & ~seal.RIGHTS.relay } },
    { name: 'custodian without a grant', op: 'grant-chain', in: { ...base, chain: [], reader: toHex(owner.id) } },
    { name: 'stranger without a grant', op: 'grant-chain', in: { ...base, chain: [] } },
    { name: 'child alone', op: 'grant-chain', in: { ...base, chain: base.chain.slice(1) } },
    { name: 'order swapped', op: 'grant-chain', in: { ...base, chain: base.chain.toReversed() } },
    { name: 'another vault', op: 'grant-chain', in: { ...base, vault: toHex(owner.id) } },
    { name: 'used too early', op: 'grant-chain', in: { ...base, at: at - 3_600 } },
    { name: 'child expired', op: 'grant-chain', in: { ...base, at: at + 3_600 } },
    { name: 'root expired', op: 'grant-chain', in: { ...base, chain: base.chain.slice(0, 1), reader: toHex(grantee.id), at: at + 90_000 } },
    { name: 'child revoked', op: 'grant-chain', in: { ...base, revoked: [toHex(child.id)] } },
    { name: 'root revoked', op: 'grant-chain', in: { ...base, revoked: [toHex(root.id)] } },
    { name: 'another reader', op: 'grant-chain', in: { ...base, reader: toHex(grantee.id) } },
    { name: 'another category', op: 'grant-chain', in: { ...base, categories: [toHex(laboratory)] } },
    { name: 'another right', op: 'grant-chain', in: { ...base, rights: seal.RIGHTS.write } },
    { name: 'another purpose', op: 'grant-chain', in: { ...base, purpose: 'research' } },
    { name: 'keys of the signer missing', op: 'grant-chain', in: { ...base, keys: [chainOf(owner), chainOf(team)] } },
    { name: 'signature forged', op: 'grant-chain', in: { ...base, chain: [base.chain[0], toHex(changed(child.grantSigned, -1))] } },
    await widened('unchanged', {}),
    await widened('with another category', { categories: [...child.grant.categories, stranger] }),
    await widened('with another right', { rights: seal.RIGHTS.read | seal.RIGHTS.relay }),
    await widened('with another purpose', { purposes: ['treatment', 'research'] }),
    await widened('on another basis', { basis: 'care-team' }),
    await widened('starting earlier', { notBefore: root.grant.notBefore - 1 }),
    await widened('ending later', { expires: root.grant.expires + 1 }),
    await widened('as deep as its parent', { depth: 2 }),
    await widened('with a larger budget', { patientsPerDay: 51 }),
    await widened('without a budget', { patientsPerDay: undefined }),
    await widened('naming another parent', { parent: child.id }),
    await widened('of another vault', { vault: owner.id }),
    await widened('signed by the owner instead', {}, owner),
    { ...(await widened('without parent', {})), name: 'child without parent', in: { ...base, chain: [base.chain[0], toHex((await createGrant({ signer: grantee, grantee: team.keys, secrets: second.secrets, manifestVersion: 2, grant: orphan }, context)).grantSigned)] } },
    ...grantKeyCases(golden),
  ]
}

const grantKeyCases = (golden: Golden): Vector[] => {
  const { team, grantee, root, child, first, second } = golden
  const base = {
    keys: toHex(bodyOf(child.keysSigned)), grant: toHex(bodyOf(child.grantSigned)), grantId: toHex(child.id), identity: stored(team),
    manifest: toHex(bodyOf(second.signed)),
  }
  const otherKey = { ...second.manifest, categories: second.manifest.categories.map((entry) => ({ ...entry, publicKey: changed(entry.publicKey, 9) })) }
  return [
    { name: 'grant keys opened', op: 'open-grant-keys', in: base },
    { name: 'grant keys opened by another', op: 'open-grant-keys', in: { ...base, identity: stored(grantee) } },
    { name: 'grant keys of another grant', op: 'open-grant-keys', in: { ...base, keys: toHex(bodyOf(root.keysSigned)) } },
    { name: 'grant keys against another manifest', op: 'open-grant-keys', in: { ...base, manifest: toHex(bodyOf(first.signed)) } },
    { name: 'grant keys that are not the published ones', op: 'open-grant-keys', in: { ...base, manifest: toHex(seal.encode(seal.Manifest, otherKey)) } },
  ]
}

const otherCases = async (golden: Golden): Promise<Vector[]> => {
  const { team, writer, owner, grantee, access, revocation, root, child, commits } = golden
  const grants = [root, child].map(({ grantSigned }) => toHex(bodyOf(grantSigned)))
  const ids = [root, child].map(({ id }) => toHex(id))
  const commit = commits[0]!
  const leaves = Array.from({ length: commit.leaves.length / 32 }, (_, i) => commit.leaves.subarray(i * 32, i * 32 + 32))
  const levels = seal.merkleLevels(leaves)
  const { place, header, digest } = commit.records[0]!
  const path = seal.merklePath(levels, place).map(toHex)
  const base = { signed: toHex(commit.commit), author: chainOf(writer), leaf: toHex(seal.recordLeaf(header, digest)), place, path }
  const twice = await team.sign('access', seal.encode(seal.Access, { ...access.access, capsules: [access.access.capsules[0]!, access.access.capsules[0]!] }))
  const forOther = await grantee.sign('access', seal.encode(seal.Access, access.access))
  return [
    { name: 'access', op: 'access', in: { signed: toHex(access.signed), reader: chainOf(team) } },
    { name: 'access of a capsule twice', op: 'access', in: { signed: toHex(twice), reader: chainOf(team) } },
    { name: 'access in another\'s name', op: 'access', in: { signed: toHex(forOther), reader: chainOf(grantee) } },
    { name: 'revocation by the parent\'s grantee', op: 'revocation', in: { signed: toHex(revocation.signed), revoker: chainOf(grantee), grants, ids } },
    { name: 'revocation shown with another chain', op: 'revocation', in: { signed: toHex(revocation.signed), revoker: chainOf(grantee), grants: grants.slice(0, 1), ids: ids.slice(0, 1) } },
    { name: 'revocation by the grantee itself', op: 'revocation', in: { signed: toHex(await team.sign('revocation', bodyOf(revocation.signed))), revoker: chainOf(team), grants, ids } },
    { name: 'revocation by the custodian', op: 'revocation', in: { signed: toHex(await owner.sign('revocation', bodyOf(revocation.signed))), revoker: chainOf(owner), grants, ids } },
    { name: 'commit', op: 'commit', in: { signed: base.signed, author: base.author } },
    { name: 'commit by another', op: 'commit', in: { signed: base.signed, author: chainOf(owner) } },
    { name: 'commit in another\'s name', op: 'commit', in: { signed: toHex(await owner.sign('commit', bodyOf(commit.commit))), author: chainOf(owner) } },
    { name: 'record in a commit', op: 'commit-path', in: base },
    { name: 'record at another place', op: 'commit-path', in: { ...base, place: place ^ 1 } },
    { name: 'record of another body', op: 'commit-path', in: { ...base, leaf: toHex(seal.recordLeaf(header, changed(digest, 0))) } },
    { name: 'path too short', op: 'commit-path', in: { ...base, path: path.slice(1) } },
    { name: 'place outside the tree', op: 'commit-path', in: { ...base, place: place + leaves.length } },
  ]
}

export const statementCases = async (golden: Golden): Promise<Vector[]> => [
  ...(await keyChainCases(golden)), ...(await vaultCases(golden)), ...(await grantCases(golden)), ...(await otherCases(golden)),
]
