import { systemTimers, type Timers } from '@scelle/sdk'
import { EDGE_LIMITS } from './limits.ts'
import { faultFields, type Log } from './log.ts'
import type { Parts } from './parts.ts'

/** Closes idle charts, looks for grants, keeps the sdk's memory; the answer ends it. */
export const housekeeping = (parts: Parts, options: { readonly timers?: Timers }, log: Log): (() => void) => {
  const timers = options.timers ?? systemTimers
  const every = (interval: number, work: () => void): (() => void) => {
    let cancel = (): void => undefined
    const arm = (): void => {
      cancel = timers.after(interval, () => {
        arm()
        // A full disk is told to those who write: it ends neither the process nor the sweeping of charts.
        Promise.resolve().then(work).catch((error: unknown) => log('housekeeping-failed', faultFields(error)))
      })
    }
    arm()
    return () => cancel()
  }
  const ends = [
    every(EDGE_LIMITS.sweepInterval, () => {
      parts.sessions.sweep()
      parts.charts.sweep()
      parts.accessLogs.sweep()
      parts.ahead.sweep()
      void parts.register.move()
      parts.exportJobs.sweep()
      parts.binaries.uploads.sweep().catch((error: unknown) => log('uploads-not-swept', faultFields(error)))
      if (parts.state.waiting) parts.db.write(false, () => parts.state.flush())
      parts.db.flush()
      parts.confirmer.sweep()
    }),
    every(EDGE_LIMITS.standingInterval, () => void parts.staff.sweep()),
    every(EDGE_LIMITS.aheadInterval, () => void parts.ahead.look()),
    every(EDGE_LIMITS.returnInterval, () => void parts.returner.look()),
    every(EDGE_LIMITS.grantsInterval, () => {
      parts.grants.look().catch((error: unknown) => log('grants-not-read', faultFields(error)))
    }),
  ]
  return () => ends.forEach((end) => end())
}
