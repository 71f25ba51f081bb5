/**
 * `scelle connect`: one token per application, or one for each person that an application serves, kept in files that
 * only this user reads. Each token has a session of its own at the edge.
 */
import type { Server } from 'node:http'
import type { EdgeClient } from '../edge-client.ts'
import { CommandError } from '../errors.ts'
import type { Io } from '../io.ts'
import { MESSAGES } from '../messages.ts'
import { tokenDigest } from './door.ts'
import { logout, logoutSurely } from './endings.ts'
import { FidoDevices, HIDRAW } from './fido-devices.ts'
import { KeyWatch } from './key-watch.ts'
import { type StartedSidecar, startSidecar } from './sidecar.ts'
import { SmartDoor } from './smart.ts'
import { smartKeyOf } from './smart-key.ts'

const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/

const SESSION = 16

interface Token {
  readonly application: string
  readonly token: string
  readonly path: string
}

/** The token of an application, or of a person that it serves, made on first use: 32 random bytes, base64url. */
export const tokenOf = async (io: Io, application: string, person?: string): Promise<Token> => {
  const messages = MESSAGES[io.language]
  if (!NAME.test(application)) throw new CommandError('usage', messages.unknownOption('--application'))
  if (person !== undefined && !NAME.test(person)) throw new CommandError('usage', messages.unknownOption('--person'))
  const file = ['connect', `${application}${person === undefined ? '' : `.${person}`}.token`]
  const stored = await io.home.read(...file)
  if (stored !== undefined) {
    return { application, token: new TextDecoder().decode(stored).trim(), path: io.home.path(...file) }
  }
  const token = Buffer.from(io.random(32)).toString('base64url')
  return { application, token, path: await io.home.write(`${token}\n`, ...file) }
}

export interface Connected {
  readonly server: Server
  readonly base: string
  /** The first one's, where there are several. */
  readonly tokenPath: string
  readonly tokenPaths: readonly string[]
  /** Closes the door, and at the edge everything that was open for whoever came through it. */
  readonly close: () => Promise<void>
}

export interface ConnectOptions {
  readonly application: string
  /** Those whom the application serves: a token and a session each. Nobody: one token for all of it. */
  readonly people?: readonly string[]
  readonly port: number
  readonly origins: readonly string[]
  /** Applications sign in here by SMART App Launch: `client_id`, and their exact addresses on this machine. */
  readonly smart?: { readonly client: string; readonly redirects: readonly string[] }
  /** Where the system tells which keys are plugged in; `/sys/class/hidraw` unless a test has a folder of its own. */
  readonly keys?: string
}

/** Ends what is open for whoever's key is pulled: here at once, at the edge as soon as it answers. */
const watchOf = (
  io: Io, edge: EdgeClient, folder: string, open: {
    readonly sessions: Map<string, string>
    readonly door: () => Pick<StartedSidecar, 'cut'> | undefined
    readonly smart: () => SmartDoor | undefined
  },
): KeyWatch | undefined => {
  const devices = new FidoDevices(folder)
  const messages = MESSAGES[io.language]
  io.out(devices.isTold ? messages.keysWatched : messages.keysNotWatched)
  if (!devices.isTold) return undefined
  const watch = new KeyWatch({
    devices, now: io.now,
    pulled: (holder) => {
      const session = open.sessions.get(holder)
      const own = open.smart()?.edgeOf(holder)
      open.door()?.cut(holder)
      open.smart()?.drop(holder)
      if (session !== undefined) open.sessions.set(holder, newSession(io))
      if (session !== undefined) void logoutSurely(edge, session)
      if (own !== undefined) void logoutSurely(own)
      io.out(messages.keyPulled)
    },
  })
  watch.start()
  return watch
}

const newSession = (io: Pick<Io, 'random'>): string => Buffer.from(io.random(SESSION)).toString('base64url')

const smartOf = async (
  io: Io, edgeUrl: string, smart: ConnectOptions['smart'], entered: (holder: string) => void,
): Promise<SmartDoor | undefined> => {
  if (smart === undefined) return undefined
  if (!NAME.test(smart.client)) throw new CommandError('usage', MESSAGES[io.language].unknownOption('--smart'))
  const { key, registered } = await smartKeyOf(io, smart.client)
  io.out(MESSAGES[io.language].smartKey(registered))
  return SmartDoor.open({
    edgeBase: `${edgeUrl}/fhir`, application: smart.client, key, redirects: smart.redirects,
    now: io.now, random: io.random, entered,
  })
}

/** Opens the door for one application. */
export const connectApplication = async (
  io: Io, edge: EdgeClient, edgeUrl: string, options: ConnectOptions,
): Promise<Connected> => {
  const { application, people = [], smart, keys = HIDRAW } = options
  const tokens: Token[] = []
  for (const person of people.length === 0 ? [undefined] : people) tokens.push(await tokenOf(io, application, person))
  const digests = tokens.map(({ token }) => tokenDigest(token))
  const sessions = new Map(digests.map((digest) => [digest, newSession(io)]))
  const signIn = await smartOf(io, edgeUrl, smart, (holder) => watch?.signedIn(holder))
  const watch = watchOf(io, edge, keys, { sessions, door: () => door, smart: () => signIn })
  const door: StartedSidecar = await startSidecar({
    edge,
    edgeBase: `${edgeUrl}/fhir`,
    tokens: new Map(digests.map((digest) => [digest, application])),
    sessions,
    origins: new Set([...options.origins, ...(smart?.redirects ?? []).map((each) => new URL(each).origin)]),
    signed: (holder, way) => {
      if (way === 'in') watch?.signedIn(holder)
      else watch?.signedOut(holder)
    },
    ...(signIn === undefined ? {} : { smart: signIn }),
  }, options.port)
  const tokenPaths = tokens.map(({ path }) => path)
  return {
    server: door.server, base: door.base, tokenPaths, tokenPath: tokenPaths[0] ?? '',
    close: async () => {
      watch?.stop()
      door.server.closeAllConnections()
      door.server.close()
      await Promise.all([...sessions.values()].map((session) => logout(edge, session)))
    },
  }
}
