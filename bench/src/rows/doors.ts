/**
 * What the doors of an edge cost: a request under an access token beside the same one signed, and how long a
 * workstation takes to change person, without the gesture.
 */
import { createHash, generateKeyPairSync, type JsonWebKey, type KeyObject, randomUUID, sign } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Parameters } from '@medplum/fhirtypes'
import { importIdentity } from '@scelle/seal/identity'
import { createPerson, sealingKeyOf, unsignedSession } from '@scelle/seal/persons'
import { toHex, verifyKeyChain } from '@scelle/seal/verify'
import { SoftwareAuthenticator } from '@scelle/testing/authenticator'
import { signRequest } from '@scelle/wire/http'
import { readAsk, writeAnswer } from '@scelle/wire/passkey-page'
import { HttpConnection } from '../load/connection.ts'
import { signed } from '../load/requests.ts'
import { median, ms, perSecond, quantile, type Row, times as timesText } from '../measure.ts'
import { Parties, TRUSTEES } from '../parties.ts'
import { context } from '../sealing.ts'

const CLIENTS = 8
const ROUNDS = 5
const EACH = 3_000
const TURNS = 40
const WARM = 4
const PATH = '/fhir/metadata'
/** Where a terminology answer is small: what is measured is what stands in front of it. */
const QUERY = '?mode=terminology'
const CLIENT = 'laboratory'

interface Key {
  readonly secret: KeyObject
  readonly jwk: JsonWebKey
}

const newKey = (): Key => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { secret: privateKey, jwk: publicKey.export({ format: 'jwk' }) }
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A JWT by ES256. */
const jwt = ({ secret }: Key, header: object, payload: object): string => {
  const text = `${part({ alg: 'ES256', ...header })}.${part(payload)}`
  const made = sign('sha256', Buffer.from(text), { key: secret, dsaEncoding: 'ieee-p1363' })
  return `${text}.${made.toString('base64url')}`
}

const seconds = (): number => Math.floor(Date.now() / 1_000)

/** RFC 9449: one request's proof. */
const proofOf = (key: Key, method: string, url: string, nonce: string | null, token?: string): string => jwt(
  key, { typ: 'dpop+jwt', jwk: key.jwk }, {
    jti: randomUUID(), htm: method, htu: url, iat: seconds(), ...(nonce === null ? {} : { nonce }),
    ...(token === undefined ? {} : { ath: createHash('sha256').update(token).digest('base64url') }),
  })

/** As a machine, by its own key (SMART Backend Services). */
const tokenAt = async (issuer: string, client: Key, dpop: Key): Promise<string> => {
  const url = `${issuer}/oauth/token`
  const ask = (nonce: string | null): Promise<Response> => fetch(url, {
    method: 'POST', headers: { dpop: proofOf(dpop, 'POST', url, nonce) },
    body: new URLSearchParams({
      grant_type: 'client_credentials', scope: 'system/*.rs',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: jwt(client, { kid: 'one' }, {
        iss: CLIENT, sub: CLIENT, aud: issuer, iat: seconds(), exp: seconds() + 60, jti: randomUUID(),
      }),
    }),
  })
  const first = await ask(null)
  const answer = first.ok ? first : await ask(first.headers.get('dpop-nonce'))
  const { access_token: token } = await answer.json() as { access_token?: string }
  if (token === undefined) throw new Error(`no token: ${answer.status}`)
  return token
}

interface Spent {
  readonly rate: number
  /** Of the edge's process, microseconds a request. */
  readonly processor: number
}

const sendAll = async (parties: Parties, requests: readonly Uint8Array[]): Promise<Spent> => {
  const connections = await Promise.all(Array.from({ length: CLIENTS }, () => HttpConnection.open(parties.url('edge'))))
  const before = parties.processor('edge')
  const started = performance.now()
  let next = 0
  await Promise.all(connections.map(async (connection) => {
    for (let request = requests[next++]; request !== undefined; request = requests[next++]) {
      const { status } = await connection.send(request)
      if (status !== 200) throw new Error(`answered ${status}`)
    }
  }))
  const took = performance.now() - started
  for (const connection of connections) connection.close()
  return {
    rate: (requests.length * 1_000) / took,
    processor: ((parties.processor('edge') - before) * 1_000) / requests.length,
  }
}

/** The same request under a token and signed, in turn; proofs and signatures are made ahead. */
const tokenRow = async (parties: Parties, client: Key): Promise<Row> => {
  const issuer = parties.url('edge')
  const dpop = newKey()
  const url = `${issuer}${PATH}`
  const rounds: { token: Spent; key: Spent }[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const token = await tokenAt(issuer, client, dpop)
    const headers = { authorization: `DPoP ${token}` }
    const nonce = (await fetch(url, { headers: { ...headers, dpop: proofOf(dpop, 'GET', url, null, token) } }))
      .headers.get('dpop-nonce')
    const under = Array.from({ length: EACH }, () => Buffer.from([
      `GET ${PATH}${QUERY} HTTP/1.1`, `host: ${new URL(issuer).host}`, `authorization: DPoP ${token}`,
      `dpop: ${proofOf(dpop, 'GET', url, nonce, token)}`, '', '',
    ].join('\r\n')))
    const by = await Promise.all(Array.from({ length: EACH }, () =>
      signed(issuer, { method: 'GET', path: `${PATH}${QUERY}` }, parties.application)))
    const pair = { token: await sendAll(parties, under), key: await sendAll(parties, by) }
    if (round > 0) rounds.push(pair)
  }
  const of = (which: 'token' | 'key', what: keyof Spent): number => median(rounds.map((pair) => pair[which][what]))
  const ratio = median(rounds.map(({ token, key }) => token.rate / key.rate))
  return {
    what: `check an access token with its DPoP proof, ES256, ${CLIENTS} clients`, perCapsule: '',
    reached: `${perSecond(of('token', 'rate'))}, edge ${Math.round(of('token', 'processor'))} µs`, target: '',
    beside: `the same request signed (RFC 9421) ${perSecond(of('key', 'rate'))}, edge ` +
      `${Math.round(of('key', 'processor'))} µs: ${timesText(ratio)}`,
  }
}

interface Person {
  readonly id: string
  readonly chain: readonly Uint8Array[]
  readonly passkey: SoftwareAuthenticator
  /** As the edge's configuration has them. */
  readonly config: object
}

const newPerson = async (parties: Parties, name: string, house: Uint8Array): Promise<Person> => {
  const passkey = new SoftwareAuthenticator({ random: context.random })
  const sealing = context.random(32)
  const keys = { signing: context.random(32), sealingKey: sealingKeyOf(sealing), passkeys: [passkey.passkey] }
  const chain = [await createPerson(keys, context)]
  const { id } = await verifyKeyChain(chain)
  const [file, status] = [join(parties.root, `${name}.keys`), join(parties.root, `${name}.status`)]
  writeFileSync(file, JSON.stringify({ chain: chain.map(toHex), sealing: [toHex(sealing)] }))
  writeFileSync(status, await parties.enrol({ subject: id, role: 'specialist', organisation: house, ownKey: false }))
  return { id: toHex(id), chain, passkey, config: { name, keys: file, statuses: [status] } }
}

/** The workstation's software: signs requests of one session after the other. */
const workstation = (parties: Parties) => {
  const base = `${parties.url('edge')}/fhir`
  const session = Buffer.from(context.random(16)).toString('base64url')
  return async (method: string, path: string, value?: object): Promise<{ status: number; body: Parameters }> => {
    const url = `${base}/${path}`
    const body = value === undefined ? undefined : Buffer.from(JSON.stringify(value))
    const fields = await signRequest({ method, url, body, identity: parties.application, session, ...context })
    const answer = await fetch(url, {
      method, headers: { 'content-type': 'application/fhir+json', ...fields }, ...(body === undefined ? {} : { body }),
    })
    const text = await answer.text()
    return { status: answer.status, body: (text === '' ? {} : JSON.parse(text)) as Parameters }
  }
}

const parametersOf = (values: Readonly<Record<string, string>>): Parameters => ({
  resourceType: 'Parameters', parameter: Object.entries(values).map(([name, valueString]) => ({ name, valueString })),
})

const expect200 = ({ status, body }: { status: number; body: Parameters }, what: string): Parameters => {
  if (status !== 200) throw new Error(`${what}: ${status}`)
  return body
}

/** What the page and the person do, which is not measured. */
const gesture = async ({ passkey, chain }: Person, asked: Parameters): Promise<Parameters> => {
  const url = asked.parameter?.find(({ name }) => name === 'url')?.valueString ?? ''
  const { request } = await readAsk(url.slice(url.indexOf('#') + 1))
  const unsigned = unsignedSession(request.body ?? new Uint8Array(), await verifyKeyChain([...chain]))
  return parametersOf({ answer: writeAnswer({ state: request.state, signed: passkey.sign(unsigned) }) })
}

const STEPS = ['locked', 'asked', 'in', 'open'] as const

/** Two people in turn at one workstation, each in the middle of the same chart. */
const changeRow = async (parties: Parties, people: readonly Person[]): Promise<Row> => {
  const ask = workstation(parties)
  await ask('PUT', 'Patient/p', { resourceType: 'Patient', id: 'p', name: [{ family: 'Durand' }] })
  await ask('PUT', 'Condition/c', { resourceType: 'Condition', id: 'c', subject: { reference: 'Patient/p' } })
  // Key records are relied on once the log has published them.
  await sleep(2_000)
  const took: Record<(typeof STEPS)[number], number[]> = { locked: [], asked: [], in: [], open: [] }
  for (let turn = 0; turn < TURNS + WARM; turn++) {
    const person = people[turn % people.length] as Person
    const step = async <T>(name: (typeof STEPS)[number], work: () => Promise<T>): Promise<T> => {
      const started = performance.now()
      const done = await work()
      if (turn >= WARM) took[name].push(performance.now() - started)
      return done
    }
    await step('locked', async () => {
      await ask('POST', '$scelle-logout')
      const { status } = await ask('GET', 'Condition/c')
      if (status !== 401) throw new Error(`the last one's chart: ${status}`)
    })
    const asked = await step('asked', () => ask('POST', '$scelle-login', parametersOf({
      person: person.id, return: 'https://ward.example/back', language: 'fr',
    })))
    const answer = await gesture(person, expect200(asked, 'asked'))
    expect200(await step('in', () => ask('POST', '$scelle-login', answer)), 'signed in')
    expect200(await step('open', () => ask('GET', 'Condition/c')), 'their chart')
  }
  const whole = took.locked.map((_, turn) => STEPS.reduce((sum, name) => sum + (took[name][turn] ?? 0), 0))
  const p50 = (name: (typeof STEPS)[number]): string => ms(median(took[name]))
  return {
    what: 'change person at a workstation, without the gesture, until the next one\'s chart is open', perCapsule: '',
    reached: `p50 ${ms(median(whole))}, p99 ${ms(quantile(whole, 0.99))}`,
    target: '5 s with the gesture',
    beside: `locked, and the last one's chart refused ${p50('locked')}; sent to the page ${p50('asked')}; ` +
      `signed in ${p50('in')}; chart open ${p50('open')}`,
  }
}

const TRIES = 3

/** Again where a busy machine took too long to compile it: what was compiled is kept. */
const started = async (parties: Parties): Promise<void> => {
  for (let left = TRIES; ; left--) {
    try {
      await parties.startOne('edge')
      return
    } catch (error) {
      await parties.stopOne('edge')
      if (left <= 1) throw error
    }
  }
}

export const doorRows = async (profiles?: string): Promise<Row[]> => {
  const parties = await Parties.start({ parties: ['index', ...TRUSTEES], profiles })
  try {
    const client = newKey()
    const house = await importIdentity(new Uint8Array(readFileSync(join(parties.root, 'edge', 'identity'))))
    const people = [await newPerson(parties, 'one', house.id), await newPerson(parties, 'two', house.id)]
    const file = join(parties.root, 'edge', 'config.json')
    writeFileSync(file, JSON.stringify({
      ...JSON.parse(readFileSync(file, 'utf8')) as object,
      base: `${parties.url('edge')}/fhir`,
      staff: { basis: 'consent', page: 'https://passkey.test/', people: people.map(({ config }) => config) },
      smart: {
        applications: [{
          id: CLIENT, name: 'Laboratory', machine: true, query: true, scopes: ['system/*.rs'],
          keys: [{ ...client.jwk, kid: 'one', alg: 'ES256' }],
        }],
      },
    }))
    await started(parties)
    await sleep(1_500) // assertions of the second in which it began are refused
    return [await tokenRow(parties, client), await changeRow(parties, people)]
  } finally {
    await parties.close()
  }
}
