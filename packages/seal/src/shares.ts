/**
 * The trustee's door: opens what was sealed to the holder's own key (its shares), and seals shares to readers. Neither
 * a category key nor a record can be opened through it.
 */
export { CourierKey, CourierKeys, courierOpen, type CourierRole, openCourier } from './shares/courier.ts'
export { openNotice } from './shares/notice.ts'
export { openShare, type ReleaseToSeal, sealRelease, shareHolds, type ShareToOpen } from './shares/share.ts'
export { openPart, type OpenedPart, type PartToOpen, sealPart } from './shares/recovery.ts'
