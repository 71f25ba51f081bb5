/**
 * Secrets that no request may hold, in whatever form they would travel by mistake: a passkey's PRF output is in what
 * `PublicKeyCredential.toJSON()` makes, so one careless line would send a root to a server.
 */
import { toHex } from '@scelle/seal/verify'
import { SdkError } from './errors.ts'

const latin1 = (bytes: Uint8Array): string => {
  let text = ''
  for (let at = 0; at < bytes.length; at += 8_192) text += String.fromCharCode(...bytes.subarray(at, at + 8_192))
  return text
}

/** Base64 of bytes within others: three ways, by where they begin; letters that neighbours decide are left out. */
const base64Within = (secret: Uint8Array): string[] => [0, 1, 2].map((before) => {
  const padded = new Uint8Array(before + secret.length)
  padded.set(secret, before)
  const letters = btoa(latin1(padded)).replaceAll('=', '')
  return letters.slice(Math.ceil((before * 8) / 6), Math.floor(((before + secret.length) * 8) / 6))
})

const formsOf = (secret: Uint8Array): string[] => {
  const base64 = base64Within(secret)
  const url = base64.map((letters) => letters.replaceAll('+', '-').replaceAll('/', '_'))
  return [latin1(secret), toHex(secret), toHex(secret).toUpperCase(), ...base64, ...url, secret.join(',')]
}

export class Unsendable {
  readonly #forms: string[] = []

  /** `secret`: at least 16 bytes, or it would be found by chance. */
  add(secret: Uint8Array): void {
    if (secret.length < 16) throw new SdkError('bad-input', 'a secret of so few bytes cannot be looked for')
    this.#forms.push(...formsOf(secret))
  }

  /** Throws `secret-in-request`, and does not say which. */
  require(...parts: readonly (string | Uint8Array | undefined)[]): void {
    if (this.#forms.length === 0) return
    for (const part of parts) {
      if (part === undefined) continue
      const text = typeof part === 'string' ? part : latin1(part)
      if (this.#forms.some((form) => text.includes(form))) {
        throw new SdkError('secret-in-request', 'a request holds a secret that stays with its owner; it was not sent')
      }
    }
  }
}
