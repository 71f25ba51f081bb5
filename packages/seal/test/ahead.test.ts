/** What a device seals to itself: it alone opens it, whole, for what it was made. */
import * as fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import { openAhead, sealAhead } from '../src/envelope.ts'
import { createAccess } from '../src/grants.ts'
import { createIdentity, type Identity, rotateIdentity } from '../src/identity.ts'
import { Access, decode, decodeSigned, encode, equalBytes, SealError } from '../src/verify.ts'

let drawn = 0
const context = {
  now: () => 1_768_464_000_000,
  random: (length: number) => crypto.getRandomValues(new Uint8Array(length)).fill(drawn++ & 0xff, 0, 1),
}
let device: Identity
let other: Identity
beforeAll(async () => {
  device = await createIdentity('person', context)
  other = await createIdentity('person', context)
})

const refusal = (work: Promise<unknown>): Promise<unknown> =>
  work.then(() => 'nothing was thrown', (error: unknown) => (error instanceof SealError ? error.code : error))

it('opens as it was, on that device, before and after its keys are replaced', async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 3_000 }), async (content) => {
    const sealed = await sealAhead('package', content, device, context)
    expect(await openAhead('package', sealed, device)).toEqual(content)
    expect(await refusal(openAhead('package', sealed, other))).toBe('seal-invalid')
    expect(await refusal(openAhead('note', sealed, device))).toBe('seal-invalid')
  }), { numRuns: 50 })
  const sealed = await sealAhead('note', Uint8Array.of(1, 2), device, context)
  expect(await openAhead('note', sealed, await rotateIdentity(device, context))).toEqual(Uint8Array.of(1, 2))
})

it('opens in no way changed or cut', async () => {
  const sealed = await sealAhead('package', new Uint8Array(500), device, context)
  await fc.assert(fc.asyncProperty(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
    const changed = sealed.slice()
    changed[at] = (changed[at] as number) ^ bits
    expect(await refusal(openAhead('package', changed, device))).toBe('seal-invalid')
    expect(await refusal(openAhead('package', sealed.subarray(0, at), device))).toBe('seal-invalid')
  }), { numRuns: 100 })
})

it('has the length of many others', async () => {
  const lengths = new Set<number>()
  for (let length = 10_000; length < 10_200; length += 10) {
    lengths.add((await sealAhead('package', new Uint8Array(length), device, context)).length)
  }
  expect(lengths.size).toBeLessThanOrEqual(2)
})

it('an access made ahead is under the device\'s own key and says until when; any other is as it was', async () => {
  const from = {
    vault: new Uint8Array(32), custodian: new Uint8Array(32), reader: device, capsules: [new Uint8Array(32)],
    chain: [], purpose: 'treatment' as const,
  }
  const ahead = await createAccess({ ...from, until: 1_768_500_000 }, context)
  expect(ahead.access.until).toBe(1_768_500_000)
  expect(equalBytes(ahead.access.oneTimeKey, device.keys.current.sealingKey)).toBe(true)
  const { body } = decodeSigned('access', ahead.signed)
  expect(encode(Access, decode(Access, body))).toEqual(body)
  const plain = await createAccess(from, context)
  expect('until' in plain.access).toBe(false)
  expect(equalBytes(plain.access.oneTimeKey, device.keys.current.sealingKey)).toBe(false)
})
