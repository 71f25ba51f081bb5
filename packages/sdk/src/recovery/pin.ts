/** A PIN by two of three trustees, who count its tries. */
import { contentOf, pinInput, pinKnower, rootByPin, wrapPlace, wrapWriter } from '@scelle/seal/recovery'
import { decode, encode, equalBytes, type PinSet, readPinSet, SealError, toHex, type Wrap } from '@scelle/seal/verify'
import { blindInput, finishEvaluation, type PartialEvaluation, requireEvaluation } from '@scelle/seal/voprf'
import { PinEvaluation, PinKnown, PinTry } from '@scelle/wire/messages'
import type { Connection, Party } from '../connection.ts'
import { SdkError } from '../errors.ts'

/** `left`: tries that the trustee with fewest of them still gives. */
export type PinResult =
  | { readonly state: 'opened'; readonly root: Uint8Array }
  | { readonly state: 'wrong-pin'; readonly left: number }

interface Trying {
  readonly connection: Connection
  readonly wrap: Wrap
  readonly device: Uint8Array
  readonly pin: PinSet
}

const shareFor = ({ wrap, pin }: Trying, { keys }: Party) => {
  const { set, shares } = contentOf(wrap, 'device', 'pin')
  const place = pin.trustees.findIndex((id) => equalBytes(id, keys.id))
  const share = shares[place]
  return share === undefined ? undefined : { set, share }
}

const evaluate = async (
  trying: Trying, party: Party, blinded: Uint8Array,
): Promise<{ partial: PartialEvaluation; left: number } | undefined> => {
  const shown = shareFor(trying, party)
  if (shown === undefined) return undefined
  const asker = await wrapWriter(wrapPlace(trying.device))
  const body = encode(PinTry, { keys: [[...asker.chain]], ...shown, blinded })
  const { transport } = trying.connection
  const answer = decode(PinEvaluation, await transport.ask(party.target, {
    method: 'POST', path: '/v1/pins/evaluations', body, as: asker, attempts: 2,
  }))
  // Whose answer it is, is who was asked: a trustee must not have another one blamed.
  const partial = { trustee: party.keys.id, evaluated: answer.evaluated, proof: answer.proof }
  requireEvaluation(partial, blinded, trying.pin)
  return { partial, left: answer.left }
}

const failed = (failures: readonly { party: Party; error: SdkError | SealError }[]): SdkError => {
  const locked = failures.find(({ error }) => error instanceof SdkError && error.problem === 'pin-locked')?.error
  if (locked instanceof SdkError) return locked
  return new SdkError('recovery-insufficient', 'two trustees have to answer for a PIN; ask again', {
    parties: failures.map(({ party }) => toHex(party.keys.id)), cause: failures[0]?.error,
  })
}

/** Two are asked, and the third where one fails: each that is asked counts. */
const evaluated = async (
  trying: Trying, blinded: Uint8Array,
): Promise<{ partials: PartialEvaluation[]; left: number }> => {
  const { connection } = trying
  const met = await connection.metTrustees()
  const first = (connection.context.random(1)[0] as number) % Math.max(1, met.length)
  const parties = [...met.slice(first), ...met.slice(0, first)]
  const partials: PartialEvaluation[] = []
  const failures: { party: Party; error: SdkError | SealError }[] = []
  let left = Number.MAX_SAFE_INTEGER
  for (const party of parties) {
    if (partials.length === 2) break
    try {
      const heard = await evaluate(trying, party, blinded)
      if (heard === undefined) continue
      partials.push(heard.partial)
      left = Math.min(left, heard.left)
    } catch (error) {
      if (!(error instanceof SdkError || error instanceof SealError)) throw error
      failures.push({ party, error })
      connection.log('trustee-failed', { code: error.code })
    }
  }
  if (partials.length < 2) throw failed(failures)
  return { partials, left }
}

/** Has the tries forgotten. A trustee that is away keeps them, which locks nobody out by itself. */
const tellKnown = async (trying: Trying, output: Uint8Array): Promise<void> => {
  const { connection, pin } = trying
  const knower = await pinKnower(output, pin.salt)
  await Promise.all((await connection.metTrustees()).map(async (party) => {
    const shown = shareFor(trying, party)
    if (shown === undefined) return
    const body = encode(PinKnown, { keys: [[...knower.chain]], ...shown })
    await connection.transport.ask(party.target, {
      method: 'POST', path: '/v1/pins/known', body, as: knower, attempts: 2,
    }).catch((error: unknown) => {
      if (!(error instanceof SdkError)) throw error
      connection.log('trustee-failed', { code: error.code })
    })
  }))
}

/** Tries a PIN once. Throws `trustee-problem` with `pin-locked`, `recovery-insufficient`, SealError. */
export const tryPin = async (
  connection: Connection, wrap: Wrap, device: Uint8Array, typed: string,
): Promise<PinResult> => {
  const pin = readPinSet(contentOf(wrap, 'device', 'pin').set)
  const trying = { connection, wrap, device, pin }
  const blinding = blindInput(pinInput(typed, pin.salt), connection.context)
  const { partials, left } = await evaluated(trying, blinding.blinded)
  const output = finishEvaluation(blinding, partials, pin)
  connection.transport.unsendable.add(output)
  try {
    const root = await rootByPin(wrap, output, device)
    await tellKnown(trying, output)
    return { state: 'opened', root }
  } catch (error) {
    if (!(error instanceof SealError) || error.code !== 'pin-invalid') throw error
    return { state: 'wrong-pin', left }
  }
}
