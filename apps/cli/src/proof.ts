/** `scelle proof`: that a record is in the log, as a file for somebody who trusts neither the edge nor the index. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type EdgeAnswer, type EdgeClient, jsonOf } from './edge-client.ts'
import { CommandError, EXIT } from './errors.ts'
import type { Io } from './io.ts'
import { CLI_LIMITS } from './limits.ts'
import { MESSAGES } from './messages.ts'

const REFERENCE = /^[A-Z][A-Za-z]{1,63}\/[A-Za-z0-9.-]{1,64}(\/_history\/[1-9]\d{0,9})?$/

interface Outcome {
  readonly issue?: readonly { readonly diagnostics?: string }[]
}

/** Of what was written a moment ago, the last trustee may not have cosigned yet. */
const asked = async (io: Io, edge: EdgeClient, path: string): Promise<EdgeAnswer> => {
  for (let attempt = 1; ; attempt++) {
    const answer = await edge('GET', path)
    if (answer.status !== 503 || attempt >= CLI_LIMITS.proofAttempts) return answer
    await io.sleep(CLI_LIMITS.proofPause)
  }
}

/** `what`: a patient's id, `Type/id`, or `Type/id/_history/version`. `out`: the file; named after it where absent. */
export const proof = async (
  io: Io, edge: EdgeClient, { what, out }: { what: string; out: string | undefined },
): Promise<number> => {
  const messages = MESSAGES[io.language]
  const reference = what.includes('/') ? what : `Patient/${what}`
  if (!REFERENCE.test(reference)) throw new CommandError('usage', messages.unknownOption(what))
  const answer = await asked(io, edge, `/fhir/${reference}/$scelle-proof`)
  if (answer.status === 404) throw new CommandError('failed', messages.proofs.noRecord(reference))
  if (answer.status !== 200) {
    const { issue } = jsonOf<Outcome>(answer)
    throw new CommandError('failed', messages.failed(issue?.[0]?.diagnostics ?? String(answer.status)))
  }
  const path = out ?? `${reference.replaceAll('/', '-')}.proof`
  await writeFile(path, answer.body)
  io.out(messages.proofs.written(path))
  return EXIT.done
}

/** One file for each opening: when it was, and the beginning of its id. */
export const keepProofs = async (
  io: Io, folder: string, proofs: readonly { time: string; statement: string; file: Uint8Array }[],
): Promise<void> => {
  await mkdir(folder, { recursive: true })
  for (const { file, statement, time } of proofs) {
    // Both come from the edge: nothing but what a time and an id are made of gets into a file's name.
    const name = `${time.replaceAll(/[^0-9TZ]/g, '')}-${statement.replaceAll(/[^0-9a-f]/g, '').slice(0, 16)}.proof`
    await writeFile(join(folder, name), file)
  }
  io.terminal.write(`${MESSAGES[io.language].proofs.kept(proofs.length, folder)}\n`)
}
