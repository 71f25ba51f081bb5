import type { Finding } from './outcomes.ts'

/** The state of one validation. `path` is kept as parts: most resources never need it as text. */
export interface Walk {
  findings: Finding[]
  path: (string | number)[]
  /** Resources around the current value: `%rootResource` first, `%resource` last. */
  resources: Record<string, unknown>[]
}
