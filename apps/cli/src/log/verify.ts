/** `scelle verify`: the log since last time, or one file: a receipt, or evidence. */
import { readFile } from 'node:fs/promises'
import { LogError } from '@scelle/log'
import { auditDirectory, AuditFault } from '@scelle/index'
import { importIdentity } from '@scelle/seal/identity'
import { Access, decode, equalBytes, type PrincipalKeys, SealError, toHex } from '@scelle/seal/verify'
import { checkEvidence, EvidenceError } from '@scelle/wire/evidence'
import { logPolicy, QUORUM } from '@scelle/wire/log'
import { verifyProven } from '@scelle/wire/proven'
import { CommandError } from '../errors.ts'
import type { Io } from '../io.ts'
import { MESSAGES } from '../messages.ts'
import { follow, type Told } from './follow.ts'
import { rootAt } from './look.ts'
import { type LogMemory, readMemory } from './memory.ts'
import { followOptions, type LogOptions, report, severityOf } from './monitor.ts'
import { partiesOf, pinsFrom } from './parties.ts'
import { logSource, type ReadLog, SourceError } from './source.ts'
import { LOG_STATUSES, SEVERITIES } from './statuses.ts'

export const readGiven = async (io: Io, path: string): Promise<Uint8Array> => {
  try {
    return new Uint8Array(await readFile(path))
  } catch (cause) {
    throw new CommandError('usage', MESSAGES[io.language].unknownOption(path), { cause })
  }
}

/** Says one thing, and ends with its status. */
export const tell = (io: Io, json: boolean, finding: Told & Record<string, unknown>, ...lines: string[]): number => {
  const severity = LOG_STATUSES[finding.status]
  if (json) io.out(JSON.stringify({ severity, ...finding }))
  else {
    const said = finding.status === 'good' ? [] : [MESSAGES[io.language].log.found[finding.status](finding)]
    for (const line of [...said, ...lines]) io.out(line)
  }
  return SEVERITIES[severity]
}

const indexKeys = async (io: Io, options: LogOptions): Promise<PrincipalKeys> => {
  const pins = await pinsFrom(io, options)
  const own = await io.home.read('index', 'identity')
  const identity = own === undefined ? undefined : await importIdentity(own)
  if (identity !== undefined && toHex(identity.id) === pins.index) return identity.keys
  const where = options.where ?? pins.where
  const read: ReadLog = where === undefined ? async () => undefined : logSource(where)
  return (await partiesOf(pins, read, await readMemory(io.home, pins.index))).index
}

const PROGRESS_AFTER = 1_000

/** Everything that an index stores, derived anew from what was signed; beside it, while it runs. */
export const verifyDeep = async (io: Io, directory: string, options: LogOptions): Promise<number> => {
  const { log } = MESSAGES[io.language]
  const started = io.now()
  let drawn = started
  const progress = (step: 'statements' | 'vaults', done: number, total: number): void => {
    if (io.now() - started < PROGRESS_AFTER || io.now() - drawn < (io.terminal.isTTY ? 100 : 10_000)) return
    drawn = io.now()
    const line = log.deepProgress(step, done, total)
    io.terminal.write(io.terminal.isTTY ? `\r\u001b[K${line}` : `${line}\n`)
  }
  try {
    const audit = await auditDirectory(directory, { index: await indexKeys(io, options), progress }, io.database)
    if (audit === undefined) throw new CommandError('usage', log.nothingThere(directory))
    return tell(io, options.json, { status: 'good', ...audit },
      log.deepGood(audit.statements, audit.vaults, audit.records),
      log.deepNotices(audit.notices),
      ...(audit.lost > 0 ? [log.deepLost(audit.lost)] : []))
  } catch (error) {
    if (error instanceof SourceError) return tell(io, options.json, { status: 'unreachable', detail: error.message })
    if (!(error instanceof AuditFault)) throw error
    const { table, row, field } = error.place
    const detail = log.deepFinding(table, row, field, error.message)
    return tell(io, options.json, { status: 'not-stored', detail, table, row, field })
  } finally {
    if (io.terminal.isTTY && drawn > started) io.terminal.write('\r\u001b[K')
  }
}

export const verifyLog = async (io: Io, options: LogOptions): Promise<number> => {
  const followed = await follow(io, await followOptions(io, options))
  report(io, followed, options.json)
  return SEVERITIES[severityOf(followed)]
}

/** Offline: the file says all, but for the trustees whose clocks are believed. */
export const verifyEvidence = async (io: Io, path: string, options: LogOptions): Promise<number> => {
  const { log } = MESSAGES[io.language]
  const file = await readGiven(io, path)
  const pins = await pinsFrom(io, options).catch((error: unknown) => {
    if (error instanceof CommandError) return undefined
    throw error
  })
  const trustees = (pins?.trustees ?? []).map(({ id }) => Buffer.from(id, 'hex'))
  try {
    const verdict = await checkEvidence(file, { trustees })
    const id = toHex(verdict.liar.id)
    const pinned = pins === undefined || [pins.index, ...pins.trustees.map((trustee) => trustee.id)].includes(id)
    return tell(io, options.json, {
      status: 'lie-proven', detail: verdict.says, party: id, kind: verdict.kind, shows: verdict.shows, pinned,
      log: verdict.origin, restsOn: verdict.restsOn,
    }, log.liar(verdict.liar.role, id), ...(pinned ? [] : [log.notPinned]))
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error
    return tell(io, options.json, { status: 'evidence-refused', detail: error.message, code: error.code })
  }
}

/** Whether this tree is what the log began with, as it is remembered; undefined where its tiles cannot be read. */
const isOfHistory = async (
  tree: { size: number; root: Uint8Array }, memory: LogMemory | undefined, read: ReadLog,
): Promise<boolean | undefined> => {
  if (memory === undefined || tree.size > memory.size) return undefined
  const root = await rootAt(memory, tree.size, read).catch((error: unknown) => {
    if (error instanceof SourceError) return undefined
    throw error
  })
  return root === undefined ? undefined : equalBytes(root, tree.root)
}

/** A statement's proof: under a quorum's checkpoint, which must be of the history that this home knows. */
export const verifyReceiptFile = async (io: Io, path: string, options: LogOptions): Promise<number> => {
  const { log } = MESSAGES[io.language]
  const file = await readGiven(io, path)
  const to = await followOptions(io, options)
  const followed = await follow(io, to)
  if (severityOf(followed) === 'alarm') {
    report(io, followed, options.json)
    return SEVERITIES.alarm
  }
  const memory = await readMemory(io.home, to.pins.index)
  try {
    const { index, trustees } = await partiesOf(to.pins, to.read, memory)
    const proven = await verifyProven(file, logPolicy({ index, trustees, quorum: QUORUM.release }))
    const { size, cosigned } = proven.checkpoint
    if (await isOfHistory(proven.checkpoint, memory, to.read) === false) {
      return tell(io, options.json, { status: 'not-proven', detail: 'its checkpoint is of another history' })
    }
    const { record, kind, signer } = proven
    const access = kind === 'access' ? decode(Access, proven.body) : undefined
    return tell(io, options.json, {
      status: 'good', leaf: proven.leaf, size, kind, statement: proven.statement, signer,
      cosigned: [...cosigned.keys()],
      ...(record === undefined ? {} : { handle: toHex(record.handle), version: record.version }),
    },
    log.proven(kind, proven.leaf, size, cosigned.size),
    ...(record === undefined ? [] : [log.provenRecord(toHex(record.handle), record.version, record.time)]),
    ...(access === undefined ? [] : [log.provenAccess(toHex(access.reader), access.time, access.purpose)]),
    log.provenSigner(signer))
  } catch (error) {
    if (error instanceof SourceError) return tell(io, options.json, { status: 'unreachable', detail: error.message })
    if (!(error instanceof LogError || error instanceof SealError)) throw error
    return tell(io, options.json, { status: 'not-proven', detail: error.message })
  }
}
