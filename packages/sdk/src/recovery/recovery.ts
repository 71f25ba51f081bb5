/**
 * A person's root: how it is kept so that losing a device loses nothing, and how it comes back. For the passkey page,
 * and for whatever client a patient runs.
 */
export {
  answerAsGuardian, deviceInput, enrolmentHolds, openPacket, openPrintedFile, packetOf, prfInput, readPrinted,
  spokenCode,
} from '@scelle/seal/recovery'
export { GuardianRecovery, type GuardianResult } from './by-guardians.ts'
export { deviceSecret, keptDeviceKey, newDeviceKey } from './device-key.ts'
export { type GuardianPackets, type NewGuardians, type PrintedSheet, RootKeeper, type WrapAbout } from './keeper.ts'
export type { OwnRecovery } from './objecting.ts'
export { type Opened, WrapOpener } from './opening.ts'
export type { RecoveryOptions } from './own.ts'
export { prfOutput, withoutPrf } from './passkeys.ts'
export type { PinResult } from './pin.ts'
