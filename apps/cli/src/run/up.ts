/** `scelle up`: everything on one machine, one process a party, until asked to stop. */
import { once } from 'node:events'
import { population, organisations } from '@scelle/testing/population'
import { connectApplication } from '../connect/command.ts'
import { edgeClient } from '../edge-client.ts'
import { CommandError, EXIT } from '../errors.ts'
import { type Installation, portOf, urlOf } from '../home.ts'
import type { AnyResource, ImportRequest } from '../import/read.ts'
import { sendAll } from '../import/run.ts'
import type { Io } from '../io.ts'
import { MESSAGES } from '../messages.ts'
import { Progress } from '../progress.ts'
import { identityIn } from './identities.ts'
import { provision } from './provision.ts'
import { startAll } from './supervise.ts'

export interface UpOptions {
  readonly firstPort: number
  /** How many demonstration patients to seal; 0 for none. */
  readonly demo: number
  readonly seed: string
}

function* demoRequests(seed: string, patients: number): Generator<ImportRequest> {
  const organisation = organisations(seed).map((resource) => ({
    resource,
    request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
  }))
  const bundle = { resourceType: 'Bundle', type: 'batch', entry: organisation }
  yield { bundle, resources: organisation.length, bytes: 0, from: [], completes: [], rank: 0 }
  for (const patient of population({ seed, patients })) {
    const transaction = patient.bundle() as unknown as AnyResource
    yield { bundle: transaction, resources: patient.resources.length, bytes: 1, from: [], completes: [], rank: 1 }
  }
}

/** Seals the invented patients once; a second start finds them sealed. */
const sealDemo = async (io: Io, installation: Installation, options: UpOptions): Promise<void> => {
  const messages = MESSAGES[io.language]
  const marker = ['demo', `${installation.ids.edge.slice(0, 16)}-${options.demo}`]
  if ((await io.home.read(...marker)) !== undefined) {
    io.out(messages.alreadySealed)
    return
  }
  io.out(messages.sealing(options.demo))
  const edge = edgeClient(urlOf(installation, 'edge'), await identityIn(io.home, 'cli', 'machine', io), io)
  const progress = new Progress(io.terminal, io.now, options.demo, io.language)
  const started = io.now()
  const result = await sendAll(io, edge, demoRequests(options.seed, options.demo), progress, async () => undefined)
  progress.finish()
  const refusal = result.refusals[0]
  if (refusal !== undefined) {
    throw new CommandError(
      'failed',
      messages.failed(`${refusal.resource} ${refusal.status} ${refusal.reasons[0] ?? ''}`),
    )
  }
  const seconds = (io.now() - started) / 1000
  io.out(messages.imported(result.written, seconds.toFixed(1), Math.round(result.written / seconds)))
  await io.home.write('sealed\n', ...marker)
}

/** The sidecar is part of `up`, so that the line to try works at once. */
const announce = async (io: Io, installation: Installation): Promise<() => void> => {
  const messages = MESSAGES[io.language]
  const identity = await identityIn(io.home, 'cli', 'machine', io)
  const url = urlOf(installation, 'edge')
  const door = await connectApplication(io, edgeClient(url, identity, io), url, {
    application: 'demo',
    port: portOf(installation, 'sidecar'),
    origins: [],
  })
  io.out(`\n${messages.ready} ${messages.where(io.home.root)}`)
  for (const party of ['index', 'trustee-1', 'trustee-2', 'trustee-3', 'edge'] as const) {
    io.out(`  ${party.padEnd(10)} ${urlOf(installation, party)}`)
  }
  io.out(`  ${'FHIR'.padEnd(10)} ${door.base}`)
  io.out(
    `\n${messages.tryThis}\n` +
      `  curl -H "Authorization: Bearer $(cat ${door.tokenPath})" "${door.base}/Patient?_count=3"\n`,
  )
  io.out(messages.stopHint)
  return () => {
    door.server.closeAllConnections()
    door.server.close()
  }
}

/** Runs until asked to stop, or until one of the parties stops by itself. */
export const up = async (io: Io, options: UpOptions): Promise<number> => {
  const messages = MESSAGES[io.language]
  const installation = await provision(io, options.firstPort)
  const running = await startAll(io, installation)
  let closeDoor = (): void => undefined
  let status: number = EXIT.done
  try {
    await io.home.write(`${process.pid}\n`, 'pid')
    if (options.demo > 0) await sealDemo(io, installation, options)
    closeDoor = await announce(io, installation)
    const ends = [...running.processes].map(async ([party, child]) => {
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
      return { party, how: String(signal ?? code) }
    })
    const asked = new Promise<undefined>((resolve) => {
      if (io.stopped.aborted) resolve(undefined)
      io.stopped.addEventListener('abort', () => resolve(undefined), { once: true })
    })
    const ended = await Promise.race([...ends, asked])
    if (ended !== undefined) {
      io.terminal.write(`${messages.stopped(ended.party, ended.how)}\n`)
      status = EXIT.failed
    }
  } finally {
    closeDoor()
    await running.stop()
    await io.home.write('', 'pid')
  }
  return status
}
