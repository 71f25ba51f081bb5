/** `scelle inspect`: what the state holds of one vault, read from the index's own store, the way its operator could. */
import { inspectDirectory } from '@scelle/index'
import { fromHex } from '@scelle/seal/verify'
import type { EdgeClient } from './edge-client.ts'
import { CommandError, EXIT } from './errors.ts'
import type { Io } from './io.ts'
import { MESSAGES } from './messages.ts'
import { vaultOf } from './share.ts'

/** Prints every field; nothing is added to what the index stores. */
export const inspect = async (io: Io, edge: EdgeClient, patient: string, json: boolean): Promise<number> => {
  const messages = MESSAGES[io.language]
  const vault = fromHex(patient)?.length === 32 ? patient : await vaultOf(io, edge, patient)
  const seen = await inspectDirectory(io.home.path('index', 'data'), fromHex(vault) as Uint8Array)
  if (seen === undefined) throw new CommandError('failed', messages.noPatient(patient))
  if (json) {
    io.out(JSON.stringify(seen))
    return EXIT.done
  }
  io.out(`${messages.stateSees}\n`)
  io.out(JSON.stringify(seen, undefined, 2))
  io.out(`\n${messages.stateDoesNotSee}`)
  return EXIT.done
}
