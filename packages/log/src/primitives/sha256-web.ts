/** The same hash where there is no node:crypto; WebCrypto's is asynchronous, which no Merkle tree can afford. */
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'

export const sha256 = (bytes: Uint8Array): Uint8Array => nobleSha256(bytes)
