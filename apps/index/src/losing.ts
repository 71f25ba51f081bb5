/**
 * The end of a recovery that found not everything: which leaves stay without their statements, and giving those up once
 * all three trustees have signed that list. Run by the operator while the index is stopped; see `docs/decisions/0014`.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseCheckpoint, parseNote } from '@scelle/log'
import type { Identity } from '@scelle/seal/identity'
import {
  type Context, controlSubject, decode, encode, equalBytes, FORMAT_LIMITS, fromHex, KeyRecord, decodeSigned,
  statementId, Successor, SUITE, verifyKeyChain,
} from '@scelle/seal/verify'
import { logOrigin, LossAgreement, verifyLoss } from '@scelle/wire/log'
import type { TrusteeAddress } from './log/trustee.ts'
import { Restorer } from './log/restorer.ts'
import { type LostLeaves, RestoreRefused } from './lost-leaves.ts'
import { Registry } from './registry.ts'
import { openStorage, type Storage } from './storage.ts'
import type { Operation } from './store.ts'

export interface LosingOptions {
  readonly directory: string
  readonly identity: Identity
  readonly context: Context
}

/** What the operator asked for cannot be done as things stand. `message` says what to do. */
export class LosingError extends Error {
  override readonly name = 'LosingError'
}

type Opened = Storage & { readonly lost: LostLeaves }

const opened = (options: LosingOptions, directory = options.directory): Opened => {
  const storage = openStorage({ ...options, directory })
  return storage as Opened
}

const using = async <T>(storage: Opened, work: (storage: Opened) => Promise<T>): Promise<T> => {
  try {
    return await work(storage)
  } finally {
    await storage.store.close()
  }
}

/** The checkpoint that the index took over from its trustees: all entries up to it are here. */
const requireEntries = async ({ store, lost }: Opened): Promise<{ size: number; root: Uint8Array }> => {
  const { from, to } = await lost.range()
  if (from === to) throw new LosingError('Nothing is missing: start the index.')
  const checkpoint = await store.log.checkpoint()
  if (checkpoint === undefined || checkpoint.size !== to) {
    throw new LosingError('The index has not fetched all entries from its trustees: start it, and wait for that.')
  }
  return parseCheckpoint(parseNote(checkpoint.note).text)
}

/** Applies what can be applied. At leaves where it cannot go on, `stuck` decides. */
const applyRest = async (
  { store, lost }: Opened, stuck: (leaves: readonly number[]) => Promise<void>,
): Promise<void> => {
  const restorer = new Restorer(lost, new Registry(store))
  for (let { from, to } = await lost.range(); from < to; { from, to } = await lost.range()) {
    await restorer.advance().catch((error: unknown) => {
      if (!(error instanceof RestoreRefused)) throw error
    })
    if ((await lost.range()).from > from) continue
    const [first] = (await lost.missing(1)).ranges
    const end = first?.from === from ? first.to : from + 1
    await stuck(Array.from({ length: end - from }, (_, i) => from + i))
  }
}

/**
 * Which leaves stay without their statements: those that nobody brought back, and those that cannot be applied without
 * them. Tried on a copy, so that nothing is decided yet. Answers the body that the trustees are to sign.
 */
export const listLost = async (options: LosingOptions): Promise<{ body: Uint8Array; missing: readonly number[] }> => {
  const checkpoint = await using(opened(options), requireEntries)
  const copy = mkdtempSync(join(options.directory, 'trial-'))
  try {
    for (const name of ['index.sqlite', 'log.sqlite', 'cursor.key']) {
      cpSync(join(options.directory, name), join(copy, name))
    }
    const missing: number[] = []
    await using(opened(options, copy), (trial) => applyRest(trial, async (leaves) => {
      missing.push(...leaves)
      await trial.lost.giveUp(leaves)
    }))
    if (missing.length > FORMAT_LIMITS.missing) {
      throw new LosingError(`${missing.length} leaves would be lost, more than a list holds: find more of them first.`)
    }
    const origin = logOrigin(options.identity.id)
    const { size, root } = checkpoint
    return {
      missing,
      body: encode(Successor, {
        suite: SUITE, index: options.identity.id, ended: origin, size, root, successor: origin, kept: size, missing,
        time: Math.floor(options.context.now() / 1000),
      }),
    }
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

/** Key records of the trustee that are not stored, so that its statement has a signer here; then the statement. */
const operationsOf = async (
  { statement, keys }: LossAgreement, { store }: Opened, index: Uint8Array,
): Promise<Operation[]> => {
  const { id } = await verifyKeyChain(keys)
  const stored = await store.keyCount(id)
  const of = (bytes: Uint8Array) => ({ id: statementId(bytes), bytes, subject: controlSubject(bytes) })
  return [
    ...keys.slice(stored).map((bytes): Operation => ({
      kind: 'key-record', statement: of(bytes), principal: id,
      version: decode(KeyRecord, decodeSigned('key-record', bytes).body).version,
    })),
    { kind: 'loss', statement: of(statement), vault: index },
  ]
}

/**
 * Gives up the leaves that all three trustees signed, applies what came after them, and puts the three statements on
 * record. Goes on where it was interrupted. Throws LosingError, SealError.
 */
export const giveUpLost = async (
  options: LosingOptions & { readonly trustees: readonly TrusteeAddress[] }, files: readonly Uint8Array[],
): Promise<{ missing: readonly number[] }> => {
  const agreements = files.map((file) => decode(LossAgreement, file))
  const trustees = options.trustees.map(({ id }) => fromHex(id) as Uint8Array)
  const { missing, size, root } = await verifyLoss(agreements, { index: options.identity.id, trustees })
  await using(opened(options), async (storage) => {
    const before = new Set(await storage.lost.givenUp())
    if (!missing.every((leaf) => before.has(leaf))) {
      const checkpoint = await requireEntries(storage)
      if (checkpoint.size !== size || !equalBytes(checkpoint.root, root)) {
        throw new LosingError('The trustees signed a list of another tree than the one that this index has.')
      }
      await storage.lost.giveUp(missing.filter((leaf) => !before.has(leaf)))
    }
    await applyRest(storage, async ([leaf]) => {
      throw new LosingError(`Leaf ${leaf} cannot be applied, and nobody agreed to give it up: list what is lost anew.`)
    })
    for (const agreement of agreements) {
      const outcomes = await storage.store.apply(await operationsOf(agreement, storage, options.identity.id))
      if (outcomes.some((outcome) => 'problem' in outcome)) {
        throw new LosingError('A trustee\'s statement could not be put on record.')
      }
    }
  })
  return { missing }
}
