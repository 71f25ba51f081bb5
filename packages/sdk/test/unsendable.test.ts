/** What never leaves a client: a passkey's PRF output, however it came into a body. */
import { createIdentity } from '@scelle/seal/identity'
import { fromHex, toHex } from '@scelle/seal/verify'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { prfOutput, withoutPrf } from '../src/recovery/recovery.ts'
import { systemTimers } from '../src/timers.ts'
import { Transport } from '../src/transport.ts'
import { Unsendable } from '../src/unsendable.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

/**
 * `PublicKeyCredential.toJSON()` as WebAuthn Level 3 has it, with a PRF at `get`: the output stands there in clear.
 * Some releases of Chromium write it, others leave it out.
 */
const CREDENTIAL = {
  authenticatorAttachment: 'platform',
  clientExtensionResults: {
    prf: { results: { first: 'dGhlIG91dHB1dCBvZiBhIHBhc3NrZXkncyBQUkYsIDMyIGI' } },
    credProps: { rk: true },
  },
  id: 'mGqd8S9rj8eVv6d1cB0kWA',
  rawId: 'mGqd8S9rj8eVv6d1cB0kWA',
  response: {
    authenticatorData: 'SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAg',
    clientDataJSON: 'eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0',
    signature: 'MEUCIQ', userHandle: 'AAEC',
  },
  type: 'public-key',
}

describe('a credential', () => {
  test('goes out without its PRF output, and is not changed itself', () => {
    const sent = withoutPrf(CREDENTIAL)
    expect(JSON.stringify(sent)).not.toContain('prf')
    expect(JSON.stringify(sent)).not.toContain(CREDENTIAL.clientExtensionResults.prf.results.first.slice(4, 20))
    expect(sent).toEqual({ ...CREDENTIAL, clientExtensionResults: {} })
    expect(CREDENTIAL.clientExtensionResults.prf.results.first).toHaveLength(47)
    expect(() => withoutPrf('text')).toThrow('this is no credential')
  })

  test('tells its PRF output to this client alone', () => {
    const first = new Uint8Array(32).fill(7)
    expect(prfOutput({ prf: { results: { first: first.buffer } } })).toEqual(first)
    expect(prfOutput({ prf: { results: { first } } })).toEqual(first)
    expect(prfOutput({ prf: { enabled: true } })).toBeUndefined()
    expect(prfOutput({})).toBeUndefined()
    expect(() => prfOutput({ prf: { results: { first: first.subarray(1) } } })).toThrow('32 bytes')
  })
})

const refuses = (unsendable: Unsendable, part: string | Uint8Array): boolean => {
  try {
    unsendable.require(part)
    return false
  } catch (error) {
    expect(error).toMatchObject({ code: 'secret-in-request' })
    return true
  }
}

describe('a secret', () => {
  const around = fc.uint8Array({ maxLength: 40 })
  const secret32 = fc.uint8Array({ minLength: 32, maxLength: 32 })

  test('is found in a body as bytes, hexadecimal and base64, wherever it begins', () => {
    fc.assert(fc.property(secret32, around, around, (secret, before, after) => {
      const unsendable = new Unsendable()
      unsendable.add(secret)
      const body = new Uint8Array([...before, ...secret, ...after])
      const base64 = Buffer.from(body).toString('base64')
      const forms = [
        body, toHex(body), toHex(body).toUpperCase(), base64, Buffer.from(body).toString('base64url'),
        bytesOf(JSON.stringify({ prf: { results: { first: Buffer.from(secret).toString('base64url') } } })),
        JSON.stringify(secret), JSON.stringify([...secret]),
      ]
      expect(forms.map((form) => refuses(unsendable, form))).toEqual(forms.map((_, i) => i !== 6))
    }), { numRuns: 100 })
  })

  test('that is not there refuses nothing', () => {
    fc.assert(fc.property(secret32, fc.uint8Array({ minLength: 64, maxLength: 400 }), (secret, body) => {
      const unsendable = new Unsendable()
      unsendable.add(secret)
      const found = Buffer.from(body).includes(Buffer.from(secret))
      expect(refuses(unsendable, body)).toBe(found)
      expect(refuses(unsendable, Buffer.from(body).toString('base64'))).toBe(found)
    }), { numRuns: 100 })
    expect(() => new Unsendable().add(new Uint8Array(8))).toThrow('so few bytes')
  })

  test('keeps a request from being sent, in its body or its address, and no error says it', async () => {
    const context = { now: Date.now, random: (length: number) => new Uint8Array(length).fill(3) }
    let sent = 0
    const transport = new Transport({
      identity: await createIdentity('person', context), context, timers: systemTimers, log: () => {},
      fetch: async () => { sent++; return new Response(null, { status: 204 }) },
    })
    const secret = fromHex('c0ffee'.repeat(10).slice(0, 64)) as Uint8Array
    transport.unsendable.add(secret)
    const target = { role: 'index', url: 'http://index.test' } as const
    const first = Buffer.from(secret).toString('base64url')
    const body = bytesOf(JSON.stringify({ clientExtensionResults: { first } }))
    for (const ask of [{ path: '/v1/x', body }, { path: `/v1/wraps/${toHex(secret)}` }]) {
      const error: unknown = await transport.ask(target, { method: 'POST', ...ask }).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'secret-in-request' })
      expect(String(error)).not.toContain('c0ffee')
    }
    expect(sent).toBe(0)
    await transport.ask(target, { method: 'POST', path: '/v1/x', body: bytesOf('else') })
    expect(sent).toBe(1)
  })
})
