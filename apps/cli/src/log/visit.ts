/** `scelle verify --report`: what a vendor opened under a ticket, with what the log proves of it. */
import { LogError } from '@scelle/log'
import { SealError, toHex } from '@scelle/seal/verify'
import { logPolicy, QUORUM } from '@scelle/wire/log'
import { type VerifiedReport, verifyReport } from '@scelle/wire/report'
import type { Io } from '../io.ts'
import { MESSAGES } from '../messages.ts'
import { readMemory } from './memory.ts'
import { followOptions, type LogOptions } from './monitor.ts'
import { partiesOf } from './parties.ts'
import { SourceError } from './source.ts'
import { readGiven, tell } from './verify.ts'

const linesOf = (io: Io, { accesses, reader, sponsor, ticket }: VerifiedReport): string[] => {
  const { log } = MESSAGES[io.language]
  return [
    log.visit(ticket.number, toHex(ticket.vendor), reader, sponsor),
    log.visited(accesses.length, new Set(accesses.map(({ vault }) => vault)).size, ticket.vaults.length),
    ...accesses.map(({ access, leaf, vault }) => log.visitedAt(vault, access.time, leaf)),
  ]
}

export const verifyReportFile = async (io: Io, path: string, options: LogOptions): Promise<number> => {
  const file = await readGiven(io, path)
  const { pins, read } = await followOptions(io, options)
  try {
    const { index, trustees } = await partiesOf(pins, read, await readMemory(io.home, pins.index))
    const verified = await verifyReport(file, logPolicy({ index, trustees, quorum: QUORUM.release }))
    const { accesses, reader, sponsor, ticket } = verified
    return tell(io, options.json, {
      status: 'good', ticket: ticket.number, vendor: toHex(ticket.vendor), reader, sponsor,
      accesses: accesses.map(({ access, leaf, vault }) => ({ vault, leaf, time: access.time })),
    }, ...linesOf(io, verified))
  } catch (error) {
    if (error instanceof SourceError) return tell(io, options.json, { status: 'unreachable', detail: error.message })
    if (!(error instanceof LogError || error instanceof SealError)) throw error
    return tell(io, options.json, { status: 'not-proven', detail: error.message })
  }
}
