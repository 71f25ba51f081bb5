/** Keys out of a browser's SubjectPublicKeyInfo, as another implementation writes it; anything else is none. */
import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { COSE_ALGORITHMS, rawPublicKey } from '../src/page/public-key.ts'

const { ES256, EdDSA } = COSE_ALGORITHMS

const made = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey,
  EdDSA: generateKeyPairSync('ed25519').publicKey,
} as const

const spkiOf = (name: keyof typeof made): Uint8Array =>
  new Uint8Array(made[name].export({ type: 'spki', format: 'der' }))

const jwkBytes = (name: keyof typeof made): Buffer => {
  const { x = '', y = '' } = made[name].export({ format: 'jwk' })
  return Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')])
}

test('of node:crypto: the coordinates of P-256, the point of Ed25519', () => {
  expect(rawPublicKey(ES256, spkiOf('ES256'))).toEqual({
    algorithm: 'ES256', publicKey: new Uint8Array(jwkBytes('ES256')),
  })
  expect(rawPublicKey(EdDSA, spkiOf('EdDSA'))).toEqual({
    algorithm: 'EdDSA', publicKey: new Uint8Array(jwkBytes('EdDSA')),
  })
})

test('a key of another algorithm than was asked for, or said to be of another one, is refused', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'der' })
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ type: 'spki', format: 'der' })
  expect(rawPublicKey(-257, new Uint8Array(rsa))).toBeUndefined()
  expect(rawPublicKey(ES256, new Uint8Array(p384))).toBeUndefined()
  expect(rawPublicKey(EdDSA, spkiOf('ES256'))).toBeUndefined()
  expect(rawPublicKey(ES256, spkiOf('EdDSA'))).toBeUndefined()
})

test('with any octet of its head changed, one more or one less, it is refused', () => {
  fc.assert(fc.property(fc.nat(26), fc.integer({ min: 1, max: 255 }), (at, bits) => {
    const changed = spkiOf('ES256')
    changed[at] = (changed[at] ?? 0) ^ bits
    expect(rawPublicKey(ES256, changed)).toBeUndefined()
  }))
  for (const length of [90, 92]) {
    const other = new Uint8Array(length)
    other.set(spkiOf('ES256').subarray(0, length))
    expect(rawPublicKey(ES256, other)).toBeUndefined()
  }
})
