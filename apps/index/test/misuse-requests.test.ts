/** What anybody may try at the other routes: refused by name, without effect. */
import { createAccess, createRevocation, renewGrantKeys } from '@scelle/seal/grants'
import { createIdentity, type Identity, rotateIdentity } from '@scelle/seal/identity'
import { createManifest, type MadeVault, rotateCategories } from '@scelle/seal/keys'
import {
  Access,
  decode,
  decodeSigned,
  encode,
  Manifest,
  RIGHTS,
  sha256,
  toHex,
  VaultGenesis,
} from '@scelle/seal/verify'
import { signRequest } from '@scelle/wire/http'
import { KeyChain, NewGrant, NewVault, Receipt, VaultView } from '@scelle/wire/messages'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { World, Writer } from './world.ts'

let world: World
let owner: Identity
let vault: MadeVault
beforeAll(async () => {
  world = await World.create({ seed: 'misuse-requests' })
  owner = await world.principal()
})
afterAll(async () => world.end())
beforeEach(async () => {
  vault = await world.vault(owner)
})

const post = async (as: Identity, path: string, body: Uint8Array): Promise<string | number> => {
  const { code, status } = await world.ask(as, 'POST', path, { body })
  return code ?? status
}
const get = async (as: Identity, path: string, headers = {}): Promise<string | number> => {
  const { code, status } = await world.ask(as, 'GET', path, { headers })
  return code ?? status
}
const now = (): number => Math.floor(world.clock.now / 1000)

describe('requests', () => {
  const path = '/v1/grants'
  const signed = async (fields: Partial<Parameters<typeof signRequest>[0]> = {}) =>
    signRequest({ method: 'GET', url: `http://localhost${path}`, identity: owner, ...world.context, ...fields })

  test('unsigned, forged, old, replayed, by nobody known', async () => {
    expect((await world.send('GET', path, {})).code).toBe('signature-missing')
    const headers = await signed()
    expect((await world.send('GET', `${path}?a=1`, headers)).code).toBe('signature-invalid')
    expect((await world.send('GET', path, headers)).status).toBe(200)
    expect((await world.send('GET', path, headers)).code).toBe('signature-replayed')
    const old = await signed({ now: () => world.clock.now - 61_000 })
    expect((await world.send('GET', path, old)).code).toBe('signature-expired')
    const early = await signed({ now: () => world.clock.now + 61_000 })
    expect((await world.send('GET', path, early)).code).toBe('signature-expired')
    expect(await get(await createIdentity('person', world.context), path)).toBe('principal-unknown')
    const other = await signed({ url: `http://elsewhere${path}` })
    expect((await world.send('GET', path, { ...other, host: 'elsewhere' })).code).toBe('signature-invalid')
  })

  test('with another body than signed, one too large, unknown routes and parameters', async () => {
    const headers = await signed({ method: 'POST', body: Uint8Array.of(1) })
    expect((await world.send('POST', path, headers, Uint8Array.of(2))).code).toBe('digest-mismatch')
    expect(await post(owner, path, new Uint8Array(300 * 1024))).toBe('too-large')
    expect(await get(owner, '/v1/nothing')).toBe('not-found')
    expect(await get(owner, `${path}?page=2`)).toBe('bad-request')
    expect(await get(owner, '/v1/principals/ABC')).toBe('bad-request')
    expect(await get(owner, `/v1/principals/${'0'.repeat(64)}`)).toBe('not-found')
  })
})

describe('principals', () => {
  test('nobody registers keys for another, or out of order', async () => {
    const machine = await createIdentity('machine', world.context)
    expect(await post(owner, '/v1/principals', machine.chain[0] as Uint8Array)).toBe('not-permitted')
    const someone = await createIdentity('person', world.context)
    const [record] = someone.chain as [Uint8Array]
    expect(await post(someone, '/v1/principals', record.slice(1))).toBe('bad-encoding')
    const next = await rotateIdentity(someone, world.context)
    const third = await rotateIdentity(next, world.context)
    expect(await post(next, '/v1/principals', next.chain[1] as Uint8Array)).toBe('principal-unknown')
    await world.register(someone)
    expect(await post(third, '/v1/principals', third.chain[2] as Uint8Array)).toBe('principal-unknown')
    expect(await post(someone, '/v1/principals', next.chain[1] as Uint8Array)).toBe('signature-invalid')
    expect(await post(next, '/v1/principals', next.chain[1] as Uint8Array)).toBe(200)
    const fork = await rotateIdentity(someone, world.context)
    expect(await post(fork, '/v1/principals', fork.chain[1] as Uint8Array)).toBe('already-exists')
    expect(await get(someone, '/v1/grants')).toBe('signature-invalid')
    // A person's record speaks for itself, whoever brings it: the page that made it talks to nobody.
    const person = await createIdentity('person', world.context)
    expect(await post(owner, '/v1/principals', person.chain[0] as Uint8Array)).toBe(200)
    expect(await post(await createIdentity('organisation', world.context), '/v1/principals', record))
      .toBe('not-permitted')
    const chain = await world.must(KeyChain, next, 'GET', `/v1/principals/${toHex(next.id)}`)
    expect(chain).toEqual(next.chain)
  })
})

describe('vaults and manifests', () => {
  test("vaults in another's name, in custody without admission, with a broken genesis", async () => {
    const made = await world.makeVault(owner, 'owner')
    const body = encode(NewVault, { genesis: made.genesisSigned, manifest: made.manifest.signed })
    const other = await world.principal('organisation')
    expect(await post(other, '/v1/vaults', body)).toBe('not-permitted')
    const custody = await world.makeVault(other, 'custody')
    const inCustody = encode(NewVault, { genesis: custody.genesisSigned, manifest: custody.manifest.signed })
    expect(await post(other, '/v1/vaults', inCustody)).toBe('not-permitted')
    const swapped = encode(NewVault, { genesis: made.genesisSigned, manifest: vault.manifest.signed })
    expect(await post(owner, '/v1/vaults', swapped)).toBe('bad-statement')
    const twice = { ...made.genesis, trustees: [0, 0, 1].map((i) => made.genesis.trustees[i] as Uint8Array) }
    const genesis = await owner.sign('vault-genesis', encode(VaultGenesis, twice))
    expect(await post(owner, '/v1/vaults', encode(NewVault, { genesis, manifest: made.manifest.signed }))).toBe(
      'bad-statement',
    )
    expect(await post(owner, '/v1/vaults', body)).toBe(200)
    expect(await post(owner, '/v1/vaults', body)).toBe(200)
    expect(await get(other, `/v1/vaults/${toHex(made.vault)}`)).toBe('not-found')
  })

  test('manifests by others, forked, skipping, loosening', async () => {
    const from = {
      vault: vault.vault,
      custodian: owner,
      previousSigned: vault.manifest.signed,
      previous: vault.manifest.manifest,
      secrets: vault.manifest.secrets,
      rotate: [],
    }
    const [second, fork] = [await rotateCategories(from, world.context), await rotateCategories(from, world.context)]
    const stranger = await world.principal('organisation')
    expect(await post(stranger, '/v1/manifests', second.signed)).toBe('not-permitted')
    const theirs = await createManifest({ vault: vault.vault, custodian: stranger, categories: [] }, world.context)
    expect(await post(stranger, '/v1/manifests', theirs.signed)).toBe('not-permitted')
    const looser = { ...second.manifest, categories: second.manifest.categories.slice(1) }
    expect(await post(owner, '/v1/manifests', await owner.sign('manifest', encode(Manifest, looser)))).toBe(
      'bad-statement',
    )
    expect(await post(owner, '/v1/manifests', second.signed)).toBe(200)
    expect(await post(owner, '/v1/manifests', second.signed)).toBe(200)
    expect(await post(owner, '/v1/manifests', fork.signed)).toBe('manifest-conflict')
    const view = await world.must(VaultView, owner, 'GET', `/v1/vaults/${toHex(vault.vault)}`)
    expect(view.manifests[0]?.versions).toEqual([vault.manifest.signed, second.signed])
  })

  test('a provider deposits into an existing custody vault once it is admitted', async () => {
    const first = await world.provider()
    const custody = await world.vault(first, 'custody')
    const other = await world.principal('organisation')
    const made = await createManifest(
      { vault: custody.vault, custodian: other, categories: [{ code: 'summary', strict: false }] },
      world.context,
    )
    expect(await post(other, '/v1/manifests', made.signed)).toBe('not-permitted')
    world.admitted.push(toHex(other.id))
    await world.restart()
    const path = `/v1/vaults/${toHex(custody.vault)}`
    expect((await world.must(VaultView, other, 'GET', path)).manifests).toEqual([])
    expect(await post(other, '/v1/manifests', made.signed)).toBe(200)
    const writer = new Writer(world, other, custody, { custodian: other, manifest: made })
    await writer.write()
    expect((await world.must(VaultView, other, 'GET', path)).manifests.map(({ custodian }) => custodian)).toEqual([
      other.id,
    ])
    expect(await get(first, `${path}/feed?custodian=${toHex(other.id)}`)).toBe('not-found')
  })
})

describe('grants, revocations, accesses', () => {
  test('grants wider than their parent, by others, expired, to nobody, of no category', async () => {
    const [team, person] = [await world.principal('organisation'), await world.principal()]
    const parties = { signer: owner, custodian: owner, grantee: team }
    const attempt = async (from: typeof parties, fields: Parameters<World['makeGrant']>[2] = {}, as = from.signer) => {
      const made = await world.makeGrant(vault, from, fields)
      return post(as, '/v1/grants', encode(NewGrant, { grant: made.grantSigned, keys: made.keysSigned }))
    }
    expect(await attempt(parties, {}, team)).toBe('not-permitted')
    expect(await attempt({ ...parties, signer: team })).toBe('bad-statement')
    expect(await attempt(parties, { expires: now() - 1 })).toBe('not-permitted')
    expect(await attempt(parties, { categories: [world.context.random(16)] })).toBe('bad-statement')
    expect(await attempt(parties, { purposes: [] })).toBe('bad-statement')
    expect(await attempt(parties, { rights: 0 })).toBe('bad-statement')
    const stranger = await createIdentity('person', world.context)
    expect(await attempt({ ...parties, grantee: stranger })).toBe('bad-statement')
    const parent = await world.grant(vault, parties, { rights: 7 })
    const child = { signer: team, custodian: owner, grantee: person }
    expect(await attempt(child, { parent: parent.id, rights: 4, depth: 0 })).toBe('bad-statement')
    expect(await attempt(child, { parent: world.context.random(32) })).toBe('bad-statement')
    const open = await world.grant(vault, parties, { rights: 12 })
    expect(await attempt(child, { parent: open.id, rights: 6, depth: 1 })).toBe('bad-statement')
    expect(await attempt(child, { parent: open.id, rights: 4, depth: 1 })).toBe(200)
    const revocation = await createRevocation({ vault: vault.vault, grant: open.id, signer: owner }, world.context)
    expect(await post(person, '/v1/revocations', revocation.signed)).toBe('not-permitted')
    const forged = await createRevocation({ vault: vault.vault, grant: open.id, signer: person }, world.context)
    expect(await post(person, '/v1/revocations', forged.signed)).toBe('not-permitted')
    const nothing = await createRevocation(
      { vault: vault.vault, grant: world.context.random(32), signer: owner },
      world.context,
    )
    expect(await post(owner, '/v1/revocations', nothing.signed)).toBe('not-found')
    expect(await post(owner, '/v1/revocations', revocation.signed)).toBe(200)
    expect(await attempt(child, { parent: open.id, rights: 4, depth: 1 })).toBe('grant-revoked')
  })

  test('keys of a grant by another signer, of a manifest that is not there', async () => {
    const [team, other] = [await world.principal('organisation'), await world.principal()]
    const made = await world.grant(vault, { signer: owner, custodian: owner, grantee: team })
    const renew = (signer: Identity, manifestVersion: number) =>
      renewGrantKeys({
        grant: made.grant,
        grantId: made.id,
        signer,
        grantee: team.keys,
        secrets: vault.manifest.secrets,
        manifestVersion,
      })
    expect(await post(other, '/v1/grant-keys', await renew(other, 1))).toBe('not-permitted')
    expect(await post(owner, '/v1/grant-keys', await renew(other, 1))).toBe('not-permitted')
    expect(await post(owner, '/v1/grant-keys', await renew(owner, 2))).toBe('bad-statement')
    expect(await post(owner, '/v1/grant-keys', await renew(owner, 1))).toBe(200)
    const elsewhere = await world.grant(vault, { signer: owner, custodian: owner, grantee: other })
    const mixed = encode(NewGrant, {
      grant: (await world.makeGrant(vault, { signer: owner, custodian: owner, grantee: team })).grantSigned,
      keys: elsewhere.keysSigned,
    })
    expect(await post(owner, '/v1/grants', mixed)).toBe('bad-statement')
  })

  test("accesses in another's name, too old, from the future, to what is not granted", async () => {
    const reader = await world.principal()
    const writer = new Writer(world, owner, vault, { custodian: owner })
    const [seen, hidden] = [await writer.write(1, 0), await writer.write(1, 1)]
    const given = await world.grant(
      vault,
      { signer: owner, custodian: owner, grantee: reader },
      { categories: [vault.manifest.secrets[0]?.category as Uint8Array], rights: RIGHTS.read | RIGHTS.relay },
    )
    const relay = await world.grant(
      vault,
      { signer: owner, custodian: owner, grantee: reader },
      { rights: RIGHTS.relay },
    )
    const attempt = async (fields: Partial<Parameters<typeof createAccess>[0]> = {}, time = now(), as = reader) => {
      const { access } = await createAccess(
        {
          vault: vault.vault,
          custodian: owner.id,
          reader,
          capsules: [seen.capsule.headerHash],
          chain: [given.id],
          purpose: 'treatment',
          ...fields,
        },
        world.context,
      )
      return post(as, '/v1/accesses', await reader.sign('access', encode(Access, { ...access, time })))
    }
    expect(await attempt({}, now(), owner)).toBe('not-permitted')
    expect(await attempt({ reader: owner })).toBe('bad-statement')
    expect(await attempt({}, now() - 301)).toBe('access-expired')
    expect(await attempt({}, now() + 61)).toBe('bad-statement')
    expect(await attempt({ capsules: [] })).toBe('bad-statement')
    expect(await attempt({ capsules: [hidden.capsule.headerHash] })).toBe('not-found')
    expect(await attempt({ chain: [] })).toBe('not-permitted')
    expect(await attempt({ chain: [relay.id] })).toBe('not-permitted')
    expect(await attempt({ purpose: 'research' })).toBe('not-permitted')
    expect(await attempt({ vault: world.context.random(32) })).toBe('not-found')
    expect(await attempt()).toBe(200)
  })
})

describe('feeds and cursors', () => {
  test('a cursor is good for its reader, its part, its index and its view', async () => {
    const [reader, other] = [await world.principal(), await world.principal()]
    const writer = new Writer(world, owner, vault, { custodian: owner })
    for (let i = 0; i < 3; i++) await writer.write(1, i % 2)
    const [first, second] = vault.manifest.secrets.map(({ category }) => category) as [Uint8Array, Uint8Array]
    for (const grantee of [reader, other]) {
      await world.grant(
        vault,
        { signer: owner, custodian: owner, grantee },
        { categories: [first], rights: RIGHTS.read },
      )
    }
    const page = await world.feed(reader, vault.vault, owner, '&limit=1')
    expect([page.commits.length, page.more]).toEqual([1, true])
    const path = `/v1/vaults/${toHex(vault.vault)}/feed?custodian=${toHex(owner.id)}`
    const cursor = toHex(page.cursor)
    const rest = await world.feed(reader, vault.vault, owner, `&cursor=${cursor}`)
    expect([rest.commits.length, rest.more]).toEqual([1, false])
    expect(await get(other, `${path}&cursor=${cursor}`)).toBe('bad-request')
    expect(await get(owner, `${path}&cursor=${cursor}`)).toBe('bad-request')
    for (const wrong of [
      cursor.slice(2),
      `${cursor}00`,
      cursor.replace(/^../, (byte) => (byte === '00' ? '01' : '00')),
      'zz',
      '',
    ]) {
      expect(await get(reader, `${path}&cursor=${wrong}`)).toBe('bad-request')
    }
    expect(new Set([cursor, toHex((await world.feed(reader, vault.vault, owner, '&limit=1')).cursor)]).size).toBe(2)
    await world.grant(
      vault,
      { signer: owner, custodian: owner, grantee: reader },
      { categories: [second], rights: RIGHTS.read },
    )
    expect(await get(reader, `${path}&cursor=${toHex(rest.cursor)}`)).toBe('bad-request')
    expect((await world.feed(reader, vault.vault, owner)).commits).toHaveLength(3)
    for (const query of ['&limit=0', '&limit=x', '&limit=1&limit=2', '&since=1'])
      expect(await get(reader, path + query)).toBe('bad-request')
    expect(await get(reader, path.slice(0, -2))).toBe('bad-request')
  })

  test('a new category does not cost its custodian the cursor', async () => {
    const writer = new Writer(world, owner, vault, { custodian: owner })
    await writer.write()
    const before = await world.feed(owner, vault.vault, owner)
    const next = await rotateCategories(
      {
        vault: vault.vault,
        custodian: owner,
        previousSigned: vault.manifest.signed,
        previous: vault.manifest.manifest,
        secrets: vault.manifest.secrets,
        rotate: [],
        add: [{ code: 'imaging', strict: false }],
      },
      world.context,
    )
    await world.must(Receipt, owner, 'POST', '/v1/manifests', { body: next.signed })
    writer.manifest = next
    await writer.write(1, 2)
    expect((await world.feed(owner, vault.vault, owner, `&cursor=${toHex(before.cursor)}`)).commits).toHaveLength(1)
  })
})

describe('blobs', () => {
  const upload = async (as: Identity, bytes: Uint8Array, name = sha256(bytes)) =>
    world.ask(as, 'PUT', `/v1/blobs/${toHex(name)}`, { body: bytes })

  test('only writers put, only readers get, in ranges', async () => {
    const [reader, stranger] = [await world.principal(), await world.principal()]
    const writer = new Writer(world, owner, vault, { custodian: owner })
    const content = JSON.stringify({ noise: toHex(world.context.random(150_000)) })
    const sealed = await writer.seal(await writer.capsule(), [{ content, blob: true }])
    const [body] = sealed.bodies as [Uint8Array]
    expect((await upload(stranger, body)).code).toBe('not-permitted')
    const place = sealed.made.records[0]?.place
    const before = await world.submit(owner, [sealed.made])
    expect(before).toEqual([{ problem: 'blob-missing', places: [place] }])
    expect((await upload(owner, body, sha256(content.length === 0 ? body : new Uint8Array()))).code).toBe(
      'digest-mismatch',
    )
    expect((await upload(owner, body)).status).toBe(201)
    expect((await upload(owner, body)).status).toBe(201)
    const path = `/v1/blobs/${toHex(sha256(body))}`
    expect(await get(owner, path)).toBe('not-found')
    const after = await world.submit(owner, [sealed.made])
    expect(after[0]?.problem).toBeUndefined()
    expect((await world.ask(owner, 'GET', path)).body).toEqual(body)
    expect(await get(reader, path)).toBe('not-found')
    const [first] = vault.manifest.secrets
    await world.grant(
      vault,
      { signer: owner, custodian: owner, grantee: reader },
      { categories: [first?.category as Uint8Array], rights: RIGHTS.read },
    )
    const range = async (value: string) => world.ask(reader, 'GET', path, { headers: { range: value } })
    const part = await range('bytes=100-299')
    expect([part.status, part.headers['content-range']]).toEqual([206, `bytes 100-299/${body.length}`])
    expect(part.body).toEqual(body.slice(100, 300))
    expect((await range('bytes=-5')).body).toEqual(body.slice(-5))
    expect((await range(`bytes=${body.length - 3}-`)).body).toEqual(body.slice(-3))
    expect((await range(`bytes=10-${body.length * 2}`)).body).toEqual(body.slice(10))
    for (const wrong of [`bytes=${body.length}-`, 'bytes=5-4', 'bytes=-', 'bytes=-0', 'bytes=0-1,3-4', 'lines=1-2']) {
      expect((await range(wrong)).code, wrong).toBe('range-invalid')
    }
    const [commit] = (await world.feed(reader, vault.vault, owner)).commits
    expect(commit?.records[0]).toMatchObject({ digest: sha256(body), size: body.length })
    expect(commit?.records[0]?.body).toBeUndefined()
  })
})

test('a fault has no effect, says nothing outside, and is logged without content', async () => {
  const faulty = await World.create({
    seed: 'fault',
    storage: {
      faultPoints: {
        store: (point) => {
          if (point === 'group-applied' && failing) throw new TypeError("with a patient's name")
        },
      },
    },
  })
  let failing = false
  const person = await faulty.principal()
  failing = true
  const made = await faulty.makeVault(person, 'owner')
  const body = encode(NewVault, { genesis: made.genesisSigned, manifest: made.manifest.signed })
  const answer = await faulty.ask(person, 'POST', '/v1/vaults', { body })
  expect([answer.status, answer.code]).toEqual([500, 'internal'])
  expect(new TextDecoder().decode(answer.body)).not.toContain('patient')
  expect(JSON.stringify(faulty.events)).not.toContain('patient')
  expect(faulty.events.some(({ event }) => event === 'fault')).toBe(true)
  failing = false
  expect((await faulty.ask(person, 'GET', `/v1/vaults/${toHex(made.vault)}`)).code).toBe('not-found')
  expect((await faulty.ask(person, 'POST', '/v1/vaults', { body })).status).toBe(200)
  expect(decodeSigned('vault-genesis', decode(NewVault, body).genesis).signer).toEqual(person.id)
  await faulty.end()
})

test('more waiting than it holds is refused, not remembered', async () => {
  const waiting: (() => void)[] = []
  const busy = await World.create({ seed: 'busy', storage: { tick: (run) => waiting.push(run) } })
  const operation = {
    kind: 'key-record' as const,
    statement: { id: new Uint8Array(32), bytes: new Uint8Array(1) },
    principal: new Uint8Array(32),
    version: 0,
  }
  await expect(busy.storage.store.apply(Array.from({ length: 16_385 }, () => operation))).rejects.toMatchObject({
    code: 'overloaded',
  })
  expect(waiting).toHaveLength(0)
  await busy.end()
})
