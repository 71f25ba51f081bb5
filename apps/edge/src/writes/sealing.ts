/** From waiting units to commits: one per vault, holding what all of them write there. */
import type { Client, PreparedCommit, WriteItem } from '@scelle/sdk'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import { EdgeError } from '../errors.ts'
import type { VaultShelf } from '../vaults.ts'
import { faultOf } from './faults.ts'
import type { Part, PlannedWrite, Unit } from './unit.ts'

export interface SealedBatch {
  readonly commits: readonly PreparedCommit[]
  /** Units with a part in `commits`. */
  readonly units: readonly Unit[]
  /** Parts that are in `commits`. */
  readonly sent: ReadonlySet<Part>
  /** Units left for a submission of their own. */
  readonly later: readonly Unit[]
}

/** A request to the index has room for this much of commits beside their envelope. */
const ROOM = WIRE_LIMITS.requestBody - 1024 * 1024

/**
 * Seals what is due of each unit. A unit whose vault cannot be written is refused by itself; the others are sealed
 * without it, so nobody's write depends on a stranger's.
 */
export const seal = async (
  units: readonly Unit[], vaults: VaultShelf, client: Pick<Client, 'discard'>,
): Promise<SealedBatch> => {
  const ready = await openable(units, vaults)
  for (;;) {
    const parts = Map.groupBy(ready.flatMap((unit) => unit.due), ({ vault }) => vault)
    const { commits, failed } = await prepareAll(parts, vaults)
    const size = commits.reduce((sum, commit) => sum + commit.submission.length, 0)
    if (failed.size === 0 && size <= ROOM) {
      return { commits, units: [...ready], sent: new Set([...parts.values()].flat()), later: [] }
    }
    for (const commit of commits) client.discard(commit)
    if (failed.size > 0) refuseThose(ready, failed)
    else if (ready.length > 1) {
      const [first, ...later] = ready as [Unit, ...Unit[]]
      return { ...(await seal([first], vaults, client)), later }
    } else ready.pop()?.refused(new EdgeError('too-large'))
  }
}

const prepareAll = async (
  parts: ReadonlyMap<string, readonly Part[]>, vaults: VaultShelf,
): Promise<{ commits: PreparedCommit[]; failed: Map<string, unknown> }> => {
  const commits: PreparedCommit[] = []
  const failed = new Map<string, unknown>()
  for (const [vault, group] of parts) {
    try {
      commits.push(await (await vaults.get(vault)).prepare(group.flatMap((part) => part.writes.map(itemOf))))
    } catch (error) {
      failed.set(vault, error)
    }
  }
  return { commits, failed }
}

const refuseThose = (ready: Unit[], failed: ReadonlyMap<string, unknown>): void => {
  for (const unit of ready) {
    const part = unit.due.find((each) => failed.has(each.vault))
    if (part !== undefined) unit.refused(faultOf(failed.get(part.vault)))
  }
  ready.splice(0, ready.length, ...ready.filter((unit) => !unit.settled))
}

const openable = async (units: readonly Unit[], vaults: VaultShelf): Promise<Unit[]> => {
  const missing = new Map<string, unknown>()
  const names = new Set(units.flatMap((unit) => unit.parts.map((part) => part.vault)))
  await Promise.all([...names].map(async (name) => {
    try {
      await vaults.get(name)
    } catch (error) {
      missing.set(name, error)
    }
  }))
  const ready = [...units]
  if (missing.size > 0) refuseThose(ready, missing)
  return ready
}

const itemOf = ({ locator, content, octets }: PlannedWrite): WriteItem => ({
  category: locator.category,
  handle: octets?.sealed?.handle ?? Buffer.from(locator.handle, 'hex'),
  version: locator.version,
  content,
  contentType: octets !== undefined ? 'octets' : content.length === 0 ? 'tombstone' : 'fhir+json',
  ...(octets === undefined ? {} : { record: new Uint8Array(Buffer.from(octets.record, 'hex')) }),
  ...(octets?.sealed === undefined ? {} : { sealed: octets.sealed }),
})
