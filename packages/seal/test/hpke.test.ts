/** HPKE through the parts that run here, Node's and the web's, against the vectors of RFC 9180, HPKE-PQ and X-Wing. */
import {
  AEAD_AES_128_GCM,
  AEAD_ChaCha20Poly1305,
  CipherSuite,
  KEM_DHKEM_X25519_HKDF_SHA256,
  type KEMFactory,
} from 'hpke'
import { AEAD_ChaCha20Poly1305 as NOBLE_CHACHA, KEM_MLKEM768_X25519 as NOBLE_KEM } from '@panva/hpke-noble'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import * as node from '../src/primitives/kem-node.ts'
import { xwingPublicKey as nodePublic } from '../src/primitives/kem-public-node.ts'
import { xwingPublicKey as webPublic } from '../src/primitives/kem-public-web.ts'
import * as web from '../src/primitives/kem-web.ts'
import { sharedVectors, unhex, xwingVectors } from './shared-vectors.ts'

interface Vector {
  info: string
  skRm: string
  pkRm: string
  enc: string
  exports: { exporter_context: string; L: number; exported_value: string }[]
  encryptions: { aad: string; pt: string; ct: string }[]
}

const { hpkePq } = JSON.parse(readFileSync(new URL('vectors/hpke-pq.json', import.meta.url), 'utf8')) as {
  hpkePq: Vector
}

/** RFC 9180 appendix A.1.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, base mode. */
const RFC_9180: Vector = {
  info: '4f6465206f6e2061204772656369616e2055726e',
  skRm: '4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8',
  pkRm: '3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d',
  enc: '37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431',
  exports: [
    { exporter_context: '', L: 32, exported_value: '3853fe2b4035195a573ffc53856e77058e15d9ea064de3e59f4961d0095250ee' },
    {
      exporter_context: '00',
      L: 32,
      exported_value: '2e8f0b54673c7029649d4eb9d5e33bf1872cf76d623ff164ac185da9e88c21a5',
    },
    {
      exporter_context: '54657374436f6e74657874',
      L: 32,
      exported_value: 'e9e43065102c3836401bed8c3c3c75ae46be1639869391d62c61f1ec7af54931',
    },
  ],
  encryptions: [
    {
      aad: '436f756e742d30',
      pt: '4265617574792069732074727574682c20747275746820626561757479',
      ct: 'f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a',
    },
  ],
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const check = async (suite: CipherSuite, vector: Vector): Promise<void> => {
  const publicKey = await suite.DeserializePublicKey(unhex(vector.pkRm))
  const privateKey = await suite.DeserializePrivateKey(unhex(vector.skRm), true)
  const recipient = await suite.SetupRecipient({ privateKey, publicKey }, unhex(vector.enc), {
    info: unhex(vector.info),
  })
  for (const { exporter_context: context, L, exported_value: value } of vector.exports) {
    expect(hexOf(await recipient.Export(unhex(context), L))).toBe(value)
  }
  for (const { aad, pt, ct } of vector.encryptions) expect(hexOf(await recipient.Open(unhex(ct), unhex(aad)))).toBe(pt)
}

const PROVIDERS = [
  ['node:crypto', node, node.kemFactory],
  ['web, as picked here', web, web.kemFactory],
  ['web, noble', web, (): KEMFactory => NOBLE_KEM],
] as const

describe.each(PROVIDERS)('%s', (name, parts, kem) => {
  test('HPKE-PQ: MLKEM768-X25519, HKDF-SHA256', async () => {
    const chacha = name === 'node:crypto' ? NOBLE_CHACHA : AEAD_ChaCha20Poly1305
    await check(new CipherSuite(await kem(), parts.kdfFactory, chacha), hpkePq)
  })

  test("RFC 9180 A.1.1: our key schedule under the library's X25519", async () => {
    await check(new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, parts.kdfFactory, AEAD_AES_128_GCM), RFC_9180)
  })

  test.skipIf(!sharedVectors)('X-Wing: shared secrets of the draft', async () => {
    const made = (await kem())()
    const vectors = xwingVectors()
    expect(vectors.length).toBeGreaterThan(0)
    for (const { sk, ct, ss } of vectors) {
      const key = await made.DeserializePrivateKey(unhex(sk), true)
      expect(hexOf(await made.Decap(unhex(ct), key, undefined))).toBe(ss)
    }
  })

  test('what it encapsulates, the other providers decapsulate', async () => {
    const seed = new Uint8Array(32).fill(3)
    const sender = (await kem())()
    const sent = await sender.Encap(await sender.DeserializePublicKey(nodePublic(seed)))
    for (const [, , other] of PROVIDERS) {
      const recipient = (await other())()
      const shared = await recipient.Decap(sent.enc, await recipient.DeserializePrivateKey(seed, true), undefined)
      expect(hexOf(shared)).toBe(hexOf(sent.shared_secret))
    }
  })
})

test('a public key that was derived here and its copy from elsewhere are one recipient', async () => {
  const seed = new Uint8Array(32).fill(7)
  const derived = nodePublic(seed)
  const others = Array.from({ length: 200 }, (_, i) => nodePublic(new Uint8Array(32).fill(i)))
  const kem = node.kemFactory()()
  const recipient = await kem.DeserializePrivateKey(seed, true)
  for (const publicKey of [nodePublic(seed), derived, derived.slice()]) {
    const sent = await kem.Encap(await kem.DeserializePublicKey(publicKey))
    expect(hexOf(await kem.Decap(sent.enc, recipient, undefined))).toBe(hexOf(sent.shared_secret))
    const serialised = await kem.SerializePublicKey(await kem.DeserializePublicKey(publicKey))
    expect(hexOf(serialised)).toBe(hexOf(derived))
  }
  expect(hexOf(others[7] as Uint8Array)).toBe(hexOf(derived))
})

test.skipIf(!sharedVectors)('X-Wing: public keys of the draft', () => {
  for (const { sk, pk } of xwingVectors()) {
    expect(hexOf(nodePublic(unhex(sk)))).toBe(pk)
    expect(hexOf(webPublic(unhex(sk)))).toBe(pk)
  }
})
