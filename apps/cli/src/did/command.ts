/** `scelle did`: which of its actions, with which options. */
import type { Identity } from '@scelle/seal/identity'
import { readIdentity } from '@scelle/wire/identity-file'
import { parseDuration } from '../duration.ts'
import { CommandError } from '../errors.ts'
import type { Io } from '../io.ts'
import { CLI_LIMITS } from '../limits.ts'
import type { LogOptions } from '../log/monitor.ts'
import { MESSAGES } from '../messages.ts'
import { changeName, type ChangeOptions, createName } from './change.ts'
import { checkName } from './check.ts'
import { linkName } from './link.ts'
import { vouchForName } from './vouch.ts'

export interface DidValues {
  readonly identity?: string | undefined
  readonly keys?: string | undefined
  readonly reserve?: string | undefined
  readonly resolve?: readonly string[] | undefined
  readonly role?: string | undefined
  readonly name?: string | undefined
  readonly out?: string | undefined
  readonly until?: string | undefined
}

const needed = (io: Io, value: string | undefined, name: string): string => {
  if (value === undefined) throw new CommandError('usage', MESSAGES[io.language].missingArgument(name))
  return value
}

/** The organisation: whoever this home's edge is, unless a file says otherwise. */
const identityOf = async (io: Io, path: string | undefined): Promise<Identity> => {
  const own = await io.home.read('edge', 'identity')
  if (path === undefined && own === undefined) throw new CommandError('usage', MESSAGES[io.language].did.noIdentity)
  return readIdentity(path ?? io.home.path('edge', 'identity'))
}

const foldersOf = (io: Io, { keys, reserve }: DidValues): ChangeOptions => ({
  folders: { next: keys ?? io.home.path('did', 'keys'), reserve: reserve ?? io.home.path('did', 'reserve') },
})

const ACTIONS = 'create | rotate | compromise | move | deactivate | link | check | vouch'

export const runDidAction = async (
  io: Io, [action, first]: readonly (string | undefined)[], values: DidValues, log: LogOptions,
): Promise<number> => {
  const checking = () => ({ ...log, name: needed(io, first, 'DID'), resolve: values.resolve ?? [] })
  switch (action) {
    case 'create': {
      const { id } = await identityOf(io, values.identity)
      return createName(io, needed(io, first, 'DOMAIN'), id, foldersOf(io, values))
    }
    case 'rotate':
    case 'compromise':
    case 'deactivate':
      return changeName(io, { action }, foldersOf(io, values))
    case 'move':
      return changeName(io, { action, domain: needed(io, first, 'DOMAIN') }, foldersOf(io, values))
    case 'link': {
      const installation = await io.home.installation()
      if (installation === undefined) throw new CommandError('not-running', MESSAGES[io.language].notRunning)
      return linkName(io, installation, await identityOf(io, values.identity))
    }
    case 'check':
      return checkName(io, checking())
    case 'vouch':
      return vouchForName(io, {
        ...checking(), role: needed(io, values.role, '--role'), shown: needed(io, values.name, '--name'),
        out: needed(io, values.out, '--out'),
        until: io.now() + (values.until === undefined
          ? CLI_LIMITS.vouchedFor : parseDuration(values.until, io.language)),
      })
    case undefined:
    default:
      throw new CommandError('usage', MESSAGES[io.language].missingArgument(ACTIONS))
  }
}
