/** A house's way to the desk of a register. What comes back is the desk's word: whoever takes a status verifies it. */
import { decode, encode } from '@scelle/seal/verify'
import { ask, type AskOptions } from './ask.ts'
import { EnrolmentAsk, EnrolmentBegun, StatusesAnswer, StatusesAsk } from './register-messages.ts'

export * from './register-messages.ts'

/** `url`: of the desk, without a slash at its end. Where the person's browser goes. Throws Unanswered, SealError. */
export const beginEnrolment = async (asking: AskOptions, url: string, wish: EnrolmentAsk): Promise<string> =>
  decode(EnrolmentBegun, await ask(asking, 'POST', `${url}/v1/enrolments`, encode(EnrolmentAsk, wish))).url

/** What the register says of these people of this house now. Throws Unanswered, SealError. */
export const fetchStatuses = async (
  asking: AskOptions, url: string, persons: readonly Uint8Array[],
): Promise<StatusesAnswer['statuses']> =>
  decode(StatusesAnswer, await ask(asking, 'POST', `${url}/v1/statuses`, encode(StatusesAsk, {
    persons: [...persons],
  }))).statuses
