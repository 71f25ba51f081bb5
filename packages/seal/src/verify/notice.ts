/** What the seals of a notice are bound to: spec/format.md, Notices. */
import { type Notice, NOTICES } from '../standing.ts'
import { concatBytes, hashOf, u32, u8 } from './bytes.ts'

const U32 = 2 ** 32

/** Signer and all that stands in clear: content that is copied into another notice does not open there. */
export const noticeBinding = (
  signer: Uint8Array, { about, subject, time, salt }: Pick<Notice, 'about' | 'subject' | 'time' | 'salt'>,
): Uint8Array => hashOf(
  'noticeSeal', signer, u8(NOTICES.indexOf(about)), subject, u32(Math.floor(time / U32)), u32(time % U32), salt)

/** What a trustee's copy of the key is sealed under. */
export const noticeInfo = (binding: Uint8Array, trustee: Uint8Array): Uint8Array => concatBytes(binding, trustee)

export const noticeKeyHash = (key: Uint8Array): Uint8Array => hashOf('noticeKey', key)
