/**
 * HPKE's three parts over synchronous node:crypto. The native WebCrypto X-Wing of Node 24 warns as experimental and
 * crosses the thread pool for each of its dozen steps; ML-KEM, X25519 and SHA-3 of node:crypto do neither.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto'
import type { AEADFactory, KDFFactory, KEM, KEMFactory, Key } from 'hpke'
import { hmacSha256 } from '#hash'
import { aeadKey, aeadOpen, aeadSeal } from './aead-node.ts'
import { derivedKeys } from './kem-public-node.ts'

const X25519_PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex')
const X25519_SPKI = Buffer.from('302a300506032b656e032100', 'hex')
/** ML-KEM-768 by its 64-byte seed, and by its 1,184-byte public key: RFC 9935. */
const MLKEM_PKCS8 = Buffer.from('3054020100300b060960864801650304040204428040', 'hex')
const MLKEM_SPKI = Buffer.from('308204b2300b0609608648016503040402038204a100', 'hex')
const MLKEM_PUBLIC = 1_184
const MLKEM_CIPHERTEXT = 1_088
/** X-Wing's own label, `\.//^\`. */
const LABEL = Buffer.from('5c2e2f2f5e5c', 'hex')

class XWingKey implements Key {
  readonly algorithm = { name: 'MLKEM768-X25519' }
  readonly extractable = true
  readonly type: 'public' | 'private'
  readonly mlkem: KeyObject
  readonly x25519: KeyObject
  readonly x25519Public: Uint8Array
  constructor(type: 'public' | 'private', mlkem: KeyObject, x25519: KeyObject, x25519Public: Uint8Array) {
    this.type = type
    this.mlkem = mlkem
    this.x25519 = x25519
    this.x25519Public = x25519Public
  }
}

const privateKey = (prefix: Buffer, raw: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.concat([prefix, raw]), format: 'der', type: 'pkcs8' })

const publicKey = (prefix: Buffer, raw: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.concat([prefix, raw]), format: 'der', type: 'spki' })

const rawPublic = (key: KeyObject, length: number): Uint8Array => {
  const spki = key.export({ format: 'der', type: 'spki' })
  return new Uint8Array(spki.subarray(spki.length - length))
}

const expand = (seed: Uint8Array): XWingKey => {
  const expanded = createHash('shake256', { outputLength: 96 }).update(seed).digest()
  const x25519 = privateKey(X25519_PKCS8, expanded.subarray(64))
  const mlkem = privateKey(MLKEM_PKCS8, expanded.subarray(0, 64))
  return new XWingKey('private', mlkem, x25519, rawPublic(createPublicKey(x25519), 32))
}

const publicOf = (key: XWingKey): XWingKey =>
  new XWingKey('public', createPublicKey(key.mlkem), createPublicKey(key.x25519), key.x25519Public)

const combine = (mlkem: Uint8Array, x25519: Uint8Array, enc: Uint8Array, recipient: Uint8Array): Uint8Array =>
  new Uint8Array(
    createHash('sha3-256').update(mlkem).update(x25519).update(enc).update(recipient).update(LABEL).digest(),
  )

const kem: KEM<XWingKey> = {
  id: 0x647a,
  type: 'KEM',
  name: 'MLKEM768-X25519',
  Nsecret: 32,
  Nenc: 1_120,
  Npk: 1_216,
  Nsk: 32,
  async DeriveKeyPair() {
    throw new Error('keys of this suite are their 32-byte seeds')
  },
  async GenerateKeyPair() {
    const key = expand(randomBytes(32))
    return { privateKey: key, publicKey: publicOf(key) }
  },
  async SerializePublicKey(key) {
    return Buffer.concat([rawPublic(key.mlkem, MLKEM_PUBLIC), key.x25519Public])
  },
  async DeserializePublicKey(raw) {
    const x25519Public = raw.slice(MLKEM_PUBLIC)
    const known = derivedKeys(raw)
    if (known !== undefined) return new XWingKey('public', known.mlkem, known.x25519, x25519Public)
    const mlkem = publicKey(MLKEM_SPKI, raw.subarray(0, MLKEM_PUBLIC))
    return new XWingKey('public', mlkem, publicKey(X25519_SPKI, x25519Public), x25519Public)
  },
  async SerializePrivateKey() {
    throw new Error('keys of this suite are their 32-byte seeds')
  },
  async DeserializePrivateKey(seed) {
    return expand(seed)
  },
  async Encap(recipient) {
    const { sharedKey, ciphertext } = encapsulate(recipient.mlkem)
    const ephemeral = generateKeyPairSync('x25519')
    const shared = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: recipient.x25519 })
    const x25519 = rawPublic(ephemeral.publicKey, 32)
    return {
      enc: new Uint8Array(Buffer.concat([ciphertext, x25519])),
      shared_secret: combine(sharedKey, shared, x25519, recipient.x25519Public),
    }
  },
  async Decap(enc, recipient) {
    const x25519 = enc.subarray(MLKEM_CIPHERTEXT)
    const sharedKey = decapsulate(recipient.mlkem, enc.subarray(0, MLKEM_CIPHERTEXT))
    const shared = diffieHellman({ privateKey: recipient.x25519, publicKey: publicKey(X25519_SPKI, x25519) })
    return combine(sharedKey, shared, x25519, recipient.x25519Public)
  },
}

export const kemFactory = (): KEMFactory => () => kem

/** HKDF-Expand, RFC 5869 section 2.3, for the short outputs of HPKE's key schedule. */
const expandSha256 = (prk: Uint8Array, info: Uint8Array, length: number): Uint8Array => {
  const out = new Uint8Array(Math.ceil(length / 32) * 32)
  let previous: Uint8Array = new Uint8Array(0)
  for (let block = 1; (block - 1) * 32 < length; block++) {
    previous = hmacSha256(prk, previous, info, Uint8Array.of(block))
    out.set(previous, (block - 1) * 32)
  }
  return out.slice(0, length)
}

export const kdfFactory: KDFFactory = () => ({
  id: 0x0001,
  type: 'KDF',
  name: 'HKDF-SHA256',
  Nh: 32,
  stages: 2,
  Extract: async (salt, ikm) => hmacSha256(salt, ikm),
  Expand: async (prk, info, length) => expandSha256(prk, info, length),
  Derive: async () => {
    throw new Error('HKDF has two stages')
  },
})

export const aeadFactory: AEADFactory = () => ({
  id: 0x0002,
  type: 'AEAD',
  name: 'AES-256-GCM',
  Nk: 32,
  Nn: 12,
  Nt: 16,
  Seal: async (key, nonce, aad, plaintext) => aeadSeal(aeadKey(key), nonce, plaintext, aad),
  Open: async (key, nonce, aad, sealed) => {
    const plaintext = aeadOpen(aeadKey(key), nonce, sealed, aad)
    if (plaintext === undefined) throw new Error('the tag does not hold')
    return plaintext
  },
})
