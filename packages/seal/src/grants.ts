/** Giving rights, taking them back, and using them. */
export {
  createGrant,
  type KeysToGrant,
  type KeysToOpen,
  type MadeGrant,
  openGrantKeys,
  renewGrantKeys,
} from './grants/grant.ts'
export { createAccess, createRevocation, type MadeAccess, type NewAccess } from './grants/statements.ts'
export { type NewNotice, signNotice } from './grants/notice.ts'
export {
  makeLink, makeOrder, signConfirmation, signDecoy, signFact, signIdentityProof, signLink, signOrder, signReport,
  signStatus, signTicket, signWithdrawal,
} from './grants/standing.ts'
