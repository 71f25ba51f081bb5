/**
 * Uploads that may be interrupted (draft-ietf-httpbis-resumable-upload): how far each has come is on the disk before it
 * is said. A piece counts whole or not at all, because only a whole piece has a signed digest. An upload belongs to the
 * application that began it, ends after a day, and takes no more of the disk than it may.
 */
import { createSecretKey } from 'node:crypto'
import { EdgeError } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import { Locks } from '../locks.ts'
import type { Cabinet } from '../store/cabinet.ts'
import type { Database } from '../store/database.ts'
import type { Arrived, Wanted } from './keeper.ts'
import { diskFault, type Spool, type Spooled } from './spool.ts'

/** One upload, as its sealed row holds it. */
export interface Upload extends Spooled {
  /** Hex, 16 bytes, random: its address, and the name of its file. */
  readonly id: string
  /** Hex id of the application that began it. */
  readonly principal: string
  /** Hex: opens its file. */
  readonly key: string
  readonly wanted: Wanted
  /** Of the whole content, where the client said it. */
  readonly length?: number
  /** Its last piece is there. */
  readonly complete: boolean
  /** Records, hex, that its octets were sealed as: if one of them is on record, so is the upload. */
  readonly records: readonly string[]
  /** It has become a Binary, of this version; its file is gone. */
  readonly done?: number
  /** Milliseconds since 1970. */
  readonly expires: number
}

export interface UploadsOptions {
  readonly spool: Spool
  readonly db: Database
  readonly cabinet: Cabinet
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
}

export interface Piece {
  readonly source: (signal: AbortSignal) => AsyncIterable<Uint8Array>
  /** Where the client believes the upload to be. */
  readonly offset: number
  readonly complete: boolean
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Octets whose upload is not resumed: their key is in memory alone, so a stopped process leaves noise. */
export const arrivedAs = ({ id, key, octets, bytes }: Pick<Upload, 'id' | 'key' | 'octets' | 'bytes'>): Arrived =>
  ({ name: id, key: createSecretKey(key, 'hex'), octets, bytes })

export class Uploads {
  readonly #options: UploadsOptions
  readonly #rows = new Map<string, Upload>()
  readonly #locks = new Locks()
  /** What is being appended now: the next request for the same upload ends it. */
  readonly #running = new Map<string, AbortController>()

  /** Reads what a former process left, and removes files that no upload counts. */
  constructor(options: UploadsOptions) {
    this.#options = options
    const { db, cabinet, spool } = options
    for (const { row, sealed } of db.all('upload')) {
      const upload = JSON.parse(cabinet.open('upload', row, sealed).toString()) as Upload
      this.#rows.set(upload.id, upload)
    }
    spool.clean(new Set([...this.#rows.values()].filter(({ done }) => done === undefined).map(({ id }) => id)))
  }

  get count(): number {
    return this.#rows.size
  }

  /** An upload of this application. Throws `not-found` for another one's as well. */
  get(principal: string, id: string): Upload {
    const upload = this.#rows.get(id)
    if (upload === undefined || upload.principal !== principal || this.#isOver(upload)) {
      throw new EdgeError('not-found', 'there is no such upload, or it has expired: begin another one')
    }
    return upload
  }

  /** Begins one. Throws `uploads-full`, `too-large`, `no-space`. */
  begin(principal: string, wanted: Wanted, length: number | undefined): Upload {
    if ((length ?? 0) > EDGE_LIMITS.attachment) throw new EdgeError('too-large')
    const open = [...this.#rows.values()].filter(({ done }) => done === undefined)
    const own = open.filter((upload) => upload.principal === principal)
    if (open.length >= EDGE_LIMITS.uploads || own.length >= EDGE_LIMITS.uploadsEach) throw new EdgeError('uploads-full')
    const { random, now } = this.#options
    const upload: Upload = {
      id: hex(random(16)), principal, key: hex(random(32)), wanted, octets: 0, bytes: 0, complete: false, records: [],
      expires: now() + EDGE_LIMITS.uploadTime, ...(length === undefined ? {} : { length }),
    }
    this.#put(upload)
    return upload
  }

  /**
   * Appends one piece; what it answers is on the disk. Throws `offset-mismatch`, `digest-mismatch`, `stalled`,
   * `too-large`, `no-space`, `bad-request` where the end is not at the length that was announced.
   */
  async append(principal: string, id: string, piece: Piece): Promise<Upload> {
    this.get(principal, id)
    this.#running.get(id)?.abort()
    return this.#locks.with([id], async () => {
      const upload = this.get(principal, id)
      if (upload.octets !== piece.offset) throw new EdgeError('offset-mismatch')
      if (upload.complete) throw new EdgeError('bad-request', 'this upload is complete')
      const stop = new AbortController()
      this.#running.set(id, stop)
      try {
        return await this.#append(upload, piece, stop.signal)
      } finally {
        this.#running.delete(id)
      }
    })
  }

  async #append(upload: Upload, { source, complete }: Piece, signal: AbortSignal): Promise<Upload> {
    const { spool } = this.#options
    const { name, key } = arrivedAs(upload)
    const limit = Math.min(upload.length ?? EDGE_LIMITS.attachment, EDGE_LIMITS.attachment)
    const room = this.#room(upload)
    const spooled = await spool.append(name, key, upload, source(signal), Math.min(limit, room)).catch((error) => {
      const isFull = error instanceof EdgeError && error.code === 'too-large' && room < limit
      throw isFull ? new EdgeError('no-space') : error
    })
    if (complete && upload.length !== undefined && spooled.octets !== upload.length) {
      throw new EdgeError('bad-request', 'the upload does not end at its Upload-Length')
    }
    const after: Upload = { ...upload, ...spooled, complete }
    this.#put(after)
    return after
  }

  /** What one upload may come to, given what the others take. */
  #room(upload: Upload): number {
    let taken = 0
    for (const { id, done, octets } of this.#rows.values()) {
      if (done === undefined && id !== upload.id) taken += octets
    }
    return Math.max(0, EDGE_LIMITS.uploadOctets - taken)
  }

  /** Runs `work` on an upload that nobody appends to, gives up or sweeps meanwhile. Throws `not-found`. */
  holding<T>(principal: string, id: string, work: (upload: Upload) => Promise<T>): Promise<T> {
    return this.#locks.with([id], () => work(this.get(principal, id)))
  }

  /** Remembers as what it was sealed, before that is on record. */
  sealedAs(id: string, record: string): void {
    const upload = this.#rows.get(id)
    if (upload !== undefined) this.#put({ ...upload, records: [...upload.records, record] })
  }

  /** It is a Binary now: its file goes, its row stays for a while, for whoever did not hear of it. */
  async done(id: string, version: number): Promise<void> {
    const upload = this.#rows.get(id)
    if (upload === undefined) return
    const after: Upload = { ...upload, done: version }
    this.#put(after)
    // Anew, so that they stand in the order in which they were done.
    this.#rows.delete(id)
    this.#rows.set(id, after)
    const done = [...this.#rows.values()].filter((each) => each.done !== undefined)
    for (const oldest of done.slice(0, Math.max(0, done.length - EDGE_LIMITS.uploadsDone))) this.#drop(oldest.id)
    await this.#options.spool.remove(id)
  }

  async remove(id: string): Promise<void> {
    this.#running.get(id)?.abort()
    await this.#locks.with([id], async () => {
      if (this.#drop(id)) await this.#options.spool.remove(id)
    })
  }

  #drop(id: string): boolean {
    const { db, cabinet } = this.#options
    const isThere = this.#rows.delete(id)
    if (isThere) db.write(true, () => db.drop('upload', cabinet.lookup('upload', id)))
    return isThere
  }

  /** Removes what is over its time. */
  async sweep(): Promise<void> {
    for (const upload of this.#rows.values()) if (this.#isOver(upload)) await this.remove(upload.id)
  }

  #isOver({ expires }: Upload): boolean {
    return this.#options.now() >= expires
  }

  #put(upload: Upload): void {
    const { db, cabinet } = this.#options
    const row = cabinet.lookup('upload', upload.id)
    try {
      db.write(true, () => db.put('upload', row, cabinet.seal('upload', row, Buffer.from(JSON.stringify(upload)))))
    } catch (error) {
      throw diskFault(error)
    }
    this.#rows.set(upload.id, upload)
  }
}
