/** `scelle emergencies`: the officer's queue of broken glass, as the trustees keep it. */
import { type BrokenGlass, type Client, SdkError } from '@scelle/sdk'
import { makeOrder, signOrder } from '@scelle/seal/grants'
import { Confirmation, decode, decodeSigned, fromHex, toHex } from '@scelle/seal/verify'
import { CommandError, EXIT } from './errors.ts'
import type { Installation } from './home.ts'
import type { Io } from './io.ts'
import { CLI_LIMITS } from './limits.ts'
import { MESSAGES } from './messages.ts'
import { statusOf } from './run/register.ts'
import { clientOf, personIn } from './share.ts'
import { table } from './table.ts'

interface Officer {
  readonly client: Client
  readonly statuses: readonly Uint8Array[]
}

const officerOf = async (io: Io, installation: Installation, as: string): Promise<Officer> => {
  const identity = await personIn(io, as)
  const client = await clientOf(io, installation, { identity })
  return { client, statuses: await statusOf(io, installation, as, { subject: identity.id, role: 'officer' }) }
}

/** The reader's words are its own: one line of them, whatever they hold. */
const toldOf = ({ access, vault, time, reason, reviewed }: BrokenGlass) => {
  const words = decode(Confirmation, decodeSigned('confirmation', reason).body)
  return {
    access, vault, reader: toHex(words.reader), time: new Date(time).toISOString(),
    reason: words.reason.replaceAll(/\s+/g, ' '),
    ...(reviewed === undefined ? {} : { reviewed: new Date(reviewed).toISOString() }),
  }
}

const minute = (instant: string): string => instant.slice(0, 16).replace('T', ' ')

/** Exit status 1 where some of it waits for somebody to look at. */
export const emergencies = async (
  io: Io, installation: Installation, { as, json }: { as: string; json: boolean },
): Promise<number> => {
  const { emergencies: messages } = MESSAGES[io.language].card
  const { client, statuses } = await officerOf(io, installation, as)
  const broken = (await client.brokenGlass(statuses)).map(toldOf)
  const waiting = broken.filter(({ reviewed }) => reviewed === undefined).length
  const status = waiting === 0 ? EXIT.done : EXIT.partly
  if (json) {
    for (const one of broken) io.out(JSON.stringify(one))
    return status
  }
  const rows = broken.map(({ access, time, reader, vault, reviewed, reason }) => [
    access.slice(0, 12), minute(time), reader.slice(0, 12), vault.slice(0, 12),
    reviewed === undefined ? messages.waiting : messages.reviewed(minute(reviewed)), reason,
  ])
  for (const line of rows.length === 0 ? [messages.none] : table([messages.head, ...rows])) io.out(line)
  if (waiting > 0) io.out(`\n${messages.some(waiting)}`)
  return status
}

const find = async (io: Io, { client, statuses }: Officer, id: string): Promise<BrokenGlass> => {
  const found = (await client.brokenGlass(statuses)).filter(({ access }) => access.startsWith(id))
  const [only] = found
  if (only === undefined || found.length > 1 || id.length < CLI_LIMITS.emergencyName) {
    throw new CommandError('failed', MESSAGES[io.language].card.emergencies.unknown(id))
  }
  return only
}

/** A trustee that released nothing has nothing to review, and refuses: what counts is what they tell afterwards. */
export const reviewEmergency = async (
  io: Io, installation: Installation, { as, id, reason }: { as: string; id: string; reason: string | undefined },
): Promise<number> => {
  const messages = MESSAGES[io.language]
  const officer = await officerOf(io, installation, as)
  const { access } = await find(io, officer, id.toLowerCase())
  const now = Math.floor(io.now() / 1000)
  const order = makeOrder({
    action: 'review', scope: 'organisation', target: fromHex(access) as Uint8Array, notBefore: now,
    expires: now + CLI_LIMITS.orderTime / 1000, reason: reason ?? messages.card.emergencies.seen,
  }, io)
  try {
    await officer.client.order([await signOrder(officer.client.identity, order)], officer.statuses)
  } catch (error) {
    if (!(error instanceof SdkError) || error.problem !== 'not-found') throw error
  }
  const after = await find(io, officer, access)
  if (after.reviewed === undefined) throw new CommandError('failed', messages.failed('not-found'))
  io.out(messages.card.emergencies.done(access.slice(0, 12)))
  return EXIT.done
}
