/** No door of an edge opens without a key, its authorization server's among them: every route is knocked at. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createIdentity } from '@scelle/sdk'
import { type House, knock, namesOf, replay } from '@scelle/testing/knocking'
import { smartScene, type SmartScene } from './smart-scene.ts'

let scene: SmartScene
let house: House
beforeAll(async () => {
  // With a name on the web too: whatever an edge can open to anybody is open here.
  scene = await smartScene({ did: { folder: '/nowhere', paths: ['/.well-known', '/clinics/nord'] } })
  const { world } = scene
  const context = { now: () => world.constellation.now(), random: world.constellation.random('knocking') }
  house = {
    host: world.party.host, known: world.app.identity, other: await createIdentity('machine', context), ...context,
    send: async ({ method, url, headers, body }) => {
      const answer = await world.constellation.network.fetch(`${world.party.url}${url}`, {
        method, headers, ...(body === undefined ? {} : { body: new Uint8Array(body) }),
      })
      return { status: answer.status, body: await answer.text() }
    },
  }
})
afterAll(() => scene.world.close())

const routes = () => scene.world.party.routes()

describe('an edge', () => {
  test('refuses at every door of FHIR whoever has no key, an old signature, a token without its proof', async () => {
    const answered = await knock(routes(), ['signed', 'signed-stream', 'signed-or-token', 'self-certifying'], house)
    expect(answered.length).toBeGreaterThan(15 * 10)
    // What was signed over another body is known to be that once the body is there.
    const refused = ({ way, status }: (typeof answered)[number]): boolean =>
      status === 401 || (way.endsWith('another body') && [400, 415].includes(status))
    expect(answered.filter((one) => !refused(one))).toEqual([])
  })

  test('takes no signed request twice', async () => {
    const answered = await replay(routes(), ['signed', 'signed-or-token'], house)
    expect(answered.filter(({ status }) => status !== 401)).toEqual([])
  })

  test('gives no token and no page with a password field to whoever knocks at its authorization server', async () => {
    const answered = await knock(routes(), ['oauth'], house)
    expect(answered.length).toBeGreaterThan(15)
    const given = answered.filter(({ body }) => /access_token|type="password"/.test(body))
    expect(given.filter(({ route }) => !/well-known/.test(route))).toEqual([])
    for (const path of ['token', 'request', 'introspect', 'revoke', 'par']) {
      for (const authorization of ['Basic bWFsbG9yeTpwYXNz', `Bearer ${'a'.repeat(43)}`, undefined]) {
        const { status } = await house.send({
          method: 'POST', url: `/oauth/${path}`, body: new TextEncoder().encode('grant_type=password&username=a'),
          headers: {
            'content-type': 'application/x-www-form-urlencoded',
            ...(authorization === undefined ? {} : { authorization }),
          },
        })
        expect([400, 401, 403, 404, 405]).toContain(status)
      }
    }
  })

  test('is open to anybody for its health, its keys, its name and what describes it, and nowhere else', () => {
    const open = namesOf(routes(), 'public').filter((route) => !route.startsWith('OPTIONS '))
    const named = ['did-witness.json', 'did.json', 'did.jsonl', 'scelle-release']
    expect(open).toEqual([
      ...named.map((file) => `GET /.well-known/${file}`), ...named.map((file) => `GET /clinics/nord/${file}`),
      'GET /fhir/.well-known/smart-configuration', 'GET /healthz', 'GET /readyz', 'GET /v1/self',
    ])
  })
})
