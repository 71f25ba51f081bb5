/** No door of the desk opens without a listed house's key, or a browser that began: every route is knocked at. */
import { createIdentity } from '@scelle/sdk'
import { DESK } from '@scelle/testing/desk'
import { type House, knock, namesOf, replay } from '@scelle/testing/knocking'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, type World } from './world.ts'

let world: World
let house: House
beforeAll(async () => {
  world = await createWorld('doors')
  const { constellation } = world
  const context = { now: () => constellation.now(), random: constellation.random('knocking') }
  house = {
    host: 'register.test', known: world.chu.identity, other: await createIdentity('organisation', context), ...context,
    send: async ({ method, url, headers, body }) => {
      const answer = await constellation.network.fetch(`${DESK}${url}`, {
        method, headers, ...(body === undefined ? {} : { body: new Uint8Array(body) }),
      })
      return { status: answer.status, body: await answer.text() }
    },
  }
})
afterAll(() => world.close())

const routes = () => world.scene.party.routes()

describe('the desk', () => {
  test('refuses whoever has no listed house\'s key, an old signature, another\'s, or a weaker algorithm', async () => {
    const answered = await knock(routes(), ['signed', 'signed-stream', 'signed-or-token', 'self-certifying'], house)
    expect(answered.length).toBe(15 * 3)
    const refused = ({ way, status }: (typeof answered)[number]): boolean =>
      status === (way.endsWith('another body') ? 400 : 401)
    expect(answered.filter((one) => !refused(one))).toEqual([])
  })

  test('takes no signed request twice', async () => {
    const answered = await replay(routes(), ['signed'], house)
    expect(answered.filter(({ status, body }) => status !== 401 || !body.includes('signature-replayed'))).toEqual([])
  })

  test('shows browsers that began nothing no page but one without any content of anybody\'s', async () => {
    const answered = await knock(routes(), ['oauth'], house)
    const open = new Set(answered.filter(({ status }) => status < 400).map(({ route }) => route))
    expect([...open].toSorted()).toEqual(['GET /wallet/done', 'GET /wallet/done.js'])
    const codes = [400, 403, 404]
    expect(answered.filter(({ route, status }) => !open.has(route) && !codes.includes(status))).toEqual([])
  })

  test('has no other doors than these', () => {
    expect(namesOf(routes(), 'public')).toEqual([
      'GET /.well-known/did.json', 'GET /healthz', 'GET /readyz', 'GET /v1/self',
    ])
    expect(namesOf(routes(), 'signed')).toEqual(['POST /v1/enrolments', 'POST /v1/leavers', 'POST /v1/statuses'])
    expect(namesOf(routes(), 'oauth')).toEqual([
      'GET /back', 'GET /enrolment/:id', 'GET /enrolment/:id/choose', 'GET /wallet/done', 'GET /wallet/done.js',
      'GET /wallet/request/:id', 'POST /enrolment/:id/answer', 'POST /enrolment/:id/begin',
      'POST /enrolment/:id/provider', 'POST /enrolment/:id/wallet', 'POST /wallet/answer', 'POST /wallet/collect',
    ])
  })

  test('names itself to wallets by its own key, without its secret', async () => {
    const { body } = await house.send({ method: 'GET', url: '/.well-known/did.json', headers: {}, body: undefined })
    const [method] = (JSON.parse(body) as { verificationMethod: { publicKeyJwk: object }[] }).verificationMethod
    expect(Object.keys(method?.publicKeyJwk ?? {}).toSorted()).toEqual(['crv', 'kty', 'x', 'y'])
  })
})
