/**
 * Launches from within the house's own software (SMART App Launch 2.2, EHR launch): it names the patient whom the
 * person before it looks at. It gives no rights: those come with the person's own sign-in.
 */
import type { FhirAnswer } from '../answers.ts'
import type { Call } from '../call.ts'
import { EdgeError } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import { parametersIn, told } from '../parameters-body.ts'
import type { Repository } from '../repository.ts'

export interface Launch {
  /** `Patient/id`. */
  readonly patient: string
  /** `client_id` of the application that is launched. */
  readonly client: string
  /** Hex id of whoever launched it, where somebody was logged in: nobody else may finish it. */
  readonly person: string | undefined
}

export interface LaunchesOptions {
  readonly repository: Pick<Repository, 'vaultOf'>
  readonly personIn: (session: string) => string | undefined
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
}

const ID = 24

export class Launches {
  readonly #options: LaunchesOptions
  readonly #waiting = new Map<string, Launch & { readonly until: number }>()

  constructor(options: LaunchesOptions) {
    this.#options = options
  }

  /** `POST Patient/id/$scelle-launch`: `application` (client_id) → `launch`, good once, for a few minutes. */
  async begin(call: Call, patient: string): Promise<FhirAnswer> {
    const client = parametersIn(call, ['application']).get('application') ?? ''
    await this.#options.repository.vaultOf(patient)
    const now = this.#options.now()
    for (const [id, { until }] of this.#waiting) if (until <= now) this.#waiting.delete(id)
    if (this.#waiting.size >= EDGE_LIMITS.launches) throw new EdgeError('overloaded')
    const id = Buffer.from(this.#options.random(ID)).toString('base64url')
    const person = this.#options.personIn(call.session)
    this.#waiting.set(id, { patient, client, person, until: now + EDGE_LIMITS.launchTime * 1_000 })
    return told({ launch: id })
  }

  /** Good once: whoever asks has it, and nobody after. */
  take(id: string, client: string): Launch | undefined {
    const launch = this.#waiting.get(id)
    if (launch === undefined || launch.client !== client) return undefined
    this.#waiting.delete(id)
    return launch.until > this.#options.now() ? launch : undefined
  }
}
