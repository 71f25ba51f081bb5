/** The way of writes to the index, and what holds the index to its word about them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Client, Timers } from '@scelle/sdk'
import type { Cabinet } from '../store/cabinet.ts'
import { Confirmer } from './confirmer.ts'
import { Kept } from './kept.ts'
import { Outbox } from './outbox.ts'
import { Returner } from './returner.ts'
import { Submitter, type SubmitterOptions } from './submitter.ts'

export interface WritesParts extends Omit<SubmitterOptions, 'client' | 'outbox' | 'acknowledged'> {
  readonly client: Client
  readonly cabinet: Cabinet
  readonly timers: Timers
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  /** Folder of the sealed directory. Evidence goes beside it: the index's signed words, and nothing of any record. */
  readonly data: string
}

export interface Writes {
  readonly submitter: Submitter
  readonly confirmer: Confirmer
  readonly returner: Returner
}

export const assembleWrites = (parts: WritesParts): Writes => {
  const { client, db, cabinet, timers, now, random, log, data } = parts
  const kept = new Kept(db, cabinet, now)
  const confirmer = new Confirmer({
    kept, client: client.log, timers, now, log,
    evidence: (code, file) => writeFileSync(join(data, `${code}.evidence`), file, { mode: 0o600 }),
  })
  const outbox = new Outbox(db, cabinet, random, kept)
  const submitter = new Submitter({ ...parts, outbox, acknowledged: () => confirmer.wake() })
  return { submitter, confirmer, returner: new Returner({ client, kept, log }) }
}
