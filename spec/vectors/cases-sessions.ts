/**
 * Sessions that a passkey agreed to, what is signed in them and by passkeys, and how they end: valid, and each with one thing
 * wrong. Whoever stretches, moves or forges one opens patients' charts in somebody else's name.
 */
import { createIdentity, type Identity, rotateIdentity } from '../../packages/seal/src/identity.ts'
import {
  renewPerson, sessionIdentity, signOut, signOutBody, type Unsigned, unsignedOf, unsignedSession,
} from '../../packages/seal/src/persons.ts'
import { ed25519Signer } from '../../packages/seal/src/primitives/signature-node.ts'
import * as seal from '../../packages/seal/src/verify.ts'
import { passkeyCases } from './cases-passkeys.ts'
import { type Kind, kindCases } from './cases-standing.ts'
import { octetsOf, textOf } from './cbor-entries.ts'
import { context, type Golden, nowSeconds } from './golden.ts'
import { chainOf, changed } from './material.ts'
import type { Vector } from './operations.ts'
import { hash, HOURS, INDEX, makeScene, type Scene } from './scene-sessions.ts'
import { ELIGIBLE, type Gesture, PRESENT_AND_VERIFIED, SeededAuthenticator } from './seeded-authenticator.ts'
import { seededBytes } from './seeded-random.ts'

const { toHex, SUITE } = seal
const BACKED_UP = 16
const ATTESTED = 64
const EXTENDED = 128

/** Cases of one operation that differ in what is signed, and at times in whose keys are known. */
const sessionCase = ({ chain, house }: Scene, name: string, signed: Uint8Array, change: object = {}): Vector =>
  ({ name: `session: ${name}`, op: 'session', in: { signed: toHex(signed), person: chain.map(toHex), house: chainOf(house), ...change } })

/** Of two signatures that hold, the one with the larger `s`. */
const twin = (signed: Uint8Array): Uint8Array => {
  const whole = seal.decode(seal.Signed, signed)
  const s = seal.P256_ORDER - BigInt(`0x${toHex(whole.signature.subarray(32))}`)
  const larger = seal.fromHex(s.toString(16).padStart(64, '0'))!
  return seal.encode(seal.Signed, { ...whole, signature: seal.concatBytes(whole.signature.subarray(0, 32), larger) })
}

const gestures: readonly (readonly [string, Gesture])[] = [
  ['members in another order, others beside them', { written: (text) => `{"other":{"a":[1,2.5e3,null]},\n ${text.slice(1, -1)},"more":"é"}`.replace('"type":"webauthn.get",', '').replace(',"more"', ',"type":"webauthn.get","more"') }],
  ['members written with escapes', { written: (text) => text.replace('webauthn', '\\u0077eb\\u0061uthn') }],
  ['without crossOrigin', { said: { crossOrigin: undefined } }],
  ['a member twice, the last as it should be', { written: (text) => `{"type":"webauthn.create",${text.slice(1)}` }],
  ['a member twice, the last not as it should be', { written: (text) => `${text.slice(0, -1)},"type":"webauthn.create"}` }],
  ['with a member that a browser adds', { said: { androidPackageName: 'x' } }],
  ['with a counter', { counter: 4_294_967_295 }],
  ['of another origin', { said: { origin: 'https://passkey.example.evil' } }],
  ['of a name below', { said: { origin: 'https://a.passkey.example' } }],
  ['of a neighbouring port', { said: { origin: 'https://passkey.example:8443' } }],
  ['over http', { said: { origin: 'http://passkey.example' } }],
  ['of an origin with a path', { said: { origin: 'https://passkey.example/' } }],
  ['of an origin in capitals', { said: { origin: 'https://PASSKEY.example' } }],
  ['of no origin', { said: { origin: undefined } }],
  ['of an origin in a list', { said: { origin: ['https://passkey.example'] } }],
  ['within another page', { said: { crossOrigin: true } }],
  ['within another page, by null', { said: { crossOrigin: null } }],
  ['within another page, by zero', { said: { crossOrigin: 0 } }],
  ['with a page above it', { said: { topOrigin: 'https://evil.example' } }],
  ['with null above it', { said: { topOrigin: null } }],
  ['of a registration', { said: { type: 'webauthn.create' } }],
  ['of a payment', { said: { type: 'payment.get' } }],
  ['of no type', { said: { type: undefined } }],
  ['over another challenge', { challenge: hash(66) }],
  ['over no challenge', { challenge: new Uint8Array() }],
  ['over a challenge with padding', { written: (text) => text.replace(/("challenge":"[^"]*)"/, '$1="') }],
  ['over a challenge that is no text', { said: { challenge: 1 } }],
  ['whose browser\'s part begins with a byte order mark', { written: (text) => `\ufeff${text}` }],
  ['whose browser\'s part is no UTF-8', { written: (text) => seal.concatBytes(new TextEncoder().encode(`${text.slice(0, -1)},"a":"`), Uint8Array.of(0xc0, 0x80, 0x22, 0x7d)) }],
  ['whose browser\'s part is no JSON', { written: (text) => `${text.slice(0, -1)},}` }],
  ['whose browser\'s part has NaN', { written: (text) => `${text.slice(0, -1)},"a":NaN}` }],
  ['whose browser\'s part goes on after the object', { written: (text) => `${text}{}` }],
  ['whose browser\'s part is null', { written: () => 'null' }],
  ['whose browser\'s part is a list', { written: (text) => `[${text}]` }],
  ['whose browser\'s part is a text', { written: (text) => JSON.stringify(text) }],
  ['for another relying party', { rpId: 'evil.example' }],
  ['for the origin as relying party', { rpId: 'https://passkey.example' }],
  ['without user verification', { flags: 1 }],
  ['without a touch', { flags: 4 }],
  ['with neither', { flags: 0 }],
  ['by a passkey that can be copied', { flags: PRESENT_AND_VERIFIED + ELIGIBLE }],
  ['by a passkey that was copied', { flags: PRESENT_AND_VERIFIED + ELIGIBLE + BACKED_UP }],
  ['by a passkey that was copied and cannot be', { flags: PRESENT_AND_VERIFIED + BACKED_UP }],
  ['with extension outputs', { flags: PRESENT_AND_VERIFIED + EXTENDED }],
  ['with attested data', { flags: PRESENT_AND_VERIFIED + ATTESTED }],
  ['with flags that the standard keeps for later', { flags: PRESENT_AND_VERIFIED + 2 + 32 }],
  ['under the credential of another passkey of the person', { credential: new SeededAuthenticator(hash(63), { deviceBound: false }).passkey.credential }],
  ['under a credential that nobody has', { credential: hash(67) }],
]

/** What a gesture must be. */
const gestureCases = (scene: Scene): Vector[] => {
  const { key, synced, eddsa, other, person, request, signed, signing } = scene
  const unsigned = unsignedSession(request, person)
  const of = (name: string, made: Uint8Array): Vector => sessionCase(scene, name, made)
  const whole = seal.decode(seal.Signed, signed)
  const own = ed25519Signer(signing)(seal.signatureInput('session', person.id, 0, unsigned.body))
  const as = (change: Partial<seal.Signed>): Uint8Array => seal.encode(seal.Signed, { ...whole, ...change })
  return [
    of('by ES256', signed),
    of('by EdDSA', eddsa.sign(unsigned)),
    of('by a passkey that can be copied, as its record says', synced.sign(unsigned)),
    of('by a passkey that was copied, as its record says', synced.sign(unsigned, { flags: PRESENT_AND_VERIFIED + ELIGIBLE + BACKED_UP })),
    of('by a passkey that cannot be copied, against its record', synced.sign(unsigned, { flags: PRESENT_AND_VERIFIED })),
    ...gestures.map(([name, gesture]) => of(`gesture ${name}`, key.sign(unsigned, gesture))),
    of('with ECDSA\'s second signature', twin(signed)),
    of('with a signature of zeros', as({ signature: new Uint8Array(64) })),
    of('with r over the order', as({ signature: seal.concatBytes(new Uint8Array(32).fill(255), whole.signature.subarray(32)) })),
    of('with one bit of the signature changed', as({ signature: changed(whole.signature, 5) })),
    of('with one bit of the counter changed', as({ assertion: { ...whole.assertion!, authenticatorData: changed(whole.assertion!.authenticatorData, -1) } })),
    of('with EdDSA\'s signature changed', changed(eddsa.sign(unsigned), 80)),
    of('by somebody else\'s passkey', other.sign(unsigned)),
    of('by the person\'s own key', seal.encode(seal.Signed, { ...unsigned, signature: own })),
    of('by a passkey and in a session', as({ session: hash(68) })),
    of('signed in a session', seal.encode(seal.Signed, { ...unsigned, signature: own, session: hash(68) })),
    of('under a key record that is not there', as({ keyVersion: 1 })),
    of('of another kind', key.sign({ ...unsigned, kind: 'confirmation' })),
    of('of a gesture for another kind', seal.encode(seal.Signed, { ...seal.decode(seal.Signed, key.sign({ ...unsigned, kind: 'confirmation' })), kind: 'session' })),
    { name: 'challenge of a session', op: 'challenge', in: { kind: 'session', signer: toHex(person.id), keyVersion: 0, body: toHex(unsigned.body) } },
    { name: 'challenge of an empty order', op: 'challenge', in: { kind: 'order', signer: toHex(person.id), keyVersion: 3, body: '' } },
  ]
}

/** What the house asked, of whom, and which keys both have by now. */
const partyCases = async (scene: Scene, golden: Golden): Promise<Vector[]> => {
  const { key, synced, other, person, house, chain, keys, wish, ask, request, signed } = scene
  const by = (asked: Uint8Array): Uint8Array => key.sign(unsignedSession(asked, person))
  const of = (name: string, made: Uint8Array, change: object = {}): Vector => sessionCase(scene, name, made, change)
  const known = async (passkeys: seal.Passkey[]): Promise<object> => ({ person: (await renewPerson(chain, { ...keys, passkeys }, context)).map(toHex) })
  const vendor = await createIdentity('vendor', context)
  const machine = await createIdentity('machine', context)
  const [asked, ofSuite] = [seal.decode(seal.Signed, request), seal.encode(seal.Session, { suite: 2, request })]
  const otherSuite = await house.sign('session-request', seal.encode(seal.SessionRequest, { ...seal.decode(seal.SessionRequest, asked.body), suite: 2 }))
  const swapped = { ...other.passkey, credential: key.passkey.credential }
  const bound = { ...synced.passkey, deviceBound: true }
  return [
    of('asked by a vendor', by(await ask({}, vendor)), { house: chainOf(vendor) }),
    of('asked by a machine', by(await ask({}, machine)), { house: chainOf(machine) }),
    of('asked by another house', by(await ask({}, golden.writer))),
    of('asked of somebody else', by(await ask({ principal: golden.owner.id }))),
    of('for ten hours and a second', by(await ask({ expires: wish.notBefore + 10 * HOURS + 1 }))),
    of('for no time', by(await ask({ expires: wish.notBefore }))),
    of('for less than no time', by(await ask({ expires: wish.notBefore - 1 }))),
    of('for a second, to no purpose', by(await ask({ expires: wish.notBefore + 1, purposes: [] }))),
    of('asked under a key that the house replaced', signed, { house: chainOf(await rotateIdentity(house, context)) }),
    of('asked under a key that the house has not yet', signed, { house: chainOf(house).slice(0, 1) }),
    of('whose request was changed', by(seal.encode(seal.Signed, { ...asked, body: changed(asked.body, -1) }))),
    of('whose request is of another suite', by(otherSuite)),
    of('whose request is no request', by(await house.sign('fact', asked.body))),
    of('whose request is the person\'s own, by a passkey', by(key.sign(unsignedOf('session-request', asked.body, person)))),
    of('of another suite', key.sign(unsignedOf('session', ofSuite, person))),
    of('of another person', signed, { person: chainOf(golden.owner) }),
    of('signed for somebody else', key.sign({ ...unsignedSession(request, person), signer: golden.owner.id })),
    of('whose passkey is still in the newest record', signed, await known([other.passkey, key.passkey])),
    of('whose passkey was taken out since', signed, await known([other.passkey, synced.passkey])),
    of('whose passkey was taken out since, as all others', signed, await known([])),
    of('whose credential has another key by now', signed, await known([swapped])),
    of('by a passkey that can be copied, whose newest record says it cannot', synced.sign(unsignedSession(request, person)), await known([bound])),
    of('by a passkey that cannot be copied, whose newest record says it can', signed, await known([{ ...key.passkey, deviceBound: false }])),
    of('whose passkey has another origin by now', signed, await known([{ ...key.passkey, origin: 'https://evil.example' }])),
  ]
}

const liveCases = (scene: Scene): Vector[] => {
  const { signed, wish } = scene
  const at = (name: string, now: number, audience = INDEX): Vector =>
    sessionCase(scene, name, signed, { live: { audience: toHex(audience), now, skew: 30 } })
  return [
    at('at its beginning', wish.notBefore), at('thirty seconds early', wish.notBefore - 30), at('thirty-one seconds early', wish.notBefore - 31),
    at('in its last second', wish.expires - 1), at('at its end', wish.expires), at('in another network', wish.notBefore, hash(69)),
  ]
}

/** What is signed in a session, and by passkeys. */
const signingCases = async (scene: Scene, golden: Golden): Promise<Vector[]> => {
  const { key, eddsa, synced, person, chain, house, signing, sealing, sessionKey, signed, ask } = scene
  const known = await seal.verifySession(signed, { person, house: house.keys })
  const acting = await sessionIdentity({ chain, known, signed, key: sessionKey, sealing: [sealing], house: house.chain })
  const session = { signed: toHex(signed), house: chainOf(house) }
  const later = { ...session, signed: toHex(key.sign(unsignedSession(await ask({ notBefore: nowSeconds() + 1 }), person))) }
  const of = (name: string, kind: seal.Kind, made: Uint8Array, change: object = { session }): Vector =>
    ({ name: `in a session: ${name}`, op: 'statement', in: { kind, signed: toHex(made), signer: chain.map(toHex), ...change } })
  const times = { notBefore: nowSeconds(), expires: nowSeconds() + 60 }
  const fact = seal.encode(seal.Fact, { suite: SUITE, type: 'appointment', vault: hash(8), organisation: house.id, ...times, nonce: seededBytes(16) })
  const report = seal.encode(seal.Report, { suite: SUITE, ticket: hash(14), reader: person.id, accesses: [], from: times.notBefore, to: times.expires, nonce: seededBytes(16) })
  const confirmation = seal.encode(seal.Confirmation, { suite: SUITE, type: 'step-up', reader: person.id, organisation: house.id, reason: 'fièvre', time: times.notBefore, nonce: seededBytes(16) })
  const order = seal.encode(seal.Order, { suite: SUITE, action: 'lock', scope: 'person', target: hash(2), ...times, reason: 'appareil volé', nonce: seededBytes(16) })
  const accessBody: seal.Access = { ...golden.access.access, reader: person.id, session: known.id }
  const { session: _, ...alone } = accessBody
  const access = seal.encode(seal.Access, accessBody)
  const unsigned = (kind: seal.Kind, body: Uint8Array): Unsigned => unsignedOf(kind, body, person)
  const by = (seed: Uint8Array, kind: seal.Kind, body: Uint8Array, more: Partial<seal.Signed> = {}): Uint8Array =>
    seal.encode(seal.Signed, { ...unsigned(kind, body), signature: ed25519Signer(seed)(more.session === undefined ? seal.signatureInput(kind, person.id, 0, body) : seal.inSessionInput(seal.signatureInput(kind, person.id, 0, body), more.session)), ...more })
  const inSession = { session: signed }
  const accessCase = (name: string, made: Uint8Array, change: object = { session }): Vector =>
    ({ name: `in a session: ${name}`, op: 'access', in: { signed: toHex(made), reader: chain.map(toHex), ...change } })
  const asFact = (made: Uint8Array): Uint8Array => seal.encode(seal.Signed, { ...seal.decode(seal.Signed, made), kind: 'order' })
  return [
    of('a fact', 'fact', await acting.sign('fact', fact)),
    of('a report', 'report', await acting.sign('report', report)),
    of('a fact by the person\'s own key, beside it', 'fact', by(signing, 'fact', fact)),
    of('a fact whose session is not shown', 'fact', await acting.sign('fact', fact), {}),
    of('a fact of another session than the one shown', 'fact', await acting.sign('fact', fact), { session: later }),
    of('a fact that names another session', 'fact', by(sessionKey, 'fact', fact, { session: key.sign(unsignedSession(await ask({ notBefore: nowSeconds() + 1 }), person)) })),
    of('a fact that names its session, by the person\'s own key', 'fact', by(signing, 'fact', fact, inSession)),
    of('a fact that names no session, by its key', 'fact', by(sessionKey, 'fact', fact)),
    of('a fact under a key record that is not there', 'fact', by(sessionKey, 'fact', fact, { ...inSession, keyVersion: 1 })),
    of('a fact shown as a report', 'report', await acting.sign('fact', fact)),
    of('a fact, changed', 'fact', by(sessionKey, 'fact', fact, { ...inSession, body: changed(fact, -1) })),
    of('a confirmation', 'confirmation', by(sessionKey, 'confirmation', confirmation, inSession)),
    of('an order', 'order', by(sessionKey, 'order', order, inSession)),
    of('a link', 'link', by(sessionKey, 'link', fact, inSession)),
    accessCase('an access', await acting.sign('access', access)),
    accessCase('an access whose session is not shown', await acting.sign('access', access), {}),
    accessCase('an access that names another session', await acting.sign('access', seal.encode(seal.Access, { ...accessBody, session: hash(68) }))),
    accessCase('an access that names no session', await acting.sign('access', seal.encode(seal.Access, alone))),
    accessCase('an access by the person\'s own key that names a session', by(signing, 'access', access), {}),
    accessCase('an access by the person\'s own key', by(signing, 'access', seal.encode(seal.Access, alone)), {}),
    accessCase('an access that a passkey signed', key.sign(unsigned('access', access))),
    of('a confirmation by a passkey', 'confirmation', key.sign(unsigned('confirmation', confirmation))),
    of('a confirmation by a passkey, without a session', 'confirmation', eddsa.sign(unsigned('confirmation', confirmation)), {}),
    of('an order by a passkey', 'order', synced.sign(unsigned('order', order)), {}),
    of('an order of a gesture for a confirmation', 'order', asFact(key.sign(unsigned('confirmation', confirmation))), {}),
    of('a confirmation by a passkey, its body changed', 'confirmation', seal.encode(seal.Signed, { ...seal.decode(seal.Signed, key.sign(unsigned('confirmation', confirmation))), body: changed(confirmation, -1) }), {}),
    of('a fact by a passkey', 'fact', key.sign(unsigned('fact', fact)), {}),
    of('a report by a passkey', 'report', key.sign(unsigned('report', report)), {}),
    ...(await signOutCases(scene, acting, known)),
    ...(await carriedCases(scene, acting, golden)),
  ]
}

/** Statements that carry their session, for whoever was shown nothing but them and has both parties' key chains. */
const carriedCases = async (scene: Scene, acting: Identity, golden: Golden): Promise<Vector[]> => {
  const { key, other, synced, person, house, chain, keys, signing, sessionKey, signed, ask } = scene
  const commit = seal.decode(seal.Commit, seal.decode(seal.Signed, golden.commits[0]!.commit).body)
  const body = seal.encode(seal.Commit, { ...commit, author: person.id })
  const good = await acting.sign('commit', body)
  const whole = seal.decode(seal.Signed, good)
  const as = (change: Partial<seal.Signed>): Uint8Array => seal.encode(seal.Signed, { ...whole, ...change })
  const own = ed25519Signer(signing)(seal.signatureInput('commit', person.id, 0, body))
  const of = (name: string, made: Uint8Array, change: object = {}): Vector => ({
    name: `carried: ${name}`, op: 'acting', in: { kind: 'commit', signed: toHex(made), keys: [chain.map(toHex), chainOf(house)], when: 'new', ...change },
  })
  const { session: _, ...bare } = whole
  const later = (await renewPerson(chain, { ...keys, passkeys: [other.passkey, synced.passkey] }, context)).map(toHex)
  const renamed = (await renewPerson(chain, { ...keys, passkeys: [{ ...key.passkey, deviceBound: false }] }, context)).map(toHex)
  const rotated = chainOf(await rotateIdentity(house, context))
  const otherKey = ed25519Signer(hash(76))(seal.inSessionInput(seal.signatureInput('commit', person.id, 0, body), signed))
  const unbound = ed25519Signer(sessionKey)(seal.signatureInput('commit', person.id, 0, body))
  const stranger = await makeScene(golden)
  const lists = (chains: string[][], when: string): object => ({ keys: chains, when })
  return [
    of('a commit', good),
    of('a commit by the person\'s own key', seal.encode(seal.Signed, { ...bare, signature: own })),
    of('a commit by the person\'s own key, with a session', as({ signature: own })),
    of('a commit by another key', as({ signature: otherKey })),
    of('by the session\'s key, over the statement alone', as({ signature: unbound })),
    of('without its session', seal.encode(seal.Signed, bare)),
    of('with another session of the same key', as({ session: key.sign(unsignedSession(await ask({ notBefore: nowSeconds() + 1 }), person)) })),
    of('with a session that was changed', as({ session: changed(signed, -1) })),
    of('with a session cut short', as({ session: signed.subarray(0, -1) })),
    of('with a fact in place of a session', as({ session: await house.sign('fact', body.subarray(0, 40)) })),
    of('with somebody else\'s session', as({ session: stranger.signed }), { keys: [chain.map(toHex), chainOf(house), stranger.chain.map(toHex), chainOf(stranger.house)] }),
    of('whose house nobody knows', good, { keys: [chain.map(toHex)] }),
    of('whose person nobody knows', good, { keys: [chainOf(house)] }),
    of('new, whose passkey was taken out since', good, lists([later, chainOf(house)], 'new')),
    of('listed, whose passkey was taken out since', good, lists([later, chainOf(house)], 'listed')),
    of('listed, whose passkey is called something else by now', good, lists([renamed, chainOf(house)], 'listed')),
    of('new, whose house replaced its key since', good, lists([chain.map(toHex), rotated], 'new')),
    of('listed, whose house replaced its key since', good, lists([chain.map(toHex), rotated], 'listed')),
    of('listed, by another key', as({ signature: otherKey }), lists([later, rotated], 'listed')),
    { name: 'carried: the commit, as its author\'s', op: 'commit', in: { signed: toHex(good), author: chain.map(toHex), session: { signed: toHex(signed), house: chainOf(house) } } },
    { name: 'carried: the commit, its session not shown', op: 'commit', in: { signed: toHex(good), author: chain.map(toHex) } },
    { name: 'carried: a commit of another author', op: 'commit', in: { signed: toHex(await acting.sign('commit', seal.encode(seal.Commit, commit))), author: chain.map(toHex), session: { signed: toHex(signed), house: chainOf(house) } } },
    { name: 'leaf: commit in a session', op: 'log-entry', in: { signed: toHex(good), salt: '09'.repeat(16) } },
  ]
}

/** Which of the new statements' leaves say whom they are about. */
const leafCases = async (kinds: readonly Kind[], { house, signed }: Scene): Promise<Vector[]> => {
  const leaf = (name: string, made: Uint8Array): Vector => ({ name: `leaf: ${name}`, op: 'log-entry', in: { signed: toHex(made), salt: '09'.repeat(16) } })
  const leaves = [leaf('session', signed)]
  for (const { kind, codec, full } of kinds) leaves.push(leaf(kind, await house.sign(kind, seal.encode(codec, full))))
  return leaves
}

/** What a release must name. */
const softwareCases = async ({ house }: Scene, golden: Golden): Promise<Vector[]> => {
  const file = (path: string): { path: string; sha256: Uint8Array } => ({ path, sha256: hash(74) })
  const of = async (name: string, files: seal.Software['files'], change: object = {}): Promise<Vector> => {
    const body = seal.encode(seal.Software, { suite: SUITE, name: 'scelle-passkey', version: '1.0.0', files, time: nowSeconds(), salt: hash(72).slice(0, 16) })
    return { name: `release: ${name}`, op: 'software', in: { signed: toHex(await house.sign('software', body)), publisher: chainOf(house), ...change } }
  }
  return [
    await of('of two files', [file('index.html'), file('page.js')]), await of('of none', []), await of('of a file twice', [file('page.js'), file('page.js')]),
    await of('by another publisher', [file('page.js')], { publisher: chainOf(golden.writer) }),
  ]
}

const signOutCases = async ({ chain, key, person, house, signed, signing }: Scene, acting: Identity, known: seal.KnownSession): Promise<Vector[]> => {
  const session = { signed: toHex(signed), house: chainOf(house) }
  const of = (name: string, made: Uint8Array, change: object = {}): Vector => ({
    name: `sign-out: ${name}`, op: 'sign-out', in: {
      signed: toHex(made), person: chain.map(toHex), ...change,
      of: [{}, { id: hash(70) }, { notBefore: known.notBefore + 1 }, { id: hash(70), notBefore: known.notBefore + 1 }, { principal: hash(71) }].map((one) => {
        const { id, principal, notBefore } = { ...known, ...one }
        return { id: toHex(id), principal: toHex(principal), notBefore }
      }),
    },
  })
  const all = signOutBody(person.id, context)
  const own = async (body: Uint8Array): Promise<Uint8Array> =>
    seal.encode(seal.Signed, { ...unsignedOf('sign-out', body, person), signature: ed25519Signer(signing)(seal.signatureInput('sign-out', person.id, 0, body)) })
  return [
    of('of all, by the person\'s own key', await own(all)),
    of('of all, by a passkey', key.sign(unsignedOf('sign-out', all, person))),
    of('of all, in a session', await signOut(acting, context), { session }),
    of('of one, in that session', await signOut(acting, context, known.id), { session }),
    of('in a session that is not shown', await signOut(acting, context)),
    of('of somebody else', await own(signOutBody(house.id, context))),
    of('of another suite', await own(seal.encode(seal.SignOut, { ...seal.decode(seal.SignOut, all), suite: 2 }))),
    of('by the house', await house.sign('sign-out', all)),
  ]
}

/** Bodies that are read by themselves, by the same cases as the kinds before them. */
const bodyKinds = ({ wish, person }: Scene): Kind[] => {
  const time = nowSeconds()
  const salt = hash(72).slice(0, 16)
  const out = { suite: SUITE, principal: person.id, before: time, session: hash(73), salt }
  const { session: _, ...fewest } = out
  const software = { suite: SUITE, name: 'scelle-passkey', version: '1.0.0', origin: 'https://passkey.example', files: [{ path: 'index.html', sha256: hash(74) }], time, salt }
  const { origin: __, ...unserved } = software
  return [
    {
      kind: 'session-request', codec: seal.SessionRequest, full: { ...wish, suite: SUITE, key: hash(75), salt },
      over: [['a purpose that nobody knows', 5, Uint8Array.of(0x81, 6)], ['seven purposes', 5, Uint8Array.of(0x87, 0, 1, 2, 3, 4, 5, 0)], ['a key of 31 bytes', 3, octetsOf(31)]],
    },
    { kind: 'sign-out', codec: seal.SignOut, full: out, small: fewest, over: [['a session of 33 bytes', 3, octetsOf(33)]] },
    { kind: 'withdrawal', codec: seal.Withdrawal, full: { suite: SUITE, subject: person.id, time, salt }, over: [['a salt of 15 bytes', 3, octetsOf(15)]] },
    {
      kind: 'software', codec: seal.Software, full: software, small: { ...unserved, files: [] },
      over: [
        ['a name of 201 bytes', 1, textOf(201)], ['an origin of 256 bytes', 3, textOf(256)], ['4,097 files', 4, Uint8Array.of(0x99, 0x10, 1)],
        ['a path of 256 bytes', 4, seal.concatBytes(Uint8Array.of(0x81, 0xa2, 0), textOf(256), Uint8Array.of(1), octetsOf(32))],
      ],
    },
  ]
}

/** A sponsor lets a vendor in by a gesture. */
const ticketCases = ({ key, synced, person, chain, house }: Scene): Vector[] => {
  const ticket = seal.encode(seal.Ticket, { suite: SUITE, organisation: house.id, vendor: hash(15), number: 'INC-4711', vaults: [hash(8)], purpose: 'administration', subcontract: false, notBefore: nowSeconds(), expires: nowSeconds() + 60, nonce: hash(76).subarray(0, 16) })
  const by = (one: typeof key, kind: seal.Kind = 'ticket'): Uint8Array => one.sign(unsignedOf(kind, ticket, person))
  const of = (name: string, made: Uint8Array, change: object = {}): Vector =>
    ({ name: `ticket: ${name}`, op: 'statement', in: { kind: 'ticket', signed: toHex(made), signer: chain.map(toHex), ...change } })
  const whole = seal.decode(seal.Signed, by(key))
  return [
    of('by a passkey', by(key)),
    of('by a passkey that can be copied, as its record says', by(synced)),
    of('by a passkey, its body changed', seal.encode(seal.Signed, { ...whole, body: changed(ticket, -1) })),
    of('of a gesture for a confirmation', seal.encode(seal.Signed, { ...seal.decode(seal.Signed, by(key, 'confirmation')), kind: 'ticket' })),
    of('by a passkey and in a session', seal.encode(seal.Signed, { ...whole, session: hash(68) })),
  ]
}

/** A status that says by which keys its subject opens. */
const statusCases = async (signer: Identity): Promise<Vector[]> => {
  const status = { suite: SUITE, subject: hash(1), role: 'assistant', meter: hash(2), under: hash(5), notBefore: nowSeconds(), expires: nowSeconds() + 60, salt: seededBytes(16) } as const
  const of = async (name: string, body: Uint8Array): Promise<Vector> =>
    ({ name: `status: ${name}`, op: 'statement', in: { kind: 'status', signed: toHex(await signer.sign('status', body)), signer: chainOf(signer) } })
  const [yes, no] = [true, false].map((ownKey) => seal.encode(seal.Status, { ...status, ownKey }))
  return [await of('that opens by its own key', yes!), await of('that does not, and says so', no!), await of('that opens by its own key, by a number', seal.concatBytes(yes!.subarray(0, -1), Uint8Array.of(1)))]
}

export const sessionCases = async (golden: Golden): Promise<Vector[]> => {
  const scene = await makeScene(golden)
  const kinds: Vector[] = []
  const bodies = bodyKinds(scene)
  for (const kind of bodies) kinds.push(...(await kindCases(kind, scene.house, golden.writer)))
  return [
    ...gestureCases(scene), ...(await partyCases(scene, golden)), ...liveCases(scene), ...(await signingCases(scene, golden)), ...kinds,
    ...(await statusCases(scene.house)), ...(await passkeyCases(scene, golden)),
    ...(await leafCases(bodies, scene)), ...(await softwareCases(scene, golden)), ...ticketCases(scene),
  ]
}
