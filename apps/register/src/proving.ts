/**
 * That whoever enrols is the principal that the house named: their passkey agrees, on the passkey page, to a session at
 * this register that opens nothing. Nobody gets a status put on a stranger's principal, nor a stranger's on theirs.
 */
import { signStatus } from '@scelle/seal/grants'
import type { Identity } from '@scelle/seal/identity'
import {
  type Context, decode, decodeSigned, equalBytes, type PrincipalKeys, requireLive, SealError, Session, sha256,
  verifySession,
} from '@scelle/seal/verify'
import { type Client, SdkError } from '@scelle/sdk'
import { askPage, pageAddress, type PageLanguage, readAnswer } from '@scelle/wire/passkey-page'
import { DeskError } from './errors.ts'
import { DESK_LIMITS } from './limits.ts'

export interface ProvingOptions {
  readonly identity: Identity
  /** As the page calls it to people. */
  readonly name: string
  /** Address of the passkey page. */
  readonly page: string
  readonly client: () => Promise<Client>
  readonly context: Context
}

/** What the page was asked. */
export interface Asked {
  readonly state: Uint8Array
  /** The signed session request. */
  readonly request: Uint8Array
}

const SKEW = 60
/** Seconds that the page takes a request up in; and how long the register's word about itself holds. */
const PAGE_TIME = 300
const OWN_STATUS = 24 * 3600

export class Proving {
  readonly #options: ProvingOptions

  constructor(options: ProvingOptions) {
    this.#options = options
  }

  /** Where the browser goes. `browser`: its secret. Throws DeskError `passkey-refused`, `away`. */
  async ask(
    person: Uint8Array, to: { readonly returnTo: string; readonly language: PageLanguage; readonly browser: string },
  ): Promise<Asked & { readonly url: string }> {
    const { identity, page, context } = this.#options
    const { chain } = await this.#keysOf(person)
    const client = await this.#client()
    const state = context.random(32)
    const until = context.now() + DESK_LIMITS.enrolmentTime
    // The key is forgotten at once: this session is a yes, and nothing is ever signed in it. It has no purpose either.
    const { request } = await client.people.ask({
      chain, key: context.random(32), device: sha256(new TextEncoder().encode(to.browser)), purposes: [], until,
    })
    const now = Math.floor(context.now() / 1000)
    const ask = await askPage(
      { house: [...identity.chain], register: [...identity.chain], status: await this.#ownStatus(now) },
      {
        task: 'sign-in', body: request, person: [...chain], returnTo: to.returnTo, language: to.language, state,
        expires: now + PAGE_TIME,
      },
      (message) => identity.signRaw(message),
    )
    return { url: pageAddress(page, ask), state, request }
  }

  /** Throws DeskError `passkey-refused`, `away`. */
  async verify(person: Uint8Array, asked: Asked, sent: string): Promise<void> {
    try {
      const { signed } = readAnswer(sent, asked.state)
      if (signed === undefined) throw new DeskError('passkey-refused')
      const { keys } = await this.#keysOf(person)
      const { identity, context } = this.#options
      const agreed = decode(Session, decodeSigned('session', signed).body).request
      const known = await verifySession(signed, { person: keys, house: identity.keys })
      requireLive(known, {
        audience: (await this.#client()).parties.index, now: Math.floor(context.now() / 1000), skew: SKEW,
      })
      // Another request of ours, to another browser, is no answer to this one.
      const isThis = equalBytes(agreed, asked.request) && equalBytes(known.principal, person)
      if (!isThis || !known.deviceBound) throw new DeskError('passkey-refused')
    } catch (cause) {
      throw cause instanceof SealError ? new DeskError('passkey-refused', { cause }) : cause
    }
  }

  /** The newest key records that are on record: a passkey that was lost proves nothing. */
  async #keysOf(person: Uint8Array): Promise<{ readonly keys: PrincipalKeys; readonly chain: readonly Uint8Array[] }> {
    const client = await this.#client()
    try {
      const chain = await client.people.registered(person)
      if (chain.length === 0) throw new DeskError('passkey-refused')
      // Held against the log, and against what was seen before.
      await client.people.register(chain)
      return { keys: await client.principal(person), chain }
    } catch (cause) {
      if (cause instanceof SdkError) throw new DeskError('away', { cause })
      throw cause
    }
  }

  async #client(): Promise<Client> {
    try {
      return await this.#options.client()
    } catch (cause) {
      throw new DeskError('away', { cause })
    }
  }

  /** The page shows a name by a register's word alone: this one says its own, and lets itself open for nobody. */
  #ownStatus(now: number): Promise<Uint8Array> {
    const { identity, name, context } = this.#options
    return signStatus(identity, {
      subject: identity.id, role: 'vendor', meter: identity.id, name, patientsPerDay: 0,
      notBefore: now - DESK_LIMITS.statusAhead, expires: now + OWN_STATUS,
    }, context)
  }
}
