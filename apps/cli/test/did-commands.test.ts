/** `scelle did` without a network: key files, refusals before anything is written, folders that are not served yet. */
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { seededRandom } from '@scelle/testing/random'
import { didFetch, isInside } from '../src/did/fetching.ts'
import { EXIT } from '../src/errors.ts'
import { identityIn } from '../src/run/identities.ts'
import { certificateFor } from './certificate.ts'
import { LogWorld, NOW } from './log-world.ts'

let world: LogWorld
beforeEach(async () => {
  world = new LogWorld()
  const context = { now: () => NOW * 1000, random: seededRandom('did commands') }
  await identityIn(world.home, 'edge', 'organisation', context as Parameters<typeof identityIn>[3])
})
afterEach(() => world.close())

const did = (...args: string[]) => world.run('did', ...args)
const path = (...parts: string[]): string => world.home.path('did', ...parts)
const log = (): string => readFileSync(path('public', 'did.jsonl'), 'utf8')
const entries = (): { parameters: { nextKeyHashes: string[] } }[] =>
  log().trim().split('\n').map((line) => JSON.parse(line) as { parameters: { nextKeyHashes: string[] } })

describe('a name', () => {
  it('takes an identity, and a host that anybody can reach', async () => {
    for (const domain of ['localhost', '10.0.0.1', 'chu.internal', 'http://chu.example', 'chu.example/../x']) {
      expect((await did('create', domain)).status, domain).toBe(EXIT.usage)
    }
    rmSync(world.home.path('edge'), { recursive: true })
    expect((await did('create', 'chu.example')).status).toBe(EXIT.usage)
    expect(existsSync(path('keys'))).toBe(false)
  })

  it('is never written over, and neither is a key file, whoever put it there', async () => {
    expect((await did('create', 'chu.example')).status).toBe(EXIT.done)
    const [before, key] = [log(), readFileSync(path('keys', 'next-2.key'), 'utf8')]
    expect((await did('create', 'chu.example')).status).toBe(EXIT.failed)
    expect(log()).toBe(before)
    writeFileSync(path('keys', 'next-3.key'), key)
    expect((await did('rotate')).status).toBe(EXIT.failed)
    expect(log()).toBe(before)
    expect(readFileSync(path('keys', 'next-3.key'), 'utf8')).toBe(key)
    rmSync(path('keys', 'next-3.key'))
    expect((await did('rotate')).status).toBe(EXIT.done)
  })

  it('that cannot be written leaves no key behind that nothing commits to', async () => {
    writeFileSync(world.write(new Uint8Array(0), 'home', 'did', 'reserve', 'reserve-2.key'), 'x')
    expect((await did('create', 'chu.example')).status).toBe(EXIT.failed)
    expect(readdirSync(path('keys'))).toEqual([])
    expect(existsSync(path('public'))).toBe(false)
  })

  it('rotates with the next key alone; the reserve stays committed to, unfetched', async () => {
    await did('create', 'chu.example')
    rmSync(path('reserve'), { recursive: true })
    world.now += 60
    expect((await did('rotate')).status).toBe(EXIT.done)
    const [first, second] = entries()
    expect(second?.parameters.nextKeyHashes).toHaveLength(2)
    expect(second?.parameters.nextKeyHashes[1]).toBe(first?.parameters.nextKeyHashes[1])
    expect(statSync(path('keys', 'next-3.key')).mode & 0o777).toBe(0o600)
    rmSync(path('keys'), { recursive: true })
    for (const action of ['rotate', 'compromise', 'deactivate']) expect((await did(action)).status).toBe(EXIT.failed)
    expect(entries()).toHaveLength(2)
  })

  it('is saved by either key where the other one is lost, and commits to neither afterwards', async () => {
    for (const lost of ['keys', 'reserve']) {
      await did('create', 'chu.example')
      rmSync(path(lost), { recursive: true })
      world.now += 60
      expect((await did('compromise')).status, lost).toBe(EXIT.done)
      const [first, second] = entries()
      const kept = second?.parameters.nextKeyHashes.filter((hash) => first?.parameters.nextKeyHashes.includes(hash))
      expect({ kept, files: [...readdirSync(path('keys')), ...readdirSync(path('reserve'))] }, lost)
        .toMatchObject({ kept: [], files: expect.arrayContaining(['next-3.key', 'reserve-3.key']) as string[] })
      rmSync(path(), { recursive: true })
    }
  })

  it('lives as the README says', async () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const [, block = ''] = /```text did\n(.*?)```/s.exec(readme) ?? []
    const commands = block.trim().split('\n').map((line) => line.replaceAll('/media', world.root).split(' ').slice(1))
    expect(commands).toHaveLength(5)
    for (const command of commands) {
      world.now += 60
      expect((await world.run(...command)).status, command.join(' ')).toBe(EXIT.done)
    }
    expect(log()).toContain('hopital.example:nord')
    expect(entries()).toHaveLength(5)
  })

  it('says in both languages where its keys go', async () => {
    expect((await did('create', 'chu.example')).out.join('\n')).toContain('Take both off this machine')
    world.now += 60
    expect((await did('rotate', '--lang', 'fr')).out.join('\n')).toContain('Retirez-les de cette machine')
  })
})

describe('a check', () => {
  const folder = (): string => path('public')
  const problem = async (...args: string[]) => {
    const { status, json } = await did('check', ...args, '--json', '--index', 'ab'.repeat(32),
      ...[1, 2, 3].flatMap((at) => ['--trustee', `0${at}`.repeat(32)]))
    return { status, problem: json[0]?.['status'] }
  }
  const at = 'https://index.invalid'

  it('of a folder finds out what was changed there', async () => {
    await did('create', 'chu.example')
    const good = log()
    // What is right goes on to the public log, which cannot be reached here.
    expect(await problem(folder(), 'http://127.0.0.1:1')).toEqual({ status: EXIT.silent, problem: 'log-unreachable' })
    for (const [changed, found] of [
      [good.replace('chu.example"', 'evil.example"'), 'did-scid-mismatch'],
      [good.replace('"proof":[', '"proof":[],"x":['), 'did-log-invalid'],
      [good + good, 'did-log-invalid'], ['{}', 'did-invalid'], ['no JSON', 'did-log-invalid'],
    ] as const) {
      writeFileSync(path('public', 'did.jsonl'), changed)
      expect(await problem(folder(), at), found).toEqual({ status: EXIT.alarm, problem: found })
    }
    writeFileSync(path('public', 'did.jsonl'), good)
    writeFileSync(path('public', 'did.json'), '{}')
    expect(await problem(folder(), at)).toEqual({ status: EXIT.alarm, problem: 'did-web-mismatch' })
  })

  it('of something that is no name is misuse', async () => {
    expect((await did('check')).status).toBe(EXIT.usage)
    expect((await did('check', join(world.root, 'nothing'))).status).toBe(EXIT.usage)
    for (const text of ['chu.example', '=https://192.0.2.1', 'chu.example=http://192.0.2.1', 'chu.example=file:///x',
      'chu.example=https://192.0.2.1/path', 'chu.example=http://127.0.0.1.evil.example']) {
      expect((await did('check', 'did:web:chu.example', '--resolve', text)).status, text).toBe(EXIT.usage)
    }
    expect((await did('nonsense')).status).toBe(EXIT.usage)
  })
})

describe('the way to a stranger’s host', () => {
  it.each([
    '127.0.0.1', '10.1.2.3', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '224.0.0.1',
    '255.255.255.255', '::1', '::', 'fe80::1', 'fd00::1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '64:ff9b::a00:1',
    '2002:7f00:1::', 'localhost', '',
  ])('does not lead to %s', (address) => {
    expect(isInside(address)).toBe(true)
  })

  it.each(['93.184.216.34', '2001:4860:4860::8888', '172.32.0.1'])('leads to %s', (address) => {
    expect(isInside(address)).toBe(false)
  })

  it('does not follow a name that resolves inside', async () => {
    await expect(didFetch(new Map())('https://localhost:1/.well-known/did.jsonl', {})).rejects.toThrow('inside')
  })

  it('takes no certificate of another name, nor of nobody that is known', async () => {
    const certificate = certificateFor('chu.example.org')
    const server = createServer(certificate, (_, response) => response.end('served'))
    await new Promise<void>((ready) => {
      server.listen(0, '127.0.0.1', ready)
    })
    const there = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const get = (host: string) => didFetch(new Map([[host, there]]))(`https://${host}/`, {})
    const before = getCACertificates('default')
    try {
      await expect(get('chu.example.org')).rejects.toThrow(/self.signed|certificate/)
      setDefaultCACertificates([...before, certificate.cert])
      expect(await (await get('chu.example.org')).text()).toBe('served')
      await expect(get('evil.example')).rejects.toThrow('altnames')
    } finally {
      setDefaultCACertificates(before)
      server.close()
      server.closeAllConnections()
    }
  })
})
