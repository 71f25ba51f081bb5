/**
 * Patients whom somebody else expects, released to those who will treat them before the network fails. What rests here
 * is sealed by the sdk to its reader's own key and once more under the edge's: a copied disk has neither. It opens to
 * that person's session alone, only where nobody answers, and only once a note for the patient is on the disk.
 */
import type { Chart, OpenOptions } from '@scelle/sdk'
import { EdgeError, isUnreachable } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import { faultFields, type Log } from '../log.ts'
import type { Cabinet } from '../store/cabinet.ts'
import type { Database } from '../store/database.ts'
import type { Directory } from '../store/directory.ts'
import type { FactShelf, KeptFact } from './facts.ts'
import type { Member } from './member.ts'
import type { Opener } from './opener.ts'
import type { Staff } from './staff.ts'

export interface AheadOptions {
  readonly db: Database
  readonly cabinet: Cabinet
  readonly facts: Pick<FactShelf, 'expected'>
  readonly staff: Pick<Staff, 'member' | 'granted' | 'isKept'>
  readonly directory: Pick<Directory, 'vault'>
  /** Name of this organisation. */
  readonly organisation: string
  readonly closeVault: (vault: string) => void
  readonly now: () => number
  readonly log: Log
}

/** A release that rests here. */
interface Kept {
  readonly until: number
  readonly custodians: readonly string[]
  /** In base64. */
  readonly sealed: string
}

/** What became of a fact: while it stands, it is not released for anew. */
interface Mark {
  readonly reader: string
  readonly vault: string
  readonly until: number
  readonly tries: number
  readonly done: boolean
}

interface Note {
  readonly reader: string
  readonly vault: string
  /** In base64. */
  readonly note: string
}

interface Row {
  readonly row: Uint8Array
  readonly sealed: Uint8Array
}

const TYPES: ReadonlySet<string> = new Set(['appointment', 'referral', 'admission'])

const bytesIn = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'))

export class Ahead {
  readonly #options: AheadOptions
  #looking: Promise<void> | undefined
  /** Charts that were opened without a network, by vault: until when, and what closes them at the sdk. */
  readonly #open = new Map<string, { readonly until: number; readonly charts: Chart[] }>()

  constructor(options: AheadOptions) {
    this.#options = options
  }

  /** Reports what was opened, and releases what is due; one look at a time. */
  look(): Promise<void> {
    this.#looking ??= this.#lookNow()
      .catch((error: unknown) => this.#options.log('ahead-not-looked', faultFields(error)))
      .finally(() => {
        this.#looking = undefined
      })
    return this.#looking
  }

  /** What this person may open without a network; undefined where nothing that lasts was released. */
  opener(member: Member, vault: string): Opener | undefined {
    const kept = this.#get<Kept>('ahead', `${member.id}/${vault}`)
    if (kept === undefined || kept.until <= this.#options.now()) return undefined
    return { custodians: kept.custodians, open: (options) => this.#opened(member, vault, kept, options) }
  }

  /** Nothing that rests here opens to this person any more: whoever is locked waits for no network. */
  drop(person: string): void {
    const own = this.#all<Mark>('expected').filter(([, { reader }]) => reader === person)
    if (own.length === 0) return
    const { db, cabinet } = this.#options
    db.write(true, () => {
      for (const [, { reader, vault }] of own) db.drop('ahead', cabinet.lookup('ahead', `${reader}/${vault}`))
    })
    for (const [, { vault }] of own) this.#close(vault)
  }

  /** Closes what was opened by a release that has ended, whoever looks at it, and drops what ended unopened. */
  sweep(): void {
    const { cabinet, db, now } = this.#options
    for (const [vault, { until }] of this.#open) if (until <= now()) this.#close(vault)
    const over = this.#all<Mark>('expected').filter(([, { until }]) => until <= now())
    if (over.length === 0) return
    db.write(false, () => {
      for (const [row, { reader, vault }] of over) {
        db.drop('expected', row)
        const kept = this.#get<Kept>('ahead', `${reader}/${vault}`)
        if (kept !== undefined && kept.until <= now()) db.drop('ahead', cabinet.lookup('ahead', `${reader}/${vault}`))
      }
    })
  }

  async #lookNow(): Promise<void> {
    const { db, facts, staff } = this.#options
    if (!staff.isKept) return
    if (db.count('note') > 0) await this.#report()
    this.sweep()
    const standing = new Map<string, number>()
    for (const [, { reader, done }] of this.#all<Mark>('expected')) {
      if (done) standing.set(reader, (standing.get(reader) ?? 0) + 1)
    }
    let left: number = EDGE_LIMITS.aheadAtOnce
    for (const fact of facts.expected()) {
      const until = this.#untilOf(fact)
      const { reader = '' } = fact
      // Whoever signs facts for another one spends that one's budget: so many, and no more.
      if (left === 0 || until === undefined || (standing.get(reader) ?? 0) >= EDGE_LIMITS.aheadEach) continue
      left--
      if (!(await this.#release(fact, until))) return
      standing.set(reader, (standing.get(reader) ?? 0) + 1)
    }
  }

  /** When a release for it would end; undefined where none is due. Trustees hold it against the same times. */
  #untilOf(fact: KeptFact): number | undefined {
    const { now, staff } = this.#options
    const mark = this.#get<Mark>('expected', this.#nameOf(fact))
    // Released in a session of theirs: nobody's key rests here for it.
    if (staff.member(fact.reader ?? '') === undefined) return undefined
    const isTried = mark !== undefined && (mark.done || mark.tries >= EDGE_LIMITS.aheadTries)
    if (isTried || !TYPES.has(fact.type)) return undefined
    const longest = fact.type === 'admission' ? fact.from + EDGE_LIMITS.aheadAdmission : Number.POSITIVE_INFINITY
    const until = Math.min(now() + EDGE_LIMITS.aheadTime, fact.until, longest)
    return until <= now() || fact.from >= until ? undefined : until
  }

  #nameOf({ reader = '', signed }: KeptFact): string {
    return `${reader}/${this.#options.cabinet.digest(signed)}`
  }

  /** False where nobody answers: the rest waits for the next look. */
  async #release(fact: KeptFact, until: number): Promise<boolean> {
    const { cabinet, db, directory, log, organisation, staff } = this.#options
    const { reader = '', vault, signed } = fact
    const name = this.#nameOf(fact)
    const mark = { reader, vault, until, tries: (this.#get<Mark>('expected', name)?.tries ?? 0) + 1 }
    try {
      const member = staff.member(reader)
      if (member === undefined) return true
      const { custodians } = await staff.granted(member, vault)
      const patient = directory.vault(vault)?.patient
      const sealed = await member.client.releaseAhead(vault, {
        facts: [bytesIn(signed)], until,
        about: { organisation, person: member.name, ...(patient === undefined ? {} : { patient }) },
      })
      const kept: Kept = { until, custodians, sealed: Buffer.from(sealed).toString('base64') }
      const row = cabinet.lookup('ahead', `${reader}/${vault}`)
      db.write(true, () => {
        db.put('ahead', row, cabinet.seal('ahead', row, Buffer.from(JSON.stringify(kept))))
        this.#mark(name, { ...mark, done: true })
      })
      log('released-ahead', {})
    } catch (error) {
      log('not-released-ahead', faultFields(error))
      if (isUnreachable(error)) return false
      db.write(true, () => this.#mark(name, { ...mark, done: false }))
    }
    return true
  }

  async #opened(member: Member, vault: string, kept: Kept, options: OpenOptions): Promise<Chart> {
    const { now, log } = this.#options
    // An access log was not released: it says who opened, and is nobody's care.
    if (options.categories !== undefined) throw new EdgeError('chart-unavailable')
    const chart = await member.client.openAhead(bytesIn(kept.sealed), {
      now: now(),
      keep: (note) => Promise.resolve(this.#keepNote({
        reader: member.id, vault, note: Buffer.from(note).toString('base64'),
      })),
    })
    const before = this.#open.get(vault)
    this.#open.set(vault, {
      until: Math.min(kept.until, before?.until ?? kept.until), charts: [...before?.charts ?? [], chart],
    })
    log('opened-ahead', {})
    return chart
  }

  /** On the disk when this returns: no chart opens before. Throws where the disk does not take it. */
  #keepNote(note: Note): void {
    const { cabinet, db } = this.#options
    const row = cabinet.lookup('note', note.note)
    db.write(true, () => db.put('note', row, cabinet.seal('note', row, Buffer.from(JSON.stringify(note)))))
  }

  /** Tells patients what was opened. What cannot be told now waits on; what was opened so is read anew from now on. */
  async #report(): Promise<void> {
    const { db, log, staff } = this.#options
    for (const [row, { reader, vault, note }] of this.#all<Note>('note')) {
      try {
        const member = staff.member(reader)
        if (member === undefined) continue
        // What was signed on for a session has ended meanwhile, and nobody without a grant adds to an access log.
        await staff.granted(member, vault)
        const { pending } = await member.client.reportAhead([bytesIn(note)])
        const [waiting] = pending
        if (waiting === undefined) {
          db.write(true, () => db.drop('note', row))
          log('reported-ahead', {})
          this.#close(vault)
        } else log('not-reported-ahead', { code: waiting.code })
      } catch (error) {
        log('not-reported-ahead', faultFields(error))
        if (isUnreachable(error)) return
      }
    }
  }

  /** The edge's own copy of the records too, in whatever session it is. */
  #close(vault: string): void {
    const open = this.#open.get(vault)
    if (open === undefined) return
    this.#open.delete(vault)
    for (const chart of open.charts) chart.close()
    this.#options.closeVault(vault)
  }

  #mark(name: string, mark: Mark): void {
    const { cabinet, db } = this.#options
    const row = cabinet.lookup('expected', name)
    db.put('expected', row, cabinet.seal('expected', row, Buffer.from(JSON.stringify(mark))))
  }

  #get<T>(table: 'ahead' | 'expected', name: string): T | undefined {
    const { cabinet, db } = this.#options
    const row = cabinet.lookup(table, name)
    const sealed = db.get(table, row)
    return sealed === undefined ? undefined : this.#read<T>(table, { row, sealed })
  }

  /** All rows first: what changes a table does not read it on. */
  #all<T>(table: 'expected' | 'note'): [Uint8Array, T][] {
    return [...this.#options.db.all(table)].map((each) => [each.row, this.#read<T>(table, each)])
  }

  #read<T>(table: 'ahead' | 'expected' | 'note', { row, sealed }: Row): T {
    return JSON.parse(this.#options.cabinet.open(table, row, sealed).toString()) as T
  }
}
