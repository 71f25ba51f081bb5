/** What the attack tests share: a vault with writers and readers, and an index that lies about chosen messages. */
import { type Client, handleOf, type Vault } from '@scelle/sdk'
import { type Codec, decode, encode, merkleSiblings } from '@scelle/seal/verify'
import { CommitHistory, type CommitSubmission, Feed, type FeedCommit } from '@scelle/wire/messages'
import { type Constellation, createConstellation, type NetworkRequest } from '../src/constellation.ts'
import { provenAnew } from './proofs.ts'

export const CATEGORIES = [
  { code: 'summary', strict: false },
  { code: 'notes', strict: true },
]
export const HOUR = 3_600_000
export const DAY = 24 * HOUR

export const handle = (name: string): Uint8Array => handleOf(new Uint8Array(32), 'Observation', name)

export const item = (name: string, version = 1, category = 'summary') => ({
  category,
  handle: handle(name),
  version,
  content: JSON.stringify({ resourceType: 'Observation', id: name, version }),
})

export const namesOf = (records: Iterable<{ content: Uint8Array }>): string[] =>
  [...records].map(({ content }) => (JSON.parse(new TextDecoder().decode(content)) as { id: string }).id).toSorted()

export interface Scene {
  readonly world: Constellation
  readonly hospital: Client
  readonly vault: Vault
}

/** A hospital with one vault in its custody. */
export const createScene = async (seed: string): Promise<Scene> => {
  const world = await createConstellation({ seed })
  const hospital = await world.client('organisation')
  return { world, hospital, vault: await hospital.createVault({ mode: 'custody', categories: CATEGORIES }) }
}

/** The index lies from now on: answers to matching requests are changed. The answer ends it. */
export const lie = <T>(
  world: Constellation,
  target: RegExp,
  codec: Codec<T>,
  change: (value: T) => T,
): (() => void) =>
  world.network.add({
    host: world.index.host,
    target,
    effect: {
      kind: 'tamper',
      change: (answer) =>
        answer.status === 200
          ? {
              ...answer,
              headers: { 'content-type': 'application/cbor' },
              body: encode(codec, change(decode(codec, answer.body))),
            }
          : answer,
    },
  })

export const lieInFeed = (world: Constellation, change: (feed: Feed) => Feed): (() => void) =>
  lie(world, /\/feed\?/, Feed, (feed) => {
    const changed = change(feed)
    return { ...changed, commits: provenAnew(feed.commits, changed.commits) }
  })

export const lieInHistory = (world: Constellation, change: (commits: Uint8Array[]) => Uint8Array[]): (() => void) =>
  lie(world, /\/commits\?/, CommitHistory, (history) => ({ ...history, commits: change(history.commits) }))

/** What was sent to anybody but for the log's sake: servers push it and clients look at it when they please. */
export const askedOf = ({ network }: Constellation): NetworkRequest[] =>
  network.seen.filter(({ target }) => !/^\/(tile|checkpoint|v1\/log)\b/.test(target))

/** The code of whatever a promise is rejected with. */
export const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing was thrown',
    (error: unknown) =>
      typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error),
  )

/** A submission as an index would serve it to somebody who may see all of it. */
export const servedOf = (
  submission: Pick<CommitSubmission, 'commit' | 'leaves' | 'capsules' | 'records'>,
): FeedCommit => {
  const { commit, leaves, capsules, records } = submission
  const all = Array.from({ length: leaves.length / 32 }, (_, i) => leaves.subarray(i * 32, i * 32 + 32))
  const siblings = merkleSiblings(all, [...capsules, ...records].map(({ place }) => place))
  return { commit, capsules, records, siblings }
}
