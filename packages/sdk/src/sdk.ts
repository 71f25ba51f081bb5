/** Scellé for applications: vaults, records, sharing, in a dozen calls that need no knowledge of cryptography. */
export { createIdentity, exportIdentity, type Identity, importIdentity, rotateIdentity } from '@scelle/seal/identity'
export { handleOf } from '@scelle/seal/envelope'
export { ACCESS_LOG, type CategoryKey, drawCategoryKey, type NewCategory } from '@scelle/seal/keys'
export {
  type Context, FORMAT_LIMITS, fromHex, giveBack, type PrincipalKeys, SealError, type SealErrorCode, toHex,
  verifyKeyChain,
} from '@scelle/seal/verify'
export { type AloneRelease, missingFromAll } from './accesses/alone.ts'
export type { PartAccesses, ProvenAccess } from './accesses/accesses.ts'
export type { AccessFinding, AccessFindingCode } from './accesses/compare.ts'
export type { NamedHouse } from './accesses/houses.ts'
export type { OfflineOpening } from './accesses/offline.ts'
export type { ListedAccess } from './accesses/listed.ts'
export { openAhead, type OpenAhead, type ReleaseAhead } from './ahead.ts'
export type { Attachment, AttachmentToSeal } from './attachments.ts'
export { fromQr, toQr } from './card/frames.ts'
export type { CardToMake } from './card/make.ts'
export {
  cardOpeningIn, type OfflineCard, type OfflineSummary, offlineReason, openCardOffline,
} from './card/offline.ts'
export type { CardReport, ReportOptions } from './card/report.ts'
export { Chart, type ChartTimes } from './chart.ts'
export type { GrantNotice } from './grant-list.ts'
export { Client, connect, type ReceivedGrant, type VaultOptions } from './client.ts'
export type { PreparedCommit, PreparedItem, SubmitResult } from './committer.ts'
export type { Options, Pins } from './connection.ts'
export {
  ACCESS_DETAIL, type AccessAbout, type AccessFacts, type AccessNote, type EntryText, type House, noteOf,
  OFFLINE_DETAIL,
} from './entry-text.ts'
export type { BindResult, Found, InsTraits, StrictTraits, Traits } from './discovery.ts'
export { SdkError, type SdkErrorCode } from './errors.ts'
export type { ChainedGrant } from './grant-list.ts'
export type { Id } from './ids.ts'
export type { CategoryInfo, Purpose } from './keyring.ts'
export type { ForeignKey } from './log/key-leaves.ts'
export type { Confirmations, LogClient } from './log/log-client.ts'
export type { AcceptedCommits, Returned } from './log/returning.ts'
export { type Place, type Word, wordOf } from './log/places.ts'
export type { CheckpointKind } from './log/remembered.ts'
export { SDK_LIMITS } from './limits.ts'
export type { OpenedRecord } from './bodies.ts'
export type { OpenOptions, PartOptions } from './open.ts'
export type { RecordName } from './proofs.ts'
export type { ChartProblem } from './release.ts'
export type { Restricted, Restriction } from './restricting.ts'
export type { RevocationState } from './revoking.ts'
export type { SealedAttachment, WriteItem } from './sealing.ts'
export type { Basis, Right, ShareOptions } from './sharing.ts'
export type { BrokenGlass, NewOrder, OrderState } from './officer.ts'
export type { Shown, Standing } from './standing.ts'
export { type ClientState, memoryState } from './state.ts'
export { systemTimers, type Timers } from './timers.ts'
export type { Fetch, Log } from './transport.ts'
export type {
  KnownConfirmation, KnownFact, KnownStatus, NewConfirmation, NewFact, StandingAt,
} from './vouching.ts'
export { Vault, type WriteResult } from './vault.ts'
