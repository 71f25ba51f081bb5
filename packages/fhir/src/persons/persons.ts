/**
 * Persons as hospitals know them: numbers, the national identity and its trust, strict traits, probable duplicates,
 * merging. Pure: everything is read off Patient resources, nothing is looked up.
 * @module
 */
export { mergeOfA40 } from './a40.ts'
export type { V2Identifier } from './a40.ts'
export { EXTENSIONS, INS_OIDS, oidOf } from './codes.ts'
export type { InsKind } from './codes.ts'
export {
  blockingKeys, featuresOf, identifierKey, identifierKeys, MANY_NUMBERS, mothersMaidenNameOf, numbersOf, outsideKeys,
} from './features.ts'
export type { Features, LocalNumber } from './features.ts'
export { findingsOfIns, identityOf, insIn, isKeyRight } from './ins.ts'
export type { Identity, IdentityStatus, Ins } from './ins.ts'
export { hasLink, planMerge, withoutMerge } from './merge.ts'
export type { MergePlan } from './merge.ts'
export { domainsOf, inDomains, PDQM } from './pdqm.ts'
export { comparePatients, LISTED_FROM } from './score.ts'
export type { Comparison, Reason, ReasonField, ReasonFinding } from './score.ts'
export { isSamePersonOutside, outsideNameOf, strictTraitsOf } from './traits.ts'
export type { LocalReason, OutsideName, StrictTraits } from './traits.ts'
