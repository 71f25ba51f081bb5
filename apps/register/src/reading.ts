/**
 * The two ways in: a sign-in at the profession's identity provider, and a credential in a wallet. What they say is read
 * for one organisation, the one that asked; nothing of it is kept but role, meter id and where its status stands.
 */
import { OnRamp, type Provider, type SignedIn } from '@scelle/credentials/on-ramp'
import { type Professional, PresentationVerifier, type Verifier } from '@scelle/credentials/presentation'
import { type Context, equalBytes } from '@scelle/seal/verify'
import { DeskError } from './errors.ts'
import { DESK_LIMITS } from './limits.ts'
import { meterId } from './meter-id.ts'
import type { Shown } from './statuses.ts'

/** An organisation whose people are enrolled here. */
export interface House {
  /** Principal id. */
  readonly id: Uint8Array
  readonly name: string
  /** As the register's own directory calls it, and its places: what the identity provider says. */
  readonly places: readonly string[]
}

/** What was read, of somebody at this house. */
export type Read = Pick<Shown, 'meter' | 'role' | 'listed' | 'credentialEnds'>

export interface ProviderOptions extends Omit<Provider, 'redirectUri' | 'now' | 'random' | 'fetch'> {
  /** 32 bytes. */
  readonly meterKey: Uint8Array
}

export type WalletOptions = Pick<Verifier, 'did' | 'key'>

/** The first practice at this house that has a role, in the order of the register. */
const readSignIn = (
  { practices, registerNumber }: SignedIn, { places }: House, key: Uint8Array, now: number,
): Read => {
  const here = practices.find(({ organisation }) => organisation !== undefined && places.includes(organisation.id))
  if (here === undefined) throw new DeskError('not-of-house')
  return {
    role: here.role, meter: meterId(key, registerNumber), listed: undefined, credentialEnds: now + DESK_LIMITS.signIn,
  }
}

const readCredential = ({ issuer, role, meter, organisation, status, expires }: Professional, house: House): Read => {
  if (organisation === undefined || !equalBytes(organisation, house.id)) throw new DeskError('not-of-house')
  return { role, meter, listed: { issuer, ...status }, credentialEnds: Math.floor(expires) }
}

/** By the identity provider, whose metadata are read at the first use: it may be away when the desk starts. */
export class ProviderWay {
  readonly #options: Provider & ProviderOptions
  #met: Promise<OnRamp> | undefined

  constructor(options: Provider & ProviderOptions) {
    this.#options = options
  }

  async begin(session: string): Promise<{ readonly url: string }> {
    return (await this.#onRamp()).begin(session)
  }

  /** Throws DeskError, CredentialError. */
  async finish(session: string, address: string, house: House): Promise<Read> {
    const { meterKey, now } = this.#options
    const signedIn = await (await this.#onRamp()).finish(session, address)
    return readSignIn(signedIn, house, meterKey, Math.floor(now() / 1000))
  }

  #onRamp(): Promise<OnRamp> {
    this.#met ??= OnRamp.discover(this.#options).catch((cause: unknown) => {
      this.#met = undefined
      throw new DeskError('away', { cause })
    })
    return this.#met
  }
}

/** By a wallet on the device of the browser that began: the answer of another one is handed to nobody. */
export class WalletWay {
  readonly #verifier: PresentationVerifier
  readonly #context: Context
  /** Request objects that wallets fetch, by the random end of their address; until when. */
  readonly #requests = new Map<string, { readonly request: string; readonly until: number }>()

  constructor(verifier: Verifier) {
    this.#verifier = new PresentationVerifier(verifier)
    this.#context = verifier
  }

  get clientId(): string {
    return this.#verifier.clientId
  }

  async begin(session: string): Promise<{ readonly reference: string }> {
    const { now, random } = this.#context
    const { request } = await this.#verifier.begin(session)
    for (const [old, { until }] of this.#requests) if (until <= now()) this.#requests.delete(old)
    const reference = Buffer.from(random(32)).toString('base64url')
    this.#requests.set(reference, { request, until: now() + DESK_LIMITS.enrolmentTime })
    return { reference }
  }

  /** Once: whoever sees the address later gets nothing. */
  request(reference: string): string {
    const found = this.#requests.get(reference)
    this.#requests.delete(reference)
    if (found === undefined || found.until <= this.#context.now()) throw new DeskError('nothing-here')
    return found.request
  }

  /** What a wallet posted. Throws CredentialError. */
  receive(body: string): Promise<{ redirect_uri: string }> {
    return this.#verifier.receive(body)
  }

  /** Throws DeskError, CredentialError. */
  collect(session: string, code: string, house: House): Read {
    return readCredential(this.#verifier.collect(session, code), house)
  }
}
