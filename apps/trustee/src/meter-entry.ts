/** The meter by itself, for drills: what decides in production, without keys, signatures or network. */
export { Database } from './database.ts'
export {
  type Budget, BUDGETS, each, EVERYONE, type Measure, MEASURES, PERSON_TOTALS, personBudget, type PersonTotals,
  type Window, WINDOWS,
} from './meter/budgets.ts'
export { DECOY_SCHEMA } from './meter/decoys.ts'
export { EMERGENCY_SCHEMA } from './meter/emergencies.ts'
export { explanationTo, type Source } from './meter/facts.ts'
export { Ledger, type LedgerLike, METER_SCHEMA } from './meter/ledger.ts'
export { LOCK_SCHEMA } from './meter/locks.ts'
export { type Charge, measuresOf, Meter, type Verdict } from './meter/meter.ts'
export { SPENT_SCHEMA } from './meter/spent.ts'
export type { Metered, Standing } from './meter/standing.ts'
