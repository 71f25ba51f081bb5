/** `scelle connect`: one token per application, kept in a file that only this user reads. */
import type { Server } from 'node:http'
import type { EdgeClient } from '../edge-client.ts'
import { CommandError } from '../errors.ts'
import type { Io } from '../io.ts'
import { MESSAGES } from '../messages.ts'
import { tokenDigest } from './door.ts'
import { startSidecar } from './sidecar.ts'

const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/

/** The application's token, made on first use: 32 random bytes, base64url. */
export const tokenOf = async (io: Io, application: string): Promise<{ token: string; path: string }> => {
  if (!NAME.test(application)) throw new CommandError('usage', MESSAGES[io.language].unknownOption('--application'))
  const file = ['connect', `${application}.token`]
  const stored = await io.home.read(...file)
  if (stored !== undefined) return { token: new TextDecoder().decode(stored).trim(), path: io.home.path(...file) }
  const token = Buffer.from(io.random(32)).toString('base64url')
  return { token, path: await io.home.write(`${token}\n`, ...file) }
}

export interface Connected {
  readonly server: Server
  readonly base: string
  readonly tokenPath: string
}

/** Opens the door for one application. */
export const connectApplication = async (
  io: Io, edge: EdgeClient, edgeUrl: string, options: { application: string; port: number; origins: readonly string[] },
): Promise<Connected> => {
  const { token, path } = await tokenOf(io, options.application)
  const { server, base } = await startSidecar({
    edge,
    edgeBase: `${edgeUrl}/fhir`,
    tokens: new Map([[tokenDigest(token), options.application]]),
    origins: new Set(options.origins),
  }, options.port)
  return { server, base, tokenPath: path }
}
