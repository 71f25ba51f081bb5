/** X-Wing with seeded encapsulation: the same bytes each time the vectors are made. */
import { XWing } from '@noble/post-quantum/hybrid.js'
import type { KEM, KEMFactory } from 'hpke'
import { aeadFactory, kdfFactory, kemFactory as nodeKem } from '../../packages/seal/src/primitives/kem-node.ts'
import { seededBytes } from './seeded-random.ts'

export { aeadFactory, kdfFactory }

export const kemFactory = (): KEMFactory => {
  const kem: KEM = { ...nodeKem()() }
  return () => ({
    ...kem,
    async Encap(recipient) {
      const { sharedSecret, cipherText } = XWing.encapsulate(await kem.SerializePublicKey(recipient), seededBytes(64))
      return { shared_secret: sharedSecret, enc: cipherText }
    },
  })
}
