/** What an edge is told of applications that sign in by SMART App Launch. */
import type { SmartApplication } from './applications.ts'

export interface SmartOptions {
  readonly applications: readonly SmartApplication[]
}
