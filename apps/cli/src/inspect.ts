/** `scelle inspect`: what the state holds of one vault, read from the index's own store, the way its operator could. */
import { inspectDirectory, type InspectedVault } from '@scelle/index'
import { fromHex } from '@scelle/seal/verify'
import type { EdgeClient } from './edge-client.ts'
import { CommandError, EXIT } from './errors.ts'
import type { Io } from './io.ts'
import { MESSAGES } from './messages.ts'
import { vaultOf } from './share.ts'
import { table } from './table.ts'

type Part = InspectedVault['parts'][number]

const BAR = 30
const NEWEST = 12

const short = (id: string): string => `${id.slice(0, 12)}…`
const instant = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')

/** How many sealed bodies there are of each padded size: all that the state learns of what is in them. */
const sizes = (part: Part): string[] => {
  const counts = new Map<number, number>()
  for (const { size } of part.records) counts.set(size, (counts.get(size) ?? 0) + 1)
  const most = Math.max(1, ...counts.values())
  const bar = (count: number): string => '▇'.repeat(Math.max(1, Math.round((count / most) * BAR)))
  const sorted = [...counts].toSorted(([a], [b]) => a - b)
  return table(sorted.map(([size, count]) => [`${size} B`, String(count), bar(count)]))
}

const recordsOf = (part: Part): string[] =>
  table(
    part.records
      .slice(-NEWEST)
      .map(({ handle, version, contentType, size, capsule, time }) => [
        short(handle), `v${version}`, contentType, `${size} B`, short(capsule), instant(time),
      ]),
  )

const partOf = (io: Io, part: Part): string[] => {
  const { seen } = MESSAGES[io.language]
  const block = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)]
  return [
    ...block(`${seen.custodian} ${short(part.custodian)}`, table([
      [seen.manifests, String(part.manifests)],
      [seen.commits, String(part.commits.length)],
      [seen.capsules, String(part.capsules.length)],
      [seen.records, String(part.records.length)],
    ])),
    ...block(seen.categories, table(part.categories.map(({ category, epoch, strict }) => [
      short(category), `${seen.epoch} ${epoch}`, strict ? seen.strict : '',
    ]))),
    ...block(seen.sizes, sizes(part)),
    ...block(seen.newest, recordsOf(part)),
    ...block(seen.grants, table(part.grants.map((grant) => [
      short(grant.grantee), String(grant.categories), instant(grant.expires), grant.revoked ? seen.revoked : '',
    ]))),
    ...block(seen.accesses, table(part.accesses.map(({ reader, time, purpose, capsules }) => [
      short(reader), instant(time), purpose, String(capsules),
    ]))),
  ]
}

/** Prints what the index stores and adds nothing; `--json` has every field. */
export const inspect = async (io: Io, edge: EdgeClient, patient: string, json: boolean): Promise<number> => {
  const messages = MESSAGES[io.language]
  const vault = fromHex(patient)?.length === 32 ? patient : await vaultOf(io, edge, patient)
  const found = await inspectDirectory(io.home.path('index', 'data'), fromHex(vault) as Uint8Array, io.database)
  if (found === undefined) throw new CommandError('failed', messages.noPatient(patient))
  if (json) {
    io.out(JSON.stringify(found))
    return EXIT.done
  }
  const lines = [
    `${messages.stateSees} ${short(found.vault)}`,
    ...table([
      [messages.seen.mode, found.mode],
      [messages.seen.controller, short(found.controller)],
      [messages.seen.created, instant(found.created)],
      [messages.seen.trustees, found.trustees.map(short).join(' ')],
    ]),
    ...found.parts.flatMap((part) => partOf(io, part)),
    '',
    messages.stateDoesNotSee,
  ]
  for (const line of lines) io.out(line)
  return EXIT.done
}
