/** `fhirclient` in Chromium, unmodified, signs in by SMART App Launch through `scelle connect`, and reads a patient. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { createEdge, type EdgeOptions } from '@scelle/edge'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { toHex } from '@scelle/seal/verify'
import { type Constellation, createConstellation } from '@scelle/testing/constellation'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSidecar } from '../src/connect/sidecar.ts'
import { SmartDoor } from '../src/connect/smart.ts'
import { type EdgeClient, edgeClient, fhirJson, jsonOf } from '../src/edge-client.ts'

const CHROMIUM = '/usr/bin/chromium'
if (!existsSync(CHROMIUM)) console.warn('no system Chromium: SMART App Launch in a browser is skipped')
const FLAGS = ['--no-sandbox', '--disable-dev-shm-usage']

const clock = { now: (): number => Date.now(), random: (length: number) => new Uint8Array(randomBytes(length)) }

const freePort = (): Promise<number> => new Promise((resolve) => {
  const server = createTcpServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resolve(port))
  })
})

/** The application, and beside it a page that stands in for the passkey page: it answers at once. */
const PAGES: Readonly<Record<string, string>> = {
  '/launch': '<!doctype html><script src="/fhir-client.js"></script><script>'
    + 'const q=new URLSearchParams(location.search);'
    + 'FHIR.oauth2.authorize({clientId:"viewer",scope:"launch openid fhirUser patient/*.rs",redirectUri:"/app",'
    + 'iss:q.get("iss"),launch:q.get("launch")})</script>',
  '/app': '<!doctype html><script src="/fhir-client.js"></script><script>FHIR.oauth2.ready()'
    + '.then((client)=>client.patient.read()).then((p)=>document.title=p.name[0].family,'
    + '(e)=>document.title="failed: "+e.message)</script>',
  '/sign-in': '<!doctype html><form method="post"><input name="answer" value="somebody"></form><script>'
    + 'const f=document.forms[0];f.action=atob(location.hash.slice(1));f.submit()</script>',
}

let constellation: Constellation
let site: Server
let siteUrl = ''
let browser: Browser
let door: Awaited<ReturnType<typeof startSidecar>>
let edge: EdgeClient

const signIn: NonNullable<NonNullable<EdgeOptions['smart']>['signIn']> = ({ sessions }) => ({
  begin: async ({ returnTo }) => ({ url: `${siteUrl}/sign-in#${btoa(returnTo)}`, state: 'state' }),
  finish: async (answer) => ({
    session: sessions.of('passkeys', 'one'), state: 'state',
    person: '00'.repeat(32), name: answer, expires: Date.now() + 3_600_000,
  }),
})

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

const startEdge = async (application: Identity, key: CryptoKey): Promise<string> => {
  constellation = await createConstellation({ seed: 'smart-connect', sockets: { now: Date.now } })
  const port = await freePort()
  const jwk = { ...await crypto.subtle.exportKey('jwk', key), key_ops: undefined, alg: 'ES256', kid: 'one' }
  const identity = await constellation.identity('organisation')
  await constellation.attach({
    name: 'edge', identity,
    start: async ({ context, directory, authority }) => {
      const started = await createEdge({
        identity, data: directory, ...context, authorities: [authority], base: `http://127.0.0.1:${port}/fhir`,
        index: { url: constellation.index.url, id: toHex(constellation.index.id) },
        trustees: constellation.trustees.map(({ url, id }) => ({ url, id: toHex(id) })),
        organisation: { name: 'Cabinet' }, write: () => undefined,
        applications: [{ id: toHex(application.id), name: 'x', keys: application.chain, rights: ['read', 'write'] }],
        smart: {
          signIn,
          applications: [{
            id: 'viewer', name: 'Lecteur', scopes: ['patient/*.rs'], redirects: [redirect], keys: [jwk],
          }],
        },
      })
      return { ...started, listen: async () => started.listen({ host: '127.0.0.1', port }) }
    },
  })
  return `http://127.0.0.1:${port}`
}

let redirect = ''

beforeAll(async () => {
  if (!existsSync(CHROMIUM)) return
  await startSite()
  const doorPort = await freePort()
  redirect = `http://127.0.0.1:${doorPort}/oauth/callback`
  const { publicKey, privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign', 'verify',
  ])
  const application = await createIdentity('machine', clock)
  const url = await startEdge(application, publicKey)
  edge = edgeClient(url, application, clock)
  const smart = await SmartDoor.open({
    edgeBase: `${url}/fhir`, application: 'viewer', key: privateKey, redirects: [`${siteUrl}/app`], ...clock,
  })
  const nobody = new Map<string, string>()
  door = await startSidecar({
    edge, edgeBase: `${url}/fhir`, tokens: nobody, sessions: nobody, origins: new Set([siteUrl]), smart,
  }, doorPort)
  browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS })
}, 120_000)
afterAll(async () => {
  await browser?.close()
  site?.close()
  door?.server.closeAllConnections()
  door?.server.close()
  await constellation?.close()
})

describe.skipIf(!existsSync(CHROMIUM))('fhirclient, by SMART App Launch through connect', () => {
  it('signs in, and reads its patient', async () => {
    const patient = { resourceType: 'Patient', name: [{ family: 'Durand' }], birthDate: '1980-02-03' }
    const made = await edge('POST', '/fhir/Patient', fhirJson(patient))
    const { id } = jsonOf<{ id: string }>(made)
    const parameter = [{ name: 'application', valueString: 'viewer' }]
    const launched = await edge('POST', `/fhir/Patient/${id}/$scelle-launch`,
      fhirJson({ resourceType: 'Parameters', parameter }))
    const launch = jsonOf<{ parameter: { valueString: string }[] }>(launched).parameter[0]?.valueString ?? ''
    const page = await browser.newPage()
    await page.goto(`${siteUrl}/launch?${new URLSearchParams({ iss: door.base, launch })}`)
    await page.waitForFunction('document.title !== ""', undefined, { timeout: 30_000 })
    expect(await page.title()).toBe('Durand')
  })

  it('gives its token to no other page, and takes none that it did not give', async () => {
    const answer = await fetch(`${door.base}/Patient`, { headers: { authorization: `Bearer ${'x'.repeat(43)}` } })
    expect(answer.status).toBe(401)
    const [edgeOf, other] = [new URL(door.base).origin, 'http://localhost:1/app']
    const query = new URLSearchParams({ client_id: 'viewer', response_type: 'code', redirect_uri: other })
    const sent = await fetch(`${edgeOf}/oauth/authorize?${query}`, { redirect: 'manual' })
    expect([sent.status, sent.headers.get('location')]).toEqual([400, null])
  })
})
