/** Ed25519 by node:crypto, as this room is handed it; key pairs by seed. */
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { type NoteKey, type SignEd25519, type VerifyEd25519 } from '@scelle/log'

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI = Buffer.from('302a300506032b6570032100', 'hex')

export const verifyEd25519: VerifyEd25519 = (key, message, signature) =>
  verify(null, message, createPublicKey({ key: Buffer.concat([SPKI, key]), format: 'der', type: 'spki' }), signature)

export interface Pair {
  readonly publicKey: Uint8Array
  readonly seed: Uint8Array
  readonly sign: SignEd25519
  readonly log: (name: string) => NoteKey
  readonly witness: (name: string) => NoteKey
}

export const pair = (seed: string): Pair => {
  const bytes = createHash('sha256').update(seed).digest()
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, bytes]), format: 'der', type: 'pkcs8' })
  const publicKey = new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32))
  return {
    publicKey,
    seed: new Uint8Array(bytes),
    sign: async (message) => new Uint8Array(sign(null, message, key)),
    log: (name) => ({ name, algorithm: 'ed25519', key: publicKey }),
    witness: (name) => ({ name, algorithm: 'cosignature', key: publicKey }),
  }
}

export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
export const bytesOf = (written: string): Uint8Array => new Uint8Array(Buffer.from(written))

/** The bytes with one of them changed, taken out, or one more put in. */
export const mangled = (bytes: Uint8Array, how: 'change' | 'remove' | 'insert', at: number, by: number): Uint8Array => {
  const place = at % (bytes.length + (how === 'insert' ? 1 : 0))
  const [before, after] = [bytes.subarray(0, place), bytes.subarray(place + (how === 'insert' ? 0 : 1))]
  const middle = how === 'remove' ? [] : [how === 'insert' ? by & 255 : (bytes[place] as number) ^ (by % 255 + 1)]
  return Uint8Array.from([...before, ...middle, ...after])
}
