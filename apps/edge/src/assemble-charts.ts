/** Sessions, and the charts that are open in them: what ends with one ends in all of these. */
import { aboutOf } from './access-log/facts.ts'
import { type ChartLimits, Charts, type ChartsOptions } from './charts.ts'
import { EDGE_LIMITS } from './limits.ts'
import type { EdgeOptions } from './options.ts'
import { type SessionLimits, Sessions } from './sessions.ts'
import type { Staff } from './staff/staff.ts'

const CHART_LIMITS: ChartLimits = {
  open: EDGE_LIMITS.openCharts,
  perSession: EDGE_LIMITS.sessionCharts,
  bytes: EDGE_LIMITS.chartBytes,
  idle: EDGE_LIMITS.chartIdle,
  absolute: EDGE_LIMITS.chartAbsolute,
  refresh: EDGE_LIMITS.chartRefresh,
}

const sessionLimits = ({ staff, sessions }: Pick<EdgeOptions, 'staff' | 'sessions'>): SessionLimits => ({
  idle: staff === undefined ? EDGE_LIMITS.sessionIdle : EDGE_LIMITS.personIdle,
  absolute: EDGE_LIMITS.sessionAbsolute,
  perApplication: EDGE_LIMITS.sessionsPerApplication,
  ...sessions,
})

/** Who a session is of: the person who logged in, or the name that the application signs. */
const personIn = (
  whose: ReturnType<Sessions['whose']>, member: { readonly name: string } | undefined,
): ReturnType<Sessions['whose']> =>
  (whose === undefined || member === undefined ? whose : { ...whose, name: member.name })

export interface ChartParts extends Pick<ChartsOptions, 'directory' | 'self' | 'log' | 'learned'> {
  readonly options: Pick<EdgeOptions, 'charts' | 'sessions' | 'staff' | 'organisation' | 'now' | 'random'>
  readonly staff: Staff
}

export const assembleCharts = ({ options, staff, directory, self, log, learned }: ChartParts): {
  readonly about: ReturnType<typeof aboutOf>
  readonly charts: Charts
  /** Access logs, apart from the charts: they are opened by name. */
  readonly accessLogs: Charts
  readonly sessions: Sessions
} => {
  const { now, random } = options
  const whose = (session: string): ReturnType<Sessions['whose']> =>
    personIn(sessions.whose(session), staff.of(session))
  const about = aboutOf(options.organisation.name, whose, directory)
  const isLive = (session: string): boolean => sessions.isLive(session)
  const limits = { ...CHART_LIMITS, ...options.charts }
  const common = { opener: staff.opener, directory, limits, self, now, random, log, about, isLive }
  const charts = new Charts({ ...common, learned })
  const accessLogs = new Charts({ ...common, learned: () => undefined, accessLogs: true })
  const sessions: Sessions = new Sessions({
    limits: sessionLimits(options), now, random,
    ended: (session) => {
      charts.closeSession(session)
      accessLogs.closeSession(session)
      staff.ended(session)
    },
  })
  return { about, charts, accessLogs, sessions }
}
