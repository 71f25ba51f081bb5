/** The command line: which command, which options, which exit status. */
import { parseArgs } from 'node:util'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import { accesses } from './accesses.ts'
import { makeCardFor } from './card/make.ts'
import { reportNotes } from './card/report.ts'
import { showCard } from './card/show.ts'
import { connectApplication } from './connect/command.ts'
import { runDidAction } from './did/command.ts'
import { parseDuration } from './duration.ts'
import { edgeClient, type EdgeClient } from './edge-client.ts'
import { emergencies, reviewEmergency } from './emergencies.ts'
import { CommandError, EXIT } from './errors.ts'
import { type Installation, PARTIES, urlOf } from './home.ts'
import { importPaths } from './import/command.ts'
import { inspect } from './inspect.ts'
import { keepInToken } from './keys.ts'
import type { Io } from './io.ts'
import { CLI_LIMITS } from './limits.ts'
import { type LogOptions, monitor } from './log/monitor.ts'
import { checkSoftware, publishSoftware } from './log/software.ts'
import { verifyDeep, verifyEvidence, verifyLog, verifyReceiptFile } from './log/verify.ts'
import { verifyReportFile } from './log/visit.ts'
import { MESSAGES } from './messages.ts'
import { openAtEdge, patientIdOf } from './open.ts'
import { proof } from './proof.ts'
import { identityIn } from './run/identities.ts'
import { isReady } from './run/supervise.ts'
import { up } from './run/up.ts'
import { openAs, revoke, share } from './share.ts'
import { table } from './table.ts'

const OPTIONS = {
  demo: { type: 'boolean' },
  seed: { type: 'string' },
  port: { type: 'string' },
  as: { type: 'string' },
  json: { type: 'boolean' },
  with: { type: 'string' },
  categories: { type: 'string' },
  rights: { type: 'string' },
  until: { type: 'string' },
  application: { type: 'string' },
  person: { type: 'string', multiple: true },
  origin: { type: 'string', multiple: true },
  smart: { type: 'string' },
  redirect: { type: 'string', multiple: true },
  index: { type: 'string' },
  trustee: { type: 'string', multiple: true },
  watch: { type: 'string', multiple: true },
  accept: { type: 'boolean' },
  once: { type: 'boolean' },
  every: { type: 'string' },
  'max-age': { type: 'string' },
  receipt: { type: 'string' },
  receipts: { type: 'string' },
  reason: { type: 'string' },
  qr: { type: 'string' },
  out: { type: 'string' },
  evidence: { type: 'string' },
  report: { type: 'string' },
  deep: { type: 'string' },
  publisher: { type: 'string' },
  release: { type: 'string' },
  module: { type: 'string' },
  token: { type: 'string' },
  key: { type: 'string' },
  pin: { type: 'string' },
  from: { type: 'string' },
  identity: { type: 'string' },
  keys: { type: 'string' },
  reserve: { type: 'string' },
  resolve: { type: 'string', multiple: true },
  role: { type: 'string' },
  name: { type: 'string' },
  lang: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

/** Everything after the program's name, understood. Throws `node:util`'s TypeError on an option that does not exist. */
export const parseCommand = (args: readonly string[]) =>
  parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true })

type Parsed = ReturnType<typeof parseCommand>
type Command = (io: Io, parsed: Parsed) => Promise<number>

interface Running {
  readonly installation: Installation
  readonly edge: EdgeClient
}

const number = (io: Io, text: string | undefined, fallback: number, max: number): number => {
  if (text === undefined) return fallback
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > max) throw new CommandError('usage', MESSAGES[io.language].unknownOption(text))
  return value
}

const argument = (io: Io, parsed: Parsed, place: number, name: string): string => {
  const value = parsed.positionals[place]
  if (value === undefined) throw new CommandError('usage', MESSAGES[io.language].missingArgument(name))
  return value
}

const option = (io: Io, value: string | undefined, name: string): string => {
  if (value === undefined) throw new CommandError('usage', MESSAGES[io.language].missingArgument(name))
  return value
}

/** What the other commands talk to. Throws `not-running`. */
const running = async (io: Io): Promise<Running> => {
  const installation = await io.home.installation()
  const url = installation === undefined ? undefined : urlOf(installation, 'edge')
  if (installation === undefined || url === undefined || !(await isReady(url))) {
    throw new CommandError('not-running', MESSAGES[io.language].notRunning)
  }
  return { installation, edge: edgeClient(url, await identityIn(io.home, 'cli', 'machine', io), io) }
}

const runUp: Command = async (io, { values, positionals }) =>
  up(io, {
    firstPort: number(io, values.port, CLI_LIMITS.firstPort, 65_000),
    demo: values.demo === true ? number(io, positionals[1], CLI_LIMITS.demoPatients, 1_000_000) : 0,
    seed: values.seed ?? 'scelle',
  })

const runKeys: Command = async (io, { values }) => keepInToken(io, {
  module: option(io, values.module, '--module'), token: option(io, values.token, '--token'),
  key: option(io, values.key, '--key'), pin: option(io, values.pin, '--pin'), out: option(io, values.out, '--out'),
  from: values.from,
})

const runImport: Command = async (io, parsed) => {
  argument(io, parsed, 1, 'PATH')
  const { installation, edge } = await running(io)
  return importPaths(io, edge, installation.ids.edge, parsed.positionals.slice(1))
}

const runOpen: Command = async (io, parsed) => {
  const patient = argument(io, parsed, 1, 'PATIENT')
  const { installation, edge } = await running(io)
  const json = parsed.values.json === true
  const as = parsed.values.as
  return as === undefined
    ? openAtEdge(io, edge, patientIdOf(patient), json)
    : openAs(io, edge, installation, { patient, as, json })
}

const runShare: Command = async (io, parsed) => {
  const patient = argument(io, parsed, 1, 'PATIENT')
  const { installation, edge } = await running(io)
  return share(io, edge, installation, {
    patient,
    with: option(io, parsed.values.with, '--with'),
    categories: option(io, parsed.values.categories, '--categories'),
    rights: parsed.values.rights ?? 'read',
    until: io.now() + parseDuration(parsed.values.until ?? '7d', io.language),
  })
}

const runRevoke: Command = async (io, parsed) => {
  const grant = argument(io, parsed, 1, 'GRANT')
  return revoke(io, (await running(io)).edge, grant)
}

const runConnect: Command = async (io, { values }) => {
  const messages = MESSAGES[io.language]
  const { installation, edge } = await running(io)
  const door = await connectApplication(io, edge, urlOf(installation, 'edge'), {
    application: values.application ?? 'default',
    people: values.person ?? [],
    port: number(io, values.port, 0, 65_535),
    origins: values.origin ?? [],
    ...(values.smart === undefined ? {} : { smart: { client: values.smart, redirects: values.redirect ?? [] } }),
  })
  io.out(messages.connected(door.base))
  for (const path of door.tokenPaths) io.out(messages.tokenIn(path))
  io.out(messages.stopHint)
  await new Promise<void>((resolve) => {
    if (io.stopped.aborted) resolve()
    io.stopped.addEventListener('abort', () => resolve(), { once: true })
  })
  await door.close()
  return EXIT.done
}

const runInspect: Command = async (io, parsed) => {
  const patient = argument(io, parsed, 1, 'PATIENT')
  const { edge } = await running(io)
  return inspect(io, edge, patient, parsed.values.json === true)
}

const logOptions = (io: Io, { values, positionals }: Parsed): LogOptions => ({
  where: positionals[1],
  index: values.index,
  trustees: values.trustee,
  watch: values.watch ?? [],
  accept: values.accept === true,
  maxAge: values['max-age'] === undefined ? WIRE_LIMITS.finalAge : parseDuration(values['max-age'], io.language) / 1000,
  json: values.json === true,
})

const runVerify: Command = async (io, parsed) => {
  const { receipt, evidence, deep, report } = parsed.values
  if (deep !== undefined) return verifyDeep(io, deep, logOptions(io, parsed))
  if (evidence !== undefined) return verifyEvidence(io, evidence, logOptions(io, parsed))
  if (report !== undefined) return verifyReportFile(io, report, logOptions(io, parsed))
  if (receipt !== undefined) return verifyReceiptFile(io, receipt, logOptions(io, parsed))
  return verifyLog(io, logOptions(io, parsed))
}

const runMonitor: Command = async (io, parsed) =>
  monitor(io, {
    ...logOptions(io, parsed),
    once: parsed.values.once === true,
    every: parsed.values.every === undefined
      ? CLI_LIMITS.monitorEvery * 1000 : parseDuration(parsed.values.every, io.language),
  })

const runSoftware: Command = async (io, parsed) => {
  const { origin, publisher, release } = parsed.values
  const action = parsed.positionals[1]
  if (action === 'publish') {
    return publishSoftware(io, (await running(io)).installation, {
      folder: argument(io, parsed, 2, 'FOLDER'), origin: option(io, origin?.[0], '--origin'),
      version: option(io, release, '--release'),
    })
  }
  if (action !== 'check') throw new CommandError('usage', MESSAGES[io.language].missingArgument('publish | check'))
  return checkSoftware(io, {
    ...logOptions(io, parsed), where: undefined, origin: argument(io, parsed, 2, 'ORIGIN'),
    publisher: option(io, publisher, '--publisher'),
  })
}

const runDid: Command = async (io, parsed) =>
  runDidAction(io, parsed.positionals.slice(1), parsed.values, {
    ...logOptions(io, parsed), where: parsed.positionals[3],
  })

const runAccesses: Command = async (io, parsed) => {
  const patient = argument(io, parsed, 1, 'PATIENT')
  const { installation, edge } = await running(io)
  const { json = false, receipts } = parsed.values
  return accesses(io, edge, installation, { patient, json, receipts })
}

const runCard: Command = async (io, parsed) => {
  const { as, json = false, out, qr, reason, until } = parsed.values
  const [, action, ...files] = parsed.positionals
  if (action === 'make') {
    const patient = argument(io, parsed, 2, 'PATIENT')
    const file = option(io, out, '--out')
    const life = parseDuration(until ?? '90d', io.language)
    return makeCardFor(io, (await running(io)).edge, { patient, file, qr, until: io.now() + life })
  }
  if (action === 'show') {
    argument(io, parsed, 2, MESSAGES[io.language].card.file)
    // No party is asked, nor looked for: there is no network.
    return showCard(io, { files, as: option(io, as, '--as'), reason: option(io, reason, '--reason'), json })
  }
  if (action === 'report') return reportNotes(io, (await running(io)).installation, option(io, as, '--as'))
  throw new CommandError('usage', MESSAGES[io.language].missingArgument('make | show | report'))
}

const runEmergencies: Command = async (io, parsed) => {
  const as = option(io, parsed.values.as, '--as')
  const [, action] = parsed.positionals
  if (action !== undefined && action !== 'review') {
    throw new CommandError('usage', MESSAGES[io.language].unknownOption(action))
  }
  const id = action === undefined ? undefined : argument(io, parsed, 2, 'ID')
  const { installation } = await running(io)
  return id === undefined
    ? emergencies(io, installation, { as, json: parsed.values.json === true })
    : reviewEmergency(io, installation, { as, id, reason: parsed.values.reason })
}

const runProof: Command = async (io, parsed) => {
  const what = argument(io, parsed, 1, 'PATIENT')
  return proof(io, (await running(io)).edge, { what, out: parsed.values.out })
}

const runStatus: Command = async (io) => {
  const installation = await io.home.installation()
  if (installation === undefined) throw new CommandError('not-running', MESSAGES[io.language].notRunning)
  const rows = await Promise.all(
    PARTIES.map(async (party) => {
      const url = urlOf(installation, party)
      return [party, (await isReady(url)) ? 'ready' : '-', url, installation.ids[party].slice(0, 16)]
    }),
  )
  for (const line of table(rows)) io.out(line)
  return rows.every(([, state]) => state === 'ready') ? EXIT.done : EXIT['not-running']
}

export const COMMANDS: Readonly<Record<string, Command>> = {
  up: runUp,
  import: runImport,
  open: runOpen,
  share: runShare,
  revoke: runRevoke,
  connect: runConnect,
  accesses: runAccesses,
  proof: runProof,
  card: runCard,
  emergencies: runEmergencies,
  inspect: runInspect,
  verify: runVerify,
  monitor: runMonitor,
  software: runSoftware,
  status: runStatus,
  keys: runKeys,
  did: runDid,
}

/** Runs one command. Never throws: a failure is a sentence on the terminal and an exit status. */
export const run = async (io: Io, parsed: Parsed): Promise<number> => {
  const messages = MESSAGES[io.language]
  const name = parsed.positionals[0]
  if (parsed.values.help === true || name === undefined) {
    io.out(messages.usage)
    return parsed.values.help === true ? EXIT.done : EXIT.usage
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined) {
    io.terminal.write(`${messages.unknownCommand(name)}\n\n${messages.usage}\n`)
    return EXIT.usage
  }
  try {
    return await command(io, parsed)
  } catch (cause) {
    if (cause instanceof CommandError) {
      io.terminal.write(`${cause.message}\n`)
      return EXIT[cause.reason]
    }
    io.terminal.write(`${messages.failed(cause instanceof Error ? cause.message : 'unknown')}\n`)
    return EXIT.failed
  }
}
