/**
 * `scelle connect`: one token per application, or one for each person that an application serves, kept in files that
 * only this user reads. Each token has a session of its own at the edge.
 */
import type { Server } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import type { EdgeClient } from '../edge-client.ts'
import { CommandError } from '../errors.ts'
import type { Io } from '../io.ts'
import { CLI_LIMITS } from '../limits.ts'
import { MESSAGES } from '../messages.ts'
import { tokenDigest } from './door.ts'
import { startSidecar } from './sidecar.ts'
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
}

/** Opens the door for one application. */
export const connectApplication = async (
  io: Io, edge: EdgeClient, edgeUrl: string, options: ConnectOptions,
): Promise<Connected> => {
  const { application, people = [] } = options
  const tokens: Token[] = []
  for (const person of people.length === 0 ? [undefined] : people) tokens.push(await tokenOf(io, application, person))
  const digests = tokens.map(({ token }) => tokenDigest(token))
  const sessions = new Map(digests.map((digest) => [digest, Buffer.from(io.random(SESSION)).toString('base64url')]))
  const { smart } = options
  if (smart !== undefined && !NAME.test(smart.client)) {
    throw new CommandError('usage', MESSAGES[io.language].unknownOption('--smart'))
  }
  const known = smart === undefined ? undefined : await smartKeyOf(io, smart.client)
  if (known !== undefined) io.out(MESSAGES[io.language].smartKey(known.registered))
  const signIn = smart === undefined || known === undefined ? undefined : await SmartDoor.open({
    edgeBase: `${edgeUrl}/fhir`, application: smart.client, key: known.key, redirects: smart.redirects,
    now: io.now, random: io.random,
  })
  const { server, base } = await startSidecar({
    edge,
    edgeBase: `${edgeUrl}/fhir`,
    tokens: new Map(digests.map((digest) => [digest, application])),
    sessions,
    origins: new Set([...options.origins, ...(smart?.redirects ?? []).map((each) => new URL(each).origin)]),
    ...(signIn === undefined ? {} : { smart: signIn }),
  }, options.port)
  const logout = async (session: string): Promise<void> => {
    // An edge that is gone has nothing open any more; one that is unreachable closes it when the session is idle.
    const asked = edge('POST', '/fhir/$scelle-logout', { session }).catch(() => undefined)
    await Promise.race([asked, setTimeout(CLI_LIMITS.logoutTime, undefined, { ref: false })])
  }
  const tokenPaths = tokens.map(({ path }) => path)
  return {
    server, base, tokenPaths, tokenPath: tokenPaths[0] ?? '',
    close: async () => {
      server.closeAllConnections()
      server.close()
      await Promise.all([...sessions.values()].map(logout))
    },
  }
}
