/** No door of a guard opens without a key: every route that it declares is knocked at in every way. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type House, knock, namesOf, replay } from '@scelle/testing/knocking'
import { type GuardWorld, makeWorld } from './world.ts'

let home: GuardWorld
let house: House
beforeAll(async () => {
  home = await makeWorld('doors')
  house = {
    host: home.party.host, known: home.machine, other: home.stranger, ...home.context,
    send: async ({ method, url, headers, body }) => {
      const answer = await home.fetch(`${home.party.url}${url}`, {
        method, headers, ...(body === undefined ? {} : { body: new Uint8Array(body) }),
      })
      return { status: answer.status, body: await answer.text() }
    },
  }
})
afterAll(() => home.close())

const routes = () => home.party.routes()

describe('a guard', () => {
  test('refuses whoever has no key, an old signature, another\'s, a password or a weaker algorithm', async () => {
    const answered = await knock(routes(), ['signed', 'signed-stream', 'self-certifying'], house)
    expect(answered).toHaveLength(15 * 7)
    const refused = ({ policy, way, status }: (typeof answered)[number]): boolean =>
      (policy === 'self-certifying' ? [400, 401, 403].includes(status)
        : status === (way.endsWith('another body') ? 400 : 401))
    expect(answered.filter((one) => !refused(one))).toEqual([])
    expect(home.legacy.heard).toEqual([])
  })

  test('takes no signed request twice', async () => {
    const answered = await replay(routes(), ['signed'], house)
    // HEAD is answered without the words for it.
    expect(answered.filter(({ route, status, body }) =>
      status !== 401 || !(route.startsWith('HEAD ') || body.includes('signature-replayed')))).toEqual([])
  })

  test('is open to anybody for its health and its keys, and nowhere else', () => {
    expect(namesOf(routes(), 'public')).toEqual(['GET /healthz', 'GET /readyz', 'GET /v1/self'])
  })
})
