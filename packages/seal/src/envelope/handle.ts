/** Opaque names of resources. */
import { hmacSha256 } from '#hash'
import { labelBytes } from '../labels.ts'

const encoder = new TextEncoder()

/** 16 bytes that say nothing without the writer's own 32-byte handle key: spec/format.md, Resource handle. */
export const handleOf = (handleKey: Uint8Array, type: string, id: string): Uint8Array =>
  hmacSha256(handleKey, labelBytes('handle'), encoder.encode(`${type}/${id}`)).slice(0, 16)
