/** `scelle monitor`: follows a log and raises the alarm. Lines of JSON for machines, sentences for people. */
import { CommandError } from '../errors.ts'
import type { Io } from '../io.ts'
import { MESSAGES } from '../messages.ts'
import { follow, type Followed, type FollowOptions } from './follow.ts'
import { pinsFrom } from './parties.ts'
import { isAddress, logSource } from './source.ts'
import { LOG_STATUSES, SEVERITIES, type Severity } from './statuses.ts'
import { placesAt, watchedIn } from './watch.ts'

export interface LogOptions {
  /** Address or folder; this home's own index where absent. */
  readonly where: string | undefined
  /** Ids in hex, `ID` or `ID@URL`. */
  readonly index: string | undefined
  readonly trustees: readonly string[] | undefined
  readonly watch: readonly string[]
  readonly accept: boolean
  /** Seconds. */
  readonly maxAge: number
  readonly json: boolean
}

export interface MonitorOptions extends LogOptions {
  readonly once: boolean
  /** Milliseconds between two looks. */
  readonly every: number
}

export const followOptions = async (io: Io, options: LogOptions): Promise<FollowOptions & { where: string }> => {
  const pins = await pinsFrom(io, options)
  const where = options.where ?? pins.where
  if (where === undefined) throw new CommandError('usage', MESSAGES[io.language].log.needWhere)
  return {
    where, pins, read: logSource(where), maxAge: options.maxAge, accept: options.accept,
    watched: await watchedIn(io, options.watch),
    places: isAddress(where) ? placesAt(where.replace(/\/+$/, ''), io) : async () => [],
  }
}

const worst = (severities: readonly Severity[]): Severity =>
  (['alarm', 'silent', 'partly'] as const).find((severity) => severities.includes(severity)) ?? 'good'

/** The status of a look: that of the worst that it found. */
export const severityOf = ({ findings }: Pick<Followed, 'findings'>): Severity =>
  worst(findings.map(({ status }) => LOG_STATUSES[status]))

const jsonLines = (io: Io, { origin, size, final, findings }: Followed): string[] => {
  const about = {
    time: new Date(io.now()).toISOString(), log: origin, ...(size === undefined ? {} : { size }),
    ...(final === undefined ? {} : { final: final.size, finalAt: new Date(final.time * 1000).toISOString() }),
  }
  return (findings.length === 0 ? [{ status: 'good' as const }] : findings).map((finding) =>
    JSON.stringify({ ...about, severity: LOG_STATUSES[finding.status], ...finding }))
}

const sentences = (io: Io, { size, final, findings, first }: Followed): string[] => {
  const { log } = MESSAGES[io.language]
  const good = findings.length === 0 && size !== undefined && final !== undefined
    ? [log.good(size, final.size, Math.max(0, Math.floor(io.now() / 1000) - final.time))] : []
  return [
    ...good,
    ...(first && good.length > 0 ? [log.firstLook] : []),
    ...findings.flatMap((finding) => [
      log.found[finding.status](finding),
      ...(finding.evidence === undefined ? [] : [log.evidenceIn(finding.evidence)]),
    ]),
  ]
}

export const report = (io: Io, followed: Followed, json: boolean): void => {
  for (const line of json ? jsonLines(io, followed) : sentences(io, followed)) io.out(line)
}

/** Follows until it is told to stop. Exit status: the worst that was found. */
export const monitor = async (io: Io, options: MonitorOptions): Promise<number> => {
  const { where, ...to } = await followOptions(io, options)
  if (!options.json) io.out(MESSAGES[io.language].log.watching(where, to.watched.length))
  const seen: Severity[] = []
  let before = ''
  for (;;) {
    const followed = await follow(io, to)
    seen.push(severityOf(followed))
    // People are told what changed; machines get a line each time.
    const said = followed.findings.map(({ status, party, leaf }) => `${status}/${party}/${leaf}`).join(' ')
    if (options.json || seen.length === 1 || said !== before) report(io, followed, options.json)
    before = said
    if (options.once || io.stopped.aborted) break
    await io.sleep(options.every)
    if (isStopped(io)) break
  }
  return SEVERITIES[worst(seen)]
}

/** A call of its own: the compiler would take what it was before the pause for what it is after. */
const isStopped = (io: Io): boolean => io.stopped.aborted
