/** The holder's door for its nodes, and the same holder as a node sees it through that door. */
import { decode, encode } from '@scelle/seal/verify'
import { isProblemCode, Problem, PROBLEMS } from '@scelle/wire/errors'
import { faultOf, type Log, problemOf } from '@scelle/wire/server'
import type { Timers } from '@scelle/wire/timers'
import type { Holder, Settings, Settlement } from '../holder.ts'
import type { Refused } from '../words/denials.ts'
import { FrameClient, type FrameServer, serveFrames } from './frames.ts'
import {
  chargeIn, DenialFrame, Facts, FactsAsked, namedCharge, SettingsFrame, SettlementFrame,
} from './messages.ts'

const SETTINGS = 0
const FACTS = 1
const SETTLE = 2
const DENY = 3

const NOTHING = new Uint8Array(0)

const settlementIn = (frame: Uint8Array): Settlement => {
  const { reader, access, statement, vault, custodian, signed, chain, charge, leaf, salt, note, cosigned, ...rest } =
    decode(SettlementFrame, frame)
  return {
    id: statement, access: { access, reader, vault, custodian, chain }, signed, ...rest,
    recorded: { leaf: { leaf, statement: signed, salt }, note, cosigned },
    charge: charge === undefined ? undefined : chargeIn(charge, { reader, vault }),
  }
}

const frameOf = (
  { id, access, signed, recorded, heads, sealed, charge, enc, revocations, lastSignOut }: Settlement,
): Uint8Array => {
  const { leaf: { leaf, salt }, note, cosigned } = recorded
  return encode(SettlementFrame, {
    reader: access.reader, access: access.access, statement: id, vault: access.vault, custodian: access.custodian,
    signed, chain: [...access.chain], revocations, lastSignOut, leaf, salt, note, cosigned: [...cosigned],
    heads: [...heads], enc, sealed: [...sealed], ...(charge === undefined ? {} : { charge: namedCharge(charge) }),
  })
}

const answer = async (holder: Holder, kind: number, body: Uint8Array): Promise<Uint8Array> => {
  if (kind === FACTS) return encode(Facts, await holder.facts(decode(FactsAsked, body)))
  if (kind === SETTLE) return holder.settle(settlementIn(body))
  if (kind === DENY) {
    const { signed, id, code, ...access } = decode(DenialFrame, body)
    await holder.deny({ access, signed, id, why: new Problem(isProblemCode(code) ? code : 'internal') })
    return NOTHING
  }
  if (kind !== SETTINGS) throw new Problem('bad-request')
  const { trustee, index, issuers, emergencyKeys } = await holder.settings()
  return encode(SettingsFrame, { trustee, index, issuers: [...issuers], emergencyKeys: [...emergencyKeys] })
}

export const openDoor = (path: string, holder: Holder, log: Log): Promise<FrameServer> =>
  serveFrames(path, (kind, body) => answer(holder, kind, body), (error) => log({ event: 'fault', ...faultOf(error) }))

/** The holder, in another process of this host. */
export class HeldElsewhere implements Holder {
  readonly #client: FrameClient
  #settings: Promise<Settings> | undefined

  /** Until it is reached again, its settings may be others. */
  constructor(path: string, timers: Timers, log: Log) {
    this.#client = new FrameClient(path, timers, (reached) => {
      if (!reached) this.#settings = undefined
      log({ event: 'holder', reached })
    })
  }

  settings = (): Promise<Settings> => {
    this.#settings ??= this.#ask(SETTINGS, NOTHING).then((frame) => decode(SettingsFrame, frame))
      .catch((error: unknown) => {
        this.#settings = undefined
        throw error
      })
    return this.#settings
  }

  facts = async (asked: FactsAsked): Promise<Facts> => decode(Facts, await this.#ask(FACTS, encode(FactsAsked, asked)))

  settle = (settlement: Settlement): Promise<Uint8Array> => this.#ask(SETTLE, frameOf(settlement))

  deny = async ({ access: { vault, custodian, reader }, signed, id, why }: Refused): Promise<void> => {
    const { code } = problemOf(why)
    // Not kept in any case: that it could not serve is nobody's doing.
    if (PROBLEMS[code][0] >= 500) return
    await this.#ask(DENY, encode(DenialFrame, { vault, custodian, reader, signed, id, code }))
  }

  close = (): void => this.#client.close()

  #ask(kind: number, body: Uint8Array): Promise<Uint8Array> {
    return this.#client.ask(kind, body)
  }
}
