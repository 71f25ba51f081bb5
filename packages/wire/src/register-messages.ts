/**
 * Between a house and the desk of a register: who is to enrol, what the register signed of somebody, who left. What the
 * person shows the desk goes there by their own browser, and never through the house.
 */
import { bytes, choice, field, FORMAT_LIMITS, list, struct, text, type Value } from '@scelle/seal/verify'
import { PAGE_LIMITS, REGISTER_LIMITS } from './limits.ts'
import { PAGE_LANGUAGES } from './passkey-page.ts'

const hash32 = bytes(32)

/** A house sends somebody of its people to the desk: their principal, and where their browser goes afterwards. */
export const EnrolmentAsk = struct({
  person: field(0, hash32),
  returnTo: field(1, text(PAGE_LIMITS.returnTo)),
  language: field(2, choice(PAGE_LANGUAGES)),
})
export type EnrolmentAsk = Value<typeof EnrolmentAsk>

/** `url`: where the person's browser goes. It opens nothing without their passkey. */
export const EnrolmentBegun = struct({ url: field(0, text(PAGE_LIMITS.returnTo)) })
export type EnrolmentBegun = Value<typeof EnrolmentBegun>

/** A house asks what the register says of its people now. */
export const StatusesAsk = struct({ persons: field(0, list(hash32, REGISTER_LIMITS.persons)) })
export type StatusesAsk = Value<typeof StatusesAsk>

/** Signed statuses of those who have one now; of the others nothing is said. */
export const StatusesAnswer = struct({
  statuses: field(0, list(struct({
    person: field(0, hash32), status: field(1, bytes(1, FORMAT_LIMITS.statement)),
  }), REGISTER_LIMITS.persons)),
})
export type StatusesAnswer = Value<typeof StatusesAnswer>

/** Somebody left the house that says so, or, by an operator of the register, the profession. */
export const LeaverNotice = struct({ person: field(0, hash32) })
export type LeaverNotice = Value<typeof LeaverNotice>
