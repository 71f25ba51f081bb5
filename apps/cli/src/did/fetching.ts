/**
 * The way to hosts that strangers named. A name that leads inside is not followed: the answer of something in there
 * would be read on its owner's behalf. `--resolve` says where a host is instead of the name's own address, as curl
 * does; the certificate must be the host's nevertheless.
 */
import { lookup } from 'node:dns'
import { request as requestPlain } from 'node:http'
import type { IncomingMessage, RequestOptions } from 'node:http'
import { request as requestSecure } from 'node:https'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { Readable } from 'node:stream'
import type { Fetch } from '@scelle/credentials/organisation'
import { CommandError } from '../errors.ts'
import type { Io } from '../io.ts'
import { MESSAGES } from '../messages.ts'

const INSIDE = new BlockList()
for (const [address, prefix] of [
  ['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12],
  ['192.0.0.0', 24], ['192.168.0.0', 16], ['198.18.0.0', 15], ['224.0.0.0', 3],
] as const) INSIDE.addSubnet(address, prefix, 'ipv4')
for (const [address, prefix] of [
  ['::', 96], ['64:ff9b::', 96], ['2002::', 16], ['fc00::', 7], ['fe80::', 10], ['ff00::', 8],
] as const) INSIDE.addSubnet(address, prefix, 'ipv6')

/** Not an address of the Internet. IPv4 written as IPv6 is looked at as IPv4. */
export const isInside = (address: string): boolean =>
  isIP(address) === 0 || INSIDE.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')

/** Every address of the name is looked at: the connection takes the one that is given here, and asks no second time. */
const lookupOutside: LookupFunction = (name, options, done) => {
  lookup(name, { ...options, all: true }, (error, found) => {
    if (error !== null) return done(error, [])
    if (found.length === 0 || found.some(({ address }) => isInside(address))) {
      return done(Object.assign(new Error('the name leads inside'), { code: 'EINSIDE' }), [])
    }
    const [first] = found
    return options.all === true ? done(null, found) : done(null, first?.address ?? '', first?.family)
  })
}

/** By the host and port of an address: where it is asked instead. */
export type Given = ReadonlyMap<string, URL>

const isLoopback = ({ hostname }: URL): boolean => hostname === '127.0.0.1' || hostname === '[::1]'

/** `HOST=URL`: plain HTTP to this machine alone. Throws CommandError. */
export const givenFrom = (io: Io, texts: readonly string[]): Given => new Map(texts.map((text): [string, URL] => {
  const [host = '', ...rest] = text.split('=')
  const url = URL.parse(rest.join('='))
  const isPlain = url?.protocol === 'http:' && isLoopback(url)
  const isBare = url?.pathname === '/' && url.search === '' && url.username === ''
  if (host === '' || url === null || !isBare || !(isPlain || url.protocol === 'https:')) {
    throw new CommandError('usage', MESSAGES[io.language].did.noResolve(text))
  }
  return [host.toLowerCase(), url]
}))

const NULL_BODY = [204, 205, 304]

const responseOf = (answer: IncomingMessage): Response => {
  const status = answer.statusCode ?? 0
  if (status < 200 || status > 599 || NULL_BODY.includes(status)) throw new Error('an answer without a body')
  return new Response(Readable.toWeb(answer) as ReadableStream, { status })
}

/** Follows no redirect and sends nothing that was not asked for. */
export const didFetch = (given: Given): Fetch => (address, { headers, signal }) => new Promise((resolve, reject) => {
  const url = new URL(address)
  const there = given.get(url.host)
  const to = there ?? url
  const options: RequestOptions & { servername: string } = {
    host: to.hostname.replace(/^\[|\]$/g, ''), port: to.port, path: `${url.pathname}${url.search}`,
    servername: url.hostname, headers: { ...Object.fromEntries(new Headers(headers)), host: url.host }, agent: false,
    ...(signal instanceof AbortSignal ? { signal } : {}), ...(there === undefined ? { lookup: lookupOutside } : {}),
  }
  const request = (to.protocol === 'http:' ? requestPlain : requestSecure)(options, (answer) => {
    try {
      resolve(responseOf(answer))
    } catch (error) {
      answer.destroy()
      reject(error)
    }
  })
  request.once('error', reject)
  request.end()
})
