import { createAccess } from '@scelle/seal/grants'
import { RIGHTS, toHex } from '@scelle/seal/verify'
import { Receipt } from '@scelle/wire/messages'
import { expect, test } from 'vitest'
import { inspectVault } from '../src/index.ts'
import { World, Writer } from './world.ts'

test('inspect shows every opaque thing that the state has of a vault, and nothing was said in clear', async () => {
  const world = await World.create({ seed: 'inspect' })
  const [owner, reader] = [await world.principal(), await world.principal()]
  const vault = await world.vault(owner, 'owner', ['summary', 'sexual-health'])
  const writer = new Writer(world, owner, vault, { custodian: owner })
  const content = JSON.stringify({ resourceType: 'Observation', note: 'canary-phrase' })
  const sealed = await writer.seal(await writer.capsule(1), [{ content }, { content, blob: true }])
  const [, blob] = sealed.made.records
  await world.ask(owner, 'PUT', `/v1/blobs/${toHex(blob!.digest)}`, { body: sealed.bodies[1]! })
  await world.commit(owner, sealed.submission)
  const category = vault.manifest.secrets[1]!.category
  await world.grant(vault, { signer: owner, custodian: owner, grantee: reader }, { categories: [category], rights: 4 })
  const access = await createAccess({
    vault: vault.vault, custodian: owner.id, reader: owner, capsules: [sealed.capsule.headerHash], chain: [],
    purpose: 'patient-request',
  }, world.context)
  await world.must(Receipt, owner, 'POST', '/v1/accesses', { body: access.signed })

  const seen = await inspectVault(world.storage.store, vault.vault)
  const [part] = seen!.parts
  const time = Math.floor(world.clock.now / 1000)
  expect(seen).toMatchObject({ vault: toHex(vault.vault), mode: 'owner', controller: toHex(owner.id), created: time })
  expect(part).toMatchObject({
    custodian: toHex(owner.id),
    manifests: 1,
    grants: [{ grantee: toHex(reader.id), signer: toHex(owner.id), categories: 1, rights: RIGHTS.read }],
    commits: [{ author: toHex(owner.id), time, leaves: 4 }],
    capsules: [{ category: toHex(category), writer: toHex(owner.id), opened: time, retention: 'care' }],
    accesses: [{ reader: toHex(owner.id), time, purpose: 'patient-request', capsules: 1 }],
  })
  expect(part!.categories.map(({ epoch, strict }) => [epoch, strict])).toEqual([[0, false], [0, false]])
  expect(part!.records.map(({ size, inBlob, contentType }) => [size, inBlob, contentType]))
    .toEqual(sealed.bodies.map(({ length }, i) => [length, i === 1, 'fhir+json']))
  const shown = JSON.stringify(seen)
  for (const secret of ['canary', 'Observation', 'sexual', 'summary']) expect(shown).not.toContain(secret)
  expect(await inspectVault(world.storage.store, world.context.random(32))).toBeUndefined()
  await world.end()
})
