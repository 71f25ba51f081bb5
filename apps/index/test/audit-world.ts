/** An index that holds every kind of statement, and rows in every table. */
import { createAccess, createRevocation, renewGrantKeys } from '@scelle/seal/grants'
import { type Identity, rotateIdentity } from '@scelle/seal/identity'
import { type MadeVault, rotateCategories } from '@scelle/seal/keys'
import { Denial, encode, Release, statementId, SUITE, toHex } from '@scelle/seal/verify'
import { Receipt } from '@scelle/wire/messages'
import type { Operation } from '../src/store.ts'
import { type World, Writer } from './world.ts'

const apply = async (world: World, operation: Operation): Promise<void> => {
  const [outcome] = await world.storage.store.apply([operation])
  if (outcome === undefined || 'problem' in outcome) throw new Error(`refused: ${outcome?.problem}`)
}

/** What index and trustees say about an access. */
const saySomething = async (world: World, vault: Uint8Array, owner: Identity, reader: Identity): Promise<void> => {
  const { context } = world
  const [trustee] = world.trustees as [Identity]
  await world.register(trustee)
  const refused = await createAccess({
    vault, custodian: owner.id, reader, capsules: [context.random(32)], chain: [], purpose: 'treatment',
  }, context)
  const time = Math.floor(context.now() / 1000)
  const denial = await world.identity.sign('denial', encode(Denial, {
    suite: SUITE, server: world.identity.id, vault, reader: reader.id, access: refused.id, problem: 'not-permitted',
    time, salt: context.random(16),
  }))
  await apply(world, {
    kind: 'denial', statement: { id: statementId(denial), bytes: denial }, vault, custodian: owner.id,
    reader: reader.id, access: refused.signed,
  })
  const release = await trustee.sign('release', encode(Release, {
    suite: SUITE, trustee: trustee.id, vault, access: refused.id, capsules: 1, time, salt: context.random(16),
  }))
  await apply(world, {
    kind: 'release', statement: { id: statementId(release), bytes: release }, vault, trustee: trustee.id,
  })
}

const renew = async (world: World, vault: MadeVault, owner: Identity): Promise<void> => {
  const other = await world.principal()
  const { context } = world
  const kept = await world.grant(vault, { signer: owner, custodian: owner, grantee: other }, { rights: 3 })
  const rotated = await rotateCategories({
    vault: vault.vault, custodian: owner, previousSigned: vault.manifest.signed, previous: vault.manifest.manifest,
    secrets: vault.manifest.secrets, rotate: [vault.manifest.secrets[0]!.category],
  }, context)
  await world.must(Receipt, owner, 'POST', '/v1/manifests', { body: rotated.signed })
  const keys = await renewGrantKeys({
    signer: owner, grantee: other.keys, secrets: rotated.secrets, manifestVersion: 2, grant: kept.grant,
    grantId: kept.id,
  })
  await world.must(Receipt, owner, 'POST', '/v1/grant-keys', { body: keys })
}

/** Every kind of statement, and rows in every table. */
export const fillWorld = async (world: World): Promise<void> => {
  const [owner, doctor, nurse] = [await world.principal(), await world.principal(), await world.principal()]
  const hospital = await world.provider()
  const vault = await world.vault(owner, 'owner', ['summary', 'laboratory', 'mental-health'])
  const writer = new Writer(world, owner, vault, { custodian: owner })
  for (let i = 0; i < 3; i++) await writer.write(5, i)
  const sealed = await writer.seal(await writer.capsule(1), [{}, { blob: true, content: 'x'.repeat(3_000) }])
  await world.ask(owner, 'PUT', `/v1/blobs/${toHex(sealed.made.records[1]!.digest)}`, { body: sealed.bodies[1]! })
  await world.commit(owner, sealed.submission)
  const grant = await world.grant(vault, { signer: owner, custodian: owner, grantee: doctor }, { rights: 15 })
  const child = await world.grant(vault, { signer: doctor, custodian: owner, grantee: nurse }, {
    parent: grant.id, rights: 4, depth: 1,
  })
  const access = await createAccess({
    vault: vault.vault, custodian: owner.id, reader: nurse, capsules: [sealed.capsule.headerHash],
    chain: [grant.id, child.id], purpose: 'treatment',
  }, world.context)
  await world.must(Receipt, nurse, 'POST', '/v1/accesses', { body: access.signed })
  const taken = await createRevocation({ vault: vault.vault, grant: grant.id, signer: owner }, world.context)
  await world.must(Receipt, owner, 'POST', '/v1/revocations', { body: taken.signed })
  await saySomething(world, vault.vault, owner, nurse)
  await renew(world, vault, owner)
  const deposit = await world.vault(hospital, 'custody')
  const depositor = new Writer(world, hospital, deposit, { custodian: hospital })
  for (let i = 0; i < 125; i++) await depositor.write(1, 0)
  const renewed = await rotateIdentity(doctor, world.context)
  await world.must(Receipt, renewed, 'POST', '/v1/principals', { body: renewed.chain[1]! })
  for (let i = 0; i < 130; i++) await depositor.write(1, 1)
}
