/** What an edge is told of applications that sign in by SMART App Launch. */
import type { SignIn } from '../passkeys/sign-in.ts'
import type { Sessions } from '../sessions.ts'
import type { Staff } from '../staff/staff.ts'
import type { SmartApplication } from './applications.ts'

export interface SmartOptions {
  readonly applications: readonly SmartApplication[]
  /** How people sign in, in place of the passkey page: for tests of what is around it. */
  readonly signIn?: (house: { readonly sessions: Sessions; readonly staff: Staff }) => Pick<SignIn, 'begin' | 'finish'>
}
