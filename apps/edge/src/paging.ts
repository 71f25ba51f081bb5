/**
 * Pages of a result that does not change: a cursor names the state of the records it was computed on, so whatever is
 * written meanwhile, the next page goes on where this one ended. Cursors are sealed, and bound to whoever got them.
 */
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import type { Bundle } from '@medplum/fhirtypes'
import type { Call } from './call.ts'
import { EdgeError } from './errors.ts'
import { EDGE_LIMITS } from './limits.ts'

/** Where a page begins, and what it is a page of. */
export interface Cursor {
  /** The route's path below the base, such as `Patient/1/Observation`. */
  readonly path: string
  /** The search as it was asked, without paging; encoded. */
  readonly query: string
  /** Whoever it was given to: a session that is over has no pages any more. */
  readonly session: string
  /** Which opening of which records: a chart that was closed meanwhile has no pages any more. */
  readonly opening: string
  /** The moment it is a page of. */
  readonly state: number
  /** What else the search looked at, as a digest: without it, the same search is another one. */
  readonly sight?: string
  readonly offset: number
  readonly count: number
  /** Milliseconds since 1970. */
  readonly until: number
}

export const CURSOR = '_cursor'

const NONCE = 12
const TAG = 16

export class Pager {
  readonly #key: KeyObject
  readonly #random: (length: number) => Uint8Array
  readonly #now: () => number

  constructor(key: KeyObject, random: (length: number) => Uint8Array, now: () => number) {
    this.#key = key
    this.#random = random
    this.#now = now
  }

  /**
   * The text of a cursor, for one principal (hex id) alone, and for the session that it names. Throws `too-large` where
   * {@link open} would not take it back: a link that leads nowhere would hide the pages behind it.
   */
  seal(cursor: Omit<Cursor, 'until'>, principal: string): string {
    const nonce = this.#random(NONCE)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce)
    cipher.setAAD(Buffer.from(principal, 'hex'))
    const plain = JSON.stringify({ ...cursor, until: this.#now() + EDGE_LIMITS.cursorTime })
    const body = Buffer.concat([cipher.update(plain), cipher.final()])
    const text = Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')
    if (text.length <= EDGE_LIMITS.cursorText) return text
    throw new EdgeError('too-large', 'this search is too long to be answered in pages: shorten it, or raise _count')
  }

  /**
   * Throws `bad-value` for a cursor that is changed, another principal's or another path's, `cursor-expired` for an
   * old one or another session's.
   */
  open(text: string, path: string, { principal, session }: Pick<Call, 'principal' | 'session'>): Cursor {
    const cursor = this.#decrypt(text, principal)
    if (cursor === undefined || cursor.path !== path) {
      throw new EdgeError('bad-value', `${CURSOR} is not one that this server gave to this application for this path`,
        CURSOR)
    }
    if (cursor.until < this.#now() || cursor.session !== session) throw new EdgeError('cursor-expired')
    return cursor
  }

  #decrypt(text: string, principal: string): Cursor | undefined {
    const bytes = Buffer.from(text, 'base64url')
    if (
      text.length > EDGE_LIMITS.cursorText || bytes.length < NONCE + TAG
      || bytes.toString('base64url') !== text
    ) {
      return undefined
    }
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, NONCE), { authTagLength: TAG })
      decipher.setAAD(Buffer.from(principal, 'hex'))
      decipher.setAuthTag(bytes.subarray(NONCE, NONCE + TAG))
      const plain = Buffer.concat([decipher.update(bytes.subarray(NONCE + TAG)), decipher.final()])
      return JSON.parse(plain.toString()) as Cursor
    } catch {
      return undefined
    }
  }
}

/** The links of one page (R4 http.html#paging). */
export const pageLinks = (
  cursor: Omit<Cursor, 'until'>, total: number, base: string, seal: (cursor: Omit<Cursor, 'until'>) => string,
): NonNullable<Bundle['link']> => {
  const { path, query, offset, count } = cursor
  const at = (place: number): string => `${base}/${path}?${CURSOR}=${seal({ ...cursor, offset: place })}`
  const whole = `${base}/${path}${query === '' ? '' : `?${query}`}`
  const links = [{ relation: 'self', url: offset === 0 ? whole : at(offset) }]
  if (total <= count) return links
  links.push({ relation: 'first', url: at(0) })
  if (offset > 0) links.push({ relation: 'previous', url: at(Math.max(0, offset - count)) })
  if (offset + count < total) links.push({ relation: 'next', url: at(offset + count) })
  links.push({ relation: 'last', url: at(Math.floor((total - 1) / count) * count) })
  return links
}
