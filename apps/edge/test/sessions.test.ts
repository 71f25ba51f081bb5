/**
 * Two people on one edge: what one has opened is not open for the other. Whatever shows a chart's content, or tells of
 * it, takes one's own access: on record at the index, released by two trustees.
 */
import { randomBytes } from 'node:crypto'
import type { Bundle } from '@medplum/fhirtypes'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Application, createWorld, issueOf, type Reply, type World } from './harness.ts'
import { glucose, patient } from './records.ts'
import { Sessions } from '../src/sessions.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

let world: World
let alice: Application
let bob: Application
beforeAll(async () => {
  world = await createWorld({ seed: 'sessions', jump: 0, charts: { idle: 20 * HOUR, absolute: 20 * HOUR } })
  alice = world.app.serving('alice')
  bob = world.app.serving('bob')
  await world.app.put('Patient/p', patient('p'))
  for (const id of ['1', '2', '3']) {
    await world.app.put(`Observation/${id}`, { ...glucose('p', Number(id)), id, identifier: [{ value: `n${id}` }] })
  }
})
afterAll(() => world.close())
beforeEach(async () => {
  for (const one of [alice, bob, world.app, world.reader]) await logout(one)
})

const logout = (who: Application): Promise<Reply> => who.send('POST', '$scelle-logout')

/** Accesses that the index put on record meanwhile, and releases by trustees. */
const cost = async (work: () => Promise<unknown>): Promise<{ accesses: number; releases: number }> => {
  const { network } = world.constellation
  network.recording = true
  const before = network.seen.length
  await work()
  network.recording = false
  const seen = network.seen.slice(before).map(({ target }) => target)
  return {
    accesses: seen.filter((target) => target === '/v1/accesses').length,
    releases: seen.filter((target) => target === '/v1/releases').length,
  }
}

const WHOLE = { accesses: 1, releases: 2 }
const NOTHING = { accesses: 0, releases: 0 }

const trusteesGone = async (work: () => Promise<void>): Promise<void> => {
  const { network, trustees } = world.constellation
  const hosts = trustees.map(({ url }) => new URL(url).host)
  for (const host of hosts) network.down(host)
  try {
    await work()
  } finally {
    for (const host of hosts) network.up(host)
  }
}

const condition = { 'if-none-exist': 'identifier=n1&patient=Patient/p' }
const patched = [{ op: 'test', path: '/status', value: 'final' }]
const PATCH = 'application/json-patch+json'

/** Every way in which content of a chart, or whether there is any, could reach somebody. */
const WAYS: [string, (who: Application) => Promise<Reply<unknown>>][] = [
  ['read', (who) => who.get('Observation/1')],
  ['HEAD', (who) => who.send('HEAD', 'Observation/1')],
  ['a conditional read: 304 tells as much', (who) => who.get('Observation/1', { 'if-none-match': 'W/"1"' })],
  ['read if modified', (who) =>
    who.get('Observation/1', { 'if-modified-since': new Date(Date.UTC(2100, 0)).toUTCString() })],
  ['a version', (who) => who.get('Observation/1/_history/1')],
  ['history', (who) => who.get('Observation/1/_history')],
  ['search', (who) => who.search('Observation?patient=p')],
  ['search by id', (who) => who.search('Observation?_id=1')],
  ['a count', (who) => who.search('Observation?patient=p&_summary=count')],
  ['search in the compartment', (who) => who.search('Patient/p/Observation')],
  ['POST _search', (who) => who.send('POST', 'Observation/_search', {
    raw: 'patient=p', headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })],
  ['$everything', (who) => who.search('Patient/p/$everything')],
  ['conditional create', (who) => who.post('Observation', glucose('p', 9), condition)],
  ['patch', (who) => who.send('PATCH', 'Observation/1', {
    raw: JSON.stringify(patched), headers: { 'content-type': PATCH },
  })],
]

describe('what one person opened', () => {
  test.each(WAYS)('is opened anew for another: %s', async (_, way) => {
    expect(await cost(() => way(alice))).toEqual(WHOLE)
    expect(await cost(() => way(alice))).toEqual(NOTHING)
    expect(await cost(() => way(bob))).toEqual(WHOLE)
    expect(await cost(() => way(bob))).toEqual(NOTHING)
  })

  test.each(WAYS)('is not served to another while nobody releases it, and not told of: %s', async (_, way) => {
    const withoutAlice: Reply<unknown>[] = []
    const withAlice: Reply<unknown>[] = []
    await trusteesGone(async () => void withoutAlice.push(await world.patiently(way(bob))))
    await way(alice)
    await trusteesGone(async () => {
      withAlice.push(await world.patiently(way(bob)))
      expect((await way(alice)).status).toBeLessThan(400)
    })
    for (const { status, text } of [...withoutAlice, ...withAlice]) {
      expect([status, text.includes('Glucose')]).toEqual([503, false])
    }
    expect(withAlice[0]?.text).toBe(withoutAlice[0]?.text)
    const told = ({ headers }: Reply<unknown>): [string, string][] =>
      [...headers].filter(([name]) => name !== 'request-id' && name !== 'date')
    expect(told(withAlice[0] as Reply)).toEqual(told(withoutAlice[0] as Reply))
  })

  test('stays hers in a batch and in the reads of a transaction', async () => {
    await alice.get('Observation/1')
    const entry = [{ request: { method: 'GET', url: 'Observation/1' } }]
    for (const type of ['batch', 'transaction']) {
      await trusteesGone(async () => {
        const told = await world.patiently(bob.post<Bundle>('', { resourceType: 'Bundle', type, entry }))
        expect(told.body.entry?.[0]?.response?.status).toBe('503')
        expect(told.text).not.toContain('Glucose')
      })
    }
  })

  test('is not the application\'s own session\'s, nor another application\'s', async () => {
    await alice.get('Observation/1')
    expect(await cost(() => world.app.get('Observation/1'))).toEqual(WHOLE)
    expect(await cost(() => world.reader.get('Observation/1'))).toEqual(WHOLE)
  })

  test('two people who open it at the same time have an access each', async () => {
    const both = async (): Promise<void> => {
      const replies = await Promise.all([alice, bob, alice, bob].map((who) => who.get('Observation/1')))
      expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    }
    expect(await cost(both)).toEqual({ accesses: 2, releases: 4 })
  })

  test('the list of patients and the organisation\'s own records are everybody\'s', async () => {
    await world.app.put('Organization/o', { resourceType: 'Organization', id: 'o', name: 'Ward' })
    expect(await cost(async () => {
      for (const who of [alice, bob]) {
        expect((await who.search('Patient?family=Dupont')).body.total).toBe(1)
        expect((await who.get('Organization/o')).status).toBe(200)
      }
    })).toEqual(NOTHING)
  })
})

describe('writes', () => {
  test('are seen at once in every session that has the chart open, and open nothing for the writer', async () => {
    await alice.get('Observation/2')
    expect(await cost(() => bob.put('Observation/2', { ...glucose('p', 77), id: '2' }))).toEqual(NOTHING)
    expect((await alice.get('Observation/2')).text).toContain('77')
    expect((await alice.search('Observation?patient=p&_sort=-_lastUpdated')).body.entry?.[0]?.resource?.id).toBe('2')
    expect(await cost(async () => expect((await bob.get('Observation/2')).text).toContain('77'))).toEqual(WHOLE)
    await alice.delete('Observation/2')
    expect((await bob.get('Observation/2')).status).toBe(410)
  })

  test('closing one session\'s chart takes nothing from another\'s copy of what was written', async () => {
    await Promise.all([alice.get('Observation/1'), bob.get('Observation/1')])
    const written = await alice.put('Observation/w', { ...glucose('p', 55), id: 'w' })
    await logout(alice)
    const read = await bob.get('Observation/w')
    expect([read.status, read.text]).toEqual([200, written.text])
    expect((await world.reader.search('Patient?family=Dupont')).text).toContain('Dupont')
  })
})

describe('pages', () => {
  const first = async (who: Application): Promise<string> => {
    const { body } = await who.search('Observation?patient=p&_count=1')
    return body.link?.find(({ relation }) => relation === 'next')?.url ?? ''
  }

  test('are one session\'s: for another they are over, whatever it has open itself', async () => {
    const next = await first(alice)
    await first(bob)
    expect((await alice.search(next)).status).toBe(200)
    expect([(await bob.search(next)).status, issueOf(await bob.search(next)).code]).toEqual([410, 'expired'])
    expect((await world.reader.search(next)).status).toBe(400)
  })

  test('are one session\'s where all share records too: the list of patients, the organisation\'s own', async () => {
    for (const id of ['x', 'y']) await world.app.put(`Organization/${id}`, { resourceType: 'Organization', id })
    await world.app.put('Patient/second', patient('second'))
    for (const query of ['Patient?_count=1', 'Organization?_count=1', 'Organization/x/_history?_count=1']) {
      await world.app.put('Organization/x', { resourceType: 'Organization', id: 'x', name: query })
      const { body } = await alice.search(query)
      const next = body.link?.find(({ relation }) => relation === 'next')?.url ?? ''
      await bob.search(query)
      expect([query, (await bob.search(next)).status, (await alice.search(next)).status]).toEqual([query, 410, 200])
    }
    await world.app.delete('Patient/second')
  })

  test('end with their session', async () => {
    const next = await first(alice)
    await logout(alice)
    expect((await alice.search(next)).status).toBe(410)
    await first(alice)
    expect((await alice.search(next)).status).toBe(410)
  })
})

describe('the end of a session', () => {
  test('by logout: its charts are closed, others\' are not, and the next request begins another', async () => {
    await Promise.all([alice.get('Observation/1'), bob.get('Observation/1')])
    expect(world.edge().figures().openCharts).toBe(3)
    await logout(alice)
    expect(world.edge().figures().openCharts).toBe(2)
    expect(await cost(() => bob.get('Observation/1'))).toEqual(NOTHING)
    expect(await cost(() => alice.get('Observation/1'))).toEqual(WHOLE)
  })

  test('by idleness and by age, whether or not the chart itself could stay', async () => {
    const { clock } = world.constellation
    await alice.get('Observation/1')
    await clock.advance(29 * MINUTE)
    expect(await cost(() => alice.get('Observation/1'))).toEqual(NOTHING)
    await clock.advance(31 * MINUTE)
    expect(world.edge().figures().openCharts).toBe(1)
    expect(await cost(() => alice.get('Observation/1'))).toEqual(WHOLE)
    for (let spent = 0; spent < 10 * HOUR; spent += 20 * MINUTE) {
      await clock.advance(20 * MINUTE)
      if (spent < 9 * HOUR) expect((await alice.get('Observation/1')).status).toBe(200)
    }
    expect(world.edge().figures().openCharts).toBe(1)
  }, 60_000)

  test('by age alone, however often it is used', () => {
    let now = 0
    const ended: string[] = []
    const sessions = new Sessions({
      limits: { idle: 30 * MINUTE, absolute: 10 * HOUR, perApplication: 9 },
      now: () => now, random: (length) => randomBytes(length), ended: (session) => ended.push(session),
    })
    const first = sessions.of('app', 'alice')
    for (; now <= 10 * HOUR; now += 20 * MINUTE) expect(sessions.of('app', 'alice')).toBe(first)
    expect([sessions.isLive(first), sessions.of('app', 'alice') === first, ended]).toEqual([false, false, [first]])
  })

  test('while a chart is being opened for it: nobody is shown it, and it does not stay', async () => {
    const { network } = world.constellation
    const until = Promise.withResolvers<void>()
    const end = network.add({
      target: /^\/v1\/releases/,
      effect: { kind: 'replace', handle: async (request, server) => until.promise.then(() => server(request)) },
    })
    const reading = alice.get('Observation/1')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect((await logout(alice)).status).toBe(204)
    until.resolve()
    const read = await reading
    end()
    expect([read.status, issueOf(read).code, read.text.includes('Glucose')]).toEqual([401, 'login', false])
    expect(world.edge().figures().openCharts).toBe(1)
  })

  test('never answers with what was overwritten: whole, or not at all', async () => {
    const whole = (await bob.search('Patient/p/$everything')).text
    const one = (await bob.get('Observation/1')).text
    const strip = (text: string): string => text.replaceAll(/_cursor=[\w-]+/g, '')
    for (let round = 0; round < 25; round++) {
      const asked = [alice.search('Patient/p/$everything'), alice.get('Observation/1'), alice.get('Observation/1')]
      const [everything, ...reads] = await Promise.all([...asked, logout(alice), alice.get('Observation/1')])
      for (const read of reads.filter(({ status, text }) => status !== 204 && text !== '')) {
        expect([[200, one], [401, read.text]]).toContainEqual([read.status, read.text])
      }
      expect([[200, strip(whole)], [401, strip(everything?.text ?? '')]])
        .toContainEqual([everything?.status, strip(everything?.text ?? '')])
    }
  })

  test('is asked for by POST, without parameters', async () => {
    expect((await alice.get('$scelle-logout')).status).toBe(400)
    expect((await alice.send('POST', '$scelle-logout?x=1')).status).toBe(400)
    const named = { resourceType: 'Parameters', parameter: [{ name: 'everybody', valueString: 'true' }] }
    expect((await alice.post('$scelle-logout', named)).status).toBe(400)
    expect((await alice.post('$scelle-logout', { resourceType: 'Parameters' })).status).toBe(204)
    expect((await world.writer.send('POST', '$scelle-logout')).status).toBe(204)
  })
})

test('a session that is named and not signed is refused before anything is looked at', async () => {
  const name = Buffer.from('session of alice').toString('base64url')
  const forged = await world.app.get('Observation/1', { 'scelle-session': name })
  expect([forged.status, issueOf(forged).code]).toEqual([401, 'login'])
})
