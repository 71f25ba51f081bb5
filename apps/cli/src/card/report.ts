/** `scelle card report`: what was opened without a network is told to patients and officers, as broken glass is. */
import { readdir, rm } from 'node:fs/promises'
import { cardOpeningIn, type Client, offlineReason, type Shown } from '@scelle/sdk'
import { signConfirmation } from '@scelle/seal/grants'
import type { Identity } from '@scelle/seal/identity'
import { fromHex, toHex } from '@scelle/seal/verify'
import { EXIT } from '../errors.ts'
import type { Installation } from '../home.ts'
import type { Io } from '../io.ts'
import { CLI_LIMITS } from '../limits.ts'
import { MESSAGES } from '../messages.ts'
import { identityIn } from '../run/identities.ts'
import { EMERGENCY, statusOf } from '../run/register.ts'
import { clientOf, personIn } from '../share.ts'
import { isBy, NOTES } from './show.ts'

const notesIn = async (io: Io): Promise<Uint8Array[]> => {
  const names = await readdir(io.home.path(...NOTES)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  // Whatever else is there was not written whole.
  const whole = names.filter((name) => /^[0-9a-f]{64}$/.test(name)).toSorted()
  const notes = await Promise.all(whole.map((name) => io.home.read(...NOTES, name)))
  return notes.flatMap((note) => note ?? [])
}

interface Reporting {
  readonly io: Io
  readonly installation: Installation
  readonly reader: Identity
  readonly second: Identity
  readonly statuses: readonly Uint8Array[]
}

/** The reason of this note, under the second key, at this moment: it is good for minutes. */
const showing = async ({ io, installation, reader, second, statuses }: Reporting, note: Uint8Array): Promise<Shown> => {
  const about = await signConfirmation(second, {
    type: 'step-up', reader: reader.id, organisation: fromHex(installation.ids.edge) as Uint8Array,
    vault: cardOpeningIn(note).vault, reason: offlineReason(note),
  }, io)
  return { statuses, confirmations: [about] }
}

/** The site signs its way on to the reader: what opens without a colleague, for an hour. */
const signOn = async (io: Io, site: Client, vault: Uint8Array, reader: Uint8Array): Promise<void> => {
  const way = (await site.grants()).find((grant) => toHex(grant.vault) === toHex(vault))
  const handle = await site.vault(vault)
  const categories = [...(way?.categories ?? [])]
  await handle.share({
    to: reader, categories, summary: categories, purposes: ['emergency'],
    until: io.now() + CLI_LIMITS.emergencyWay, depth: 0,
  })
}

export const reportNotes = async (io: Io, installation: Installation, as: string): Promise<number> => {
  const { card: messages } = MESSAGES[io.language]
  const reader = await personIn(io, as)
  const notes = (await notesIn(io)).filter((note) => isBy(note, reader.id))
  if (notes.length === 0) {
    io.out(messages.nothingToReport)
    return EXIT.done
  }
  const second = await identityIn(io.home, `people/${as}/second`, 'person', io)
  await clientOf(io, installation, { identity: second })
  const statuses = await statusOf(io, installation, as, {
    subject: reader.id, role: 'emergency-physician', stepUp: second.id,
  })
  const reporting = { io, installation, reader, second, statuses }
  const site = await clientOf(io, installation, { identity: await identityIn(io.home, EMERGENCY, 'organisation', io) })
  let shown: Shown = {}
  const client = await clientOf(io, installation, { identity: reader, standing: { show: () => shown } })
  let status: number = EXIT.done
  for (const note of notes) {
    shown = await showing(reporting, note)
    const [report] = await client.reportCards([note], {
      way: ({ vault }) => signOn(io, site, vault, reader.id),
    })
    if (report === undefined) continue
    const name = report.id.slice(0, 12)
    if (report.state === 'told') await rm(io.home.path(...NOTES, report.id), { force: true })
    else status = EXIT.partly
    io.out(report.state === 'told' ? messages.told(name) : messages[report.state](name, report.problem ?? ''))
  }
  return status
}
