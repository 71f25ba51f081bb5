/** The card that a patient carries: opened by its site alone, and by nobody who changed, kept or forged it. */
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { openCard, sealCard, signCardOpening } from '../src/envelope.ts'
import { createIdentity, type Identity, rotateIdentity } from '../src/identity.ts'
import { createVault } from '../src/keys.ts'
import {
  Card, CardFile, CardHeader, decode, decodeSigned, encode, FORMAT_LIMITS, SealError, toHex, verifyCard,
  verifyCardOpening,
} from '../src/verify.ts'
import { bytesOf, makeWorld, NOW, seededContext, type World } from './fixtures.ts'

const SECONDS = NOW / 1000
const DAY = 86_400
const SUMMARY = bytesOf(JSON.stringify({
  resourceType: 'Bundle', type: 'document', entry: [{ resource: { resourceType: 'AllergyIntolerance', id: 'a' } }],
}))

let world: World
let site: Identity
let other: Identity
let card: Uint8Array
const context = seededContext('card')

const make = (fields: Partial<Parameters<typeof sealCard>[0]> = {}): ReturnType<typeof sealCard> => sealCard({
  summary: SUMMARY, genesisSigned: world.vault.genesisSigned, issuer: world.owner, expires: SECONDS + 30 * DAY,
  emergencyKeys: [site.keys], ...fields,
}, context)

beforeAll(async () => {
  world = await makeWorld('card')
  site = await createIdentity('organisation', context)
  other = await createIdentity('organisation', context)
  card = (await make()).bytes
})

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(() => 'opened', (error: unknown) => {
    if (!(error instanceof SealError)) throw error
    return error.code
  })

const open = (bytes: Uint8Array, who: Identity = site, at = SECONDS): Promise<string> =>
  codeOf(openCard(bytes, who, at))

/** The card with its signed content changed, signed anew by whoever: what a forger can do. */
const forged = async (
  signer: Identity, change: (card: Card, header: CardHeader) => Partial<Card>, chain: readonly Uint8Array[],
): Promise<Uint8Array> => {
  const file = decode(CardFile, card)
  const body = decode(Card, decodeSigned('card', file.card).body)
  const changed = { ...body, ...change(body, decode(CardHeader, body.header)) }
  return encode(CardFile, { ...file, chain: [...chain], card: await signer.sign('card', encode(Card, changed)) })
}

describe('a card', () => {
  it('opens at each site that it was sealed to, to the very bytes, and says whose it is', async () => {
    await fc.assert(fc.asyncProperty(
      fc.string({ unit: 'binary', maxLength: 3_000 }), fc.integer({ min: 1, max: 366 * DAY }), fc.boolean(),
      async (text, life, both) => {
        const summary = bytesOf(JSON.stringify({ text }))
        const made = await make({
          summary, expires: SECONDS + life, emergencyKeys: both ? [site.keys, other.keys] : [site.keys],
        })
        const opened = await openCard(made.bytes, site, SECONDS + life - 1)
        expect(opened.summary).toEqual(summary)
        expect(toHex(opened.vault)).toBe(toHex(world.vault.vault))
        expect(toHex(opened.issuer.id)).toBe(toHex(world.owner.id))
        expect(toHex(opened.id)).toBe(toHex(made.id))
        expect(await open(made.bytes, other)).toBe(both ? 'opened' : 'card-recipient-unknown')
      },
    ), { numRuns: 15 })
  })

  it('is refused with any octet changed, cut off or added', async () => {
    await fc.assert(fc.asyncProperty(
      fc.nat({ max: card.length - 1 }), fc.integer({ min: 1, max: 255 }), fc.boolean(), async (at, by, cut) => {
        const changed = cut ? card.slice(0, at) : card.slice()
        if (!cut) changed[at] = (changed[at] as number) ^ by
        expect(await open(changed)).not.toBe('opened')
      },
    ), { numRuns: 150 })
    expect(await open(new Uint8Array([...card, 0]))).toBe('encoding-trailing-bytes')
  })

  it('opens by its own site alone: no other key, and no key in its place', async () => {
    expect(await open(card, other)).toBe('card-recipient-unknown')
    // Signed by the owner itself: a seal that is moved to another recipient's name opens nothing there.
    const moved = await forged(world.owner, ({ recipients }) => ({
      recipients: recipients.map((one) => ({ ...one, recipient: other.id })),
    }), world.owner.chain)
    expect(await open(moved, other)).toBe('seal-invalid')
  })

  it('opens under the newer key of a site that had it sealed to the older one', async () => {
    const renewed = await rotateIdentity(site, context)
    expect(await open(card, renewed)).toBe('opened')
    const later = (await make({ emergencyKeys: [renewed.keys] })).bytes
    expect(await open(later, renewed)).toBe('opened')
    expect(await open(later, site)).toBe('seal-invalid')
  })

  it('ends when it says so, a year after at most, and begins no later than tomorrow', async () => {
    expect(await open(card, site, SECONDS + 30 * DAY - 1)).toBe('opened')
    expect(await open(card, site, SECONDS + 30 * DAY)).toBe('card-expired')
    expect(await open(card, site, SECONDS - DAY)).toBe('opened')
    expect(await open(card, site, SECONDS - DAY - 1)).toBe('card-invalid')
    for (const expires of [SECONDS, SECONDS + FORMAT_LIMITS.cardSeconds + 1]) {
      expect(await codeOf(make({ expires }))).toBe('card-invalid')
      const long = await forged(world.owner, (_, header) => ({
        header: encode(CardHeader, { ...header, expires }),
      }), world.owner.chain)
      expect(await open(long)).toBe('card-invalid')
    }
  })

  it('cannot be given another time or key by its owner without being sealed again', async () => {
    const later = await forged(world.owner, (_, header) => ({
      header: encode(CardHeader, { ...header, expires: header.expires + DAY }),
    }), world.owner.chain)
    expect(await open(later)).toBe('seal-invalid')
    const mixed = decode(Card, decodeSigned('card', decode(CardFile, (await make()).bytes).card).body)
    const swapped = await forged(world.owner, () => ({ body: mixed.body }), world.owner.chain)
    expect(await open(swapped)).toBe('record-tampered')
  })
})

describe('a forger', () => {
  it('makes no card of a vault that it does not answer for', async () => {
    expect(await codeOf(make({ issuer: world.writer }))).toBe('principal-mismatch')
    // With its own keys, with the owner's, and with its own vault under the owner's name.
    expect(await open(await forged(world.writer, () => ({}), world.writer.chain))).toBe('principal-mismatch')
    expect(await open(await forged(world.writer, () => ({}), world.owner.chain))).toBe('principal-mismatch')
    const own = await createVault({
      mode: 'owner', controller: world.writer, trustees: world.trustees.map(({ id }) => id), categories: [],
    }, context)
    const theirs = (await make({ issuer: world.writer, genesisSigned: own.genesisSigned })).bytes
    expect(toHex((await openCard(theirs, site, SECONDS)).vault)).toBe(toHex(own.vault))
    const file = decode(CardFile, theirs)
    const named = await world.writer.sign('card', encode(Card, {
      ...decode(Card, decodeSigned('card', file.card).body),
      header: decode(Card, decodeSigned('card', decode(CardFile, card).card).body).header,
    }))
    expect(await open(encode(CardFile, { ...file, card: named }))).toBe('vault-mismatch')
  })

  it('with the replaced key of an owner signs none that shows the newer one', async () => {
    const renewed = await rotateIdentity(world.owner, context)
    expect(await open(await forged(world.owner, () => ({}), renewed.chain))).toBe('signature-invalid')
    expect(await open((await make({ issuer: renewed })).bytes)).toBe('opened')
  })

  it('passes no other statement of the owner off as a card', async () => {
    const file = decode(CardFile, card)
    const grant = await world.owner.sign('grant', decodeSigned('card', file.card).body)
    expect(await open(encode(CardFile, { ...file, card: grant }))).toBe('signature-invalid')
  })
})

describe('limits', () => {
  it('takes no summary, card or list of keys beyond them', async () => {
    const large = context.random(FORMAT_LIMITS.cardPlaintext + 1)
    expect(await codeOf(make({ summary: large }))).toBe('card-too-large')
    expect(await codeOf(make({ summary: large.subarray(0, FORMAT_LIMITS.card) }))).toBe('card-too-large')
    expect(await open(new Uint8Array(FORMAT_LIMITS.card + 1))).toBe('card-too-large')
    expect(await codeOf(make({ emergencyKeys: [] }))).toBe('card-invalid')
    expect(await codeOf(make({ emergencyKeys: [site.keys, site.keys] }))).toBe('card-invalid')
    const none = await forged(world.owner, () => ({ recipients: [] }), world.owner.chain)
    expect(await open(none)).toBe('card-invalid')
  })

  it('hides a summary\'s length but for its order', async () => {
    const sizes = new Set<number>()
    for (let more = 0; more < 40; more++) {
      sizes.add((await make({ summary: context.random(4_000 + more) })).bytes.length)
    }
    expect(sizes.size).toBeLessThanOrEqual(2)
  })
})

it('a note about an opening is its reader\'s, and nobody else\'s', async () => {
  const verified = await verifyCard(card, SECONDS)
  const signed = await signCardOpening(world.reader, {
    card: verified.id, vault: verified.vault, site: site.id, reason: 'inconscient',
  }, context)
  const { opening } = await verifyCardOpening(signed, world.reader.keys)
  expect(opening).toMatchObject({ reason: 'inconscient', time: SECONDS })
  expect(await codeOf(verifyCardOpening(signed, world.writer.keys))).toBe('principal-mismatch')
})
