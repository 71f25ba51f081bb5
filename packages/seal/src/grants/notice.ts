/** Puts before trustees, by way of the log, what the index does not read. */
import { aeadKey, aeadSeal } from '#aead'
import type { Context } from '../context.ts'
import { encode } from '../encoding/schema.ts'
import { sealTo } from '../hpke/seal.ts'
import type { Identity } from '../identity.ts'
import { ZERO_NONCE } from '../shares/courier.ts'
import { Notice, type NoticeAbout } from '../standing.ts'
import { SUITE } from '../statements.ts'
import type { PrincipalKeys } from '../verify/identity.ts'
import { leafSubject } from '../verify/log-entry.ts'
import { noticeBinding, noticeInfo, noticeKeyHash } from '../verify/notice.ts'

export interface NewNotice {
  readonly signer: Identity
  readonly about: NoticeAbout
  /** An order's target, a binding's or a link's vault, a withdrawal's subject. */
  readonly target: Uint8Array
  readonly content: Uint8Array
  /** Who shall read it: one to three trustees. */
  readonly trustees: readonly PrincipalKeys[]
}

/** Throws `seal-invalid` where a trustee's key is malformed, `encoding-out-of-range` where the content is too long. */
export const signNotice = async (
  { signer, about, target, content, trustees }: NewNotice, context: Context,
): Promise<Uint8Array> => {
  const clear = {
    suite: SUITE, about, subject: leafSubject(target), time: Math.floor(context.now() / 1000), salt: context.random(16),
  }
  const binding = noticeBinding(signer.id, clear)
  const key = context.random(32)
  const keys = await Promise.all(trustees.map(async ({ id, current }) =>
    ({ trustee: id, ...await sealTo(current.sealingKey, noticeInfo(binding, id), key) })))
  const sealed = await aeadSeal(await aeadKey(key), ZERO_NONCE, content, binding)
  return signer.sign('notice', encode(Notice, { ...clear, keys, key: noticeKeyHash(key), content: sealed }))
}
