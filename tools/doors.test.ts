/**
 * No server without somebody knocking at its doors: every source that opens one is listed here, with the test that
 * knocks at every route it declares. How to add a server: `testing/src/knocking.ts`.
 */
import { describe, expect, test } from 'vitest'
import { readText, repositoryFiles } from './repository.ts'

/** By the source that opens it. */
const SERVERS: Readonly<Record<string, string>> = {
  'apps/cli/src/connect/sidecar.ts': 'apps/cli/test/doors.test.ts',
  'apps/edge/src/edge.ts': 'apps/edge/test/doors.test.ts',
  'apps/guard/src/guard.ts': 'apps/guard/test/doors.test.ts',
  'apps/index/src/index.ts': 'testing/test/doors.test.ts',
  'apps/passkey/src/server.ts': 'apps/passkey/test/doors.test.ts',
  'apps/register/src/desk.ts': 'apps/register/test/doors.test.ts',
  'apps/trustee/src/nodes/node.ts': 'testing/test/doors.test.ts',
  'apps/trustee/src/trustee.ts': 'testing/test/doors.test.ts',
}

/** No network: a socket in the file system, which the operator's user alone reaches. */
const LOCAL = ['apps/trustee/src/nodes/frames.ts']

/** `node:http`, `node:https`, `node:http2`, `node:net`, `node:tls`, Fastify, and the servers of `@scelle/wire`. */
const OPENS = /\bcreate(?:Secure)?Server\(|\bnew (?:Http)?Server\(|\bfastify\(/i
/** Where servers of our own are made. */
const MAKES = 'packages/wire/src/server.ts'

const opens = (text: string): boolean => OPENS.test(text.replaceAll(/^\s*(?:\*|\/\/).*$/gm, ''))

const opening = (): string[] => repositoryFiles().filter((path) =>
  /^(?:apps|packages)\/[^/]+\/src\/.*\.tsx?$/.test(path) && path !== MAKES && opens(readText(path)))

describe('every server', () => {
  test('is listed with a test that knocks at it', () => {
    expect(opening().filter((path) => !LOCAL.includes(path))).toEqual(Object.keys(SERVERS).toSorted())
  })

  test.each([...new Set(Object.values(SERVERS))])('%s knocks, and lists what is open to anybody', (path) => {
    const text = readText(path)
    expect(text).toMatch(/\bknock(?:In)?\(/)
    expect(text).toMatch(/\bnamesOf\(/)
  })

  test('is found, however it is opened', () => {
    const found = [
      'const server = createServer({', 'http2.createSecureServer(', 'const app = Fastify()', 'new Server()',
    ].map(opens)
    expect(found).toEqual([true, true, true, true])
    expect(opens(' * a comment about createServer(')).toBe(false)
  })
})
