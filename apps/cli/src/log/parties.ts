/** Whose log it is and who its witnesses are: pinned by their ids, whose key chains certify themselves. */
import {
  decode, equalBytes, fromHex, type PrincipalKeys, SealError, statementId, toHex, verifyKeyChain,
} from '@scelle/seal/verify'
import { Self } from '@scelle/wire/messages'
import { CommandError } from '../errors.ts'
import { urlOf } from '../home.ts'
import type { Io } from '../io.ts'
import { CLI_LIMITS } from '../limits.ts'
import { MESSAGES } from '../messages.ts'
import type { LogMemory } from './memory.ts'
import { logSource, type ReadLog, SourceError } from './source.ts'

export interface PinnedTrustee {
  readonly id: string
  /** Where it shows its own checkpoint; absent where only its cosignatures are looked at. */
  readonly read?: ReadLog | undefined
}

/** Ids in hex. */
export interface Pins {
  readonly index: string
  readonly trustees: readonly PinnedTrustee[]
}

export interface KnownParties {
  readonly index: PrincipalKeys
  /** Those whose keys are shown, or were before. */
  readonly trustees: readonly PrincipalKeys[]
  /** Chains by id in hex, to be remembered. */
  readonly chains: Readonly<Record<string, readonly Uint8Array[]>>
}

const requireId = (io: Io, id: string): string => {
  if (fromHex(id)?.length !== 32) throw new CommandError('usage', MESSAGES[io.language].unknownOption(id))
  return id
}

/** `ID` or `ID@URL`. */
const trusteeFrom = (io: Io, text: string): PinnedTrustee => {
  const [id = '', ...rest] = text.split('@')
  const url = rest.join('@')
  return { id: requireId(io, id), ...(url === '' ? {} : { read: logSource(url) }) }
}

/** From the options, else from this home's own installation. */
export const pinsFrom = async (
  io: Io, options: { index?: string | undefined; trustees?: readonly string[] | undefined },
): Promise<Pins & { readonly where: string | undefined }> => {
  if (options.index !== undefined) {
    const trustees = (options.trustees ?? []).map((text) => trusteeFrom(io, text))
    if (trustees.length !== 3) throw new CommandError('usage', MESSAGES[io.language].log.needTrustees)
    return { index: requireId(io, options.index), trustees, where: undefined }
  }
  const installation = await io.home.installation()
  if (installation === undefined) throw new CommandError('usage', MESSAGES[io.language].log.needPins)
  return {
    index: installation.ids.index,
    trustees: (['trustee-1', 'trustee-2', 'trustee-3'] as const).map((party) => ({
      id: installation.ids[party], read: logSource(urlOf(installation, party)),
    })),
    where: urlOf(installation, 'index'),
  }
}

/** A chain that begins with all of what is remembered; the remembered one where nothing longer is shown. */
const chainOf = async (
  id: string, reads: readonly (() => Promise<Uint8Array | undefined>)[], remembered: readonly Uint8Array[] | undefined,
): Promise<readonly Uint8Array[] | undefined> => {
  let best = remembered
  for (const read of reads) {
    const shown = await read().then(
      (bytes) => (bytes === undefined ? undefined : decode(Self, bytes).keys),
      (error: unknown) => {
        if (error instanceof SourceError || error instanceof SealError) return undefined
        throw error
      },
    )
    if (shown === undefined || shown.length <= (best?.length ?? 0)) continue
    const keys = await verifyKeyChain(shown).catch(() => undefined)
    const goesOn = (best ?? []).every((record, i) =>
      equalBytes(statementId(record), statementId(shown[i] as Uint8Array)))
    if (keys !== undefined && toHex(keys.id) === id && goesOn) best = shown
  }
  return best
}

/**
 * Everybody's keys: as they show them themselves (`v1/self`), or as a mirror holds them (`keys/ID`), or as they are
 * remembered. Throws SourceError.
 */
export const partiesOf = async (pins: Pins, read: ReadLog, memory: LogMemory | undefined): Promise<KnownParties> => {
  const chains: Record<string, readonly Uint8Array[]> = {}
  const learn = async (id: string, own: ReadLog | undefined): Promise<PrincipalKeys | undefined> => {
    const reads = [
      ...(own === undefined ? [] : [() => own('v1/self', CLI_LIMITS.logAnswer)]),
      () => read(`keys/${id}`, CLI_LIMITS.logAnswer),
    ]
    const chain = await chainOf(id, reads, memory?.keys[id])
    if (chain === undefined) return undefined
    chains[id] = chain
    return verifyKeyChain(chain)
  }
  const index = await learn(pins.index, read)
  if (index === undefined) throw new SourceError('the keys of the index are shown nowhere')
  const trustees: PrincipalKeys[] = []
  for (const trustee of pins.trustees) {
    const keys = await learn(trustee.id, trustee.read)
    if (keys !== undefined) trustees.push(keys)
  }
  return { index, trustees, chains }
}
