/**
 * The only door that opens records. Writers seal through it without any reading right; readers come with a category's
 * secret and two trustees' shares, owners with their own key.
 */
export { type AheadKind, openAhead, sealAhead } from './envelope/ahead.ts'
export type { BodySource } from './body/stream.ts'
export { padmeLength } from './body/padding.ts'
export {
  CapsuleKey,
  capsuleKey,
  capsuleOpener,
  type CapsuleToOpen,
  createCapsule,
  type EncapsulationLookup,
  type NewCapsule,
  OpenCapsule,
  ownerRelease,
} from './envelope/capsule.ts'
export {
  type NewCard, openCard, type OpenedCard, type SealedCard, sealCard, signCardOpening,
} from './envelope/card.ts'
export { createCommit, type MadeCommit, type NewCommit, type RecordToCommit } from './envelope/commit.ts'
export { Courier } from './envelope/courier.ts'
export { handleOf } from './envelope/handle.ts'
export { checkLinks, type LinksChecked, type LinksToCheck } from './envelope/links.ts'
export {
  openRecord,
  openRecords,
  openStream,
  type OpenedRecord,
  type OpenedStream,
  type RecordToSeal,
  sealRecord,
  sealRecords,
  type SealedRecord,
  type SealedStream,
  sealStream,
} from './envelope/record.ts'
export {
  openRelease,
  type OpenedRelease,
  type Refusal,
  type ReleaseToOpen,
  type TrusteeAnswer,
} from './envelope/release.ts'
