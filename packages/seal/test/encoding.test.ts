/** Deterministic CBOR: one encoding of each value, compared with an independent codec, and every other one refused. */
import { decode as cborgDecode, encode as cborgEncode } from 'cborg'
import { rfc8949EncodeOptions } from 'cborg'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bool,
  bytes,
  choice,
  type Codec,
  decode,
  encode,
  field,
  list,
  optional,
  struct,
  text,
  uint,
} from '../src/encoding/schema.ts'
import { SealError } from '../src/errors.ts'
import {
  Access,
  Capsule,
  CapsuleHeader,
  CategorySecrets,
  Commit,
  Encapsulation,
  Grant,
  GrantKeys,
  KeyRecord,
  Manifest,
  Position,
  RecordHeader,
  Revocation,
  Signed,
  VaultGenesis,
} from '../src/statements.ts'

const octets = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const id = octets(32)
const id16 = octets(16)
const time = fc.nat()
const suite = fc.nat(0xffff)
const u32 = fc.nat(0xffff_ffff)
const enc = octets(1120)
const key = octets(1216)
const sealed = fc.record({ encapsulation: id, sealed: fc.uint8Array({ minLength: 16, maxLength: 128 }) })
const purposes = fc.uniqueArray(fc.constantFrom('treatment', 'emergency', 'administration', 'legal', 'research'), {
  maxLength: 5,
})
const entry = fc.record(
  { category: id16, epoch: u32, publicKey: key, strict: fc.boolean(), previous: octets(48) },
  { requiredKeys: ['category', 'epoch', 'publicKey', 'strict'] },
)

/** Any value of each struct; fields that may be absent sometimes are. */
const STRUCTS: Record<string, [Codec<never>, fc.Arbitrary<object>]> = {
  Signed: [
    Signed as Codec<never>,
    fc.record({
      kind: fc.constantFrom('commit', 'access', 'position'),
      body: fc.uint8Array({ maxLength: 400 }),
      signer: id,
      keyVersion: fc.nat(64),
      signature: octets(64),
    }),
  ],
  KeyRecord: [
    KeyRecord as Codec<never>,
    fc.record(
      {
        suite,
        kind: fc.constantFrom('person', 'index'),
        version: fc.nat(64),
        previous: id,
        signingKey: id,
        sealingKey: key,
        time,
        salt: id16,
      },
      { requiredKeys: ['suite', 'kind', 'version', 'signingKey', 'sealingKey', 'time', 'salt'] },
    ),
  ],
  VaultGenesis: [
    VaultGenesis as Codec<never>,
    fc.record({
      suite,
      controller: id,
      mode: fc.constantFrom('owner', 'custody'),
      trustees: fc.array(id, { maxLength: 3 }),
      time,
      salt: id16,
    }),
  ],
  Manifest: [
    Manifest as Codec<never>,
    fc.record(
      {
        suite,
        vault: id,
        custodian: id,
        version: u32,
        previous: id,
        time,
        categories: fc.array(entry, { maxLength: 3 }),
        enc,
        sealed: fc.uint8Array({ minLength: 16, maxLength: 300 }),
      },
      { requiredKeys: ['suite', 'vault', 'custodian', 'version', 'time', 'categories', 'enc', 'sealed'] },
    ),
  ],
  CategorySecrets: [
    CategorySecrets as Codec<never>,
    fc.array(
      fc.record(
        { category: id16, code: fc.string({ maxLength: 16 }), epoch: u32, secret: id },
        { requiredKeys: ['category', 'code', 'epoch'] },
      ),
      { maxLength: 4 },
    ),
  ],
  Encapsulation: [
    Encapsulation as Codec<never>,
    fc.record({ suite, writer: id, recipient: id, recipientKeyVersion: fc.nat(64), day: u32, enc }),
  ],
  CapsuleHeader: [
    CapsuleHeader as Codec<never>,
    fc.record({
      suite,
      vault: id,
      custodian: id,
      category: id16,
      epoch: u32,
      capsule: id16,
      writer: id,
      enc,
      releaseCommitment: id,
      shareCommitments: fc.array(id, { maxLength: 3 }),
      retention: fc.constantFrom('care', 'access-log'),
      opened: time,
    }),
  ],
  Capsule: [
    Capsule as Codec<never>,
    fc.record(
      {
        header: fc.uint8Array({ minLength: 1, maxLength: 400 }),
        shares: fc.array(sealed, { maxLength: 3 }),
        owner: sealed,
      },
      { requiredKeys: ['header', 'shares'] },
    ),
  ],
  RecordHeader: [
    RecordHeader as Codec<never>,
    fc.record({
      suite,
      capsule: id16,
      record: id16,
      handle: id16,
      version: u32,
      time,
      contentType: fc.constantFrom('fhir+json', 'tombstone', 'octets'),
      dictionary: fc.nat(255),
    }),
  ],
  Commit: [
    Commit as Codec<never>,
    fc.record({
      suite,
      vault: id,
      author: id,
      root: id,
      depth: fc.nat(14),
      capsules: fc.nat(16_384),
      time,
      link: id,
      linkSeal: sealed,
      salt: id16,
      custodian: id,
    }),
  ],
  Grant: [
    Grant as Codec<never>,
    fc.record(
      {
        suite,
        vault: id,
        custodian: id,
        grantee: id,
        parent: id,
        categories: fc.array(id16, { maxLength: 4 }),
        rights: fc.nat(15),
        purposes,
        basis: fc.constantFrom('consent', 'legal-duty'),
        notBefore: time,
        expires: time,
        depth: fc.nat(8),
        patientsPerDay: fc.nat(1_000_000),
        salt: id16,
      },
      {
        requiredKeys: [
          'suite',
          'vault',
          'custodian',
          'grantee',
          'categories',
          'rights',
          'purposes',
          'basis',
          'notBefore',
          'expires',
          'depth',
          'salt',
        ],
      },
    ),
  ],
  GrantKeys: [
    GrantKeys as Codec<never>,
    fc.record({
      suite,
      grant: id,
      vault: id,
      manifestVersion: u32,
      enc,
      sealed: fc.uint8Array({ minLength: 16, maxLength: 300 }),
    }),
  ],
  Revocation: [Revocation as Codec<never>, fc.record({ suite, vault: id, grant: id, time, salt: id16 })],
  Access: [
    Access as Codec<never>,
    fc.record(
      {
        suite,
        access: id16,
        vault: id,
        custodian: id,
        reader: id,
        capsules: fc.array(id, { maxLength: 4 }),
        chain: fc.array(id, { maxLength: 4 }),
        purpose: fc.constantFrom('treatment', 'research'),
        oneTimeKey: key,
        time,
        session: id,
      },
      {
        requiredKeys: [
          'suite',
          'access',
          'vault',
          'custodian',
          'reader',
          'capsules',
          'chain',
          'purpose',
          'oneTimeKey',
          'time',
        ],
      },
    ),
  ],
  Position: [Position as Codec<never>, fc.record({ suite, index: id, statement: id, sequence: time, time })],
}

const codeOf = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    if (error instanceof SealError) return error.code
    throw error
  }
  return 'accepted'
}

describe.each(Object.entries(STRUCTS))('%s', (_, [codec, values]) => {
  test('comes back, in the encoding that an independent codec gives', () => {
    fc.assert(
      fc.property(values, (value) => {
        const encoded = encode(codec as Codec<object>, value)
        expect(decode(codec as Codec<object>, encoded)).toEqual(value)
        const other: unknown = cborgDecode(encoded, { useMaps: true, rejectDuplicateMapKeys: true, strict: true })
        expect(Buffer.from(cborgEncode(other, rfc8949EncodeOptions)).equals(Buffer.from(encoded))).toBe(true)
      }),
      { numRuns: 20 },
    )
  })

  test('with a byte more, a byte less or a bit changed it is refused, or is the one encoding of another', () => {
    fc.assert(
      fc.property(values, fc.nat(), fc.nat(7), (value, at, bit) => {
        const encoded = encode(codec as Codec<object>, value)
        expect(codeOf(() => decode(codec, Buffer.concat([encoded, Uint8Array.of(0)])))).toBe('encoding-trailing-bytes')
        expect(codeOf(() => decode(codec, encoded.subarray(0, -1)))).toMatch(/^encoding-/)
        const changed = encoded.slice()
        changed[at % changed.length] = (changed[at % changed.length] as number) ^ (1 << bit)
        let decoded: unknown
        const code = codeOf(() => {
          decoded = decode(codec as Codec<unknown>, changed)
        })
        if (code === 'accepted')
          expect(Buffer.from(encode(codec as Codec<unknown>, decoded)).equals(Buffer.from(changed))).toBe(true)
        else expect(code).toMatch(/^encoding-/)
      }),
      { numRuns: 60 },
    )
  })
})

test('any bytes at all are refused, or are the one encoding of what they give', () => {
  const any = struct({
    a: field(0, uint()),
    b: optional(1, text(8)),
    c: field(2, list(bool, 3)),
    d: optional(3, bytes(0, 4)),
    e: optional(4, choice(['x', 'y'])),
  })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (noise) => {
      for (const candidate of [noise, Uint8Array.of(0xa2, 0x00, ...noise)]) {
        let decoded: unknown
        const code = codeOf(() => {
          decoded = decode(any, candidate)
        })
        if (code === 'accepted')
          expect(Buffer.from(encode(any as Codec<unknown>, decoded)).equals(Buffer.from(candidate))).toBe(true)
        else expect(code).toMatch(/^encoding-/)
      }
    }),
    { numRuns: 3_000 },
  )
})

test.each([
  [0, '00'],
  [23, '17'],
  [24, '1818'],
  [255, '18ff'],
  [256, '190100'],
  [65_535, '19ffff'],
  [65_536, '1a00010000'],
  [4_294_967_295, '1affffffff'],
  [4_294_967_296, '1b0000000100000000'],
  [Number.MAX_SAFE_INTEGER, '1b001fffffffffffff'],
])('%i has one encoding', (value, hex) => {
  expect(Buffer.from(encode(uint(), value)).toString('hex')).toBe(hex)
  expect(decode(uint(), Buffer.from(hex, 'hex'))).toBe(value)
})

test.each([
  ['1800', 'encoding-not-canonical'],
  ['1817', 'encoding-not-canonical'],
  ['1900ff', 'encoding-not-canonical'],
  ['1a0000ffff', 'encoding-not-canonical'],
  ['1b00000000ffffffff', 'encoding-not-canonical'],
  ['1b0020000000000000', 'encoding-not-canonical'],
  ['1c', 'encoding-not-canonical'],
  ['1f', 'encoding-not-canonical'],
  ['20', 'encoding-wrong-type'],
  ['40', 'encoding-wrong-type'],
  ['c000', 'encoding-wrong-type'],
  ['f90000', 'encoding-wrong-type'],
  ['f6', 'encoding-wrong-type'],
  ['0000', 'encoding-trailing-bytes'],
  ['', 'encoding-not-canonical'],
])('%s is no unsigned integer', (hex, code) => {
  expect(codeOf(() => decode(uint(), Buffer.from(hex, 'hex')))).toBe(code)
})

test('text that is not UTF-8, and values out of their bounds, are refused', () => {
  expect(codeOf(() => decode(text(8), Buffer.from('61ff', 'hex')))).toBe('encoding-not-canonical')
  expect(codeOf(() => decode(text(1), Buffer.from('626161', 'hex')))).toBe('encoding-out-of-range')
  expect(codeOf(() => decode(bytes(1, 2), Buffer.from('40', 'hex')))).toBe('encoding-out-of-range')
  expect(codeOf(() => decode(bool, Buffer.from('f6', 'hex')))).toBe('encoding-wrong-type')
  expect(codeOf(() => encode(uint(), -1))).toBe('encoding-out-of-range')
  expect(codeOf(() => encode(uint(), 1.5))).toBe('encoding-out-of-range')
  expect(codeOf(() => encode(uint(5), 6))).toBe('encoding-out-of-range')
  expect(codeOf(() => encode(bytes(2), new Uint8Array(1)))).toBe('encoding-out-of-range')
  expect(codeOf(() => encode(struct({ a: field(0, uint()) }), {} as never))).toBe('encoding-missing-field')
  expect(codeOf(() => encode(list(bool, 1), [true, true]))).toBe('encoding-out-of-range')
  expect(codeOf(() => encode(choice(['a']), 'b' as 'a'))).toBe('encoding-out-of-range')
})

test("what was decoded does not change with the caller's buffer", () => {
  const buffer = Buffer.from('4201ff', 'hex')
  const decoded = decode(bytes(2), buffer)
  buffer[1] = 7
  expect(decoded).toEqual(Uint8Array.of(1, 255))
})
