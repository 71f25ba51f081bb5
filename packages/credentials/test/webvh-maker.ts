/** Makes did:webvh logs, right ones and wrong ones, and a web that serves them. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { canonicalJson } from '../src/canonical-json.ts'
import type { JsonObject } from '../src/encoding.ts'
import { multihash, toBase58 } from '../src/multikey.ts'
import type { Fetch } from '../src/organisation.ts'

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const SCID = '{SCID}'

export interface MakerKey {
  readonly multikey: string
  readonly privateKey: KeyObject
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

export const makerKey = (name: string): MakerKey => {
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8, sha256(name)]), format: 'der', type: 'pkcs8' })
  const raw = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32)
  return { privateKey, multikey: `z${toBase58(Uint8Array.of(0xed, 0x01, ...raw))}` }
}

export const keyHash = ({ multikey }: MakerKey): string => multihash(sha256(multikey))

/** A Data Integrity proof, eddsa-jcs-2022. */
export const proofBy = (document: JsonObject, { multikey, privateKey }: MakerKey): JsonObject => {
  const options = {
    type: 'DataIntegrityProof', cryptosuite: 'eddsa-jcs-2022', created: '2026-01-01T00:00:00Z',
    verificationMethod: `did:key:${multikey}#${multikey}`, proofPurpose: 'assertionMethod',
  }
  const signed = Buffer.concat([sha256(canonicalJson(options)), sha256(canonicalJson(document))])
  return { ...options, proofValue: `z${toBase58(sign(null, signed, privateKey))}` }
}

export interface Change {
  readonly parameters: JsonObject
  /** With `{DID}` for the identifier. */
  readonly state: JsonObject
  readonly signers: readonly MakerKey[]
}

const PRINCIPAL = 'ab'.repeat(32)
export const principalName = `urn:scelle:principal:${PRINCIPAL}`
/** A house's document, with its principal and its did:web. */
export const house = (host: string, more: JsonObject = {}): JsonObject => ({
  '@context': ['https://www.w3.org/ns/did/v1'],
  id: `did:webvh:${SCID}:${host}`,
  alsoKnownAs: [`did:web:${host}`, principalName],
  ...more,
})

export class LogMaker {
  readonly entries: JsonObject[] = []
  scid = ''

  /** The hash of an entry with a changed identity of the one before it. */
  #hash(body: JsonObject, predecessor: string): string {
    return multihash(sha256(canonicalJson({ ...body, versionId: predecessor })))
  }

  get #state(): JsonObject {
    return (this.entries.at(-1) as { state: JsonObject }).state
  }

  #versionId(number: number): string {
    return (this.entries[number - 1] as { versionId: string }).versionId
  }

  append({ parameters, state, signers }: Change): this {
    const number = this.entries.length + 1
    const versionTime = new Date(Date.UTC(2026, 0, number)).toISOString().replace('.000', '')
    let body: JsonObject = { versionId: SCID, versionTime, parameters, state }
    if (number === 1) {
      body = { ...body, parameters: { method: 'did:webvh:1.0', scid: SCID, ...parameters } }
      this.scid = this.#hash(body, SCID)
    }
    body = JSON.parse(JSON.stringify(body).replaceAll(SCID, this.scid)) as JsonObject
    const predecessor = number === 1 ? this.scid : this.#versionId(this.entries.length)
    body['versionId'] = `${number}-${this.#hash(body, predecessor)}`
    this.entries.push({ ...body, proof: signers.map((key) => proofBy(body, key)) })
    return this
  }

  /** Another history from the same beginning. */
  fork(length: number): LogMaker {
    const other = new LogMaker()
    other.scid = this.scid
    other.entries.push(...this.entries.slice(0, length))
    return other
  }

  get did(): string {
    return this.#state['id'] as string
  }

  get text(): string {
    return `${this.entries.map((entry) => JSON.stringify(entry)).join('\n')}\n`
  }

  /** What the did:web document beside the log says. */
  get web(): JsonObject {
    const state = this.#state
    const web = JSON.parse(JSON.stringify(state).replaceAll(`did:webvh:${this.scid}:`, 'did:web:')) as JsonObject
    const names = (web['alsoKnownAs'] as string[]).filter((name) => name !== web['id'])
    return { ...web, alsoKnownAs: [...names, this.did] }
  }

  /** A witness file in which these witnesses approve an entry. */
  witnessed(number: number, witnesses: readonly MakerKey[]): string {
    const versionId = this.#versionId(number)
    return JSON.stringify([{ versionId, proof: witnesses.map((key) => proofBy({ versionId }, key)) }])
  }
}

/** Files by their address, and what was asked for. */
export class FakeWeb {
  readonly files = new Map<string, string>()
  readonly asked: string[] = []

  readonly fetch: Fetch = (url) => {
    this.asked.push(url)
    const file = this.files.get(url)
    return Promise.resolve(file === undefined ? new Response('', { status: 404 }) : new Response(file))
  }

  /** Serves a log, its did:web document and perhaps its witness file at a host. */
  serve(host: string, log: LogMaker, witness?: string): void {
    const base = `https://${host}/.well-known/`
    this.files.set(`${base}did.jsonl`, log.text)
    this.files.set(`${base}did.json`, JSON.stringify(log.web))
    if (witness !== undefined) this.files.set(`${base}did-witness.json`, witness)
  }
}
