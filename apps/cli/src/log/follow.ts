/** One look with all that belongs to it: memory read and written, entries read, labels watched, evidence kept. */
import { LogError } from '@scelle/log'
import { checkEvidence, EvidenceError } from '@scelle/wire/evidence'
import type { Io } from '../io.ts'
import { MESSAGES } from '../messages.ts'
import { type Finding, type Look, look } from './look.ts'
import { keepEvidence, type LogMemory, readMemory, writeMemory } from './memory.ts'
import { partiesOf, type Pins } from './parties.ts'
import { type LabelledLeaf, scan } from './scan.ts'
import { type ReadLog, SourceError } from './source.ts'
import { LOG_STATUSES } from './statuses.ts'
import { notOwn, type PlacesOf, type Watched } from './watch.ts'

export interface FollowOptions {
  readonly read: ReadLog
  readonly pins: Pins
  /** Seconds. */
  readonly maxAge: number
  readonly watched: readonly Watched[]
  readonly places: PlacesOf
  /** Takes the leaves told of before as known: whoever asked has looked into them. */
  readonly accept: boolean
}

/** A finding whose evidence is in a file. */
export interface Told extends Omit<Finding, 'evidence'> {
  readonly evidence?: string
}

export interface Followed {
  readonly origin: string
  readonly size: number | undefined
  readonly final: Look['final']
  readonly findings: readonly Told[]
  readonly first: boolean
}

const EMPTY: LabelMemory = { known: {}, unknown: {} }

type LabelMemory = Pick<LogMemory, 'known' | 'unknown'>

const merge = (before: readonly number[] | undefined, leaves: readonly number[]): number[] =>
  [...new Set([...before ?? [], ...leaves])].toSorted((a, b) => a - b)

/** What is told of each watched principal, and what is remembered of it. */
const lookAtLabels = async (
  options: FollowOptions, memory: LabelMemory, leaves: readonly LabelledLeaf[],
): Promise<{ findings: Finding[]; labels: LabelMemory }> => {
  const labels = { known: { ...memory.known }, unknown: { ...memory.unknown } }
  const findings: Finding[] = []
  for (const watched of options.watched) {
    const { label, id, identity } = watched
    const first = labels.known[label] === undefined
    const mine = leaves.filter((leaf) => leaf.label === label)
    const strange = (await notOwn(watched, mine, options.places)).map(({ leaf }) => leaf)
    const explained = mine.map(({ leaf }) => leaf).filter((leaf) => !strange.includes(leaf))
    // Of somebody else only what comes can be told: what was there at the first look is what it is compared with.
    const taken = (first && identity === undefined) ? strange : []
    const open = merge(labels.unknown[label], strange.filter((leaf) => !taken.includes(leaf)))
    labels.known[label] = merge(labels.known[label], [...explained, ...taken, ...(options.accept ? open : [])])
    labels.unknown[label] = open.filter((leaf) => !(labels.known[label] ?? []).includes(leaf))
    findings.push(...labels.unknown[label].map((leaf): Finding => ({ status: 'key-changed', party: id, leaf })))
  }
  return { findings, labels }
}

const readEntries = async (
  io: Io, options: FollowOptions, memory: LogMemory | undefined, tree: NonNullable<Look['checkpoint']>,
): Promise<{ leaves: LabelledLeaf[]; findings: Finding[] }> => {
  // Somebody who was not watched before has leaves that were read without looking for them.
  const known = options.watched.every(({ label }) => memory?.known[label] !== undefined)
  const from = known ? (memory?.scanned ?? 0) : 0
  const started = io.now()
  let count = 0
  try {
    const leaves = await scan({
      read: options.read, tree, from, labels: new Set(options.watched.map(({ label }) => label)),
      progress: (entries) => {
        count += entries
        if (io.terminal.isTTY && io.now() - started > 1_000) {
          io.terminal.write(`\r\u001b[K${MESSAGES[io.language].log.reading(from + count, tree.size)}`)
        }
      },
    })
    return { leaves, findings: [] }
  } catch (error) {
    const status = error instanceof LogError ? 'not-valid' : 'unreachable'
    if (!(error instanceof LogError || error instanceof SourceError)) throw error
    return { leaves: [], findings: [{ status, detail: error.message }] }
  } finally {
    if (io.terminal.isTTY && io.now() - started > 1_000) io.terminal.write('\r\u001b[K')
  }
}

/** Evidence that others would not take is not kept either: an old checkpoint is an alarm, and may be no proven lie. */
const holds = (evidence: Uint8Array, pins: Pins): Promise<boolean> =>
  checkEvidence(evidence, { trustees: pins.trustees.map(({ id }) => Buffer.from(id, 'hex')) }).then(
    () => true,
    (error: unknown) => {
      if (error instanceof EvidenceError) return false
      throw error
    },
  )

const keep = async (io: Io, pins: Pins, findings: readonly Finding[]): Promise<Told[]> => {
  const told: Told[] = []
  for (const { evidence, ...finding } of findings) {
    const kept = evidence !== undefined && await holds(evidence, pins)
    told.push(kept ? { ...finding, evidence: await keepEvidence(io.home, evidence) } : finding)
  }
  return told
}

const isAlarm = ({ status }: Finding): boolean => LOG_STATUSES[status] === 'alarm'

/** Looks once. What does not hold is a finding; nothing that raised an alarm is remembered as good. */
export const follow = async (io: Io, options: FollowOptions): Promise<Followed> => {
  const { pins, read } = options
  const memory = await readMemory(io.home, pins.index)
  const unread = (error: unknown): Followed => {
    if (!(error instanceof SourceError)) throw error
    const findings: Told[] = [{ status: 'unreachable', detail: error.message }]
    return { origin: pins.index, size: undefined, final: undefined, findings, first: memory === undefined }
  }
  const parties = await partiesOf(pins, read, memory).catch(unread)
  if ('findings' in parties) return parties
  const now = Math.floor(io.now() / 1000)
  const seen = await look({ read, pins, parties, memory, now, maxAge: options.maxAge })
  const { checkpoint, note, origin, final } = seen
  const findings = [...seen.findings]
  if (checkpoint !== undefined && note !== undefined && !findings.some(isAlarm)) {
    const entries = await readEntries(io, options, memory, checkpoint)
    findings.push(...entries.findings)
    const whole = entries.findings.length === 0
    const about = await lookAtLabels(options, memory ?? EMPTY, entries.leaves)
    findings.push(...about.findings)
    await writeMemory(io.home, pins.index, {
      size: checkpoint.size, root: checkpoint.root, note,
      final: final ?? memory?.final,
      scanned: whole ? checkpoint.size : (memory?.scanned ?? 0),
      keys: { ...memory?.keys, ...parties.chains },
      ...(whole ? about.labels : { known: memory?.known ?? {}, unknown: memory?.unknown ?? {} }),
    })
  }
  const told = await keep(io, pins, findings)
  return { origin, size: checkpoint?.size, final, findings: told, first: memory === undefined }
}
