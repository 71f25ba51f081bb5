/** A professional's credential: what a presentation gives, and every way to show one that should not count. */
import { createIdentity } from '@scelle/seal/identity'
import { decode, Signed, Status } from '@scelle/seal/verify'
import { digestOf, keyPair, sdJwt, signToken, Wallet } from '@scelle/testing/professionals'
import fc from 'fast-check'
import { CompactSign } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { CredentialError } from '../src/errors.ts'
import { PROFESSIONAL_CLAIMS, roleOf } from '../src/professional.ts'
import { AUDIENCE, createScene, NONCE, NUMBER, type Scene } from './professional-scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await createScene('professional')
})

const code = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(() => 'accepted', (error: unknown) => (error instanceof CredentialError ? error.code : String(error)))
const verdict = async (presentation: string): Promise<string> => code(scene.verify(presentation))

/** A credential with other claims, in clear or hidden, and its presentation by the wallet that it names. */
const forged = async (
  clear: Record<string, unknown>, hidden: Record<string, unknown> = {}, header: Record<string, unknown> = {},
): Promise<string> => {
  const { issuer, context, wallet } = scene
  const credential = await sdJwt({
    clear: { ...issuer.claimsFor(wallet.key.publicJwk, 4000), ...clear },
    hidden: { ...issuer.hiddenFor({ number: NUMBER, role: 'gp' }), ...hidden },
    key: issuer.key, random: context.random, header,
  })
  return wallet.present(credential, { audience: AUDIENCE, nonce: NONCE, claims: [...PROFESSIONAL_CLAIMS, 'x'] })
}

describe('a presentation', () => {
  const algorithms = ['ES256', 'EdDSA'] as const
  it.each(algorithms)('by a holder’s %s key says role, meter and place, and no number', async (algorithm) => {
    const world = await createScene('shown', algorithm)
    const shown = await world.present()
    const professional = await world.verify(shown)
    expect(professional).toMatchObject({ role: 'gp', issuer: world.issuer.name, key: world.wallet.key.publicJwk })
    expect(professional.organisation).toEqual(new Uint8Array(32).fill(7))
    expect(professional.meter).toEqual(world.issuer.register.meterOf(NUMBER))
    const clear = shown.split(/[~.]/).map((part) => Buffer.from(part, 'base64url').toString('latin1')).join('\n')
    expect(clear).not.toContain(NUMBER)
    expect(clear).toContain('"meter"')
  })

  it('is of the same meter as the status that trustees are shown', async () => {
    const { id } = await createIdentity('person', scene.context)
    const signed = decode(Signed, await scene.issuer.status(id, { number: NUMBER, role: 'gp' }))
    const { meter } = await scene.verify(await scene.present())
    expect(decode(Status, signed.body).meter).toEqual(meter)
  })

  it('of someone who left counts no more', async () => {
    const world = await createScene('leaver')
    const shown = await world.present()
    world.issuer.revoke(0)
    expect(await code(world.verify(shown))).toBe('revoked')
  })

  it('that any character was changed in is refused', async () => {
    const shown = await scene.present()
    const characters = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~ =')
    await fc.assert(fc.asyncProperty(
      fc.nat(shown.length - 1), fc.constantFrom(...characters), fc.constantFrom('replace', 'insert', 'delete'),
      async (at, character, how) => {
        const mutated = shown.slice(0, at) + (how === 'delete' ? '' : character) +
          shown.slice(how === 'insert' ? at : at + 1)
        if (mutated !== shown) expect(await verdict(mutated)).not.toBe('accepted')
      },
    ), { numRuns: 400 })
  })

  it('whose parts were left out, repeated or put in another order is refused', async () => {
    const parts = (await scene.present()).split('~')
    await fc.assert(fc.asyncProperty(fc.array(fc.nat(parts.length - 1), { maxLength: 8 }), async (order) => {
      const mutated = order.map((at) => parts[at]).join('~')
      if (mutated !== parts.join('~')) expect(await verdict(mutated)).not.toBe('accepted')
    }), { numRuns: 200 })
  })
})

describe('refused: an issuer', () => {
  it('that is not listed, or does not own the key', async () => {
    expect(await verdict(await forged({ iss: 'https://evil.example' }))).toBe('issuer-unknown')
    expect(await verdict(await forged({ iss: undefined }))).toBe('issuer-unknown')
    expect(await verdict(await forged({}, {}, { kid: 'other' }))).toBe('key-unknown')
    expect(await verdict(await forged({}, {}, { kid: '__proto__' }))).toBe('key-unknown')
    const other = { ...scene.issuer.listed, keys: { 'register-1': (await keyPair()).publicJwk } }
    expect(await code(scene.verify(await scene.present(), { issuers: [other] }))).toBe('signature-invalid')
  })

  it('whose token has alg none, an HMAC under the public key, or brings its own key', async () => {
    const claims = Buffer.from(JSON.stringify(scene.issuer.claimsFor(scene.wallet.key.publicJwk, 1)))
    const unsigned = (header: object, signature: string): string =>
      `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${claims.toString('base64url')}.${signature}~`
    expect(await verdict(unsigned({ alg: 'none', typ: 'dc+sd-jwt' }, ''))).toBe('encoding-invalid')
    const zeros = Buffer.alloc(64).toString('base64url')
    for (const alg of ['none', 'HS256', 'HS512', 'RS256', 'PS256', 'ES384', 'EdDSA', 'Ed25519', undefined]) {
      expect(await verdict(unsigned({ alg, typ: 'dc+sd-jwt' }, zeros)), String(alg)).toBe('algorithm-refused')
    }
    const thief = await keyPair()
    const payload = JSON.parse(String(claims)) as object
    const brought = await signToken({ typ: 'dc+sd-jwt', jwk: thief.publicJwk }, payload, thief)
    expect(await verdict(`${brought}~`)).toBe('signature-invalid')
  })

  it('whose header has extensions: one of them says that the payload is not encoded', async () => {
    const [issued = '', ...rest] = (await scene.present()).split('~')
    const payload = Buffer.from(issued.split('.')[1] ?? '', 'base64url')
    const extended = (header: object): Promise<string> => new CompactSign(payload)
      .setProtectedHeader({ alg: 'ES256', typ: 'dc+sd-jwt', ...header }).sign(scene.issuer.key.privateKey)
    expect(await verdict([await extended({ crit: ['b64'], b64: true }), ...rest].join('~'))).toBe('type-unexpected')
    expect(await verdict([await extended({ b64: false }), ...rest].join('~'))).toBe('type-unexpected')
  })
})

describe('refused: a credential', () => {
  it('of another type', async () => {
    expect(await verdict(await forged({ vct: 'https://evil.example/vct' }))).toBe('type-unexpected')
    expect(await verdict(await forged({}, {}, { typ: 'JWT' }))).toBe('type-unexpected')
    expect(await verdict(await forged({}, {}, { typ: 'vc+sd-jwt' }))).toBe('type-unexpected')
  })

  it('before and after its time, or without an end', async () => {
    const now = scene.clock.now / 1000
    expect(await verdict(await forged({ exp: now }))).toBe('expired')
    expect(await verdict(await forged({ exp: undefined }))).toBe('claims-invalid')
    expect(await verdict(await forged({ exp: '9999999999' }))).toBe('claims-invalid')
    expect(await verdict(await forged({ nbf: now + 61 }))).toBe('not-yet-valid')
    expect(await verdict(await forged({ nbf: now + 59 }))).toBe('accepted')
  })

  it('without a role that there is, a meter of 32 bytes, a status or a key', async () => {
    expect(await verdict(await forged({}, { role: 'hospital' }))).toBe('claims-invalid')
    expect(await verdict(await forged({}, { role: undefined }))).toBe('claims-invalid')
    expect(await verdict(await forged({}, { meter: 'AAAA' }))).toBe('claims-invalid')
    expect(await verdict(await forged({}, { meter: 7 }))).toBe('claims-invalid')
    expect(await verdict(await forged({ status: undefined }))).toBe('claims-invalid')
    expect(await verdict(await forged({ status: { status_list: { idx: -1, uri: 'x' } } }))).toBe('claims-invalid')
    expect(await verdict(await forged({ cnf: undefined }))).toBe('claims-invalid')
    expect(await verdict(await forged({ cnf: { jwk: { kty: 'oct', k: 'AAAA' } } }))).toBe('key-unknown')
    const { publicJwk } = scene.wallet.key
    for (const jwk of [{ ...publicJwk, d: 'AAAA' }, { ...publicJwk, x: 'A'.repeat(43) }]) {
      expect(await verdict(await forged({ cnf: { jwk } }))).toBe('key-unknown')
    }
  })

  it('that lets its holder choose what must stand in clear', async () => {
    for (const name of ['exp', 'cnf', 'status', 'nbf']) {
      const value = scene.issuer.claimsFor(scene.wallet.key.publicJwk, 4000)[name] ?? 1
      const { issuer, context, wallet } = scene
      const credential = await sdJwt({
        clear: { ...issuer.claimsFor(wallet.key.publicJwk, 4000), [name]: undefined },
        hidden: { role: 'gp', [name]: value }, key: issuer.key, random: context.random,
      })
      const shown = await wallet.present(credential, { audience: AUDIENCE, nonce: NONCE, claims: ['role', name] })
      expect(await verdict(shown), name).toBe('disclosure-invalid')
    }
  })

  it('that shows the register number, or anything else that was not asked for', async () => {
    const claims = [...PROFESSIONAL_CLAIMS, 'register_number']
    expect(await verdict(await scene.present({ claims }))).toBe('over-disclosed')
    expect(await verdict(await forged({}, { x: 1 }))).toBe('over-disclosed')
  })

  it('that shows too little', async () => {
    expect(await verdict(await scene.present({ claims: ['role'] }))).toBe('claims-invalid')
    expect(await verdict(await scene.present({ claims: ['meter'] }))).toBe('claims-invalid')
  })

  it('that is too large, or has too many parts', async () => {
    expect(await verdict('a'.repeat(128 * 1024 + 1))).toBe('too-large')
    expect(await verdict(`a.a.a~${'e30~'.repeat(100)}`)).toBe('too-large')
    expect(await verdict(`${'a'.repeat(64 * 1024 + 1)}.e30.AA~`)).toBe('too-large')
  })
})

describe('refused: a holder', () => {
  it('who shows a copy, without the signature or with somebody else’s', async () => {
    const shown = await scene.present()
    const stripped = shown.slice(0, shown.lastIndexOf('~') + 1)
    expect(await verdict(stripped)).toBe('key-binding-missing')
    expect(await verdict(stripped.slice(0, -1))).not.toBe('accepted')
    const thief = new Wallet(await keyPair(), scene.context.now)
    expect(await verdict(await thief.bind(stripped, { payload: { aud: AUDIENCE, nonce: NONCE } })))
      .toBe('signature-invalid')
    const edward = new Wallet(await keyPair('EdDSA'), scene.context.now)
    expect(await verdict(await edward.bind(stripped, { payload: { aud: AUDIENCE, nonce: NONCE } })))
      .toBe('algorithm-refused')
  })

  it('who signed for another verifier, or for several', async () => {
    expect(await verdict(await scene.present({ audience: 'https://other.example.org' }))).toBe('audience-mismatch')
    const stripped = (await scene.present()).replace(/[^~]*$/, '')
    const several = { aud: [AUDIENCE, 'https://other.example.org'], nonce: NONCE }
    expect(await verdict(await scene.wallet.bind(stripped, { payload: several }))).toBe('audience-mismatch')
  })

  it('who answers another request', async () => {
    expect(await verdict(await scene.present({ nonce: 'another' }))).toBe('nonce-mismatch')
    expect(await code(scene.verify(await scene.present(), { nonce: 'next' }))).toBe('nonce-mismatch')
  })

  it('who signed long ago, in the future, over another presentation, or something else', async () => {
    const stripped = (await scene.present()).replace(/[^~]*$/, '')
    const bind = (payload: object, header = {}) =>
      scene.wallet.bind(stripped, { payload: { aud: AUDIENCE, nonce: NONCE, ...payload }, header })
    const now = scene.clock.now / 1000
    expect(await verdict(await bind({}))).toBe('accepted')
    expect(await verdict(await bind({ iat: now - 301 }))).toBe('key-binding-invalid')
    expect(await verdict(await bind({ iat: now + 61 }))).toBe('key-binding-invalid')
    expect(await verdict(await bind({ iat: undefined }))).toBe('key-binding-invalid')
    expect(await verdict(await bind({ sd_hash: digestOf('other') }))).toBe('key-binding-invalid')
    expect(await verdict(await bind({ sd_hash: undefined }))).toBe('key-binding-invalid')
    expect(await verdict(await bind({}, { typ: 'JWT' }))).toBe('type-unexpected')
  })

  it('who adds or removes a disclosure after signing', async () => {
    const [issued, first, second, third, binding] = (await scene.present()).split('~')
    expect(await verdict([issued, first, second, binding].join('~'))).not.toBe('accepted')
    expect(await verdict([issued, second, first, third, binding].join('~'))).toBe('key-binding-invalid')
  })
})

describe('roles of the French registers', () => {
  it.each([
    ['10', 'C', 'SM54', 'gp'], ['10', 'C', '', 'gp'], ['10', 'E', '', 'resident'],
    ['10', 'C', 'SM59', 'emergency-physician'], ['10', 'C', 'SM44', 'radiologist'], ['10', 'C', 'SM03', 'laboratory'],
    ['10', 'C', 'SM04', 'specialist'], ['21', 'C', '', 'pharmacist'], ['60', 'C', '', 'ward-nurse'],
    ['86', 'C', '', 'laboratory'], ['50', 'C', '', 'specialist'],
  ])('profession %s, category %s, skill %s: %s', (profession, category, skill, role) => {
    expect(roleOf({ profession, category, skill })).toBe(role)
  })

  it.each(['', '0', '99', '010', '__proto__', '70'])('profession "%s" has none', (profession) => {
    expect(() => roleOf({ profession })).toThrow('The register lists no profession')
  })
})

it('no message quotes what was presented', async () => {
  const shown = await scene.present()
  for (const wrong of [shown.slice(1), shown.replace('~', '~~'), `${shown}~`, '{"a":1}', NUMBER]) {
    await expect(scene.verify(wrong)).rejects.toThrow(expect.objectContaining({
      message: expect.not.stringContaining(wrong.slice(0, 12)) as string,
    }))
  }
})
