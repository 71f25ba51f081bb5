/**
 * The keyless door: decodes, hashes and verifies, and opens nothing. Servers import this one; a test walks the import
 * graph to prove that no opening function can be reached through it.
 */
export {
  bool,
  bytes,
  choice,
  type Codec,
  decode,
  encode,
  field,
  list,
  optional,
  struct,
  text,
  uint,
  type Value,
} from './encoding/schema.ts'
export { SealError, type SealErrorCode } from './errors.ts'
export { LIMITS as FORMAT_LIMITS } from './limits.ts'
export type { Context } from './context.ts'
export { TRUSTEE_LABELS } from './labels.ts'
export * from './statements.ts'
export * from './standing.ts'
export * from './discovery.ts'
export * from './card.ts'
export * from './sessions.ts'
export * from './wraps.ts'
export { hmacSha256, sha256, startSha256 } from '#hash'
export { ed25519Verify, ed25519VerifyAside, es256Verify } from '#signature'
export { concatBytes, equalBytes, fromHex, giveBack, hashOf, toHex, u32, u8, ZERO32 } from './verify/bytes.ts'
export * from './verify/identity.ts'
export * from './verify/assertion.ts'
export * from './verify/session.ts'
export * from './verify/software.ts'
export * from './verify/vault.ts'
export * from './verify/grant-chain.ts'
export * from './verify/keeper.ts'
export * from './verify/card.ts'
export * from './verify/commit.ts'
export * from './verify/multiproof.ts'
export * from './verify/log-entry.ts'
export * from './verify/link.ts'
export * from './verify/notice.ts'
export * from './verify/recovery.ts'
