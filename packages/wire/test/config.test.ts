import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import * as v from 'valibot'
import { authorities, filePath, listenAddress, loadConfig, principalId, settings } from '../src/config.ts'

const folder = mkdtempSync(join(tmpdir(), 'scelle-config-'))
afterAll(() => rmSync(folder, { recursive: true }))

const Schema = settings({
  listen: listenAddress, identity: filePath, index: settings({ id: principalId }), authorities,
  admitted: v.optional(v.array(principalId), []),
})
const GOOD = { listen: { port: 8090 }, identity: 'keys/identity', index: { id: 'ab'.repeat(32) } }

const load = (value: unknown) => {
  const path = join(folder, 'config.json')
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value))
  return loadConfig(path, Schema)
}

test('reads settings, fills in the loopback default, and resolves paths from the file\'s folder', () => {
  const { config, at } = load(GOOD)
  expect(config.listen).toEqual({ host: '127.0.0.1', port: 8090 })
  expect(config.authorities).toEqual([])
  expect(at(config.identity)).toBe(join(folder, 'keys', 'identity'))
  expect(at('/elsewhere')).toBe('/elsewhere')
})

test.each([
  ['a wrong type', { ...GOOD, listen: { port: '8090' } }, /config\.json: listen\.port: expected number$/],
  ['a wrong range', { ...GOOD, listen: { port: 70_000 } }, /listen\.port: expected <=65535$/],
  ['a wrong form', { ...GOOD, index: { id: 'AB' } }, /index\.id: expected 64 lower-case hexadecimal digits/],
  ['an unknown key', { ...GOOD, trustHeaders: true }, /trustHeaders: this key is not known$/],
  ['an unknown key inside', { ...GOOD, index: { ...GOOD.index, url: 'x' } }, /index\.url: this key is not known$/],
  ['a missing key', { ...GOOD, identity: undefined }, /identity: is missing$/],
  ['a wrong item', { ...GOOD, admitted: ['ab'.repeat(32), 5] }, /admitted\.1: expected string$/],
  ['two at once', { ...GOOD, identity: 5, extra: 1 }, /identity: expected string; extra: this key is not known$/],
  ['no object', '5', /config\.json: \(the whole file\): expected Object$/],
  ['no JSON', '{"secret": hunter2}', /config\.json: this configuration file is not JSON$/],
])('refuses %s, and names it', (_, value, message) => {
  expect(() => load(value)).toThrow(message)
})

test('never prints a value', () => {
  const secret = 'hunter2-hunter2'
  for (const wrong of [{ ...GOOD, index: { id: secret } }, { ...GOOD, listen: secret }, `{"a": ${secret}}`]) {
    let message = ''
    try { load(wrong) } catch (error) { message = String(error) + String((error as Error).cause) }
    expect(message).toContain('config.json')
    expect(message).not.toContain('hunter2')
  }
})

test('names a file that is not there', () => {
  const missing = join(folder, 'none.json')
  expect(() => loadConfig(missing, Schema)).toThrow(`${missing}: this configuration file cannot be read`)
})
