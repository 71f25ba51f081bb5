/**
 * No log entry, no key. The attacker has the index with its key, one trustee with its key, and a reader's valid keys
 * and grant; the other two trustees run as they are. Without a logged access that one of them cosigned itself, and
 * another one too, none of them gives its share.
 */
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  cosignNote, formatAddCheckpoint, formatProof, inclusionProof, type NoteKey, type NoteSignature, parseNote, parseProof,
  parseSignatures,
} from '@scelle/log'
import { createIdentity, type Identity, rotateIdentity } from '@scelle/seal/identity'
import { createAccess } from '@scelle/seal/grants'
import { createVault } from '@scelle/seal/keys'
import { Access, decode, decodeSigned, encode, LogEntry, leafSubject, toHex } from '@scelle/seal/verify'
import type { Client } from '@scelle/sdk'
import { entryOf, witnessKeys } from '@scelle/wire/log'
import { LogPush, LogPushed, ReleaseRequest } from '@scelle/wire/messages'
import { LogFixture } from '../src/log-fixture.ts'
import { LyingIndex, type Told, withSignatures } from '../src/lying-index.ts'
import { seededRandom } from '../src/random.ts'
import { capsulesOf, type FeedCapsule } from './by-hand.ts'
import { createScene, DAY, item, type Scene } from './scene.ts'

let scene: Scene
let doctor: Client
let index: LyingIndex
let capsule: FeedCapsule
/** What the doctor's own client sent for an access that was logged and cosigned by all three. */
let genuine: ReleaseRequest
/** The same of another reader. */
let others: ReleaseRequest

const random = seededRandom('no entry, no key')
const context = { now: (): number => scene.world.now(), random }
const seconds = (): number => Math.floor(context.now() / 1000)
const honest = () => scene.world.trustees.slice(0, 2)
const accomplice = (): Identity => scene.world.trustees[2]!.identity

/** What a client asks trustees for when it opens: the last request of it. */
const asked = async (reader: Client): Promise<ReleaseRequest> => {
  const { network } = scene.world
  network.recording = true
  await (await reader.vault(scene.vault.id)).open()
  network.recording = false
  const sent = network.seen.findLast(({ target }) => target === '/v1/releases')
  return decode(ReleaseRequest, sent?.body as Uint8Array)
}

const setUp = async (): Promise<void> => {
  scene = await createScene('no-entry-no-key')
  const { world, vault } = scene
  doctor = await world.client('person')
  const nurse = await world.client('person')
  for (const { identity } of [doctor, nurse]) {
    await vault.share({ basis: 'consent', to: identity.id, categories: ['summary'], until: world.now() + 30 * DAY })
  }
  await vault.write([item('a'), item('b')])
  capsule = (await capsulesOf(scene))[0]!
  others = await asked(nurse)
  genuine = await asked(doctor)
  // All that is on its way to the index by itself arrives, and is cosigned.
  await world.clock.advance(10_000)
  index = await LyingIndex.takeOver(world)
}
const tearDown = (): Promise<void> => scene.world.close()

/** A new access by the doctor to the same capsule: in no log. */
const unlogged = async (): Promise<Uint8Array> => {
  const { vault, custodian, capsules, chain } = decode(Access, decodeSigned('access', genuine.access).body)
  const from = { vault, custodian, capsules, chain, purpose: 'treatment' as const, reader: doctor.identity }
  return (await createAccess(from, context)).signed
}

/** Asks each honest trustee for its own share, with everything else as the doctor's client would show it. */
const ask = (access: Uint8Array, receipt: Uint8Array, fields: Partial<ReleaseRequest> = {}): Promise<Told[]> =>
  Promise.all(honest().map((trustee, place) => {
    const capsules = [{ header: capsule.capsule.header, share: capsule.capsule.shares[place]! }]
    const encapsulations = [...capsule.encapsulations]
    const request = encode(ReleaseRequest, { ...genuine, capsules, encapsulations, ...fields, access, receipt })
    return index.post(trustee, '/v1/releases', request, doctor.identity)
  }))

const outcomes = (told: readonly Told[]): string[] => told.map(({ status, code }) => code ?? String(status))

/** The honest log as far as it goes, and the access after it. */
const forged = (access: Uint8Array, log = index.honest.fork(index.honest.size)) => ({ log, leaf: log.append(access) })
/** Cosigned by the accomplice alone. */
const aided = (log: LogFixture): Promise<Uint8Array> => log.checkpoint(log.size, [undefined, undefined, seconds()])
/** The honest trustees' cosignatures under the last honest checkpoint. */
const cosignatures = (): readonly NoteSignature[] =>
  parseNote(parseProof(genuine.receipt).checkpoint).signatures.filter(({ name }) => /trustee/.test(name))
const cosignedAs = (note: Uint8Array, named: NoteKey, by: Identity, time = seconds()): Promise<NoteSignature> =>
  cosignNote(parseNote(note).text, time, named, by.signRaw)
const keyOf = ({ keys }: Identity): NoteKey => witnessKeys(keys).at(-1)!

interface Forgery {
  readonly receipt: Uint8Array
  readonly access?: Uint8Array
  readonly fields?: Partial<ReleaseRequest>
  /** What it is refused as; `receipt-invalid` where absent. */
  readonly code?: string
}

/** Made for an access that is in no log. */
const FORGERIES: Record<string, (access: Uint8Array) => Promise<Forgery>> = {
  'nothing that could be a receipt': async () => ({ receipt: random(300) }),
  'a checkpoint signed by the index alone': async (access) => {
    const { log, leaf } = forged(access)
    return { receipt: await log.receipt(leaf, await log.checkpoint()) }
  },
  'a checkpoint cosigned by the accomplice': async (access) => {
    const { log, leaf } = forged(access)
    return { receipt: await log.receipt(leaf, await aided(log)) }
  },
  'a checkpoint cosigned by the accomplice twice': async (access) => {
    const { log, leaf } = forged(access)
    const note = await aided(log)
    const again = await cosignedAs(note, keyOf(accomplice()), accomplice(), seconds() + 1)
    return { receipt: await log.receipt(leaf, withSignatures(note, [again])) }
  },
  'honest cosignatures of an earlier checkpoint': async (access) => {
    const { log, leaf } = forged(access)
    return { receipt: await log.receipt(leaf, withSignatures(await log.checkpoint(), cosignatures())) }
  },
  'honest names under the attacker\'s signatures': async (access) => {
    const { log, leaf } = forged(access)
    const note = await aided(log)
    const signatures = await Promise.all(honest().map(({ identity }) =>
      cosignedAs(note, keyOf(identity), accomplice())))
    return { receipt: await log.receipt(leaf, withSignatures(note, signatures)) }
  },
  'honest names with the attacker\'s keys': async (access) => {
    const { log, leaf } = forged(access)
    const note = await aided(log)
    const signatures = await Promise.all(honest().map(({ identity }) =>
      cosignedAs(note, { ...keyOf(accomplice()), name: keyOf(identity).name }, accomplice())))
    return { receipt: await log.receipt(leaf, withSignatures(note, signatures)) }
  },
  'trustees that the attacker made up and shows': async (access) => {
    const { log, leaf } = forged(access)
    const made = await Promise.all([1, 2].map(() => createIdentity('trustee', context)))
    const note = await aided(log)
    const signatures = await Promise.all(made.map((one) => cosignedAs(note, keyOf(one), one)))
    const keys = [...genuine.keys, ...made.map(({ chain }) => [...chain])]
    return { receipt: await log.receipt(leaf, withSignatures(note, signatures)), fields: { keys } }
  },
  'a newer key of an honest trustee, not signed by the one before': async (access) => {
    const { log, leaf } = forged(access)
    const thief = await createIdentity('trustee', context)
    const stolen = (await rotateIdentity(thief, context)).chain.at(-1)!
    const chains = honest().map(({ identity }) => [...identity.chain, stolen])
    const named = (chain: readonly Uint8Array[]) => chains.find(([genesis]) => toHex(genesis!) === toHex(chain[0]!))
    const keys = genuine.keys.map((chain) => named(chain) ?? chain)
    return { receipt: await log.receipt(leaf, await aided(log)), fields: { keys }, code: 'bad-statement' }
  },
  'the receipt of the access before': async () => ({ receipt: genuine.receipt }),
  'the receipt of another reader': async () => ({ receipt: others.receipt }),
  'another reader\'s access with its receipt': async () =>
    ({ access: others.access, receipt: others.receipt, code: 'bad-statement' }),
  'the receipt of the access before, with another salt': async () =>
    ({ receipt: formatProof({ ...parseProof(genuine.receipt), extra: random(16) }) }),
  'the receipt of the access before, without a salt': async () =>
    ({ receipt: formatProof({ ...parseProof(genuine.receipt), extra: undefined }) }),
  'hashes of a forged tree under an honest checkpoint': async (access) => {
    const { log, leaf } = forged(access)
    const hashes = await inclusionProof(leaf.sequence - 1, log.size, log.nodes)
    const { checkpoint } = parseProof(genuine.receipt)
    return { receipt: formatProof({ index: leaf.sequence - 1, hashes, checkpoint, extra: leaf.salt }) }
  },
  'a place beyond an honest checkpoint': async () => {
    const { checkpoint, hashes, extra } = parseProof(genuine.receipt)
    return { receipt: formatProof({ index: index.honest.size + 7, hashes, checkpoint, extra }) }
  },
  'a log that begins with the access': async (access) => {
    const { log, leaf } = forged(access, index.honest.fork(0))
    const note = withSignatures(await aided(log), cosignatures())
    return { receipt: await log.receipt(leaf, note) }
  },
  'the index\'s next log': async (access) => {
    const { parties, leaves } = index.honest
    const { log, leaf } = forged(access, new LogFixture(parties, random, leaves, 2))
    return { receipt: await log.receipt(leaf, await aided(log)) }
  },
  'another index\'s log, which the request shows': async (access) => {
    const other = await createIdentity('index', context)
    const { log, leaf } = forged(access, new LogFixture({ ...index.honest.parties, index: other }, random))
    const keys = [...genuine.keys.filter(([first]) => toHex(first!) !== toHex(index.identity.chain[0]!)),
      [...other.chain]]
    return { receipt: await log.receipt(leaf, await aided(log)), fields: { keys } }
  },
  'a vault of the attacker\'s own, whose trustees are made up': async (access) => {
    const made = await Promise.all([1, 2, 3].map(() => createIdentity('trustee', context)))
    const own = await createVault({
      mode: 'owner', controller: doctor.identity, trustees: made.map(({ id }) => id),
      categories: [{ code: 'summary', strict: false }],
    }, context)
    const { log, leaf } = forged(access)
    const note = await aided(log)
    const signatures = await Promise.all(made.map((one) => cosignedAs(note, keyOf(one), one)))
    const keys = [...genuine.keys, ...made.map(({ chain }) => [...chain])]
    const fields = { genesis: own.genesisSigned, keys }
    return { receipt: await log.receipt(leaf, withSignatures(note, signatures)), fields, code: 'bad-statement' }
  },
}

describe('no share comes out without a logged, cosigned access', () => {
  beforeAll(setUp)
  afterAll(tearDown)

  test.each(Object.keys(FORGERIES))('%s', async (name) => {
    const access = await unlogged()
    const { receipt, access: shown, fields, code = 'receipt-invalid' } = await FORGERIES[name]!(access)
    expect(outcomes(await ask(shown ?? access, receipt, fields))).toEqual([code, code])
  })

  test('an honest receipt with any of its bytes changed', async () => {
    const access = await unlogged()
    const receipt = genuine.receipt
    await fc.assert(fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(receipt.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      async (changes) => {
        const changed = Uint8Array.from(receipt)
        for (const [place, value] of changes) changed[place] = value
        for (const outcome of outcomes(await ask(access, changed))) expect(outcome).toBe('receipt-invalid')
      },
    ), { numRuns: 60 })
  })
})

describe('no honest trustee cosigns what it does not have', () => {
  // What the index signs stays known to whom it was shown.
  beforeEach(setUp)
  afterEach(tearDown)

  /** Without a cosignature the forged checkpoint stays what it was. */
  const expectUseless = async (access: Uint8Array, log: LogFixture, told: readonly Told[]): Promise<void> => {
    expect(told.map((one) => (one.status === 200 ? decode(LogPushed, one.body).cosignature : undefined)))
      .toEqual(told.map(() => undefined))
    const receipt = await log.receipt(log.leaves.at(-1)!, await aided(log))
    expect(outcomes(await ask(access, receipt))).toEqual(['receipt-invalid', 'receipt-invalid'])
  }

  test('a checkpoint without its leaves', async () => {
    const access = await unlogged()
    const { log } = forged(access)
    const told = await Promise.all(honest().map(async (trustee) => {
      const { cosigned } = await index.standing(trustee)
      const proof = await log.consistency(cosigned, log.size)
      const body = formatAddCheckpoint({ old: cosigned, proof, checkpoint: await aided(log) })
      return index.post(trustee, '/add-checkpoint', body)
    }))
    expect(told.map(({ status }) => status)).toEqual([409, 409])
    await expectUseless(access, log, [])
  })

  test('a checkpoint with other leaves than its own', async () => {
    const access = await unlogged()
    const { log } = forged(access)
    const shown = index.honest.fork(index.honest.size)
    await shown.fill(1)
    const note = await log.checkpoint()
    await expectUseless(access, log, await Promise.all(honest().map((trustee) => index.push(trustee, shown, note))))
  })

  test.each([
    ['alone', false], ['with the access', true],
  ])('the access as a control leaf, %s', async (_, withStatement) => {
    const access = await unlogged()
    const { log, leaf } = forged(access)
    const { commitment } = decode(LogEntry, leaf.entry)
    const entry = encode(LogEntry, { commitment, subject: leafSubject(doctor.identity.id) })
    const told = await Promise.all(honest().map(async (trustee) => {
      const { mirrored } = await index.standing(trustee)
      const pushed = withStatement ? { entry, statement: access, salt: leaf.salt } : { entry }
      const keys = [...index.identity.chain]
      return index.post(trustee, '/v1/log/push', encode(LogPush, { from: mirrored, leaves: [pushed], keys }))
    }))
    expect(outcomes(told)).toEqual(['bad-statement', 'bad-statement'])
    await expectUseless(access, log, [])
  })
})

describe('what the attacker can do', () => {
  beforeEach(setUp)
  afterEach(tearDown)

  test('log the access for all to see: then each share takes that trustee\'s cosignature and another one', async () => {
    const access = await unlogged()
    const { log, leaf } = forged(access)
    const [first, second] = honest()
    const at = async (note: Uint8Array): Promise<string[]> => outcomes(await ask(access, await log.receipt(leaf, note)))
    const cosigned = async (trustee: typeof first): Promise<NoteSignature> =>
      parseSignatures(index.cosignatureOf(await index.push(trustee!, log))!)[0]!
    const [own, aid] = [await log.checkpoint(), await aided(log)]
    const one = await cosigned(first)
    expect(await at(withSignatures(own, [one]))).toEqual(['receipt-invalid', 'receipt-invalid'])
    expect(await at(withSignatures(aid, [one]))).toEqual(['200', 'receipt-invalid'])
    const two = await cosigned(second)
    expect(await at(withSignatures(own, [one, two]))).toEqual(['200', '200'])
    for (const trustee of honest()) {
      // In the log of anybody who reads it.
      const bundle = await index.get(trustee, `/tile/entries/000.p/${log.size}`)
      expect(toHex(bundle.body)).toContain(toHex(entryOf(access, leaf.salt)))
    }
    await scene.world.clock.advance(400_000)
    expect(await at(withSignatures(own, [one, two]))).toEqual(['access-expired', 'access-expired'])
  })

  test('rewrite the log: then the honest trustees release nothing any more, and show why', async () => {
    const access = await unlogged()
    const { log, leaf } = forged(access, index.honest.fork(index.honest.size - 1))
    const { cosigned } = await index.standing(honest()[0]!)
    await log.fill(cosigned - log.size)
    for (const trustee of honest()) {
      const body = formatAddCheckpoint({ old: cosigned, proof: [], checkpoint: await log.checkpoint(cosigned) })
      await index.post(trustee, '/add-checkpoint', body)
    }
    const receipt = await log.receipt(leaf, await aided(log))
    expect(outcomes(await ask(access, receipt))).toEqual(['log-forked', 'log-forked'])
    expect(outcomes(await ask(genuine.access, genuine.receipt))).toEqual(['log-forked', 'log-forked'])
    for (const trustee of honest()) expect((await index.get(trustee, '/v1/log/evidence')).status).toBe(200)
  })
})
