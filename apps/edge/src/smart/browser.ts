/** What is read of a browser's request between its authorization request and its code, and where it is sent. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { EdgeError } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import type { Visit } from './visits.ts'

export const redirect = (response: ServerResponse, location: string): void => {
  response.writeHead(303, { location, 'referrer-policy': 'no-referrer' })
  response.end()
}

export const cookieIn = ({ headers }: IncomingMessage, name: string): string | undefined =>
  headers.cookie?.split(';').map((each) => each.trim()).find((each) => each.startsWith(`${name}=`))
    ?.slice(name.length + 1)

export const equal = (left: string, right: string): boolean =>
  timingSafeEqual(createHash('sha256').update(left).digest(), createHash('sha256').update(right).digest())

/** Throws EdgeError `media-type`, `too-large`. */
export const formIn = async (request: IncomingMessage): Promise<URLSearchParams> => {
  if (!(request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded')) {
    throw new EdgeError('media-type', 'send application/x-www-form-urlencoded')
  }
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += piece.length
    if (size > EDGE_LIMITS.answerBody) throw new EdgeError('too-large')
    pieces.push(piece)
  }
  return new URLSearchParams(Buffer.concat(pieces).toString('utf8'))
}

/**
 * A form of this edge's own page: it holds what was written into the page that this browser was shown last, once.
 * Another site that posts it has no such word, and of the cookies none comes along (SameSite). Throws `forbidden`.
 */
export const ownFormIn = async (request: IncomingMessage, visit: Visit, next: string): Promise<URLSearchParams> => {
  const { 'sec-fetch-site': site = 'same-origin' } = request.headers
  const form = await formIn(request)
  if (site !== 'same-origin' || !equal(form.get('form') ?? '', visit.form)) {
    throw new EdgeError('forbidden', 'this form was sent already, or is of another page: begin again')
  }
  visit.form = next
  return form
}
