/**
 * A chain of four over real sockets: patient → hospital → team on duty → nurse → resident. Whichever link is revoked,
 * index and trustees refuse all below it within a second, also those whose own grant nobody touched.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createGrant } from '@scelle/seal/grants'
import { encode, type Grant, statementId, toHex } from '@scelle/seal/verify'
import { type Client, memoryState, type Vault } from '@scelle/sdk'
import { signRequest } from '@scelle/wire/http'
import { NewGrant } from '@scelle/wire/messages'
import { type Constellation, createConstellation, seededRandom } from '../src/constellation.ts'
import { codeOf, HOUR, item } from './scene.ts'

const SECOND = 1_000
/** Beyond this the test fails anyway; it only ends the asking. */
const PATIENCE = 20 * SECOND

let world: Constellation
let patient: Client
/** What the patient's client remembers, kept for its next start. */
const memory = memoryState()
/** Hospital, team on duty, nurse, resident: each was given its grant by the one before. */
let hands: Client[]
/** Every release that was asked for: of which trustee, by whom, and the body. */
let asked: { trustee: number; who: Client; body: Uint8Array }[]
/** A trustee whose releases nobody reaches for a moment: so that each of the three is asked by everybody. */
let unreachable: number | undefined
let drawn = 0

beforeAll(async () => {
  world = await createConstellation({ seed: 'revoking chains', sockets: { now: Date.now } })
  patient = await world.client('person', { state: memory })
  hands = []
  for (const kind of ['organisation', 'organisation', 'person', 'person'] as const) {
    const identity = await world.identity(kind)
    const listening: typeof fetch = (target, init) => {
      const url = target instanceof Request ? target.url : String(target)
      const { body } = init ?? {}
      if (url.endsWith('/v1/releases') && body instanceof Uint8Array) {
        const trustee = world.trustees.findIndex((one) => url.startsWith(one.url))
        if (trustee === unreachable) return Promise.reject(new TypeError('fetch failed'))
        asked.push({ trustee, who: client, body: Uint8Array.from(body) })
      }
      return fetch(target, init)
    }
    const client: Client = await world.client(identity, { fetch: listening })
    hands.push(client)
  }
})
afterAll(() => world.close())

interface Chain {
  readonly vault: Vault
  /** Grant ids, root first. */
  readonly grants: Uint8Array[]
}

/** A vault whose owner gives the hospital a right that goes down to the resident; everybody has opened it. */
const chainOfFour = async (): Promise<Chain> => {
  const vault = await patient.createVault({ mode: 'owner', categories: [{ code: 'summary', strict: false }] })
  await vault.write([item('a')])
  const grants: Uint8Array[] = []
  let from = vault
  const until = Date.now() + HOUR
  for (const [place, hand] of hands.entries()) {
    const rights = place < 3 ? (['read', 'shareOn'] as const) : (['read'] as const)
    const options = { to: hand.identity.id, categories: ['summary'], rights, depth: 3 - place }
    grants.push((await from.share({ ...options, until })).grant)
    from = await hand.vault(vault.id)
  }
  asked = []
  for (unreachable of [0, 2]) {
    for (const hand of hands) (await (await hand.vault(vault.id)).open()).close()
  }
  unreachable = undefined
  return { vault, grants }
}

const signed = async (who: Client, method: 'GET' | 'POST', url: string, body?: Uint8Array): Promise<string> => {
  const headers = await signRequest({
    method, url, identity: who.identity, now: Date.now, random: seededRandom(`asked ${drawn++}`),
    ...(body === undefined ? {} : { body }),
  })
  const answer = await fetch(url, {
    method, headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/cbor' }) },
    ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
  })
  return answer.ok ? 'given' : ((await answer.json()) as { code: string }).code
}

const feedOf = (who: Client, vault: Vault): Promise<string> => signed(
  who, 'GET',
  `${world.index.url}/v1/vaults/${toHex(vault.id)}/feed?custodian=${toHex(patient.identity.id)}`,
)

/** What a trustee says to somebody who asks again for what it was given before. */
const releasesOf = (who: Client, trustee: number): Promise<string> => {
  const again = asked.findLast((one) => one.who === who && one.trustee === trustee)
  if (again === undefined) throw new Error('this trustee was not asked before: the test has nothing to repeat')
  return signed(who, 'POST', `${world.trustees[trustee]!.url}/v1/releases`, again.body)
}

/** Milliseconds from `since` until the answer is a refusal. */
const untilRefused = async (since: number, ask: () => Promise<string>, refusal: string): Promise<number> => {
  for (;;) {
    const code = await ask()
    const after = performance.now() - since
    if (code === refusal) return after
    if (after > PATIENCE) throw new Error(`still ${code} after ${Math.round(after)} ms`)
  }
}

const vaultsOf = (link: number): Client => (link === 0 ? patient : hands[link - 1]!)

const TRUSTEES = [0, 1, 2]

describe.each([0, 1, 2, 3])('link %i is revoked by who gave it', (link) => {
  it('index and trustees refuse everybody below within a second, and nobody above', async () => {
    const { vault, grants } = await chainOfFour()
    const below = hands.slice(link)
    const revoker = await vaultsOf(link).vault(vault.id)
    const since = performance.now()
    const revoking = revoker.revoke(grants[link]!, { rotate: false })
    const times = await Promise.all(below.flatMap((who) => [
      untilRefused(since, () => feedOf(who, vault), 'not-found'),
      ...TRUSTEES.map((place) => untilRefused(since, () => releasesOf(who, place), 'grant-revoked')),
    ]))
    const state = await revoking
    const slowest = Math.max(...times)
    console.log(`link ${link} revoked: ${times.length} doors shut in ${Math.round(slowest)} ms`)
    expect(slowest).toBeLessThan(SECOND)
    expect(times.length).toBe(below.length * 4)
    expect([state.index, state.pending]).toEqual([true, []])
    for (const who of below) expect(await codeOf(who.vault(vault.id).then((own) => own.open()))).not.toBe('')
    for (const who of hands.slice(0, link)) {
      expect(await feedOf(who, vault)).toBe('given')
      for (const place of TRUSTEES) expect(await releasesOf(who, place)).toBe('given')
    }
  })
})

describe('after a link above was revoked', () => {
  it('whoever is below gives nothing on: the index takes no fresh child of an untouched grant', async () => {
    const { vault, grants } = await chainOfFour()
    const [hospital, , nurse] = hands as [Client, Client, Client]
    const fresh = await world.client('person')
    const parts = await nurse.vault(vault.id)
    const category = (await parts.categories()).get('summary')!
    await (await hospital.vault(vault.id)).revoke(grants[1]!, { rotate: false })
    const now = Math.floor(Date.now() / 1000)
    const grant: Omit<Grant, 'suite' | 'salt'> = {
      vault: vault.id, custodian: patient.identity.id, grantee: fresh.identity.id, parent: grants[2]!,
      categories: [category.id], rights: 4, purposes: ['treatment'], basis: 'consent', notBefore: now - 60,
      expires: now + 60, depth: 0,
    }
    // The nurse still has the keys: by hand it makes what its client would not.
    const made = await createGrant({
      signer: nurse.identity, grantee: fresh.identity.keys, grant, manifestVersion: 1,
      secrets: [{ category: category.id, code: 'summary', epoch: category.epoch, secret: new Uint8Array(32) }],
    }, { now: Date.now, random: seededRandom('fresh') })
    const body = encode(NewGrant, { grant: made.grantSigned, keys: made.keysSigned })
    expect(await signed(nurse, 'POST', `${world.index.url}/v1/grants`, body)).toBe('grant-revoked')
    expect(await feedOf(fresh, vault)).toBe('not-found')
    expect(statementId(made.grantSigned)).toEqual(made.id)
  })

  it('with a trustee down it is pending there, and done once that one is back', async () => {
    const { vault, grants } = await chainOfFour()
    const third = world.trustees[2]!
    await third.kill()
    try {
      const first = await vault.revoke(grants[0]!, { rotate: false })
      expect(first.index).toBe(true)
      expect(first.pending).toEqual([toHex(third.id)])
      expect(first.logged).toBe('pending')
    } finally {
      await third.restart()
    }
    // It listens elsewhere now: the patient's next start goes on with what is pending.
    const next = await world.client(patient.identity, { state: memory })
    const states = await (await next.vault(vault.id)).retryRevocations()
    expect(states.get(toHex(grants[0]!))?.pending).toEqual([])
    for (const who of hands) {
      expect(await feedOf(who, vault)).toBe('not-found')
      for (const place of TRUSTEES) expect(await releasesOf(who, place)).toBe('grant-revoked')
    }
  })
})
