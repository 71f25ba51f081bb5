/** The public log, read as anybody does: with nothing but ids that are pinned, and what the routes answer. */
import {
  leafHash, parseNote, parseProof, parseTilePath, type ReadTile, TileReader, tilePath, verifyCheckpoint, verifyProof,
} from '@scelle/log'
import { createAccess, createRevocation } from '@scelle/seal/grants'
import type { Identity } from '@scelle/seal/identity'
import {
  decode, equalBytes, Head, LogEntry, statementId, toHex, verifyPosition, verifySigned,
} from '@scelle/seal/verify'
import { entryOf, logPolicy, verifyEd25519, verifyReceipt } from '@scelle/wire/log'
import { Receipt } from '@scelle/wire/messages'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { World, Writer } from './world.ts'

let world: World
let owner: Identity
let vault: Awaited<ReturnType<World['vault']>>
let writer: Writer
beforeAll(async () => {
  world = await World.create({ seed: 'log-routes' })
  owner = await world.principal()
  vault = await world.vault(owner)
  writer = new Writer(world, owner, vault, { custodian: owner })
})
afterAll(async () => world.end())

const policy = (quorum: number) =>
  logPolicy({ index: world.identity.keys, trustees: world.trustees.map(({ keys }) => keys), quorum })

const get = async (path: string) => world.send('GET', path, {})

const readTile: ReadTile = async (tile) => {
  const answer = await get(`/${tilePath(tile)}`)
  if (answer.status !== 200) throw new Error(`${tilePath(tile)}: ${answer.status}`)
  return answer.body
}

/** The newest checkpoint cosigned by so many, once it covers a leaf. */
const covering = async (leaf: number, path = '/v1/log/final', quorum = 3) => {
  for (;;) {
    const { status, body } = await get(path)
    const checkpoint = status === 200 ? await verifyCheckpoint(body, policy(quorum), verifyEd25519) : undefined
    if (checkpoint !== undefined && checkpoint.size > leaf) return checkpoint
    await new Promise((resolve) => void setImmediate(resolve))
  }
}

const makeAccess = async () => {
  const { capsule } = await writer.write()
  return createAccess({
    vault: vault.vault, custodian: owner.id, reader: owner, capsules: [capsule.headerHash], chain: [],
    purpose: 'patient-request',
  }, world.context)
}

test('an access is answered with its proof, under a checkpoint that two trustees cosigned', async () => {
  const access = await makeAccess()
  const receipt = await world.must(Receipt, owner, 'POST', '/v1/accesses', { body: access.signed })
  const position = await verifyPosition(receipt.position, world.identity.keys, access.id)
  const { proof, checkpoint } = await verifyReceipt(receipt.proof as Uint8Array, access.signed, policy(2))
  expect(proof.index).toBe(position.sequence - 1)
  expect(proof.extra).toEqual(position.salt)
  expect(checkpoint.cosigned.size).toBeGreaterThanOrEqual(2)
  const again = await world.must(Receipt, owner, 'POST', '/v1/accesses', { body: access.signed })
  expect(again.position).toEqual(receipt.position)
  await verifyReceipt(again.proof as Uint8Array, access.signed, policy(2))
})

test('from tiles alone: every entry is in the tree, acknowledged ones at their leaves; nobody is named', async () => {
  const access = await makeAccess()
  const receipt = await world.must(Receipt, owner, 'POST', '/v1/accesses', { body: access.signed })
  const { sequence, salt } = await verifyPosition(receipt.position, world.identity.keys, access.id)
  const checkpoint = await covering(sequence - 1)
  const reader = new TileReader(checkpoint, readTile)
  const entries = await reader.entries(0)
  expect(entries).toHaveLength(checkpoint.size)
  expect(entries[sequence - 1]).toEqual(entryOf(access.signed, salt as Uint8Array))
  const subjects = entries.map((entry) => decode(LogEntry, entry).subject)
  // The owner's key record is a control leaf; an access is none.
  expect(subjects[0]).toBeDefined()
  expect(subjects[sequence - 1]).toBeUndefined()
  const published = Buffer.concat(entries)
  for (const secret of [owner.id, vault.vault, access.id]) expect(published.includes(Buffer.from(secret))).toBe(false)
})

test('checkpoint, head and proof agree', async () => {
  await covering(0)
  const checkpoint = await verifyCheckpoint((await get('/checkpoint')).body, policy(0), verifyEd25519)
  const head = await get('/v1/log/head')
  const { body } = await verifySigned('head', head.body, world.identity.keys)
  const word = decode(Head, body)
  expect(parseNote(word.checkpoint).text).toBe(checkpoint.note.text)
  expect(word.time).toBe(Math.floor(world.clock.now / 1000))
  const quorum = await covering(0, '/v1/log/quorum', 2)
  const proof = parseProof((await get(`/v1/log/proof/${quorum.size - 1}`)).body)
  expect(proof.extra).toBeUndefined()
  const [last] = (await new TileReader(quorum, readTile).entries(0)).slice(-1)
  await verifyProof(proof, last as Uint8Array, policy(2), verifyEd25519)
})

test('what is not there is not found, and nothing wider than what is published', async () => {
  const { size } = await covering(0)
  const missing = [
    `/tile/0/000.p/${size + 1}`, '/tile/0/000', '/tile/entries/000', '/tile/1/000.p/1', '/tile/0/001.p/1',
    '/tile/0/000.p/0', '/tile/0/0', '/tile/x', '/tile/', `/v1/log/proof/${size}`,
  ]
  for (const path of missing) expect((await get(path)).code, path).toBe('not-found')
  expect((await get('/v1/log/proof/-1')).code).toBe('bad-request')
  expect((await get('/checkpoint?x=1')).code).toBe('bad-request')
})

test('headers are those of the standard, and let a page in a browser read', async () => {
  await covering(0)
  const checkpoint = (await get('/checkpoint')).headers
  expect(checkpoint['content-type']).toBe('text/plain; charset=utf-8')
  expect(checkpoint['cache-control']).toBe('no-cache')
  expect(checkpoint['access-control-allow-origin']).toBe('*')
  const tile = (await get('/tile/0/000.p/1')).headers
  expect(tile['content-type']).toBe('application/octet-stream')
  expect(tile['cache-control']).toBe('public, max-age=31536000, immutable')
  expect(tile['access-control-allow-origin']).toBe('*')
})

test('full tiles, two levels: 300 leaves more', async () => {
  const capsule = await writer.capsule()
  const first = await writer.seal(capsule, [{}])
  await world.commit(owner, first.submission)
  for (let i = 0; i < 300; i += 50) {
    const more = await Promise.all(Array.from({ length: 50 }, () => writer.seal(capsule, [{}], { withCapsule: false })))
    await world.commit(owner, ...more.map(({ submission }) => submission))
  }
  const checkpoint = await covering(300)
  const reader = new TileReader(checkpoint, readTile)
  const entries = [...(await reader.entries(0)), ...(await reader.entries(1))]
  expect(entries).toHaveLength(checkpoint.size)
  const full = (await get('/tile/0/000')).body
  expect((await get('/tile/0/000.p/7')).body).toEqual(full.slice(0, 7 * 32))
  expect(leafHash(entries[255] as Uint8Array)).toEqual(full.slice(-32))
  for (const leaf of [0, 255, 256, checkpoint.size - 1]) {
    const proof = parseProof((await get(`/v1/log/proof/${leaf}`)).body)
    await verifyProof(proof, entries[leaf] as Uint8Array, policy(2), verifyEd25519)
  }
  expect(parseTilePath('tile/0/000').width).toBe(256)
})

test('trustees are shown the statements of control leaves, and of no others', async () => {
  const friend = await world.principal()
  const grant = await world.grant(vault, { signer: owner, custodian: owner, grantee: friend })
  const { signed: revocation } = await createRevocation(
    { vault: vault.vault, grant: grant.id, signer: owner }, world.context,
  )
  const { position } = await world.must(Receipt, owner, 'POST', '/v1/revocations', { body: revocation })
  const { sequence } = await verifyPosition(position, world.identity.keys, statementId(revocation))
  await covering(sequence - 1)
  for (const { statements } of world.witnesses.all) {
    expect(statements.some((bytes) => equalBytes(bytes, revocation))).toBe(true)
    expect(statements.some((bytes) => toHex(bytes) === toHex(grant.grantSigned))).toBe(false)
  }
})
