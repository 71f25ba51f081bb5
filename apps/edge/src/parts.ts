import type { Register } from './access-log/register.ts'
import type { Binaries } from './attachments/assemble.ts'
import type { Charts } from './charts.ts'
import type { Exports } from './exports/exports.ts'
import type { ExportJobs } from './exports/jobs.ts'
import type { Grants } from './grants.ts'
import type { Persons } from './persons.ts'
import type { Proofs } from './proofs.ts'
import type { FhirRoutes } from './router.ts'
import type { AroundSignIn } from './smart/around-sign-in.ts'
import type { Sessions } from './sessions.ts'
import type { Ahead } from './staff/ahead.ts'
import type { SignIn } from './passkeys/sign-in.ts'
import type { Staff } from './staff/staff.ts'
import type { Counters } from './standing/counter.ts'
import type { Database } from './store/database.ts'
import type { Directory } from './store/directory.ts'
import type { SealedState } from './store/state.ts'
import type { VaultShelf } from './vaults.ts'
import type { Confirmer } from './writes/confirmer.ts'
import type { Returner } from './writes/returner.ts'
import type { Submitter } from './writes/submitter.ts'

/** The parts of a running edge, before it has a door. */
export interface Parts extends AroundSignIn {
  readonly counters: Counters
  readonly staff: Staff
  readonly signIn: SignIn
  readonly ahead: Ahead
  readonly db: Database
  readonly register: Register
  readonly state: SealedState
  readonly directory: Directory
  readonly vaults: VaultShelf
  readonly charts: Charts
  readonly accessLogs: Charts
  readonly sessions: Sessions
  readonly persons: Persons
  readonly grants: Grants
  readonly submitter: Submitter
  readonly confirmer: Confirmer
  readonly returner: Returner
  readonly routes: FhirRoutes
  readonly binaries: Binaries
  readonly exports: Exports
  readonly exportJobs: ExportJobs
  readonly proofs: Proofs
}
