/** A machine whose key is in a token: SoftHSM, through OpenSC's tool. Its files, copied, sign nothing. */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createIdentity, exportIdentity, importIdentity } from '@scelle/seal/identity'
import { toHex, verifyKeyChain, verifySigned } from '@scelle/seal/verify'
import { readIdentity } from '@scelle/wire/identity-file'
import { createConstellation, seededRandom } from '@scelle/testing/constellation'
import { parseCommand, run } from '../src/cli.ts'
import { Home } from '../src/home.ts'
import type { Io } from '../src/io.ts'

const MODULE = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib64/softhsm/libsofthsm2.so'].find(existsSync)
const PIN = '73914682'

const installed = (name: string): boolean => {
  try {
    execFileSync('which', [name], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const isThere = MODULE !== undefined && installed('softhsm2-util') && installed('pkcs11-tool')
if (!isThere) console.log('skipped: SoftHSM and OpenSC are not installed (packages softhsm2 and opensc)')

let folder: string
const lines: string[] = []
const at = (...names: string[]): string => join(folder, ...names)
const context = { now: Date.now, random: (length: number) => crypto.getRandomValues(new Uint8Array(length)) }

const io = (now = Date.now): Io => ({
  home: new Home(at('home')), language: 'en', out: (line) => lines.push(line),
  terminal: { isTerminal: false, write: (text: string) => lines.push(text) } as unknown as Io['terminal'],
  ...context, now, sleep: async () => undefined, stopped: new AbortController().signal,
})

const keys = (...more: string[]): Promise<number> => keysAt(Date.now, ...more)

const keysAt = (now: () => number, ...more: string[]): Promise<number> => run(io(now), parseCommand([
  'keys', '--module', MODULE ?? '', '--token', 'scelle', '--key', '01', '--pin', at('pin'), ...more,
]))

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'scelle-token-'))
  if (!isThere) return
  mkdirSync(at('tokens'))
  writeFileSync(at('softhsm2.conf'), `directories.tokendir = ${at('tokens')}\nobjectstore.backend = file\n`)
  writeFileSync(at('pin'), `${PIN}\n`, { mode: 0o600 })
  vi.stubEnv('SOFTHSM2_CONF', at('softhsm2.conf'))
  const silent = { stdio: 'ignore' } as const
  execFileSync('softhsm2-util', ['--init-token', '--free', '--label', 'scelle', '--pin', PIN, '--so-pin', PIN], silent)
  execFileSync('pkcs11-tool', [
    '--module', MODULE ?? '', '--token-label', 'scelle', '--login', '--pin', PIN, '--keypairgen', '--key-type',
    'EC:edwards25519', '--id', '01', '--label', 'machine',
  ], silent)
})
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

describe.skipIf(!isThere)('a key in a token (needs SoftHSM and OpenSC)', () => {
  // First: a library does not ask for the PIN of a token that this process has open.
  test('says no more than that it failed where the PIN is wrong, and writes nothing', async () => {
    writeFileSync(at('wrong'), 'not the pin\n')
    lines.length = 0
    expect(await keys('--pin', at('wrong'), '--out', at('none.json'))).toBe(4)
    expect(lines.join('\n')).toContain('The token did not answer')
    expect(lines.join('\n')).not.toContain('not the pin')
    expect(readdirSync(folder)).not.toContain('none.json')
  })

  test('is a new machine\'s, which speaks to index and trustees with it', async () => {
    const world = await createConstellation({ seed: 'token' })
    expect(await keysAt(() => world.now(), '--out', at('machine.json'))).toBe(0)
    const machine = await readIdentity(at('machine.json'))
    expect(machine.keys.kind).toBe('machine')
    expect(lines.join('\n')).toContain(toHex(machine.id))
    const client = await world.client(machine)
    expect(await client.people.registered(machine.id)).toEqual(machine.chain)
    await world.close()
  })

  test('takes the place of a key on the disk, for the same principal; the old key signs nothing more', async () => {
    const before = await createIdentity('organisation', context, { flowOnly: true })
    writeFileSync(at('old.identity'), exportIdentity(before))
    expect(await keys('--from', at('old.identity'), '--out', at('house.json'))).toBe(0)
    const house = await readIdentity(at('house.json'))
    expect(house.id).toEqual(before.id)
    expect(house.keys.current).toMatchObject({ version: 1, flowOnly: true })
    const body = seededRandom('body')(20)
    await expect(verifySigned('revocation', await house.sign('revocation', body), await verifyKeyChain(house.chain)))
      .resolves.toMatchObject({ body })
  })

  test('is in no file: a copy of them all, without the token, signs nothing', async () => {
    await keys('--out', at('copied.json'))
    mkdirSync(at('thief'))
    for (const name of ['copied.json', 'copied.json.sealing', 'pin']) cpSync(at(name), at('thief', name))
    const copied = JSON.parse(readFileSync(at('thief', 'copied.json'), 'utf8')) as { pkcs11: object }
    // The thief has a token too, but not the house's.
    const elsewhere = { ...copied.pkcs11, token: 'thief' }
    writeFileSync(at('thief', 'copied.json'), JSON.stringify({ ...copied, pkcs11: elsewhere }))
    await expect(readIdentity(at('thief', 'copied.json'))).rejects.toThrow('the token does not answer')
    const seeds = readFileSync(at('thief', 'copied.json.sealing'))
    await expect(importIdentity(new Uint8Array(seeds))).rejects.toThrow(/./)
  })

  test('of another one is refused: the records are not its own', async () => {
    await keys('--out', at('mine.json'))
    const mine = JSON.parse(readFileSync(at('mine.json'), 'utf8')) as { chain: string[] }
    const other = await createIdentity('machine', context)
    writeFileSync(at('forged.json'), JSON.stringify({
      ...mine, chain: other.chain.map((record) => Buffer.from(record).toString('base64')),
    }))
    await expect(readIdentity(at('forged.json'))).rejects.toThrow('not those of the newest key record')
  })
})
