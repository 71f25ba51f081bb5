/** No door of index or trustee opens without a key: every route that they declare is knocked at in every way. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createIdentity } from '@scelle/seal/identity'
import { createNode } from '@scelle/trustee'
import type { Route } from '@scelle/wire/server'
import { type Constellation, createConstellation, seededRandom } from '../src/constellation.ts'
import { type House, knock, namesOf, replay } from '../src/knocking.ts'

let world: Constellation
let house: (name: 'index' | 'trustee') => House
beforeAll(async () => {
  world = await createConstellation({ seed: 'doors' })
  const random = seededRandom('knocking')
  const context = { random, now: () => world.now() }
  const known = (await world.client('organisation')).identity
  const other = await createIdentity('organisation', context)
  house = (name) => {
    const { url, host } = name === 'index' ? world.index : world.trustees[0]!
    return {
      host, known, other, ...context,
      send: async ({ method, url: path, headers, body }) => {
        const answer = await world.network.fetch(`${url}${path}`, {
          method, headers, ...(body === undefined ? {} : { body: new Uint8Array(body) }),
        })
        return { status: answer.status, body: await answer.text() }
      },
    }
  }
})
afterAll(() => world.close())

const routesOf = (name: 'index' | 'trustee') => (name === 'index' ? world.index : world.trustees[0]!).routes()

/** Open to anybody, each for a reason that spec/protocol.md gives. A further one has to be written down here. */
const OPEN = {
  index: [
    'GET /checkpoint', 'GET /healthz', 'GET /readyz', 'GET /tile/*', 'GET /v1/log/final', 'GET /v1/log/head',
    'GET /v1/log/losses', 'GET /v1/log/missing', 'GET /v1/log/proof/:leaf', 'GET /v1/log/quorum',
    'GET /v1/self', 'GET /v1/wraps/:locator',
  ],
  trustee: [
    'GET /healthz', 'GET /readyz', 'GET /tile/*', 'GET /v1/discovery/key', 'GET /v1/discovery/parts/:generation',
    'GET /v1/log/checkpoint', 'GET /v1/log/evidence', 'GET /v1/log/seen/:trustee', 'GET /v1/meter',
    'GET /v1/meter/spent', 'GET /v1/meter/spent/:peer', 'GET /v1/self', 'POST /add-checkpoint',
  ],
} as const

describe.each(['index', 'trustee'] as const)('%s', (name) => {
  test('refuses at every door whoever has no key, an old signature, another\'s, or a weaker algorithm', async () => {
    const answered = await knock(routesOf(name), ['signed', 'signed-stream', 'self-certifying'], house(name))
    expect(answered.length).toBeGreaterThan(15 * 8)
    // A body that certifies nobody is refused before its signature is looked at; another body than was signed, after.
    const refused = ({ policy, way, status }: (typeof answered)[number]): boolean => {
      if (policy === 'self-certifying') return [400, 401, 403].includes(status)
      return status === (way.endsWith('another body') ? 400 : 401)
    }
    expect(answered.filter((one) => !refused(one))).toEqual([])
  })

  test('takes no signed request twice', async () => {
    const answered = await replay(routesOf(name), ['signed', 'signed-stream'], house(name))
    expect(answered.filter(({ status, body }) => status !== 401 || !body.includes('signature-replayed'))).toEqual([])
  })

  test('is open to anybody where this says so, and nowhere else', () => {
    expect(namesOf(routesOf(name), 'public')).toEqual(OPEN[name])
  })
})

test('no server has a route without a policy: it does not compile', () => {
  // @ts-expect-error -- whoever adds one says who may call it
  const bare: Route = { method: 'GET', url: '/v1/new', handler: () => ({}) }
  expect([...routesOf('index'), ...routesOf('trustee')].map(({ url }) => url)).not.toContain(bare.url)
})

describe('a node of a trustee', () => {
  test('releases to nobody who brings no proof, and is open to anybody for its health and keys alone', async () => {
    const outside = house('trustee')
    // There is no such process: who got as far as asking it would be told that it is away.
    const holder = '/nonexistent/holder.sock'
    const node = createNode({
      identity: await createIdentity('trustee', outside), context: outside, holder, log: () => undefined,
    })
    const send: House['send'] = async ({ method, url, headers, body }) => {
      const answer = await node.inject({
        method: method as 'POST', url, headers: { host: 'localhost', ...headers },
        ...(body === undefined ? {} : { payload: Buffer.from(body) }),
      })
      return { status: answer.statusCode, body: answer.body }
    }
    const answered = await knock(node.routes(), ['signed', 'signed-stream', 'self-certifying'],
      { ...outside, host: 'localhost', send })
    expect(answered.length).toBeGreaterThan(14)
    expect(answered.filter(({ status }) => ![400, 401, 403].includes(status))).toEqual([])
    expect(namesOf(node.routes(), 'public')).toEqual(['GET /healthz', 'GET /readyz', 'GET /v1/self'])
    await node.close()
  })
})
