/** The files of an organisation's name: as they are in the folder now, for anybody, and no other file. */
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { EDGE_LIMITS } from '../src/limits.ts'
import { createWorld, type World } from './harness.ts'

let folder: string
let world: World
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scelle-name-'))
  await writeFile(join(folder, 'did.jsonl'), '{"versionId":"1-Qm"}\n')
  await writeFile(join(folder, 'did.json'), '{"id":"did:web:chu.example"}\n')
  await writeFile(join(folder, 'next-2.key'), 'secret')
  world = await createWorld({ seed: 'name files', did: { folder, paths: ['/.well-known', '/clinics/nord'] } })
})
afterAll(async () => {
  await world.close()
  await rm(folder, { recursive: true })
})

const get = async (path: string) => {
  const answer = await world.constellation.network.fetch(`${world.party.url}${path}`)
  const { status, headers } = answer
  return { status, type: headers.get('content-type'), origin: headers.get('access-control-allow-origin'),
    text: await answer.text() }
}

test('are served with their media types, where the name has them', async () => {
  for (const base of ['/.well-known', '/clinics/nord']) {
    expect(await get(`${base}/did.jsonl`)).toMatchObject({
      status: 200, type: 'text/jsonl', origin: '*', text: '{"versionId":"1-Qm"}\n',
    })
    expect(await get(`${base}/did.json`)).toMatchObject({
      status: 200, type: 'application/did+json', text: '{"id":"did:web:chu.example"}\n',
    })
  }
})

test('that are not there are told as not there', async () => {
  expect((await get('/.well-known/did-witness.json')).status).toBe(404)
  expect((await get('/.well-known/scelle-release')).status).toBe(404)
})

test('are those of this moment: nothing that was rotated away is told', async () => {
  await writeFile(join(folder, 'did.jsonl'), '{"versionId":"2-Qm"}\n')
  expect((await get('/.well-known/did.jsonl')).text).toBe('{"versionId":"2-Qm"}\n')
})

test.each([
  '/.well-known/next-2.key', '/.well-known/', '/.well-known', '/clinics/nord/../../next-2.key',
  '/.well-known/..%2fnext-2.key', '/.well-known/did.json/../next-2.key', '/.well-known/%6eext-2.key', '/did.jsonl',
  '/clinics/sud/did.json',
])('are the only ones: %s is nothing', async (path) => {
  const { status, text } = await get(path)
  expect(status).toBeGreaterThanOrEqual(400)
  expect(text).not.toContain('secret')
})

test('are files: a link to another one, or one too long to be read by anybody, is not told', async () => {
  await symlink(join(folder, 'next-2.key'), join(folder, 'scelle-release'))
  const linked = await get('/.well-known/scelle-release')
  expect(linked).toMatchObject({ status: 404 })
  expect(linked.text).not.toContain('secret')
  await writeFile(join(folder, 'did-witness.json'), Buffer.alloc(EDGE_LIMITS.nameFile + 1, 0x20))
  expect((await get('/.well-known/did-witness.json')).status).toBe(404)
})

test('are read, and written by nobody', async () => {
  for (const method of ['PUT', 'POST', 'DELETE', 'PATCH']) {
    const answer = await world.constellation.network.fetch(`${world.party.url}/.well-known/did.jsonl`, { method })
    expect(answer.status).toBe(404)
  }
})
