/** A notice as one of its trustees reads it. */
import { aeadKey, aeadOpen } from '#aead'
import { SealError } from '../errors.ts'
import { openSealed } from '../hpke/seal.ts'
import type { Identity } from '../identity.ts'
import type { Notice } from '../standing.ts'
import { equalBytes } from '../verify/bytes.ts'
import { noticeBinding, noticeInfo, noticeKeyHash } from '../verify/notice.ts'
import { ZERO_NONCE } from './courier.ts'

/**
 * The content. `signer`: of the notice, whose signature was verified. Throws `principal-mismatch` where it is not for
 * this trustee, `seal-invalid` where it does not open, or not under the key that its signer told all trustees.
 */
export const openNotice = async (
  notice: Notice, signer: Uint8Array, { id, secrets }: Pick<Identity, 'id' | 'secrets'>,
): Promise<Uint8Array> => {
  const own = notice.keys.find(({ trustee }) => equalBytes(trustee, id))
  if (own === undefined) throw new SealError('principal-mismatch', 'a notice is not for this trustee')
  const binding = noticeBinding(signer, notice)
  const seeds = secrets.map(({ sealing }) => sealing)
  const key = await openSealed(seeds, noticeInfo(binding, id), own.enc, own.sealed)
  if (!equalBytes(noticeKeyHash(key), notice.key)) {
    throw new SealError('seal-invalid', 'a notice gives its trustees different keys')
  }
  const content = await aeadOpen(await aeadKey(key), ZERO_NONCE, notice.content, binding)
  if (content === undefined) throw new SealError('seal-invalid', 'a notice does not open under its own key')
  return content
}
