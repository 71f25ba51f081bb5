/**
 * Ahead of time: a practice works through an outage with what was released to it before. So the answer rests on a disk
 * until then, and nobody is asked again: whoever steals an account would carry off tomorrow's patients today. Hence for
 * care alone, to a person's own device, for patients whom somebody else scheduled or admitted, for hours, and counted
 * like any other opening.
 */
import { type Access, equalBytes, type Fact, type Grant, type PrincipalKeys } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import type { ReleaseRequest } from '@scelle/wire/messages'
import { TRUSTEE_LIMITS } from '../limits.ts'

interface Asked {
  readonly access: Access
  readonly request: Pick<ReleaseRequest, 'ticket'>
  readonly reader: PrincipalKeys
  readonly grants: readonly Grant[]
  /** Seconds. */
  readonly now: number
}

const TIMES: Readonly<Record<string, number>> = TRUSTEE_LIMITS.aheadTimes
const LONGEST = Math.max(...Object.values(TIMES))

export const refuseAhead = (what: string): never => {
  throw new Problem('ahead-refused', what)
}

/** Throws `ahead-refused` where an access made ahead is none that may be; whether a fact carries it comes after. */
export const requireAhead = ({ access, request, reader, grants, now }: Asked): void => {
  const { until } = access
  if (until === undefined) return
  const holds: [boolean, string][] = [
    [until > now && until <= now + LONGEST, 'It lasts until a time to come, 24 hours or 96 from now at most.'],
    [reader.kind === 'person', 'Ahead of time opens one person, on its own device.'],
    [access.purpose === 'treatment', 'Ahead of time opens for care alone.'],
    [!grants.some(({ basis }) => basis === 'vital-interest' || basis === 'legal-duty'),
      'Neither an emergency nor a keeper\'s duty is known a day ahead.'],
    [request.ticket === undefined && grants.every(({ ticket }) => ticket === undefined),
      'A vendor opens while its ticket is valid, and not ahead.'],
    // Another key would be one that rests beside the answer, and whoever takes the disk would have both.
    [equalBytes(access.oneTimeKey, reader.current.sealingKey), 'It is sealed to the reader\'s own sealing key.'],
  ]
  const broken = holds.find(([holding]) => !holding)
  if (broken !== undefined) refuseAhead(broken[1])
}

/**
 * Whether a fact carries a release that lasts until then: it begins within a day and before that is over. Of an
 * admission it ends 96 hours after that began, however often it is renewed.
 */
export const reachesAhead = ({ type, notBefore }: Fact, until: number, now: number): boolean => {
  const time = TIMES[type]
  return time !== undefined && until <= now + time && notBefore <= Math.min(until, now + TRUSTEE_LIMITS.factAhead) &&
    (type !== 'admission' || until <= notBefore + time)
}
