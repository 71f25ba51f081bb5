/** From a keyring to an opened chart, by trustees or by what they released before. */
import { Chart, type ChartTimes } from './chart.ts'
import type { Committer, WriteTarget } from './committer.ts'
import type { Connection } from './connection.ts'
import { EntryWriter } from './entries.ts'
import type { AccessAbout } from './entry-text.ts'
import { SdkError } from './errors.ts'
import { Feed } from './feed.ts'
import type { Id } from './ids.ts'
import { defaultPurpose, type Keyring, type Purpose, readableFor, visibleIn } from './keyring.ts'
import { SDK_LIMITS } from './limits.ts'
import type { Releaser } from './opening.ts'
import { choose, within } from './reach.ts'
import type { VaultView } from './vault-view.ts'

export interface PartOptions {
  /** Whose part of the vault; one's own, or the only one granted, where absent. */
  readonly custodian?: Id
}

export interface OpenOptions extends PartOptions, Partial<ChartTimes> {
  /** Codes; everything that may be read where absent, but for the access log, which is opened by its name. */
  readonly categories?: readonly string[]
  /** Why: it goes into the access, which is on record. Treatment where a grant allows that and nothing is said. */
  readonly purpose?: Purpose
  /** On whose behalf: sealed into the part's access log, for the patient to read. */
  readonly about?: AccessAbout
  readonly signal?: AbortSignal
}

/** How it is opened, where that is not by this connection's trustees, now. */
export interface OpeningWays {
  readonly releaser?: Releaser
  /** By which entries are written. */
  readonly writing?: Connection
}

/** What is opened, of which vault, by whom. */
export interface OpeningPart {
  readonly connection: Connection
  readonly committer: Committer
  readonly view: VaultView
  readonly keyring: Keyring
  /** View and keyring, asked anew of the index where `again`. */
  readonly target: (again: boolean) => Promise<WriteTarget>
  readonly mayWrite: (author: Uint8Array, category: Uint8Array) => boolean
}

export const openChart = async (part: OpeningPart, options: OpenOptions, ways: OpeningWays): Promise<Chart> => {
  const { connection, committer, view, keyring, target, mayWrite } = part
  const purpose = options.purpose ?? defaultPurpose(keyring)
  const { chosen, reach } = choose(keyring, readableFor(keyring, purpose), options.categories)
  if (chosen.size === 0)
    throw new SdkError('no-grant', 'nothing gives this principal the right to read here for this purpose')
  const startFeed = (current: Keyring): Promise<Feed> => {
    const visible = within(visibleIn(current), current, reach)
    return Feed.start(connection, view.vault, current.part, visible, current.own, reach)
  }
  const entries = new EntryWriter({
    connection: ways.writing ?? connection, committer, about: options.about ?? {}, target,
  })
  const chart = new Chart(
    connection,
    {
      view, keyring, feed: await startFeed(keyring), purpose, entries, room: { left: SDK_LIMITS.chartBytes },
      releaser: ways.releaser,
    },
    chosen,
    options,
    { renew: () => target(true), startFeed, mayWrite },
  )
  try {
    await chart.refresh(options.signal)
    return chart
  } catch (error) {
    chart.close()
    throw error
  }
}
