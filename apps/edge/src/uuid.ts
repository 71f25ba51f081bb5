import { toHex } from '@scelle/sdk'

/** RFC 9562 version 4. */
export const uuidOf = (bytes: Uint8Array): string => {
  const stamped = Uint8Array.from(bytes)
  stamped[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  stamped[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = toHex(stamped)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
