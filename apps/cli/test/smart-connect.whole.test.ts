/**
 * `fhirclient` in Chromium, unmodified, signs in by SMART App Launch through `scelle connect` and the real passkey
 * page, with a person who enrolled there; and so does `openid-client`, at the edge itself.
 */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createEdge } from '@scelle/edge'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { sealingKeyOf } from '@scelle/seal/persons'
import { toHex, verifyKeyChain } from '@scelle/seal/verify'
import { rotateIdentity } from '@scelle/sdk'
import { type Constellation, createConstellation } from '@scelle/testing/constellation'
import { readAnswer } from '@scelle/wire/passkey-page'
import * as openid from 'openid-client'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasChromium, launch, ReturnServer, serveBuilt, type Site, Window } from '../../passkey/test/browser.ts'
import { addressAs, type House } from '../../passkey/test/world.ts'
import { startSidecar } from '../src/connect/sidecar.ts'
import { SmartDoor } from '../src/connect/smart.ts'
import { type EdgeClient, edgeClient, fhirJson, jsonOf } from '../src/edge-client.ts'

const clock = { now: (): number => Date.now(), random: (length: number) => new Uint8Array(randomBytes(length)) }

const freePort = (): Promise<number> => new Promise((resolve) => {
  const server = createTcpServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resolve(port))
  })
})

const NAME = 'Dr Amina Belkacem'
const STEP_UP = 'urn:scelle:acr:step-up'

/** The application: it reads its patient and counts the observations, or says what failed. */
const PAGES: Readonly<Record<string, string>> = {
  '/launch': '<!doctype html><script src="/fhir-client.js"></script><script>'
    + 'const q=new URLSearchParams(location.search),launch=q.get("launch");'
    + 'FHIR.oauth2.authorize({clientId:"viewer",redirectUri:"/app",iss:q.get("iss"),...(launch?{launch}:{}),'
    + 'scope:(launch?"launch":"launch/patient")+" openid fhirUser patient/*.rs"})</script>',
  '/app': '<!doctype html><script src="/fhir-client.js"></script><script>FHIR.oauth2.ready()'
    + '.then(async(c)=>{const p=await c.patient.read(),o=await c.request("Observation?patient="+c.patient.id);'
    + 'document.title=p.name[0].family+" "+o.total}).catch((e)=>document.title="failed: "+e.message)</script>',
}

let constellation: Constellation
let page: Site
let site: Server
let siteUrl = ''
let browser: Browser
let window: Window
let door: Awaited<ReturnType<typeof startSidecar>>
let edgeUrl = ''
let edge: EdgeClient
let redirect = ''
let own: CryptoKeyPair
let patient = ''
const returned = new ReturnServer()

const startSite = async (): Promise<void> => {
  const script = createRequire(import.meta.url).resolve('fhirclient').replace(/lib.*$/, 'build/fhir-client.min.js')
  const code = await readFile(script)
  site = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0] ?? ''
    const isCode = path === '/fhir-client.js'
    response.setHeader('content-type', isCode ? 'text/javascript' : 'text/html').end(isCode ? code : PAGES[path])
  })
  await new Promise<void>((ready) => {
    site.listen(0, '127.0.0.1', ready)
  })
  siteUrl = `http://localhost:${(site.address() as AddressInfo).port}`
}

/** A house whose people open, with the name that a register gives it. */
const newHouse = async (): Promise<House> => {
  const identity = await rotateIdentity(await constellation.identity('organisation'), clock, { flowOnly: true })
  const { register } = constellation
  const status = await register.enrol({ subject: identity.id, role: 'hospital', name: 'CHU de Bellerive' })
  return { identity, register: register.identity, status, sealingKey: new Uint8Array() }
}

/** At the page, with a key in this window's authenticator and a sheet typed off the screen. */
const enrolled = async (house: House, sealingKey: Uint8Array): Promise<readonly Uint8Array[]> => {
  const state = clock.random(16)
  await window.visit(await addressAs(`${page.origin}/`, house, 'enrol', {
    sealingKey, state, returnTo: returned.url, personName: NAME,
  }))
  await window.press('Commencer')
  await window.titled('Votre feuille de secours')
  const letters = (await window.page.locator('.groups li').allInnerTexts()).join(' ')
  await window.press('J’ai la feuille en main')
  await window.page.getByLabel('Lettres de la feuille').fill(letters)
  await window.press('Vérifier la feuille')
  const { chain } = readAnswer(await returned.next(), state)
  if (chain === undefined) throw new Error('nobody enrolled')
  return chain
}

const jwkOf = async ({ publicKey }: CryptoKeyPair): Promise<Record<string, unknown>> => ({
  ...await crypto.subtle.exportKey('jwk', publicKey), key_ops: undefined, alg: 'ES256', kid: 'one',
})

const keyPair = (): Promise<CryptoKeyPair> =>
  crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])

const startEdge = async (application: Identity, keys: CryptoKeyPair): Promise<string> => {
  const house = await newHouse()
  const sealing = clock.random(32)
  const chain = await enrolled(house, sealingKeyOf(sealing))
  const status = await constellation.register.enrol({
    subject: (await verifyKeyChain([...chain])).id, organisation: house.identity.id, role: 'ward-nurse', ownKey: false,
  })
  const port = await freePort()
  const { identity } = house
  await constellation.attach({
    name: 'edge', identity,
    start: async ({ context, directory, authority }) => {
      const started = await createEdge({
        identity, data: directory, ...context, authorities: [authority], base: `http://127.0.0.1:${port}/fhir`,
        index: { url: constellation.index.url, id: toHex(constellation.index.id) },
        trustees: constellation.trustees.map(({ url, id }) => ({ url, id: toHex(id) })),
        organisation: { name: 'Cabinet' }, write: () => undefined, standing: { statuses: () => [house.status] },
        staff: {
          page: `${page.origin}/`, basis: 'consent',
          people: [{ name: NAME, chain, sealing: [sealing], statuses: () => [status] }],
        },
        applications: [{ id: toHex(application.id), name: 'x', keys: application.chain, rights: ['read', 'write'] }],
        smart: {
          applications: [
            {
              id: 'viewer', name: 'Lecteur', scopes: ['patient/*.rs', 'user/*.rs'], redirects: [redirect],
              keys: [await jwkOf(keys)],
            },
            {
              id: 'own', name: 'Suivi', scopes: ['user/*.rs'], redirects: [`${siteUrl}/own`], keys: [await jwkOf(own)],
            },
          ],
        },
      })
      return { ...started, listen: async () => started.listen({ host: '127.0.0.1', port }) }
    },
  })
  return `http://127.0.0.1:${port}`
}

const createChart = async (): Promise<string> => {
  const person = { resourceType: 'Patient', name: [{ family: 'Durand' }], birthDate: '1980-02-03' }
  const { id } = jsonOf<{ id: string }>(await edge('POST', '/fhir/Patient', fhirJson(person)))
  const observation = {
    resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject: { reference: `Patient/${id}` },
  }
  await edge('POST', '/fhir/Observation', fhirJson(observation))
  return id
}

beforeAll(async () => {
  if (!hasChromium) return
  await Promise.all([startSite(), returned.start()])
  constellation = await createConstellation({ seed: 'smart-connect', sockets: { now: Date.now } })
  page = await serveBuilt((origin) => ({
    origin, rpId: 'localhost', index: toHex(constellation.index.id), registers: [toHex(constellation.register.id)],
  }))
  browser = await launch()
  window = await Window.open(browser)
  await window.authenticator()
  const doorPort = await freePort()
  redirect = `http://127.0.0.1:${doorPort}/oauth/callback`
  own = await keyPair()
  const [keys, application] = [await keyPair(), await createIdentity('machine', clock)]
  edgeUrl = await startEdge(application, keys)
  edge = edgeClient(edgeUrl, application, clock)
  patient = await createChart()
  // What an application signed before the edge began is refused, to the second.
  await sleep(1_100)
  const smart = await SmartDoor.open({
    edgeBase: `${edgeUrl}/fhir`, application: 'viewer', key: keys.privateKey,
    redirects: [`${siteUrl}/app`, `${siteUrl}/bare`], ...clock,
  })
  const nobody = new Map<string, string>()
  door = await startSidecar({
    edge, edgeBase: `${edgeUrl}/fhir`, tokens: nobody, sessions: nobody, origins: new Set([siteUrl]), smart,
  }, doorPort)
}, 180_000)
afterAll(async () => {
  await browser?.close()
  await page?.server.close()
  returned.close()
  site?.close()
  door?.server.closeAllConnections()
  door?.server.close()
  await constellation?.close()
})

/** The reason, which the passkey page shows and signs. */
const confirmAs = async (reason: string): Promise<void> => {
  await window.titled('Pourquoi continuer ?')
  await window.page.getByLabel('Motif').fill(reason)
  await window.press('Continuer vers la page des clés')
  await window.titled('Confirmer ?')
}

/** A token of the door, which the application got as any bearer token. */
const bearerOf = async (more: Record<string, string>, signIn: () => Promise<void>): Promise<string> => {
  const [verifier, back] = [openid.randomPKCECodeVerifier(), `${siteUrl}/bare`]
  const query = new URLSearchParams({
    client_id: 'viewer', response_type: 'code', redirect_uri: back, scope: 'openid user/*.rs', state: 'state',
    aud: door.base, code_challenge: await openid.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
    ...more,
  })
  const oauth = `${new URL(door.base).origin}/oauth`
  await window.page.goto(`${oauth}/authorize?${query}`)
  await signIn()
  await window.page.waitForURL(`${back}?**`)
  const code = new URL(window.page.url()).searchParams.get('code') ?? ''
  const answer = await fetch(`${oauth}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code', code, redirect_uri: back, code_verifier: verifier, client_id: 'viewer',
    }),
  })
  return (await answer.json() as { access_token: string }).access_token
}

/** From the edge's own page over the passkey page, by hand. */
const signInByName = async (): Promise<void> => {
  await window.titled('Qui se connecte ?')
  await window.page.getByLabel('Votre nom').fill('dr amina belkacem')
  await window.press('Continuer')
  await window.titled('Vous connecter ?')
  await window.press('Me connecter')
}

const saidByApplication = async (): Promise<string> => {
  // On the edge's own pages no script runs, this one neither.
  await window.page.waitForURL(`${siteUrl}/app**`, { timeout: 30_000 })
  await window.page.waitForFunction('document.title !== ""', undefined, { timeout: 30_000 })
  return window.page.title()
}

describe.skipIf(!hasChromium)('fhirclient, by SMART App Launch through connect', () => {
  it('signs in on the passkey page, has its patient chosen, and reads', async () => {
    await window.page.goto(`${siteUrl}/launch?${new URLSearchParams({ iss: door.base })}`)
    await signInByName()
    await window.titled('Pour quel patient ?')
    await window.page.getByLabel('Chercher par nom').fill('duran')
    await window.press('Chercher')
    await window.shot('smart-patient')
    await window.page.getByLabel('Durand, né(e) le 1980-02-03').check()
    await window.press('Choisir ce patient')
    expect(await saidByApplication()).toBe('Durand 1')
  }, 60_000)

  it('signs in with the patient of its launch', async () => {
    const parameter = [{ name: 'application', valueString: 'viewer' }]
    const launched = await edge('POST', `/fhir/Patient/${patient}/$scelle-launch`,
      fhirJson({ resourceType: 'Parameters', parameter }))
    const id = jsonOf<{ parameter: { valueString: string }[] }>(launched).parameter[0]?.valueString ?? ''
    await window.page.goto(`${siteUrl}/launch?${new URLSearchParams({ iss: door.base, launch: id })}`)
    await signInByName()
    expect(await saidByApplication()).toBe('Durand 1')
  }, 60_000)

  it('tells an application in its own words that its person has to confirm, and passes that on', async () => {
    const charts = await Promise.all(Array.from({ length: 14 }, createChart))
    const ask = (token: string, id: string): Promise<Response> =>
      fetch(`${door.base}/Observation?patient=${id}`, { headers: { authorization: `Bearer ${token}` } })
    const first = await bearerOf({}, signInByName)
    let refused: Response | undefined
    let id = ''
    for (id of charts) {
      const answer = await ask(first, id)
      if (answer.status === 200) continue
      refused = answer
      break
    }
    expect(refused?.status).toBe(401)
    expect(refused?.headers.get('www-authenticate')).toBe('Bearer error="insufficient_user_authentication", '
      + `error_description="the person confirms, with a reason", acr_values="${STEP_UP}"`)
    const stronger = await bearerOf({ acr_values: STEP_UP }, async () => {
      await signInByName()
      await confirmAs('Garde de nuit')
      await window.press('Confirmer')
    })
    expect((await ask(stronger, id)).status).toBe(200)
  }, 120_000)

  it('gives its token to no other page, and takes none that it did not give', async () => {
    const answer = await fetch(`${door.base}/Patient`, { headers: { authorization: `Bearer ${'x'.repeat(43)}` } })
    expect(answer.status).toBe(401)
    const [edgeOf, other] = [new URL(door.base).origin, 'http://localhost:1/app']
    const query = new URLSearchParams({ client_id: 'viewer', response_type: 'code', redirect_uri: other })
    const sent = await fetch(`${edgeOf}/oauth/authorize?${query}`, { redirect: 'manual' })
    expect([sent.status, sent.headers.get('location')]).toEqual([400, null])
  })
})

describe.skipIf(!hasChromium)('openid-client, at the edge', () => {
  it('signs in, with a confirmation that the person reads and signs on the passkey page', async () => {
    const server = await openid.discovery(new URL(edgeUrl), 'own', {}, openid.PrivateKeyJwt(own.privateKey), {
      algorithm: 'oauth2', execute: [openid.allowInsecureRequests],
    })
    const DPoP = openid.getDPoPHandle(server, await openid.randomDPoPKeyPair('ES256'))
    const [pkceCodeVerifier, expectedState] = [openid.randomPKCECodeVerifier(), openid.randomState()]
    const address = await openid.buildAuthorizationUrlWithPAR(server, {
      redirect_uri: `${siteUrl}/own`, scope: 'openid fhirUser user/*.rs', state: expectedState, acr_values: STEP_UP,
      aud: `${edgeUrl}/fhir`, code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    }, { DPoP })
    await window.page.goto(address.href)
    await signInByName()
    await confirmAs('Rappel de la liste')
    expect(await window.page.locator('dl').innerText()).toContain('Rappel de la liste')
    await window.press('Confirmer')
    await window.page.waitForURL(`${siteUrl}/own?**`)
    const tokens = await openid.authorizationCodeGrant(server, new URL(window.page.url()), {
      pkceCodeVerifier, expectedState,
    }, undefined, { DPoP })
    expect(tokens.claims()?.['acr']).toBe(STEP_UP)
    const url = new URL(`${edgeUrl}/fhir/Observation?patient=${patient}`)
    const read = await openid.fetchProtectedResource(server, tokens.access_token, url, 'GET', null, undefined, { DPoP })
    expect([read.status, (await read.json() as { total: number }).total]).toEqual([200, 1])
  }, 60_000)
})
