/** The load generator as its caller sees it: a process of its own, so that it shares a core only where it must. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { exportIdentity, type Identity } from '@scelle/seal/identity'
import { processorOf } from '../parties.ts'
import type { Job, Outcome } from './job.ts'
import type { Request } from './requests.ts'

export class Generator {
  readonly #child: ChildProcess

  constructor(identity: Identity) {
    const program = fileURLToPath(new URL('./main.ts', import.meta.url))
    this.#child = fork(program, [Buffer.from(exportIdentity(identity)).toString('hex')], { serialization: 'advanced' })
  }

  async use(requests: readonly Request[]): Promise<void> {
    await this.#ask({ kind: 'use', requests })
  }

  /** `clients` connections for so long. The first run after {@link use} may end early: it shows how many to sign. */
  async timed(url: string, clients: number, milliseconds: number): Promise<Outcome> {
    return (await this.#ask({ kind: 'timed', url, clients, milliseconds })) as Outcome
  }

  async all(url: string, clients: number): Promise<Outcome> {
    return (await this.#ask({ kind: 'all', url, clients })) as Outcome
  }

  async #ask(job: Job): Promise<Outcome | undefined> {
    this.#child.send(job)
    const [answer] = (await once(this.#child, 'message')) as [{ outcome?: Outcome; failed?: string }]
    if (answer.failed !== undefined) throw new Error(answer.failed)
    return answer.outcome
  }

  /** Processor time that it has used, milliseconds. */
  get processor(): number {
    return processorOf(this.#child.pid ?? 0)
  }

  close(): void {
    this.#child.disconnect()
  }
}
