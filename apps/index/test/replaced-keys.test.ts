/** Whoever stole a key that was replaced since adds nothing under it. */
import { createAccess, createRevocation } from '@scelle/seal/grants'
import { rotateIdentity } from '@scelle/seal/identity'
import { rotateCategories } from '@scelle/seal/keys'
import { encode, type PrincipalKeys } from '@scelle/seal/verify'
import { NewGrant, NewVault, Receipt } from '@scelle/wire/messages'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { World, Writer } from './world.ts'

let world: World
beforeAll(async () => {
  world = await World.create({ seed: 'replaced keys' })
})
afterAll(() => world.end())

test('what is new is under the newest key; what is stored is answered again', async () => {
  const old = await world.principal()
  const friend: PrincipalKeys = (await world.principal()).keys
  const vault = await world.vault(old)
  const parties = { signer: old, custodian: old, grantee: { id: friend.id, keys: friend } as never }
  const given = await world.grant(vault, parties)
  const writer = new Writer(world, old, vault, { custodian: old })
  const stored = await writer.write()
  const next = await rotateIdentity(old, world.context)
  await world.must(Receipt, next, 'POST', '/v1/principals', { body: next.chain[1] as Uint8Array })
  const post = async (path: string, body: Uint8Array) => (await world.ask(next, 'POST', path, { body })).code ?? 200

  const late = await world.makeGrant(vault, parties)
  expect(await post('/v1/grants', encode(NewGrant, { grant: late.grantSigned, keys: late.keysSigned })))
    .toBe('bad-statement')
  const both = encode(NewGrant, { grant: given.grantSigned, keys: given.keysSigned })
  expect(await post('/v1/grants', both)).toBe(200)
  const revoked = await createRevocation({ vault: vault.vault, grant: given.id, signer: old }, world.context)
  expect(await post('/v1/revocations', revoked.signed)).toBe('bad-statement')
  const manifest = await rotateCategories({
    vault: vault.vault, custodian: old, previousSigned: vault.manifest.signed, previous: vault.manifest.manifest,
    secrets: vault.manifest.secrets, rotate: [],
  }, world.context)
  expect(await post('/v1/manifests', manifest.signed)).toBe('bad-statement')
  const other = await world.makeVault(old, 'owner')
  expect(await post('/v1/vaults', encode(NewVault, { genesis: other.genesisSigned, manifest: other.manifest.signed })))
    .toBe('bad-statement')
  const access = await createAccess({
    vault: vault.vault, custodian: old.id, reader: old, capsules: [stored.capsule.headerHash], chain: [],
    purpose: 'treatment',
  }, world.context)
  expect(await post('/v1/accesses', access.signed)).toBe('bad-statement')
  const forged = await writer.seal(await writer.capsule(), [{}])
  expect(await world.commit(next, forged.submission)).toEqual([{ problem: 'bad-statement' }])
  expect((await world.commit(next, stored.submission))[0]).toHaveProperty('position')

  const own = new Writer(world, next, vault, { custodian: next })
  await own.write()
  const real = await createRevocation({ vault: vault.vault, grant: given.id, signer: next }, world.context)
  expect(await post('/v1/revocations', real.signed)).toBe(200)
})
