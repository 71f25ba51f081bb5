/** What `verify` and `monitor` remember of a log, durably, so that being shown another one is noticed. */
import { createHash } from 'node:crypto'
import { fromBase64, toBase64 } from '@scelle/log'
import { fromHex, toHex } from '@scelle/seal/verify'
import type { Home } from '../home.ts'


export interface LogMemory {
  /** The newest tree that was verified. */
  readonly size: number
  readonly root: Uint8Array
  /** Its signed note, for evidence. */
  readonly note: Uint8Array
  /** Size and time (seconds since 1970 UTC) of the newest final checkpoint. */
  readonly final?: { readonly size: number; readonly time: number } | undefined
  /** Entries below this were read. */
  readonly scanned: number
  /** Key chains met, genesis first, by principal id in hex: a shorter one is not taken afterwards. */
  readonly keys: Readonly<Record<string, readonly Uint8Array[]>>
  /** Leaves by the label (hex) of a watched principal: those that are its own, and those that nobody explained. */
  readonly known: Readonly<Record<string, readonly number[]>>
  readonly unknown: Readonly<Record<string, readonly number[]>>
}

interface Stored {
  readonly version: 1
  readonly size: number
  readonly root: string
  readonly note: string
  readonly final?: { readonly size: number; readonly time: number }
  readonly scanned: number
  readonly keys: Record<string, string[]>
  readonly known: Record<string, readonly number[]>
  readonly unknown: Record<string, readonly number[]>
}

const decode = (text: string): Uint8Array => fromBase64(text, 'note-malformed')

export const readMemory = async (home: Home, index: string): Promise<LogMemory | undefined> => {
  const stored = await home.readJson<Stored>('log', `${index}.json`)
  if (stored === undefined) return undefined
  return {
    size: stored.size,
    root: fromHex(stored.root) ?? new Uint8Array(0),
    note: decode(stored.note),
    final: stored.final,
    scanned: stored.scanned,
    keys: Object.fromEntries(Object.entries(stored.keys).map(([id, chain]) => [id, chain.map(decode)])),
    known: stored.known,
    unknown: stored.unknown,
  }
}

export const writeMemory = async (home: Home, index: string, memory: LogMemory): Promise<void> => {
  const stored: Stored = {
    version: 1,
    size: memory.size,
    root: toHex(memory.root),
    note: toBase64(memory.note),
    ...(memory.final === undefined ? {} : { final: memory.final }),
    scanned: memory.scanned,
    keys: Object.fromEntries(Object.entries(memory.keys).map(([id, chain]) => [id, chain.map(toBase64)])),
    known: memory.known,
    unknown: memory.unknown,
  }
  await home.write(`${JSON.stringify(stored, null, 1)}\n`, 'log', `${index}.json`)
}

/** Keeps a file of evidence under its own digest, and tells where. */
export const keepEvidence = (home: Home, file: Uint8Array): Promise<string> =>
  home.write(file, 'log', 'evidence', `${createHash('sha256').update(file).digest('hex').slice(0, 16)}.evidence`)
