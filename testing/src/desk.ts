/**
 * The register's desk in a constellation, with what it stands on: an issuer whose status list is on the network, an
 * identity provider on loopback, people with passkeys and wallets, and the browser in which they go from one to the
 * other.
 */
import { join } from 'node:path'
import { createPerson, type PersonKeys, sealingKeyOf, unsignedSession } from '@scelle/seal/persons'
import { exportIdentity, type Identity, importIdentity } from '@scelle/seal/identity'
import { decode, encode, toHex, verifyKeyChain } from '@scelle/seal/verify'
import { createDesk, type Desk, DESK_LIMITS, DeskStore, type House } from '@scelle/register'
import { signRequest } from '@scelle/wire/http'
import { readAsk, writeAnswer } from '@scelle/wire/passkey-page'
import { EnrolmentAsk, EnrolmentBegun, LeaverNotice, StatusesAnswer, StatusesAsk } from '@scelle/wire/register'
import { type CryptoKey, importJWK } from 'jose'
import { SoftwareAuthenticator } from './authenticator.ts'
import type { Constellation, PartyHandle } from './constellation.ts'
import { type Account, IdentityProvider, keyPair, type KeyPair, ProfessionalIssuer, Wallet } from './professionals.ts'

export const DESK = 'http://register.test'
export const RETURN = 'https://ward.example/back'
const ISSUER = 'register.example.org'
const PAGE = 'https://passkey.test/'

/** Somebody who enrols: their principal, their passkey, their wallet. */
export interface Somebody {
  readonly id: Uint8Array
  readonly chain: readonly Uint8Array[]
  readonly keys: PersonKeys
  /** With the root's own key, which no house has. */
  readonly identity: Identity
  readonly passkey: SoftwareAuthenticator
  readonly wallet: Wallet
}

export interface DeskSceneOptions {
  readonly houses: readonly House[]
  readonly operators?: readonly string[]
  /** Who signs in at the identity provider; none is started where absent. */
  readonly account?: Account
  /** Milliseconds for which people stay in whose list cannot be read; the least that there is where absent. */
  readonly listGrace?: number
  /** Address of the passkey page, where a browser really goes there. */
  readonly page?: string
}

/** What a browser does with addresses, forms and cookies of the desk. */
export class Browser {
  readonly cookies = new Map<string, string>()
  readonly #constellation: Constellation

  constructor(constellation: Constellation) {
    this.#constellation = constellation
  }

  /** `crossSite`: another origin sends the form, so cookies stay behind, and those in the answer are kept. */
  async send(
    method: 'GET' | 'POST', url: string, form?: Readonly<Record<string, string>>, crossSite = false,
  ): Promise<{ readonly status: number; readonly location: string; readonly text: string }> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await this.#constellation.network.fetch(url, {
      method,
      headers: {
        ...(crossSite || cookie === '' ? {} : { cookie }),
        ...(method === 'POST' ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
      },
      ...(method === 'POST' ? { body: new URLSearchParams(form).toString() } : {}),
    })
    for (const set of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? []
      this.cookies.set(name, value)
    }
    return { status: answer.status, location: answer.headers.get('location') ?? '', text: await answer.text() }
  }
}

export class DeskScene {
  readonly constellation: Constellation
  readonly issuer: ProfessionalIssuer
  readonly provider: IdentityProvider | undefined
  readonly #walletKey: KeyPair
  #party: PartyHandle | undefined
  #desk: Desk | undefined
  /** What the status list's address answers instead of the list, while it is set. */
  served: string | undefined
  /** How often the list was fetched. */
  fetched = 0
  #draws = 0

  private constructor(
    constellation: Constellation, issuer: ProfessionalIssuer, provider: IdentityProvider | undefined, key: KeyPair,
  ) {
    this.constellation = constellation
    this.issuer = issuer
    this.provider = provider
    this.#walletKey = key
  }

  static async create(constellation: Constellation, options: DeskSceneOptions): Promise<DeskScene> {
    const context = { now: constellation.now, random: constellation.random('desk') }
    const issuer = await ProfessionalIssuer.create(constellation.register, context)
    const provider = options.account === undefined
      ? undefined : await IdentityProvider.start(`${DESK}/back`, options.account, context.random)
    const scene = new DeskScene(constellation, issuer, provider, await keyPair('ES256'))
    constellation.network.attach(ISSUER, async () => {
      scene.fetched++
      const token = scene.served ?? await issuer.statusToken()
      return {
        status: 200, headers: { 'content-type': 'application/statuslist+jwt' }, body: new TextEncoder().encode(token),
      }
    })
    await scene.#start(options)
    return scene
  }

  async #start(
    { houses, operators = [], page = PAGE, listGrace = DESK_LIMITS.listGraceLeast }: DeskSceneOptions,
  ): Promise<void> {
    const { constellation, issuer, provider } = this
    const { fetch = globalThis.fetch, timers } = constellation.options(constellation.register.identity)
    this.#party = await constellation.attach({
      name: 'register',
      identity: constellation.register.identity,
      start: ({ context, directory, log, authority }) => {
        const store = new DeskStore(join(directory, 'register.sqlite'))
        const desk = createDesk({
          identity: constellation.register.identity, store, context, log, houses, operators,
          listGrace,
          index: { url: constellation.index.url, id: toHex(constellation.index.id) },
          trustees: constellation.trustees.map(({ url, id }) => ({ url, id: toHex(id) })),
          name: 'Répertoire de démonstration', base: DESK, page, issuers: [issuer.listed],
          authorities: [authority],
          wallet: {
            did: 'did:web:register.test', publicJwk: { ...this.#walletKey.publicJwk },
            key: { kid: 'did:web:register.test#1', algorithm: 'ES256', privateKey: this.#walletKey.privateKey },
          },
          ...(provider === undefined ? {} : {
            provider: {
              issuer: provider.issuer, clientId: provider.client.id, idTokenAlgorithm: 'RS256' as const,
              authentication: { secret: provider.client.secret }, meterKey: constellation.register.meterKey,
            },
          }),
          // The provider alone has a socket.
          fetch: (url, init) => (url.startsWith('http://127.0.0.1') ? globalThis.fetch(url, init) : fetch(url, init)),
          ...(timers === undefined ? {} : { timers }),
        })
        this.#desk = desk
        return {
          ...desk,
          release: () => {
            // What is under way finds no store any more, as that of a killed process.
            void desk.halt()
            store.close()
          },
        }
      },
    })
  }

  get party(): PartyHandle {
    return this.#party as PartyHandle
  }

  /** The desk of the present process. */
  get desk(): Desk {
    return this.#desk as Desk
  }

  /** Whether the status list can be fetched. */
  set isListed(isListed: boolean) {
    if (isListed) this.constellation.network.up(ISSUER)
    else this.constellation.network.down(ISSUER)
  }

  /** A person with a passkey and a wallet, whose key records are at the index. */
  async somebody(name: string, passkey: { readonly deviceBound?: boolean } = {}): Promise<Somebody> {
    const { constellation } = this
    const random = constellation.random(`somebody ${name}`)
    const authenticator = new SoftwareAuthenticator({ random, ...passkey })
    const [signing, sealing] = [random(32), random(32)]
    const keys = { signing, sealingKey: sealingKeyOf(sealing), passkeys: [authenticator.passkey] }
    const chain = [await createPerson(keys, { now: constellation.now, random })]
    const identity = await importIdentity(exportIdentity({ chain, secrets: [{ signing, sealing }] }))
    await (await constellation.client('machine')).people.register(chain)
    const wallet = new Wallet(await keyPair(), constellation.now)
    return { id: identity.id, chain, keys, identity, passkey: authenticator, wallet }
  }

  /** A request by a principal to the desk; the answer's status, and its bytes. */
  async asked(
    by: Pick<Identity, 'id' | 'signRaw'>, path: string, body: Uint8Array,
  ): Promise<{ readonly status: number; readonly body: Uint8Array }> {
    const { network, now } = this.constellation
    const url = `${DESK}${path}`
    const random = this.constellation.random(`desk/${this.#draws++}`)
    const headers = await signRequest({ method: 'POST', url, body, identity: by, now, random })
    const answer = await network.fetch(url, { method: 'POST', headers: { ...headers }, body: new Uint8Array(body) })
    return { status: answer.status, body: new Uint8Array(await answer.arrayBuffer()) }
  }

  /** A house sends somebody; where their browser goes. */
  async sent(by: Identity, person: Uint8Array, returnTo = RETURN): Promise<string> {
    const { status, body } = await this.asked(by, '/v1/enrolments', encode(EnrolmentAsk, {
      person, returnTo, language: 'fr',
    }))
    if (status !== 200) throw new Error(`the desk begins nothing: ${status} ${Buffer.from(body).toString()}`)
    return decode(EnrolmentBegun, body).url
  }

  /** What the desk says of this person to this house now. */
  async statusOf(by: Identity, person: Uint8Array): Promise<Uint8Array | undefined> {
    const { status, body } = await this.asked(by, '/v1/statuses', encode(StatusesAsk, { persons: [person] }))
    if (status !== 200) throw new Error(`the desk says nothing: ${status}`)
    return decode(StatusesAnswer, body).statuses[0]?.status
  }

  async left(by: Identity, person: Uint8Array): Promise<number> {
    return (await this.asked(by, '/v1/leavers', encode(LeaverNotice, { person }))).status
  }

  /** What the passkey page answers, and where to, once this passkey was touched. */
  async answered(pageUrl: string, passkey: SoftwareAuthenticator): Promise<{ to: string; answer: string }> {
    const { request } = await readAsk(pageUrl.slice(pageUrl.indexOf('#') + 1))
    const person = await verifyKeyChain(request.person ?? [])
    const signed = passkey.sign(unsignedSession(request.body ?? new Uint8Array(), person))
    return { to: request.returnTo, answer: writeAnswer({ state: request.state, signed }) }
  }

  /** Up to the choice of a way, in this browser; the last answer. */
  async proven(browser: Browser, url: string, { passkey }: Pick<Somebody, 'passkey'>) {
    const begun = await browser.send('POST', `${url}/begin`)
    if (begun.status !== 303) return begun
    const { to, answer } = await this.answered(begun.location, passkey)
    const answered = await browser.send('POST', to, { answer }, true)
    return answered.status === 303 ? browser.send('GET', answered.location) : answered
  }

  /** By the identity provider: the last answer. */
  async byProvider(browser: Browser, url: string) {
    const asked = await browser.send('POST', `${url}/provider`)
    if (asked.status !== 303 || this.provider === undefined) return asked
    return browser.send('GET', await this.provider.signIn(asked.location))
  }

  /** The request object that a wallet fetches. */
  async walletAsked(browser: Browser, url: string): Promise<string> {
    const { text } = await browser.send('POST', `${url}/wallet`)
    const [, link = ''] = /href="([^"]+)"/.exec(text) ?? []
    const address = new URL(link.replaceAll('&amp;', '&')).searchParams.get('request_uri') ?? ''
    return (await this.constellation.network.fetch(address)).text()
  }

  /** What a wallet makes of a request object. */
  async walletAnswer(wallet: Wallet, request: string, credential: string): Promise<string> {
    const key = (await importJWK(this.#walletKey.publicJwk, 'ES256')) as CryptoKey
    return wallet.answer(request, key, credential)
  }

  /** Posted by the wallet itself, from wherever it is. */
  async walletPosts(
    answer: string,
  ): Promise<{ readonly status: number; readonly text: string; readonly code: string }> {
    const posted = await this.constellation.network.fetch(`${DESK}/wallet/answer`, {
      method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: answer,
    })
    const text = await posted.text()
    return { status: posted.status, text, code: /#response_code=([\w-]+)/.exec(text)?.[1] ?? '' }
  }

  /** By a wallet on the browser's own device: the last answer. */
  async byWallet(browser: Browser, url: string, wallet: Wallet, credential: string) {
    const request = await this.walletAsked(browser, url)
    const posted = await this.walletPosts(await this.walletAnswer(wallet, request, credential))
    if (posted.status !== 200) return { status: posted.status, location: '', text: posted.text }
    return browser.send('POST', `${DESK}/wallet/collect`, { code: posted.code })
  }

  close(): Promise<void> {
    return this.provider?.close() ?? Promise.resolve()
  }
}
