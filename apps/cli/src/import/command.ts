/** `scelle import PATH...` */
import { type EdgeClient } from '../edge-client.ts'
import { CommandError, EXIT } from '../errors.ts'
import type { Io } from '../io.ts'
import { CLI_LIMITS } from '../limits.ts'
import { MESSAGES } from '../messages.ts'
import { Progress } from '../progress.ts'
import { filesUnder } from './files.ts'
import { requestsIn } from './read.ts'
import { Journal, type Refusal, sendAll } from './run.ts'

const writeReport = async (io: Io, refusals: readonly Refusal[]): Promise<string> => {
  const stamp = new Date(io.now()).toISOString().replaceAll(/[:.]/g, '-')
  const lines = refusals.map((refusal) => `${JSON.stringify(refusal)}\n`).join('')
  return io.home.write(lines, 'import', `refused-${stamp}.ndjson`)
}

/** Seals all FHIR files under the paths; exit status 1 where some resource was refused. */
export const importPaths = async (
  io: Io, edge: EdgeClient, edgeId: string, paths: readonly string[],
): Promise<number> => {
  const messages = MESSAGES[io.language]
  const found = await filesUnder(paths)
  if (found.length === 0) throw new CommandError('usage', messages.nothingToImport)
  const journal = await Journal.open(io, edgeId)
  const files = found.filter((file) => !journal.has(file))
  const sizes = new Map(files.map((file) => [file.path, file]))
  const broken: Refusal[] = []
  // A file of which anything was refused is sent again next time, also if its last part was taken.
  const incomplete = new Set<string>()
  const refuse = (path: string, reason: string): void => {
    broken.push({ resource: path, status: '-', reasons: [reason] })
    incomplete.add(path)
  }
  io.terminal.write(`${messages.importing(files.length)}\n`)
  const started = io.now()
  const progress = new Progress(io.terminal, io.now, files.reduce((sum, file) => sum + file.bytes, 0), io.language)
  const result = await sendAll(io, edge, requestsIn(files, refuse), progress, async (request, refused) => {
    if (refused.length > 0) for (const path of request.from) incomplete.add(path)
    const whole = request.completes.filter((path) => !incomplete.has(path))
    await journal.add(whole.map((path) => sizes.get(path)).filter((file) => file !== undefined))
  })
  progress.finish()
  const seconds = Math.max(0.001, (io.now() - started) / 1000)
  io.out(messages.imported(result.written, seconds.toFixed(1), Math.round(result.written / seconds)))
  if (files.length < found.length) io.out(messages.skippedFiles(found.length - files.length))
  const refusals = [...broken, ...result.refusals]
  if (refusals.length === 0) return EXIT.done
  const report = await writeReport(io, refusals)
  io.out(messages.refused(refusals.length, report))
  for (const refusal of refusals.slice(0, CLI_LIMITS.refusalsShown)) {
    io.out(`  ${refusal.resource}  ${refusal.status}  ${refusal.reasons[0] ?? ''}`)
  }
  return EXIT.partly
}
