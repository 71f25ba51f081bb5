/** How fast this machine is just now, so that figures of a busy or slower machine can be read. */
import { createCipheriv, createSecretKey, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto'
import { median } from './measure.ts'

/** Operations a second and core on the machine that DESIGN's figures speak of (Node.js 24). */
const REFERENCE = { gcm: 187_000, verify: 12_500 } as const

const perSecond = (count: number, work: () => void): number => {
  const started = performance.now()
  for (let i = 0; i < count; i++) work()
  return (count * 1_000) / (performance.now() - started)
}

/** This machine's speed as a share of the reference's: AES-256-GCM of 1 kB and Ed25519 verification on one core. */
export const speed = (): number => {
  const key = createSecretKey(randomBytes(32))
  const plain = randomBytes(1024)
  const nonce = randomBytes(12)
  const gcm = (): void => {
    const cipher = createCipheriv('aes-256-gcm', key, nonce)
    cipher.update(plain)
    cipher.final()
  }
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const signature = sign(null, plain, privateKey)
  const rounds = Array.from({ length: 7 }, () =>
    Math.sqrt(
      (perSecond(10_000, gcm) / REFERENCE.gcm) *
        (perSecond(700, () => verify(null, plain, publicKey, signature)) / REFERENCE.verify),
    ),
  )
  return median(rounds)
}
