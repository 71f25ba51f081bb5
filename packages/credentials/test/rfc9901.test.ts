/** The worked examples of RFC 9901, and what its section 7.1 has a verifier refuse. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hide, keyPair, signToken } from '@scelle/testing/professionals'
import { beforeAll, describe, expect, it } from 'vitest'
import { type JsonObject, objectOf, textOf } from '../src/encoding.ts'
import { disclosedClaims, parsePresentation, verifyKeyBinding } from '../src/sd-jwt.ts'
import { importPublicKey, type VerificationKey, verifyToken } from '../src/token.ts'

interface Vectors {
  readonly issuerKey: JsonObject
  readonly examples: Record<string, string>
  readonly processed: Record<string, JsonObject>
}

const { issuerKey, examples, processed } = JSON.parse(
  readFileSync(new URL('vectors/rfc9901.json', import.meta.url), 'utf8'),
) as Vectors

const KB_IAT = 1_748_536_865
let key: VerificationKey
beforeAll(async () => {
  key = await importPublicKey(issuerKey)
})

const example = (name: string): string => examples[name] ?? ''

describe('the examples of RFC 9901', () => {
  const presented = Object.keys(examples).filter((name) => name !== '5.1 signed')

  it.each(presented)('%s: the issuer signed it, and each disclosure opens one digest', async (name) => {
    const parsed = parsePresentation(example(name))
    await verifyToken(parsed.issued, key, textOf(parsed.issued.header, 'typ') ?? '')
    const claims = disclosedClaims(parsed)
    expect(JSON.stringify(claims)).not.toMatch(/"_sd"|"_sd_alg"|"\.\.\."/)
    expect(parsed.disclosures.length).toBe(example(name).split('~').length - 2)
  })

  it.each(Object.keys(processed))('%s: the processed payload is the one printed there', (name) => {
    expect(disclosedClaims(parsePresentation(example(name)))).toEqual(processed[name])
  })

  it.each(['5.2 presented', 'A.3 presented'])('%s: the holder bound it to this verifier and nonce', async (name) => {
    const parsed = parsePresentation(example(name))
    const holder = objectOf(objectOf(parsed.issued.payload, 'cnf') ?? {}, 'jwk') ?? {}
    const binding = { audience: 'https://verifier.example.org', nonce: '1234567890', now: KB_IAT }
    await verifyKeyBinding(parsed, holder, binding)
    await expect(verifyKeyBinding(parsed, holder, { ...binding, now: KB_IAT + 301 })).rejects
      .toThrow('The holder signed another presentation')
    expect(parsed.binding?.payload['iat']).toBe(KB_IAT)
  })

  it('5.1: without disclosures, nothing of the hidden claims is left', () => {
    const claims = disclosedClaims(parsePresentation(`${example('5.1 signed')}~`))
    expect(Object.keys(claims).toSorted()).toEqual(['cnf', 'exp', 'iat', 'iss', 'nationalities', 'sub'])
    expect(claims['nationalities']).toEqual([])
  })
})

describe('section 7.1 refuses', () => {
  const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length))
  const encoded = (parts: unknown): string => Buffer.from(JSON.stringify(parts)).toString('base64url')

  /** What a verifier makes of a payload that some issuer signed, and of these disclosures. */
  const process = async (payload: object, disclosures: readonly string[] = []): Promise<JsonObject> => {
    const token = await signToken({ typ: 'dc+sd-jwt' }, payload, await keyPair())
    return disclosedClaims(parsePresentation(`${[token, ...disclosures].join('~')}~`))
  }
  const { digests: [digest = ''], disclosures: [disclosure = ''] } = hide({ a: 1 }, random)
  const element = encoded(['salt', 'DE'])

  it('a payload without that flaw is accepted', async () => {
    await expect(process({ _sd: [digest] }, [disclosure])).resolves.toEqual({ a: 1 })
  })

  it('a digest that stands twice', async () => {
    await expect(process({ _sd: [digest, digest] })).rejects.toThrow('One digest stands twice')
    await expect(process({ _sd: [digest], b: { _sd: [digest] } }, [disclosure])).rejects.toThrow('stands twice')
    await expect(process({ _sd: [digest], list: [{ '...': digest }] })).rejects.toThrow('stands twice')
  })

  it('a disclosure that is sent twice', async () => {
    await expect(process({ _sd: [digest] }, [disclosure, disclosure])).rejects.toThrow('A disclosure is malformed')
  })

  it('a disclosure that no digest is of', async () => {
    await expect(process({ _sd: [digest] }, [disclosure, element])).rejects.toThrow('A disclosure is malformed')
    await expect(process({}, [disclosure])).rejects.toThrow('A disclosure is malformed')
  })

  it('a claim disclosed over one that stands in clear', async () => {
    await expect(process({ a: 2, _sd: [digest] }, [disclosure])).rejects.toThrow('A disclosure is malformed')
  })

  it.each(['_sd', '...'])('a disclosure of a claim called %s', async (name) => {
    const { digests, disclosures } = hide({ [name]: ['x'] }, random)
    await expect(process({ _sd: digests }, disclosures)).rejects.toThrow('A disclosure is malformed')
  })

  it.each([[[]], [['salt']], [['salt', 'a', 1, 2]], [[1, 'a', 1]], [['salt', 1, 1]], [{ 0: 'salt' }]])(
    'a disclosure of another form: %j', async (parts) => {
      await expect(process({}, [encoded(parts)])).rejects.toThrow('A disclosure is malformed')
    },
  )

  it('a member disclosed as an element, and an element as a member', async () => {
    await expect(process({ list: [{ '...': digest }] }, [disclosure])).rejects.toThrow('A disclosure is malformed')
    const hash = createHash('sha256').update(element).digest('base64url')
    await expect(process({ _sd: [hash] }, [element])).rejects.toThrow('A disclosure is malformed')
    await expect(process({ list: ['FR', { '...': hash }] }, [element])).resolves.toEqual({ list: ['FR', 'DE'] })
  })

  it('`_sd` or `...` in another place or of another form', async () => {
    await expect(process({ '...': digest }, [disclosure])).rejects.toThrow('A disclosure is malformed')
    await expect(process({ _sd: digest }, [disclosure])).rejects.toThrow('A disclosure is malformed')
    await expect(process({ _sd: [1] })).rejects.toThrow('A disclosure is malformed')
    await expect(process({ list: [{ '...': digest, more: 1 }] })).rejects.toThrow('A disclosure is malformed')
    await expect(process({ list: [{ '...': 7 }] })).rejects.toThrow('A disclosure is malformed')
  })

  it('another hash than SHA-256', async () => {
    await expect(process({ _sd_alg: 'md5', _sd: [digest] }, [disclosure])).rejects.toThrow('A claim')
  })

  it('claims nested without end, before it recurses into them', async () => {
    let deep: unknown = 1
    for (let at = 0; at < 40; at++) deep = { deep }
    await expect(process({ deep })).rejects.toThrow('over the limit')
  })

  it('`__proto__` is a claim like any other', async () => {
    const { digests, disclosures } = hide({ ['__proto__']: { admin: true } }, random)
    const claims = await process({ _sd: digests }, disclosures)
    expect(claims['admin']).toBeUndefined()
    expect(Object.keys(claims)).toEqual(['__proto__'])
  })
})
