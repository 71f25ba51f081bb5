/** What this house asks of the passkey page: signed, so that the answer can be had sent nowhere else. */
import { type Client, toHex } from '@scelle/sdk'
import { askPage, type PageAsk, pageAddress, type PageRequest } from '@scelle/wire/passkey-page'
import { EdgeError } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import type { PeopleShelf } from '../staff/people.ts'
import type { Begun } from './sign-in.ts'

export interface PageAsksOptions {
  readonly client: Client
  readonly people: Pick<PeopleShelf, 'registerOf'>
  /** Address of the passkey page. */
  readonly page: string
  readonly houseStatuses: () => readonly Uint8Array[]
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
}

export interface Asking extends Pick<PageRequest, 'task'>,
  Partial<Pick<
    PageRequest, 'application' | 'body' | 'kind' | 'person' | 'personName' | 'sealingKey' | 'wraps' | 'guarding' | 'pin'
  >> {
  readonly returnTo: string
  readonly language: string
}

const STATE = 32

export class PageAsks {
  readonly #options: PageAsksOptions

  constructor(options: PageAsksOptions) {
    this.#options = options
  }

  async send({ language, ...asking }: Asking): Promise<Begun> {
    const { client, now, page, random } = this.#options
    const state = random(STATE)
    const ask = await askPage(await this.#house(), {
      ...asking, state, language: language.startsWith('en') ? 'en' : 'fr',
      expires: Math.floor((now() + EDGE_LIMITS.pageTime) / 1000),
    }, (message) => client.identity.signRaw(message))
    return { url: pageAddress(page, ask), state: Buffer.from(state).toString('base64url') }
  }

  /** Who asks, by the word of a register: the page tells the person the house's name from that alone. */
  async #house(): Promise<Pick<PageAsk, 'house' | 'register' | 'status'>> {
    const { client, houseStatuses, people } = this.#options
    const own = toHex(client.identity.id)
    for (const status of houseStatuses()) {
      const { subject, issuer } = await client.statements.status(status)
      if (subject !== own) continue
      return { house: [...client.identity.chain], register: await people.registerOf(issuer), status }
    }
    throw new EdgeError('status-required', 'no register says who this house is (standing.statuses)')
  }
}
