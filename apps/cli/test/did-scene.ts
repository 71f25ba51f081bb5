/** Hosts of organisations' names: what ends TLS before an edge, and can be taken over; and whoever writes on a log. */
import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setDefaultCACertificates, getCACertificates } from 'node:tls'
import type { EntryKey } from '@scelle/credentials/organisation-log'
import { certificateFor } from './certificate.ts'

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }
type Entry = { readonly [name: string]: Json }
interface Last { readonly versionId: string; readonly versionTime: string; readonly state: Entry }

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

const base58 = (bytes: Uint8Array): string => {
  let number = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  let digits = ''
  for (; number > 0n; number /= 58n) digits = (ALPHABET[Number(number % 58n)] ?? '') + digits
  return digits
}

const canonical = (value: Json): string => {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(canonical).join(',')}]`
  const object = value as Entry
  return `{${Object.keys(object).toSorted().map((name) => `${JSON.stringify(name)}:${canonical(object[name] ?? null)}`)
    .join(',')}}`
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

/** A well-formed entry after a log's last one, by a key that may be anybody's: what a thief writes. */
export const forgeEntry = async (
  log: string, key: EntryKey, said: { readonly parameters?: Entry; readonly state?: Entry },
): Promise<string> => {
  const last = JSON.parse(log.trimEnd().split('\n').at(-1) ?? '') as Last
  const { versionId, versionTime } = last
  const body: Entry = {
    versionId, versionTime: new Date(Date.parse(versionTime) + 1000).toISOString().replace('.000', ''),
    parameters: said.parameters ?? {}, state: { ...last.state, ...said.state },
  }
  const hash = base58(Buffer.concat([Buffer.from([0x12, 0x20]), sha256(canonical(body))]))
  const named = { ...body, versionId: `${Number(versionId.split('-')[0]) + 1}-${hash}` }
  const options = {
    type: 'DataIntegrityProof', cryptosuite: 'eddsa-jcs-2022', proofPurpose: 'assertionMethod',
    verificationMethod: `did:key:${key.multikey}#${key.multikey}`,
  }
  const signature = await key.sign(Buffer.concat([sha256(canonical(options)), sha256(canonical(named))]))
  const proof = [{ ...options, proofValue: `z${base58(signature)}` }]
  return `${log.trimEnd()}\n${JSON.stringify({ ...named, proof })}\n`
}

export interface Hosts {
  /** `HOST=https://…` for every name. */
  readonly resolve: readonly string[]
  /** Paths of a host that somebody else answers now. */
  readonly takeOver: (host: string, files: Readonly<Record<string, string | Uint8Array>>) => void
  /** The host's owner has it back. */
  readonly giveBack: (host: string) => void
  readonly close: () => void
}

const passOn = async (url: string, response: ServerResponse): Promise<void> => {
  try {
    const answer = await fetch(url)
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
    response.end(new Uint8Array(await answer.arrayBuffer()))
  } catch {
    response.writeHead(502).end()
  }
}

/** One HTTPS server for all the names, before each name's own server; undefined: nobody serves it. */
export const startHosts = async (behind: Readonly<Record<string, string | undefined>>): Promise<Hosts> => {
  const names = Object.keys(behind)
  const certificate = certificateFor(...names)
  const taken = new Map<string, Readonly<Record<string, string | Uint8Array>>>()
  const server = createServer(certificate, (request, response) => {
    const [host = '', path = ''] = [request.headers.host, request.url]
    const file = taken.get(host)?.[path]
    const upstream = behind[host]
    if (file !== undefined) response.end(file)
    else if (upstream === undefined) response.writeHead(404).end()
    else void passOn(`${upstream}${path}`, response)
  })
  await new Promise<void>((ready) => {
    server.listen(0, '127.0.0.1', ready)
  })
  const before = getCACertificates('default')
  setDefaultCACertificates([...before, certificate.cert])
  const { port } = server.address() as AddressInfo
  return {
    resolve: names.map((name) => `${name}=https://127.0.0.1:${port}`),
    takeOver: (host, files) => {
      const paths = Object.entries(files).map(([file, octets]) => [`/.well-known/${file}`, octets] as const)
      taken.set(host, Object.fromEntries(paths))
    },
    giveBack: (host) => {
      taken.delete(host)
    },
    close: () => {
      setDefaultCACertificates(before)
      server.close()
      server.closeAllConnections()
    },
  }
}
