/** `scelle software`: an origin that serves anything else than what its publisher put on record is found out. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseCommand, run } from '../src/cli.ts'
import { EXIT } from '../src/errors.ts'
import { identityIn } from '../src/run/identities.ts'
import { type Parties, startParties } from './parties.ts'

let parties: Parties
let folder: string
let server: Server
let origin: string
let publisher: string

const serve = async (): Promise<string> => {
  server = createServer((request, response) => {
    readFile(join(folder, request.url ?? '')).then(
      (octets) => response.end(octets), () => response.writeHead(404).end())
  })
  await new Promise<void>((ready) => {
    server.listen(0, '127.0.0.1', ready)
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const scelle = async (...args: string[]) => {
  const from = parties.said.length
  const status = await run({ ...parties.io, language: 'en' }, parseCommand(args))
  return { status, said: parties.said.slice(from).join('\n') }
}

const check = (by = publisher, at = origin) => scelle('software', 'check', at, '--publisher', by)

beforeAll(async () => {
  parties = await startParties('software')
  folder = await mkdtemp(join(tmpdir(), 'scelle-software-'))
  await writeFile(join(folder, 'index.html'), '<!doctype html>')
  await writeFile(join(folder, 'page.js'), 'export {}')
  origin = await serve()
  const { id } = await identityIn(parties.io.home, 'publisher', 'organisation', parties.io)
  publisher = Buffer.from(id).toString('hex')
}, 120_000)

afterAll(async () => {
  server.close()
  server.closeAllConnections()
  await parties.close()
})

describe('an origin', () => {
  it('that shows no release is refused', async () => {
    expect(await check()).toMatchObject({ status: EXIT.partly, said: `${origin} shows no release.` })
  })

  it('that serves what was put on record passes', async () => {
    const published = await scelle('software', 'publish', folder, '--origin', origin, '--release', '1.0.0')
    expect(published).toMatchObject({ status: EXIT.done, said: expect.stringContaining(publisher) as string })
    expect(await check()).toMatchObject({ status: EXIT.done, said: expect.stringContaining('1.0.0') as string })
  })

  it('that serves one other octet, or one file less, is found out', async () => {
    await writeFile(join(folder, 'page.js'), 'export { }')
    expect(await check()).toMatchObject({
      status: EXIT.partly, said: 'NOT what was put on record: /page.js',
    })
    await writeFile(join(folder, 'page.js'), 'export {}')
    expect((await check()).status).toBe(EXIT.done)
  })

  it('whose release another publisher put on record, or put on record for another origin, is refused', async () => {
    expect((await check('ab'.repeat(32))).status).toBe(EXIT.partly)
    const elsewhere = await check(publisher, origin.replace('127.0.0.1', 'localhost'))
    expect(elsewhere).toMatchObject({ status: EXIT.partly, said: expect.stringContaining('another origin') as string })
  })

  it('whose release was changed is refused: the log holds another one', async () => {
    const file = join(folder, 'scelle-release')
    const release = await readFile(file)
    const changed = Buffer.from(release)
    const at = changed.indexOf('1.0.0')
    changed.write('1.0.1', at)
    await writeFile(file, changed)
    expect((await check()).status).toBe(EXIT.partly)
    await writeFile(file, release)
    expect((await check()).status).toBe(EXIT.done)
  })
})
