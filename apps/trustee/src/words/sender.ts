/** Every release becomes a leaf of the log: the index is told each, in order, until it answers. */
import { exportIdentity, type Identity, importIdentity } from '@scelle/seal/identity'
import { decode, decodeSigned, Position, SealError } from '@scelle/seal/verify'
import { ask, type AskOptions, Unanswered } from '@scelle/wire/ask'
import { Receipt } from '@scelle/wire/messages'
import { faultOf, type Log } from '@scelle/wire/server'
import { TRUSTEE_LIMITS } from '../limits.ts'
import type { MirrorStore } from '../log/mirror-store.ts'
import type { Address } from '../log/gossip.ts'
import type { WordStore } from './word-store.ts'

/** Refusals that stay: the next release is not kept waiting by them. The list for the owner holds them all. */
const FINAL: ReadonlySet<string | undefined> = new Set([
  'bad-encoding', 'bad-request', 'bad-statement', 'not-permitted', 'already-exists', 'too-large',
])

/** The index does not know this trustee yet, or not its newest key. */
const UNKNOWN: ReadonlySet<string | undefined> = new Set(['principal-unknown', 'signature-invalid'])

export interface SenderOptions {
  readonly identity: Identity
  readonly words: WordStore
  readonly mirror: Pick<MirrorStore, 'keepShown'>
  readonly index: Address
  readonly asking: AskOptions
  readonly log: Log
}

export class Sender {
  readonly #options: SenderOptions
  #running = false
  #pause = 0

  constructor(options: SenderOptions) {
    this.#options = options
  }

  /** There may be something to tell. */
  wake(): void {
    if (this.#running) return
    this.#running = true
    this.#run().catch((error: unknown) => {
      this.#running = false
      this.#options.log({ event: 'fault', ...faultOf(error) })
    })
  }

  async #run(): Promise<void> {
    const { words, asking } = this.#options
    while (!asking.signal.aborted) {
      const next = words.due()
      if (next === undefined) {
        this.#running = false
        return
      }
      const told = await this.#tell(next.word)
      if (asking.signal.aborted) return
      if (told) {
        words.answered(next.sequence)
        this.#pause = 0
      } else await this.#rest()
    }
  }

  /** Whether it is done with. */
  async #tell(word: Uint8Array, registered = false): Promise<boolean> {
    const { asking, index: { url }, log } = this.#options
    try {
      const answer = await ask(asking, 'POST', `${url}/v1/releases`, word)
      if (!asking.signal.aborted) this.#keep(word, answer)
      return true
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error
      if (UNKNOWN.has(error.code) && !registered) {
        await this.#register()
        return this.#tell(word, true)
      }
      if (!FINAL.has(error.code)) return false
      log({ event: 'release-refused' })
      return true
    }
  }

  /** Where the log has it: for the index, should it be restored from a backup. It pays for what is not true of it. */
  #keep(statement: Uint8Array, answer: Uint8Array): void {
    try {
      const { position } = decode(Receipt, answer)
      const { sequence, salt } = decode(Position, decodeSigned('position', position).body)
      if (salt !== undefined) this.#options.mirror.keepShown({ leaf: sequence - 1, statement, salt })
    } catch (error) {
      if (!(error instanceof SealError)) throw error
    }
  }

  /** Registers this trustee's key records, each under the key that it brings. What is there already stays as it is. */
  async #register(): Promise<void> {
    const { identity, asking, index: { url } } = this.#options
    for (const [version, record] of identity.chain.entries()) {
      const then = await importIdentity(exportIdentity({
        chain: identity.chain.slice(0, version + 1), secrets: identity.secrets.slice(0, version + 1),
      }))
      try {
        await ask({ ...asking, identity: then }, 'POST', `${url}/v1/principals`, record)
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error
      }
    }
  }

  #rest(): Promise<void> {
    const { timers, signal } = this.#options.asking
    const { sendPause, sendPauseMax } = TRUSTEE_LIMITS
    this.#pause = Math.min(sendPauseMax, Math.max(sendPause, this.#pause * 2))
    return new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const cancel = timers.after(this.#pause, resolve)
      signal.addEventListener('abort', () => {
        cancel()
        resolve()
      }, { once: true })
    })
  }
}
