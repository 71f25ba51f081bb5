/**
 * A person's root secret: the principals that it makes, its wraps, and how each of them gives it back. For the person's
 * own client, and for guardians.
 */
export {
  answerAsGuardian, askGuardians, type GivenShare, guardianCode, hearGuardian, type HeardGuardian, openPacket,
  recoveryDevice, spokenCode,
} from './recovery/guardian.ts'
export {
  type Guarded, openGivenPart, packetOf, rehearsalOf, rootByGuardians, type ToGuard, wrapByGuardians,
  wrongShares,
} from './recovery/guardians.ts'
export { pinInput, pinKnower, rootByPin, type ToPin, wrapByPin } from './recovery/pin.ts'
export {
  newPrinted, openPrintedFile, printedFile, printedGroups, printedSecret, readPrinted, rootByPrinted, rootInText,
  wrapByPrinted,
} from './recovery/printed.ts'
export {
  OWN, ownIdentity, pairwiseIdentity, pairwiseSecrets, type PairwiseSecrets, rootCheck,
} from './recovery/root.ts'
export {
  contentOf, deviceInput, enrolmentHolds, listedWraps, listPlace, openWrap, prfInput, rootByPasskey, SEALED_WRAP,
  sealWrap, wrapByPasskey, wrapList, wrapPlace, type WrapPlace, wrapWriter,
} from './recovery/wrap.ts'
