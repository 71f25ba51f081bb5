/** The world of a command: handed in by `main.ts`, replaced in tests. */
import type { Home } from './home.ts'
import type { Language } from './messages.ts'
import type { Terminal } from './progress.ts'

export interface Io {
  readonly home: Home
  readonly language: Language
  /** `DATABASE_URL` of the environment: where an index keeps what its data directory does not hold. */
  readonly database?: string | undefined
  /** Answers for people and pipes. */
  readonly out: (line: string) => void
  /** Progress and complaints. */
  readonly terminal: Terminal
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  readonly sleep: (ms: number) => Promise<void>
  /** Resolves when the person or the system asks to stop. */
  readonly stopped: AbortSignal
}
