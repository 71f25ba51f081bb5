import { checkConfig } from '@scelle/wire/config'
import { expect, test } from 'vitest'
import { configSchema } from '../src/config.ts'

const id = 'ab'.repeat(32)
const party = { url: 'http://127.0.0.1:1', id }
const good = {
  listen: { port: 0 }, identity: 'identity', data: 'data', index: party, trustees: [party, party, party],
  organisation: { name: 'H' }, applications: [{ id, name: 'a', rights: ['read'], keys: ['00'] }],
}

test('a whole configuration is taken', () => {
  expect(checkConfig(good, configSchema, 'edge.json').listen.host).toBe('127.0.0.1')
  expect(checkConfig(good, configSchema, 'edge.json').partners).toEqual([])
  expect(checkConfig({ ...good, partners: [id] }, configSchema, 'edge.json').partners).toEqual([id])
})

test('the place of a name is well known where nothing is said, or a path', () => {
  const did = { folder: 'did', paths: ['/.well-known', '/clinics/nord'] }
  expect(checkConfig({ ...good, did }, configSchema, 'edge.json').did).toEqual(did)
  expect(checkConfig({ ...good, did: { folder: 'did' } }, configSchema, 'edge.json').did).toEqual({ folder: 'did' })
})

test.each([
  ['an unknown key', { ...good, nonsense: 1 }, 'nonsense'],
  ['two trustees', { ...good, trustees: [party, party] }, 'trustees'],
  ['an address that is none', { ...good, index: { url: 'index' } }, 'index.url'],
  ['an unknown right', { ...good, applications: [{ ...good.applications[0], rights: ['all'] }] }, 'applications'],
  ['a partner that is no principal', { ...good, partners: ['x'] }, 'partners'],
  ['five emergency keys', { ...good, emergencyKeys: Array<string>(5).fill(id) }, 'emergencyKeys'],
  ['an emergency without its key', { ...good, emergency: {} }, 'emergency.identity'],
  ['a base without its path', { ...good, base: 'https://chu.example' }, 'base'],
  ['a base with more', { ...good, base: 'https://chu.example/fhir?x' }, 'base'],
  ['packages that are no list', { ...good, packages: 'ips.tgz' }, 'packages'],
  ['no keys', { ...good, applications: [{ ...good.applications[0], keys: [] }] }, 'applications'],
  ['a name whose files are among FHIR\'s', { ...good, did: { folder: 'did', paths: ['/fhir/did'] } }, 'did.paths'],
  ['a name in a hidden folder', { ...good, did: { folder: 'did', paths: ['/clinics/.git'] } }, 'did.paths'],
  ['a name at a pattern', { ...good, did: { folder: 'did', paths: ['/:clinic/*'] } }, 'did.paths'],
  ['a limit below nothing', { ...good, charts: { open: 0 } }, 'charts.open'],
])('%s is refused by name', (_, config, key) => {
  expect(() => checkConfig(config, configSchema, 'edge.json')).toThrow(key)
})
