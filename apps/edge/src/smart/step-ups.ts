/**
 * A confirmation beside a sign-in: the person says why they go on, and signs it on the passkey page. Trustees take it
 * as the step of their ladder that they asked for; where the application works with one patient, for that one alone.
 */
import { type Client, confirmationBody } from '@scelle/sdk'
import { EdgeError } from '../errors.ts'
import type { Begun, SignedIn, SignIn } from '../passkeys/sign-in.ts'
import type { Repository } from '../repository.ts'
import { isFresh } from '../staff/confirmations.ts'
import type { Staff } from '../staff/staff.ts'

export interface StepUpsOptions {
  readonly staff: Pick<Staff, 'checked' | 'confirmations'>
  readonly signIn: Pick<SignIn, 'beginConfirm' | 'finishConfirm'>
  readonly client: Pick<Client, 'statements'>
  readonly repository: Pick<Repository, 'vaultOf'>
  /** Hex id of this organisation. */
  readonly self: string
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
}

export interface StepUpWish {
  readonly signedIn: SignedIn
  readonly reason: string
  /** `Patient/id`, where the application works with one. */
  readonly patient: string | undefined
  readonly returnTo: string
  readonly language: string
}

export class StepUps {
  readonly #options: StepUpsOptions

  constructor(options: StepUpsOptions) {
    this.#options = options
  }

  /** Throws `forbidden`, `not-found`. */
  async begin({ signedIn: { person, session }, reason, patient, returnTo, language }: StepUpWish): Promise<Begun> {
    const { signIn, self, now, random } = this.#options
    const vault = await this.#vaultOf(patient)
    const body = confirmationBody({
      type: 'step-up', reader: person, organisation: self, reason, ...(vault === undefined ? {} : { vault }),
    }, { now, random })
    return signIn.beginConfirm({ person, session, kind: 'confirmation', body, returnTo, language })
  }

  /** From now on trustees are shown it. Throws `forbidden` where it was not signed, `bad-value` for another word. */
  async finish(answer: string, { session, person }: SignedIn, patient: string | undefined): Promise<void> {
    const { signIn, staff, client, self, now } = this.#options
    const signed = signIn.finishConfirm(answer, session)
    const word = await staff.checked(() => client.statements.confirmation(signed))
    const isTheirs = word.type === 'step-up' && word.reader === person && word.signer === person
    const isHere = word.organisation === self && word.vault === await this.#vaultOf(patient)
    if (!isTheirs || !isHere || !isFresh(word, now())) {
      throw new EdgeError('bad-value', 'the page signed another word than the one that was asked', 'answer')
    }
    staff.confirmations.add({ ...word, signed })
  }

  async #vaultOf(patient: string | undefined): Promise<string | undefined> {
    return patient === undefined ? undefined : this.#options.repository.vaultOf(patient)
  }
}
