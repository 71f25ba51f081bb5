/** Wycheproof's vectors through every provider of each primitive: Node's, and the web's as Node's WebCrypto runs it. */
import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto'
import { x25519 } from '@noble/curves/ed25519.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { createPrivateKey as importPrivate, decapsulate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import * as aeadNode from '../src/primitives/aead-node.ts'
import * as aeadWeb from '../src/primitives/aead-web.ts'
import * as hashNode from '../src/primitives/hash-node.ts'
import * as hashWeb from '../src/primitives/hash-web.ts'
import * as signatureNode from '../src/primitives/signature-node.ts'
import * as signatureWeb from '../src/primitives/signature-web.ts'
import { sharedVectors, unhex, wycheproof, type WycheproofTest } from './shared-vectors.ts'

const hexOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex')
const casesOf = (name: string, fits: (group: Record<string, unknown>) => boolean): WycheproofTest[] =>
  wycheproof(name)
    .filter(fits)
    .flatMap(({ tests }) => tests)

describe.skipIf(!sharedVectors)('AES-256-GCM', () => {
  const cases = casesOf(
    'aes_gcm',
    ({ keySize, ivSize, tagSize }) => keySize === 256 && ivSize === 96 && tagSize === 128,
  )

  test.each([
    ['node', aeadNode],
    ['web', aeadWeb],
  ] as const)('%s', async (_, { aeadKey, aeadOpen, aeadSeal }) => {
    expect(cases.length).toBeGreaterThan(60)
    for (const { tcId, key: raw, iv, aad, msg, ct, tag, result } of cases) {
      const key = await aeadKey(unhex(raw))
      const sealed = unhex(`${String(ct)}${String(tag)}`)
      const opened = await aeadOpen(key as never, unhex(iv), sealed, unhex(aad))
      expect([tcId, opened === undefined ? undefined : hexOf(opened)]).toEqual([
        tcId,
        result === 'valid' ? msg : undefined,
      ])
      if (result === 'valid')
        expect(hexOf(await aeadSeal(key as never, unhex(iv), unhex(msg), unhex(aad)))).toBe(hexOf(sealed))
    }
  })
})

describe.skipIf(!sharedVectors)('Ed25519', () => {
  test.each([
    ['node', signatureNode],
    ['web', signatureWeb],
  ] as const)('%s', async (_, { ed25519Verify }) => {
    let count = 0
    for (const group of wycheproof('ed25519')) {
      const { pk } = group['publicKey'] as { pk: string }
      for (const { tcId, msg, sig, result } of group.tests) {
        expect([tcId, await ed25519Verify(unhex(pk), unhex(msg), unhex(sig))]).toEqual([tcId, result === 'valid'])
        count++
      }
    }
    expect(count).toBe(151)
  })

  test.each([
    ['node', signatureNode],
    ['web', signatureWeb],
  ] as const)('%s signs what the other verifies', async (_, provider) => {
    const seed = new Uint8Array(32).fill(9)
    const message = Uint8Array.of(1, 2, 3)
    const signature = await provider.ed25519Signer(seed)(message)
    const key = await provider.ed25519PublicKey(seed)
    expect(signatureNode.ed25519Verify(key, message, signature)).toBe(true)
    expect(await signatureWeb.ed25519Verify(key, message, signature)).toBe(true)
  })
})

describe.skipIf(!sharedVectors).each([
  ['node', hashNode],
  ['web', hashWeb],
] as const)('hashes, %s', (_, hash) => {
  test('HKDF-SHA-256', () => {
    const cases = casesOf('hkdf_sha256', () => true).filter(({ result }) => result === 'valid')
    expect(cases.length).toBe(83)
    for (const { ikm, salt, info, size, okm } of cases) {
      expect(hexOf(hash.hkdfSha256(unhex(ikm), unhex(salt), unhex(info), size as number))).toBe(okm)
    }
  })

  test('HMAC-SHA-256', () => {
    const cases = casesOf('hmac_sha256', ({ tagSize }) => tagSize === 256)
    expect(cases.length).toBeGreaterThan(80)
    for (const { tcId, key, msg, tag, result } of cases) {
      expect([tcId, hexOf(hash.hmacSha256(unhex(key), unhex(msg))) === tag]).toEqual([tcId, result === 'valid'])
    }
  })
})

describe.skipIf(!sharedVectors)('X25519', () => {
  const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex')
  const SPKI = Buffer.from('302a300506032b656e032100', 'hex')
  const viaNode = (secret: Uint8Array, other: Uint8Array): Uint8Array =>
    diffieHellman({
      privateKey: createPrivateKey({ key: Buffer.concat([PKCS8, secret]), format: 'der', type: 'pkcs8' }),
      publicKey: createPublicKey({ key: Buffer.concat([SPKI, other]), format: 'der', type: 'spki' }),
    })
  const ZERO = '00'.repeat(32)

  test.each([
    ['node', viaNode],
    ['noble', x25519.getSharedSecret],
  ] as const)('%s', (_, exchange) => {
    const cases = casesOf('x25519', () => true)
    expect(cases.length).toBe(518)
    for (const { tcId, public: other, private: secret, shared } of cases) {
      let found: string
      try {
        found = hexOf(exchange(unhex(secret), unhex(other)))
      } catch {
        found = ZERO
      }
      expect([tcId, found]).toEqual([tcId, shared])
    }
  })
})

describe.skipIf(!sharedVectors)('ML-KEM-768', () => {
  const PKCS8 = Buffer.from('3054020100300b060960864801650304040204428040', 'hex')
  const viaNode = (seed: Uint8Array, ciphertext: Uint8Array): Uint8Array =>
    decapsulate(importPrivate({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' }), ciphertext)
  const viaNoble = (seed: Uint8Array, ciphertext: Uint8Array): Uint8Array =>
    ml_kem768.decapsulate(ciphertext, ml_kem768.keygen(seed).secretKey)

  test.each([
    ['node', viaNode],
    ['noble', viaNoble],
  ] as const)('%s', (_, open) => {
    const cases = casesOf('mlkem_768', () => true)
    expect(cases.length).toBe(193)
    for (const { tcId, seed, c, K, result } of cases) {
      let shared: string | undefined
      try {
        shared = hexOf(open(unhex(seed), unhex(c)))
      } catch {
        shared = undefined
      }
      expect([tcId, shared === K && shared !== undefined]).toEqual([tcId, result === 'valid'])
    }
  })
})
