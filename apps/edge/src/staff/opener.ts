import type { Chart, OpenOptions } from '@scelle/sdk'

/** What opens a vault for a session. */
export interface Opener {
  /** Hex ids of those whose categories these are. */
  readonly custodians: readonly string[]
  readonly open: (options: OpenOptions) => Promise<Chart>
}

export type OpenerFor = (session: string, vault: string) => Promise<Opener>
