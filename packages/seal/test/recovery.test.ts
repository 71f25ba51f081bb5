/** A root and its wraps: what each gives back, what it takes, and what nobody gets out of less. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SoftwareAuthenticator } from '@scelle/testing/authenticator'
import { createIdentity, type Identity } from '../src/identity.ts'
import { renewPerson } from '../src/persons.ts'
import {
  answerAsGuardian, askGuardians, enrolmentHolds, guardianCode, hearGuardian, listedWraps, listPlace, newPrinted,
  openGivenPart, openPacket, openWrap, OWN, ownIdentity, pairwiseIdentity, pairwiseSecrets, printedFile,
  printedGroups, printedSecret, readPrinted, recoveryDevice, rehearsalOf, rootByGuardians, rootByPasskey, rootByPin,
  rootByPrinted, rootInText, SEALED_WRAP, sealWrap, spokenCode, wrapByGuardians, wrapByPasskey, wrapByPin,
  wrapByPrinted, wrapList, wrapPlace, wrapWriter, wrongShares, pinInput,
} from '../src/recovery.ts'
import { openPart, sealPart } from '../src/shares.ts'
import {
  decode, decodeSigned, encode, GuardianPacket, Objection, PinSet, readPinSet, Recovery, recoveryCase, RecoverySet,
  recoverySetId, SUITE, toHex, verifyObjection, verifyRecovery, type Wrap,
} from '../src/verify.ts'
import { blindInput, evaluateBlinded, finishEvaluation, openPinShare } from '../src/voprf.ts'
import { seededContext } from './fixtures.ts'

const context = seededContext('recovery')
const root = context.random(32)

const codeOf = async (work: Promise<unknown> | (() => unknown)): Promise<string> => {
  try {
    await (typeof work === 'function' ? work() : work)
    return 'nothing was thrown'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

const people = (kind: 'person' | 'trustee', count: number): Promise<Identity[]> =>
  Promise.all(Array.from({ length: count }, () => createIdentity(kind, context)))

describe('a root makes principals', () => {
  const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })

  test('the same one for an organisation each time, and another one for every other', async () => {
    await fc.assert(fc.asyncProperty(bytes32, bytes32, bytes32, async (secret, one, other) => {
      const made = pairwiseSecrets(secret, one)
      expect(pairwiseSecrets(secret, one)).toEqual(made)
      if (toHex(one) === toHex(other)) return
      const further = pairwiseSecrets(secret, other)
      const parts = [made, further].flatMap(({ signing, sealing, salt }) => [signing, sealing, salt].map(toHex))
      expect(new Set(parts).size).toBe(6)
      expect(parts.every((part) => !toHex(secret).includes(part))).toBe(true)
    }), { numRuns: 50 })
  })

  test('whose records share no key, no salt, no id, and no time that tells them from anybody else\'s', async () => {
    const organisations = [OWN, context.random(32), context.random(32)]
    const same = await Promise.all(organisations.map((id) => pairwiseIdentity(root, id)))
    const others = await Promise.all(organisations.map((id) => pairwiseIdentity(context.random(32), id)))
    const fields = [...same, ...others].map(({ id, keys: { current } }) =>
      [id, current.signingKey, current.sealingKey, current.salt].map(toHex))
    expect(new Set(fields.flat()).size).toBe(fields.flat().length)
    expect(new Set([...same, ...others].map(({ keys }) => keys.current.time))).toEqual(new Set([0]))
    expect(toHex((await pairwiseIdentity(root, OWN)).id)).toBe(toHex((same[0] as Identity).id))
  })
})

describe('a stored wrap', () => {
  const prf = context.random(32)

  test('is of one length whatever it holds, shows nothing, and opens under its own secret alone', async () => {
    const [guardians, trustees] = [await people('person', 3), await people('trustee', 3)]
    const printed = await newPrinted()
    const wraps: Wrap[] = [
      wrapByPasskey(root, context), await wrapByPrinted(root, printed, context), wrapList(root, [], context),
      await wrapByPin({ root, pin: '739156', device: prf, trustees: trustees.map(({ keys }) => keys) }, context),
      (await wrapByGuardians({
        root, owner: context.random(32), guardians: guardians.map(({ keys }) => keys),
        trustees: trustees.map(({ keys }) => keys), place: wrapPlace(prf), name: 'Jeanne',
      }, context)).wrap,
    ]
    for (const wrap of wraps) {
      const stored = await sealWrap(wrap, wrapPlace(prf), context)
      expect(stored.length).toBe(SEALED_WRAP)
      expect(toHex(stored)).not.toContain(toHex(root))
      expect(await openWrap(stored, wrapPlace(prf))).toEqual(wrap)
      expect(await codeOf(openWrap(stored, wrapPlace(context.random(32))))).toBe('wrap-invalid')
    }
  })

  test('changed, cut, emptied, or moved to another locator is refused', async () => {
    const place = wrapPlace(prf)
    const stored = await sealWrap(wrapByPasskey(root, context), place, context)
    for (const at of [0, 30, 60, stored.length - 1]) {
      const changed = stored.map((byte, i) => (i === at ? byte ^ 1 : byte))
      expect(await codeOf(openWrap(changed, place))).toBe('wrap-invalid')
    }
    expect(await codeOf(openWrap(stored.subarray(1), place))).toBe('wrap-invalid')
    expect(await codeOf(openWrap(context.random(SEALED_WRAP), place))).toBe('wrap-invalid')
    expect(await codeOf(openWrap(stored, { ...place, locator: context.random(32) }))).toBe('wrap-invalid')
  })

  test('whose root is not the one that it commits to is refused, and so is another kind of wrap', async () => {
    const wrap = wrapByPasskey(root, context)
    expect(await codeOf(() => rootByPasskey({ ...wrap, root: context.random(32) }))).toBe('root-mismatch')
    expect(await codeOf(() => rootByPasskey(wrapList(root, [], context)))).toBe('wrap-invalid')
    expect(await codeOf(() => listedWraps(wrapList(root, [], context), context.random(32)))).toBe('root-mismatch')
  })

  test('is written by a principal of its own, which opens nothing', async () => {
    const places = [wrapPlace(prf), wrapPlace(context.random(32)), listPlace(root)]
    const writers = await Promise.all(places.map(wrapWriter))
    const parts = places.flatMap(({ locator, key, writer }) => [locator, key, writer])
    const all = [...writers.map(({ id }) => id), ...parts]
    expect(new Set(all.map(toHex)).size).toBe(12)
    expect(toHex((await wrapWriter(wrapPlace(prf))).id)).toBe(toHex((writers[0] as Identity).id))
  })
})

test('enrolment holds by two places, not by two wraps', () => {
  const [one, other] = [context.random(16), context.random(16)]
  const passkey = { method: 'passkey', place: one } as const
  expect(enrolmentHolds([])).toBe(false)
  expect(enrolmentHolds([passkey])).toBe(false)
  expect(enrolmentHolds([passkey, { ...passkey }])).toBe(false)
  expect(enrolmentHolds([passkey, { method: 'device', place: one }])).toBe(false)
  expect(enrolmentHolds([passkey, { method: 'list', place: other }])).toBe(false)
  expect(enrolmentHolds([passkey, { method: 'printed', place: other }])).toBe(true)
})

describe('on paper', () => {
  test('what is typed back opens it, however it is spaced; one wrong letter does not', async () => {
    const identity = await newPrinted()
    const wrap = await wrapByPrinted(root, identity, context)
    for (const typed of [identity, printedGroups(identity).join(' '), identity.toLowerCase(), ` ${identity}\n`]) {
      expect(await readPrinted(typed)).toBe(identity)
    }
    expect(await rootByPrinted(wrap, identity)).toEqual(root)
    const at = 30
    const wrong = `${identity.slice(0, at)}${identity[at] === 'Q' ? 'P' : 'Q'}${identity.slice(at + 1)}`
    for (const typed of [wrong, identity.slice(0, -1), '', 'AGE-SECRET-KEY-1', 'age1qqqq']) {
      expect(await codeOf(readPrinted(typed))).toBe('printed-invalid')
    }
    expect(await codeOf(rootByPrinted(wrap, await newPrinted()))).toBe('printed-invalid')
  })

  test('no error holds a letter of it', async () => {
    const identity = await newPrinted()
    const typed = `${identity.slice(0, -1)}${identity.endsWith('Q') ? 'P' : 'Q'}`
    const error: unknown = await readPrinted(typed).catch((thrown: unknown) => thrown)
    expect(String(error)).not.toContain(identity.slice(20, 30))
    expect((error as Error).cause).toBeUndefined()
  })

  test('its secret tells nothing of where other sheets are', async () => {
    const [one, other] = [await newPrinted(), await newPrinted()]
    expect(printedSecret(one)).not.toEqual(printedSecret(other))
  })

  const age = process.env['SCELLE_AGE'] ?? 'age'
  const hasAge = spawnSync(age, ['--version']).status === 0
  if (!hasAge) console.warn('no `age` program: its opening of a printed file is skipped (SCELLE_AGE names one)')

  test.runIf(hasAge)('the age of a distribution opens the file, without us', async () => {
    const identity = await newPrinted()
    const folder = mkdtempSync(join(tmpdir(), 'scelle-age-'))
    try {
      writeFileSync(join(folder, 'sheet'), `${identity}\n`)
      writeFileSync(join(folder, 'root.age'), await printedFile(root, identity))
      const run = spawnSync(age, ['-d', '-i', join(folder, 'sheet'), join(folder, 'root.age')], { encoding: 'utf8' })
      expect(run.stderr).toBe('')
      expect(rootInText(run.stdout)).toEqual(root)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

const guarded = async () => {
  const [owner, ...guardians] = await people('person', 4) as [Identity, ...Identity[]]
  const trustees = await people('trustee', 3)
  const place = wrapPlace(context.random(32))
  const made = await wrapByGuardians({
    root, owner: owner.id, guardians: guardians.map(({ keys }) => keys), trustees: trustees.map(({ keys }) => keys),
    place, name: 'Jeanne Leroy',
  }, context)
  const { parts } = made.wrap.guardians as NonNullable<Wrap['guardians']>
  const device = await createIdentity('person', context)
  const ask = askGuardians(device, context)
  const answers = await Promise.all(guardians.map(async (guardian, i) =>
    answerAsGuardian(ask, await openPacket(made.packets[i] as Uint8Array, guardian), guardian)))
  const heard = await Promise.all(answers.map((answer) => hearGuardian(answer, device)))
  const id = (heard[0] as (typeof heard)[number]).id
  const given = await Promise.all(trustees.map(async (trustee, i) => {
    const { part } = await openPart({ set: made.set, sealed: parts[i] as (typeof parts)[number] }, trustee)
    const seeds = device.secrets.map(({ sealing }) => sealing)
    return openGivenPart(await sealPart(part, id, trustee.id, device.keys), id, trustee.id, seeds)
  }))
  return { ...made, owner, guardians, trustees, device, ask, heard, given, id, parts, place }
}

describe('guardians and trustees', () => {
  test('any two of each give the root; two guardians alone, or two trustees alone, do not', async () => {
    const { wrap, heard, given } = await guarded()
    for (const [a, b] of [[0, 1], [0, 2], [1, 2]] as const) {
      for (const [c, d] of [[0, 1], [0, 2], [1, 2]] as const) {
        const two = [heard[a], heard[b]].filter((one) => one !== undefined)
        const kept = [given[c], given[d]].filter((one) => one !== undefined)
        expect(await rootByGuardians(wrap, two, kept)).toEqual(root)
      }
    }
    expect(await codeOf(rootByGuardians(wrap, heard.slice(0, 1), given))).toBe('shares-insufficient')
    expect(await codeOf(rootByGuardians(wrap, heard, given.slice(0, 1)))).toBe('shares-insufficient')
    expect(await codeOf(rootByGuardians(wrap, heard, []))).toBe('shares-insufficient')
  })

  test('one share twice is one', async () => {
    const { wrap, heard, given } = await guarded()
    const [first] = heard as [(typeof heard)[number]]
    expect(await codeOf(rootByGuardians(wrap, [first, first], given))).toBe('shares-insufficient')
  })

  test('a guardian that lies is named, and left out where two others hold; a trustee likewise', async () => {
    const { wrap, heard, given, guardians, trustees } = await guarded()
    const [one, two, three] = heard as [(typeof heard)[0], (typeof heard)[0], (typeof heard)[0]]
    const lie = { by: one.by, share: one.share.map((byte, i) => (i === 3 ? byte ^ 1 : byte)) }
    await expect(rootByGuardians(wrap, [lie, two], given)).rejects.toMatchObject({
      code: 'share-invalid', parties: [toHex((guardians[0] as Identity).id)],
    })
    expect(await rootByGuardians(wrap, [lie, two, three], given)).toEqual(root)
    expect(wrongShares(wrap, [lie, two, three], given).map(toHex)).toEqual([toHex((guardians[0] as Identity).id)])
    // Another guardian's true share does not pass for one's own.
    expect(await codeOf(rootByGuardians(wrap, [{ by: one.by, share: two.share }, three], given))).toBe('share-invalid')
    const wrong = { by: (given[1] as (typeof given)[0]).by, share: (given[0] as (typeof given)[0]).share }
    await expect(rootByGuardians(wrap, heard, [given[0] as (typeof given)[0], wrong])).rejects.toMatchObject({
      code: 'share-invalid', parties: [toHex((trustees[1] as Identity).id)],
    })
  })

  test('a trustee\'s part opens under the set that it was made for: no other owner, guardian or place', async () => {
    const { set, trustees, parts, owner } = await guarded()
    const mine = await guarded()
    const [trustee, sealed] = [trustees[0] as Identity, parts[0] as (typeof parts)[0]]
    expect(toHex(recoverySetId(set))).not.toBe(toHex(recoverySetId(mine.set)))
    expect(await codeOf(openPart({ set: mine.set, sealed }, trustee))).toBe('principal-mismatch')
    const changed = encode(RecoverySet, { ...decode(RecoverySet, set), owner: (mine.owner).id })
    expect(await codeOf(openPart({ set: changed, sealed }, trustee))).toBe('seal-invalid')
    expect(await codeOf(openPart({ set, sealed: parts[1] as (typeof parts)[0] }, trustee))).toBe('seal-invalid')
    const { guardians: [guardian] } = decode(RecoverySet, set) as RecoverySet & { guardians: [Uint8Array] }
    const self = encode(RecoverySet, { ...decode(RecoverySet, set), owner: guardian })
    expect(await codeOf(openPart({ set: self, sealed }, trustee))).toBe('recovery-invalid')
    expect(toHex(owner.id)).toBe(toHex(decode(RecoverySet, set).owner))
  })

  test('a packet is one guardian\'s, and shows the share that was committed to', async () => {
    const { packets, guardians, rehearsals, place } = await guarded()
    const opened = await openPacket(packets[0] as Uint8Array, guardians[0] as Identity)
    expect(opened).toMatchObject({ name: 'Jeanne Leroy', rehearsal: rehearsals[0], locator: place.locator })
    expect(await codeOf(openPacket(packets[0] as Uint8Array, guardians[1] as Identity))).toBe('principal-mismatch')
    const renamed = encode(GuardianPacket, {
      ...decode(GuardianPacket, packets[0] as Uint8Array), guardian: (guardians[1] as Identity).id,
    })
    expect(await codeOf(openPacket(renamed, guardians[1] as Identity))).toBe('seal-invalid')
  })

  test('an answer is to one device and one question; the digits are another question\'s otherwise', async () => {
    const { ask, device, guardians, packets } = await guarded()
    const guardian = guardians[0] as Identity
    const kept = await openPacket(packets[0] as Uint8Array, guardian)
    const thief = await createIdentity('person', context)
    const other = askGuardians(thief, context)
    expect(spokenCode(ask)).toMatch(/^(\d{4} ){4}\d{4}$/)
    expect(spokenCode(other)).not.toBe(spokenCode(ask))
    expect(await codeOf(hearGuardian(await answerAsGuardian(ask, kept, guardian), thief))).toBe('seal-invalid')
    expect(await codeOf(hearGuardian(await answerAsGuardian(other, kept, guardian), device))).toBe('seal-invalid')
  })
})

describe('what the passkey page makes anew each time', () => {
  test('a guardian\'s rehearsal follows from root, set and guardian, and from nothing less', async () => {
    const [owner, ...guardians] = await people('person', 4) as [Identity, ...Identity[]]
    const trustees = await people('trustee', 3)
    const made = await wrapByGuardians({
      root, owner: owner.id, guardians: guardians.map(({ keys }) => keys), trustees: trustees.map(({ keys }) => keys),
      place: wrapPlace(context.random(32)), name: 'Jeanne', rehearsedBy: root,
    }, context)
    const opened = await Promise.all(guardians.map((guardian, place) =>
      openPacket(made.packets[place] as Uint8Array, guardian)))
    const codes = guardians.map(({ id }) => toHex(rehearsalOf(root, made.set, id)))
    expect(opened.map(({ rehearsal }) => toHex(rehearsal))).toEqual(codes)
    expect(new Set(codes).size).toBe(3)
    const [{ id }] = guardians as [Identity]
    expect(toHex(rehearsalOf(context.random(32), made.set, id))).not.toBe(codes[0])
    expect(toHex(rehearsalOf(root, context.random(200), id))).not.toBe(codes[0])
  })

  test('the new device is its passkey\'s: with another one in the record it is another device', async () => {
    const authenticator = new SoftwareAuthenticator({ random: context.random })
    const other = new SoftwareAuthenticator({ random: context.random })
    const [prf, nonce] = [context.random(32), context.random(16)]
    const ids = await Promise.all([
      recoveryDevice(prf, authenticator.passkey, nonce), recoveryDevice(prf, authenticator.passkey, nonce),
      recoveryDevice(prf, other.passkey, nonce), recoveryDevice(context.random(32), authenticator.passkey, nonce),
      recoveryDevice(prf, { ...authenticator.passkey, publicKey: other.passkey.publicKey }, nonce),
      recoveryDevice(prf, authenticator.passkey, context.random(16)),
    ])
    expect(toHex(ids[1].id)).toBe(toHex(ids[0].id))
    expect(new Set(ids.map(({ id }) => toHex(id))).size).toBe(5)
  })

  test('the own principal has the records that it grew; those of somebody else are refused', async () => {
    const own = await ownIdentity(root)
    const { signing } = pairwiseSecrets(root, OWN)
    const chain = await renewPerson(own.chain, {
      signing, sealingKey: own.keys.current.sealingKey, passkeys: [],
    }, context)
    expect((await ownIdentity(root, chain)).keys.current.version).toBe(1)
    expect(toHex((await ownIdentity(root, chain)).id)).toBe(toHex(own.id))
    expect(await codeOf(ownIdentity(context.random(32), chain))).toBe('principal-mismatch')
  })

  test('digits of a guardian are twenty, and another principal\'s are others', async () => {
    const [one, two] = await people('person', 2) as [Identity, Identity]
    expect(guardianCode(one.id)).toMatch(/^(\d{4} ){4}\d{4}$/)
    expect(guardianCode(one.id)).not.toBe(guardianCode(two.id))
    // The same bytes as a question would be other digits.
    expect(guardianCode(one.id)).not.toBe(spokenCode(one.id))
  })
})

describe('a recovery', () => {
  test('is two guardians\' of that set, over one body', async () => {
    const { heard, set, guardians, owner, id } = await guarded()
    const mine = await guarded()
    const known = new Map([...guardians, ...mine.guardians, owner].map(({ id: of, keys }) => [toHex(of), keys]))
    const find = (of: Uint8Array) => known.get(toHex(of))
    const [one, two] = heard.map(({ recovery }) => recovery) as [Uint8Array, Uint8Array]
    expect(toHex((await verifyRecovery([one, two], set, find)).id)).toBe(toHex(id))
    const [foreign] = mine.heard.map(({ recovery }) => recovery) as [Uint8Array]
    const body = decode(Recovery, decodeSigned('recovery', one).body)
    const later = await (guardians[1] as Identity).sign('recovery', encode(Recovery, { ...body, time: body.time + 1 }))
    const byOwner = await owner.sign('recovery', encode(Recovery, body))
    for (const signed of [[one], [one, one], [], [one, foreign], [one, later], [one, byOwner]]) {
      expect(await codeOf(verifyRecovery(signed, set, find))).toBe('recovery-invalid')
    }
    expect(await codeOf(verifyRecovery([one, two], mine.set, find))).toBe('recovery-invalid')
    const moved = encode(Recovery, { ...body, set: recoverySetId(mine.set) })
    const both = await Promise.all(guardians.slice(0, 2).map((guardian) => guardian.sign('recovery', moved)))
    expect(await codeOf(verifyRecovery(both, set, find))).toBe('recovery-invalid')
    expect(toHex(recoveryCase(moved))).not.toBe(toHex(id))
  })

  test('is stopped by its owner alone', async () => {
    const { owner, set, guardians, id } = await guarded()
    const objection = {
      suite: SUITE, owner: owner.id, set: recoverySetId(set), recovery: id, time: 1, nonce: context.random(16),
    }
    const signed = await owner.sign('objection', encode(Objection, objection))
    expect((await verifyObjection(signed, owner.keys)).objection).toEqual(objection)
    const guardian = guardians[0] as Identity
    const forged = await guardian.sign('objection', encode(Objection, objection))
    expect(await codeOf(verifyObjection(forged, owner.keys))).toBe('principal-mismatch')
    expect(await codeOf(verifyObjection(forged, guardian.keys))).toBe('principal-mismatch')
  })
})

describe('a PIN', () => {
  const device = context.random(32)
  const pinned = async () => {
    const trustees = await people('trustee', 3)
    const wrap = await wrapByPin({ root, pin: '739156', device, trustees: trustees.map(({ keys }) => keys) }, context)
    const { set, shares } = wrap.pin as NonNullable<Wrap['pin']>
    const evaluate = async (typed: string, which: readonly number[]): Promise<Uint8Array> => {
      const pin = readPinSet(set)
      const blinding = blindInput(pinInput(typed, pin.salt), context)
      const partials = await Promise.all(which.map(async (place) => {
        const trustee = trustees[place] as Identity
        const { share } = await openPinShare({ set, sealed: shares[place] as (typeof shares)[0] }, trustee)
        return { trustee: trustee.id, ...evaluateBlinded(blinding.blinded, share, context) }
      }))
      return finishEvaluation(blinding, partials, pin)
    }
    return { trustees, wrap, set, shares, evaluate }
  }

  test('by any two trustees, with the device\'s key: the root; otherwise nothing', async () => {
    const { wrap, evaluate } = await pinned()
    for (const which of [[0, 1], [0, 2], [1, 2]]) {
      expect(await rootByPin(wrap, await evaluate('739156', which), device)).toEqual(root)
    }
    expect(await codeOf(rootByPin(wrap, await evaluate('739157', [0, 1]), device))).toBe('pin-invalid')
    const right = await evaluate('739156', [0, 1])
    expect(await codeOf(rootByPin(wrap, right, context.random(32)))).toBe('pin-invalid')
    expect(await codeOf(evaluate('739156', [0]))).toBe('discovery-insufficient')
    expect(await codeOf(evaluate('739156', [0, 0]))).toBe('discovery-insufficient')
  })

  test('a share is of one set, and the public one\'s', async () => {
    const { set, shares, trustees } = await pinned()
    const other = await pinned()
    const trustee = trustees[0] as Identity
    const [sealed] = shares as [(typeof shares)[0]]
    const moved = encode(PinSet, { ...decode(PinSet, set), asker: context.random(32) })
    expect(await codeOf(openPinShare({ set: moved, sealed }, trustee))).toBe('seal-invalid')
    expect(await codeOf(openPinShare({ set: other.set, sealed }, trustee))).toBe('principal-mismatch')
  })

  test('is long enough', async () => {
    const { trustees } = await pinned()
    const keys = trustees.map((one) => one.keys)
    expect(await codeOf(wrapByPin({ root, pin: '12345', device, trustees: keys }, context))).toBe('pin-invalid')
    expect(await codeOf(() => pinInput('x'.repeat(65), context.random(16)))).toBe('pin-invalid')
  })
})
