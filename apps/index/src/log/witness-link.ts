/**
 * One trustee, kept up to date. Each has its own loop, so that a slow one delays nobody. What it answers is believed in
 * nothing but this: numbers that say where to go on, which a liar pays for itself, and cosignatures that verify.
 */
import { heldSignatures, LogError, type NoteSignature, parseSignatures } from '@scelle/log'
import { decode, SealError } from '@scelle/seal/verify'
import { ask, type AskOptions, Unanswered } from '@scelle/wire/ask'
import { verifyEd25519, witnessKeys } from '@scelle/wire/log'
import { LogPushed } from '@scelle/wire/messages'
import type { Log as Events, WitnessState } from '@scelle/wire/server'
import { INDEX_LIMITS } from '../limits.ts'
import type { Pushes, Standing } from './pushes.ts'
import type { Rounds, Target } from './rounds.ts'
import { type KnownTrustee, Untrue } from './trustee.ts'

export interface WitnessLinkOptions {
  readonly trustee: KnownTrustee
  /** Its place in the configuration. */
  readonly place: number
  readonly asking: AskOptions
  readonly rounds: Rounds
  readonly pushes: Pushes
  readonly events: Events
  /** It says that it cosigned more than this index has published. */
  readonly ahead: () => void
}

class Ahead extends Error {
  override readonly name = 'Ahead'
}

const stateOf = (error: unknown): WitnessState => {
  if (error instanceof Ahead) return 'ahead'
  if (error instanceof Unanswered) return error.code === 'log-forked' ? 'forked' : 'silent'
  return error instanceof Untrue || error instanceof SealError || error instanceof LogError ? 'lying' : 'silent'
}

export class WitnessLink {
  readonly #options: WitnessLinkOptions
  #standing: Standing | undefined
  #running: Promise<void> | undefined
  #pause = 0
  #state: WitnessState | undefined
  /** Cuts the pause under way short. */
  #urged: (() => void) | undefined

  constructor(options: WitnessLinkOptions) {
    this.#options = options
  }

  /** There may be something for it to cosign. */
  wake(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
  }

  /** Somebody waits for its cosignature. */
  urge(): void {
    this.#urged?.()
  }

  async ended(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    const { rounds, place, asking } = this.#options
    for (;;) {
      const target = rounds.targetFor(place)
      if (target === undefined || asking.signal.aborted) return
      try {
        await this.#step(target)
        this.#pause = 0
      } catch (error) {
        if (asking.signal.aborted) return
        this.#tell(stateOf(error))
        if (error instanceof Ahead) this.#options.ahead()
        await this.#rest()
      }
    }
  }

  #tell(state: WitnessState): void {
    const { events, place } = this.#options
    if (this.#state !== state) events({ event: 'witness', trustee: place + 1, state })
    this.#state = state
  }

  /** Waits longer with each failure, until somebody needs the cosignature; never less than the shortest pause. */
  async #rest(): Promise<void> {
    const { timers, signal, context } = this.#options.asking
    this.#pause = Math.min(INDEX_LIMITS.witnessPauseMax, Math.max(INDEX_LIMITS.witnessPause, this.#pause * 2))
    const since = context.now()
    await new Promise<void>((resolve) => {
      const go = (): void => {
        cancel()
        signal.removeEventListener('abort', go)
        this.#urged = undefined
        resolve()
      }
      let cancel = timers.after(this.#pause, go)
      this.#urged = () => {
        this.#urged = undefined
        cancel()
        cancel = timers.after(Math.max(0, since + INDEX_LIMITS.witnessPause - context.now()), go)
      }
      signal.addEventListener('abort', go)
    })
  }

  async #step(target: Target): Promise<void> {
    const { rounds, pushes, place } = this.#options
    this.#standing ??= await this.#push(pushes.probe)
    const before = this.#standing
    if (before.cosigned > target.size) {
      rounds.passed(before.cosigned)
      this.#standing = undefined
      if (rounds.targetFor(place) === target) throw new Ahead()
      return
    }
    const push = await pushes.next(before, target)
    const { cosignature, ...standing } = await this.#push(push.body)
    this.#standing = standing
    if (cosignature !== undefined && push.asks) {
      rounds.add(place, target, await this.#verified(cosignature, target))
      return this.#tell('cosigning')
    }
    if (standing.mirrored === before.mirrored && standing.cosigned === before.cosigned) {
      throw new Unanswered('it took nothing')
    }
    // Numbers that go back would have the whole log sent again and again: not without a pause.
    if (standing.mirrored < before.mirrored) throw new Unanswered('it lost leaves')
  }

  async #push(body: Uint8Array): Promise<LogPushed> {
    const { asking, trustee } = this.#options
    return decode(LogPushed, await ask(asking, 'POST', `${trustee.address.url}/v1/log/push`, body))
  }

  async #verified(lines: string, target: Target): Promise<NoteSignature> {
    const [signature, ...others] = parseSignatures(lines)
    if (signature === undefined || others.length > 0) throw new Untrue('one cosignature was asked for')
    const { trustee } = this.#options
    const keys = witnessKeys(await trustee.keys())
    const held = await heldSignatures({ text: target.signed.text, signatures: [signature] }, keys, verifyEd25519)
    if (held.length > 0) return signature
    trustee.forget()
    throw new Untrue('the cosignature is not of this trustee')
  }
}
