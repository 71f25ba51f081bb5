/**
 * Who has lost everything asks two guardians, waits for three days, and asks two trustees. What has to be kept between
 * is `stored`: the new device's own keys, and what guardians answered.
 */
import { createIdentity, exportIdentity, importIdentity } from '@scelle/seal/identity'
import {
  askGuardians, contentOf, type GivenShare, hearGuardian, type HeardGuardian, openGivenPart, rootByGuardians,
  spokenCode, wrongShares,
} from '@scelle/seal/recovery'
import {
  bytes, decode, encode, equalBytes, field, FORMAT_LIMITS, list, readRecoverySet, SealError, struct, toHex,
  type Value, type Wrap,
} from '@scelle/seal/verify'
import { PartAnswer, PartRequest, RecoveryShown } from '@scelle/wire/messages'
import { Connection, type Party } from '../connection.ts'
import { SdkError } from '../errors.ts'
import { logNotice } from '../log/notices.ts'
import type { RecoveryOptions } from './own.ts'
import { WrapStorage } from './storage.ts'

const Stored = struct({
  device: field(0, bytes(1, FORMAT_LIMITS.statement)),
  ask: field(1, bytes(1, FORMAT_LIMITS.statement)),
  answers: field(2, list(bytes(1, FORMAT_LIMITS.statement), FORMAT_LIMITS.guardians)),
})
type Stored = Value<typeof Stored>

export type GuardianResult =
  /** Milliseconds since 1970: asked again from then on. */
  | { readonly state: 'waiting'; readonly until: number }
  /** `liars`: hex ids of guardians and trustees whose share was not the committed one. */
  | { readonly state: 'opened'; readonly root: Uint8Array; readonly liars: readonly string[] }

type Heard = { readonly party: Party } & ({ readonly part: GivenShare } | { readonly due: number })

export class GuardianRecovery {
  readonly #connection: Connection
  readonly #stored: Stored
  readonly #heard: HeardGuardian[] = []

  private constructor(connection: Connection, stored: Stored) {
    this.#connection = connection
    this.#stored = stored
  }

  /** On a new device. */
  static async begin(options: RecoveryOptions): Promise<GuardianRecovery> {
    const device = await createIdentity('person', options.context)
    const stored = { device: exportIdentity(device), ask: askGuardians(device, options.context), answers: [] }
    return GuardianRecovery.resume(options, encode(Stored, stored))
  }

  /** Goes on with what was stored. */
  static async resume(options: RecoveryOptions, stored: Uint8Array): Promise<GuardianRecovery> {
    const { device, ask, answers } = decode(Stored, stored)
    const connection = new Connection({ ...options, identity: await importIdentity(device) })
    await connection.meet()
    await connection.register()
    const recovery = new GuardianRecovery(connection, { device, ask, answers: [] })
    for (const answer of answers) await recovery.hear(answer)
    return recovery
  }

  /** For the guardians: a file, or a code. */
  get ask(): Uint8Array {
    return this.#stored.ask
  }

  /** Said to each guardian, who compares it with what its own client shows. */
  get code(): string {
    return spokenCode(this.#stored.ask)
  }

  /** Secrets of this device: to be kept as a key is. */
  get stored(): Uint8Array {
    return encode(Stored, this.#stored)
  }

  /** A guardian's answer. Throws SealError where it is to another device. */
  async hear(answer: Uint8Array): Promise<void> {
    const heard = await hearGuardian(answer, this.#connection.identity)
    if (this.#heard.some(({ by }) => equalBytes(by, heard.by))) return
    this.#heard.push(heard)
    this.#stored.answers.push(answer)
  }

  /** Puts it on record, with two guardians' signatures: from then on it is seen, and the time runs. */
  async start(): Promise<void> {
    const agreed = this.#agreed()
    const [first] = agreed as [HeardGuardian]
    const { owner } = readRecoverySet(first.set)
    const { directory } = this.#connection
    const keys = await Promise.all(agreed.map(async ({ by }) => [...(await directory.of(by)).chain]))
    const content = encode(RecoveryShown, { keys, recoveries: agreed.map(({ recovery }) => recovery), set: first.set })
    await logNotice(this.#connection, { about: 'recovery', target: owner, content })
  }

  /**
   * The root, or until when it waits. Throws `recovery-insufficient` naming who did not answer, `trustee-problem` with
   * `recovery-ended` where the owner objected, SealError `share-invalid` naming who gave a wrong share.
   */
  async finish(): Promise<GuardianResult> {
    const agreed = this.#agreed()
    const wrap = await this.#wrap(agreed)
    const { heard, failures } = await this.#parts(wrap, agreed[0] as HeardGuardian)
    const parts = heard.flatMap((one) => ('part' in one ? [one.part] : []))
    if (parts.length < 2) {
      const waits = heard.flatMap((one) => ('due' in one ? [one.due] : []))
      const ended = failures.find(({ error }) => error instanceof SdkError && error.problem === 'recovery-ended')
      if (waits.length + parts.length >= 2) return { state: 'waiting', until: Math.max(...waits) }
      throw ended?.error ?? this.#insufficient(failures)
    }
    const root = await rootByGuardians(wrap, agreed, parts)
    this.#connection.transport.unsendable.add(root)
    return { state: 'opened', root, liars: wrongShares(wrap, agreed, parts).map(toHex) }
  }

  /** Guardians who signed for one and the same recovery, two at least. */
  #agreed(): HeardGuardian[] {
    const agreed = [...Map.groupBy(this.#heard, ({ id, set }) => `${toHex(id)}/${toHex(set)}`).values()]
      .find((same) => same.length >= FORMAT_LIMITS.guardiansNeeded)
    if (agreed === undefined) {
      throw new SdkError('recovery-insufficient', 'two guardians of one owner have to answer; ask the third one')
    }
    return agreed
  }

  /** One guardian that tells another place is passed over. */
  async #wrap(agreed: readonly HeardGuardian[]): Promise<Wrap> {
    const storage = new WrapStorage(this.#connection)
    let cause: Error = new SealError('wrap-invalid', 'what the index has is not of these guardians')
    for (const { place, set } of agreed) {
      try {
        const wrap = await storage.need(place)
        if (equalBytes(contentOf(wrap, 'guardians', 'guardians').set, set)) return wrap
      } catch (error) {
        if (!(error instanceof SdkError || error instanceof SealError)) throw error
        cause = error
      }
    }
    throw cause
  }

  async #parts(wrap: Wrap, { id, set }: HeardGuardian): Promise<{
    heard: Heard[]; failures: { party: Party; error: SdkError | SealError }[]
  }> {
    const heard: Heard[] = []
    const failures: { party: Party; error: SdkError | SealError }[] = []
    const { trustees } = readRecoverySet(set)
    const { parts } = contentOf(wrap, 'guardians', 'guardians')
    await Promise.all((await this.#connection.metTrustees()).map(async (party) => {
      const part = parts[trustees.findIndex((one) => equalBytes(one, party.keys.id))]
      if (part === undefined) return
      try {
        heard.push(await this.#part(party, { recovery: id, set, part }))
      } catch (error) {
        if (!(error instanceof SdkError || error instanceof SealError)) throw error
        failures.push({ party, error })
        this.#connection.log('trustee-failed', { code: error.code })
      }
    }))
    return { heard, failures }
  }

  async #part(party: Party, asked: Omit<PartRequest, 'keys'>): Promise<Heard> {
    const { transport, identity } = this.#connection
    const body = encode(PartRequest, { keys: [[...identity.chain]], ...asked })
    const { part, due } = decode(PartAnswer, await transport.ask(party.target, {
      method: 'POST', path: '/v1/recoveries/parts', body, attempts: 2,
    }))
    if (part === undefined) return { party, due: (due ?? 0) * 1000 }
    const seeds = identity.secrets.map(({ sealing }) => sealing)
    return { party, part: await openGivenPart(part, asked.recovery, party.keys.id, seeds) }
  }

  #insufficient(failures: readonly { party: Party; error: SdkError | SealError }[]): SdkError {
    return new SdkError('recovery-insufficient', 'two trustees have to give their part; ask again', {
      parties: failures.map(({ party }) => toHex(party.keys.id)), cause: failures[0]?.error,
    })
  }
}
