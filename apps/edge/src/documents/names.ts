import { createHash } from 'node:crypto'
import type { Cabinet } from '../store/cabinet.ts'

/** A UUID (RFC 9562, version 8) that the same name always gets here, and that tells nobody else the name. */
export const idByName = (cabinet: Pick<Cabinet, 'digest'>, name: string): string => {
  const bytes = createHash('sha256').update(cabinet.digest(`document/${name}`)).digest().subarray(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
