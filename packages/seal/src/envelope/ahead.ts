/**
 * What rests on a device's disk through an outage: sealed by the device to itself, under a key that only its sealing
 * seed yields. Whoever takes the disk without the seed learns a padded length, and whoever writes to it makes nothing
 * that opens: a note that somebody else wrote would put openings on record that never were.
 */
import { type AeadKey, aeadKey, aeadOpen, aeadSeal } from '#aead'
import { hkdfSha256 } from '#hash'
import { padmeLength } from '../body/padding.ts'
import type { Context } from '../context.ts'
import { bytes, decode, encode, field, struct } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import type { Identity, IdentitySecrets } from '../identity.ts'
import { labelBytes } from '../labels.ts'
import { LIMITS } from '../limits.ts'
import { ZERO_NONCE } from '../shares/courier.ts'
import { concatBytes, u8 } from '../verify/bytes.ts'

/** `package`: what opens without a network. `note`: that it was opened, until that can be told. */
const AHEAD_KINDS = ['package', 'note'] as const
export type AheadKind = (typeof AHEAD_KINDS)[number]

const SALT = 32

const Padded = struct({ content: field(0, bytes(0, LIMITS.ahead)), padding: field(1, bytes(0, LIMITS.ahead)) })

const keyOf = async ({ sealing }: IdentitySecrets, salt: Uint8Array, kind: AheadKind): Promise<AeadKey> =>
  aeadKey(hkdfSha256(sealing, salt, concatBytes(labelBytes('aheadSeal'), u8(AHEAD_KINDS.indexOf(kind))), 32))

/** Throws `record-too-large`. */
export const sealAhead = async (
  kind: AheadKind, content: Uint8Array, { secrets }: Pick<Identity, 'secrets'>, context: Context,
): Promise<Uint8Array> => {
  const padding = padmeLength(content.length) - content.length
  if (content.length + padding > LIMITS.ahead) {
    throw new SealError('record-too-large', 'this is more than may be kept ahead of time; take fewer categories')
  }
  const salt = context.random(SALT)
  const key = await keyOf(secrets.at(-1) as IdentitySecrets, salt, kind)
  const padded = encode(Padded, { content, padding: new Uint8Array(padding) })
  return concatBytes(salt, await aeadSeal(key, ZERO_NONCE, padded))
}

/** Throws `seal-invalid` where it is another device's or was changed, in any bit or its length. */
export const openAhead = async (
  kind: AheadKind, sealed: Uint8Array, { secrets }: Pick<Identity, 'secrets'>,
): Promise<Uint8Array> => {
  const salt = sealed.subarray(0, SALT)
  for (const secret of secrets.toReversed()) {
    const content = await aeadOpen(await keyOf(secret, salt, kind), ZERO_NONCE, sealed.subarray(SALT))
    if (content !== undefined) return decode(Padded, content).content
  }
  throw new SealError('seal-invalid', 'this device did not make this, or it was changed since')
}
