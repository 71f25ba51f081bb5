/**
 * A register's issuer for demonstrations and tests: professional status as an SD-JWT VC, its Token Status List over
 * loopback, and the same person's `Status` statement, under the same meter id.
 */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { deflateSync } from 'node:zlib'
import { type Issuer, type PersonRole, PROFESSIONAL_TYPE } from '@scelle/credentials/professional'
import type { Context } from '@scelle/seal/verify'
import type { JWK } from 'jose'
import type { Register } from '../register.ts'
import { type KeyPair, keyPair, sdJwt, signToken } from './tokens.ts'

const DAY = 24 * 3600
const KID = 'register-1'
const ENTRIES = 4_096
/** Two bits an entry: valid, invalid, suspended. */
const BITS = 2
/** What a list says of how long it may be used, and how long it is valid. */
const TTL = 60
const LIFETIME = 300

export interface IssuedTo {
  /** The number in the register. */
  readonly number: string
  readonly role: PersonRole
  /** Principal id of the organisation that the practice is at. */
  readonly organisation?: Uint8Array
  /** The holder's public key. */
  readonly holder: JWK
}

export interface Issued {
  /** The SD-JWT with every disclosure. */
  readonly credential: string
  /** Where its status stands. */
  readonly index: number
}

export interface StatusServer {
  /** Requests that it answered. */
  readonly asked: () => number
  close(): Promise<void>
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')

export class ProfessionalIssuer {
  readonly name: string
  readonly key: KeyPair
  readonly register: Register
  readonly #context: Context
  readonly #entries = new Uint8Array((ENTRIES * BITS) / 8)
  #next = 0
  #address = 'https://register.example.org/status/'

  private constructor(name: string, key: KeyPair, register: Register, context: Context) {
    this.name = name
    this.key = key
    this.register = register
    this.#context = context
  }

  static async create(register: Register, context: Context, name = 'https://register.example.org') {
    return new ProfessionalIssuer(name, await keyPair('ES256'), register, context)
  }

  /** As a verifier lists it. */
  get listed(): Issuer {
    return { name: this.name, keys: { [KID]: this.key.publicJwk }, statusLists: [this.#address] }
  }

  get statusUri(): string {
    return `${this.#address}1`
  }

  #now(): number {
    return Math.floor(this.#context.now() / 1000)
  }

  /** The claims in clear of a credential with the next status entry. */
  claimsFor(holder: JWK, index: number): Record<string, unknown> {
    return {
      iss: this.name,
      vct: PROFESSIONAL_TYPE,
      iat: this.#now(),
      exp: this.#now() + 30 * DAY,
      cnf: { jwk: holder },
      status: { status_list: { idx: index, uri: this.statusUri } },
    }
  }

  /** What is disclosed by choice: the register number is there, and no verifier of ours asks for it. */
  hiddenFor({ number, role, organisation }: Omit<IssuedTo, 'holder'>): Record<string, unknown> {
    return {
      role,
      meter: base64url(this.register.meterOf(number)),
      ...(organisation === undefined ? {} : { organisation: base64url(organisation) }),
      register_number: number,
    }
  }

  async issue({ holder, ...person }: IssuedTo): Promise<Issued> {
    const index = this.#next++
    const credential = await sdJwt({
      clear: this.claimsFor(holder, index),
      hidden: this.hiddenFor(person),
      key: this.key,
      header: { kid: KID },
      random: this.#context.random,
    })
    return { credential, index }
  }

  /** The same person's status for trustees: a statement of the register, under the same meter id. */
  status(subject: Uint8Array, { number, role, organisation }: Omit<IssuedTo, 'holder'>): Promise<Uint8Array> {
    return this.register.enrol({ subject, role, number, ...(organisation === undefined ? {} : { organisation }) })
  }

  #mark(index: number, value: number): void {
    const [at, shift] = [Math.floor((index * BITS) / 8), (index * BITS) % 8]
    const mask = ((1 << BITS) - 1) << shift
    this.#entries[at] = ((this.#entries[at] ?? 0) & ~mask) | (value << shift)
  }

  revoke(index: number): void {
    this.#mark(index, 1)
  }

  suspend(index: number): void {
    this.#mark(index, 2)
  }

  reinstate(index: number): void {
    this.#mark(index, 0)
  }

  /** The signed list as it is now. */
  statusToken(changes: Record<string, unknown> = {}): Promise<string> {
    const iat = this.#now()
    return signToken({ typ: 'statuslist+jwt', kid: KID }, {
      sub: this.statusUri,
      iat,
      exp: iat + LIFETIME,
      ttl: TTL,
      status_list: { bits: BITS, lst: base64url(deflateSync(this.#entries)) },
      ...changes,
    }, this.key)
  }

  /** Publishes the list on loopback. Credentials issued before name another address. */
  async serve(): Promise<StatusServer> {
    let asked = 0
    const answer = async (response: ServerResponse): Promise<void> => {
      asked++
      const token = await this.statusToken()
      response.setHeader('content-type', 'application/statuslist+jwt')
      response.end(token)
    }
    const server = createServer((_request, response) => void answer(response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    this.#address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/status/`
    return {
      asked: () => asked,
      close: () => new Promise((resolve) => server.close(() => resolve())),
    }
  }
}
