/**
 * Runs one vector: `{name, op, in, out}` must give `out`, `{name, op, in, refuse}` must be refused with that code. The second
 * reader implements the same operations in its own language; `spec/reader/operations.py` is the other half of this page.
 */
import { openBody } from '../../packages/seal/src/body/cobblestone.ts'
import { capsuleSecret } from '../../packages/seal/src/envelope/capsule.ts'
import { capsuleKey, checkLinks, handleOf, openCard, openRecord, openRelease, ownerRelease, padmeLength } from '../../packages/seal/src/envelope.ts'
import { openGrantKeys } from '../../packages/seal/src/grants.ts'
import { importIdentity } from '../../packages/seal/src/identity.ts'
import { earlierSecrets, openManifest } from '../../packages/seal/src/keys.ts'
import { CourierKeys, openCourier, openPart, openShare } from '../../packages/seal/src/shares.ts'
import * as seal from '../../packages/seal/src/verify.ts'
import { openGivenPart, openWrap, pairwiseIdentity, pairwiseSecrets, pinInput, rootByGuardians, rootByPasskey, rootByPin, spokenCode, wrapPlace, wrapWriter } from '../../packages/seal/src/recovery.ts'
import { blindInput, evaluateBlinded, evaluationHolds, finishEvaluation, openPinShare, pseudonymOf, readDealing, shareOfDealings, verifyDealing, verifyDiscoveryKey } from '../../packages/seal/src/voprf.ts'
import { LogError } from '../../packages/log/src/log.ts'
import { entryOf, logPolicy, verifyReceipt } from '../../packages/wire/src/log.ts'

export interface Vector {
  name: string
  op: string
  in: any
  out?: unknown
  refuse?: string
}

export const hex = (text: string): Uint8Array => {
  const bytes = seal.fromHex(text)
  if (bytes === undefined) throw new Error('a vector holds something that is not hex')
  return bytes
}
const hexes = (list: readonly string[]): Uint8Array[] => list.map(hex)

/** Bytes as hex, the rest as it is. */
export const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return seal.toHex(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
  }
  return value
}

/** Secrets of a vector, from hex. */
const secretsOf = (list: any[]): seal.CategorySecrets =>
  list.map(({ category, code, epoch, secret }) => ({
    category: hex(category), code, epoch, ...(secret === undefined ? {} : { secret: hex(secret) }),
  }))

const keys = (chain: readonly string[]): Promise<seal.PrincipalKeys> => seal.verifyKeyChain(hexes(chain))

/** A person's keys, as whoever acts in a session of theirs has them where one is shown. */
const acting = async (chain: readonly string[], session?: { signed: string; house: string[] }): Promise<seal.PrincipalKeys> => {
  const person = await keys(chain)
  if (session === undefined) return person
  return seal.underSession(person, await seal.verifySession(hex(session.signed), { person, house: await keys(session.house) }))
}

const keysOf = async (chains: readonly string[][]): Promise<(id: Uint8Array) => seal.PrincipalKeys | undefined> => {
  const known = new Map<string, seal.PrincipalKeys>()
  for (const chain of chains) {
    const principal = await keys(chain)
    known.set(seal.toHex(principal.id), principal)
  }
  return (id) => known.get(seal.toHex(id))
}

const lookup = (encapsulations: readonly string[]): ((id: Uint8Array) => Uint8Array | undefined) => {
  const known = new Map(encapsulations.map((text) => [seal.toHex(seal.encapsulationId(hex(text))), hex(text)]))
  return (id) => known.get(seal.toHex(id))
}

const STRUCTS: Record<string, seal.Codec<any>> = {
  Signed: seal.Signed, KeyRecord: seal.KeyRecord, VaultGenesis: seal.VaultGenesis, Manifest: seal.Manifest,
  CategorySecrets: seal.CategorySecrets, Encapsulation: seal.Encapsulation, CapsuleHeader: seal.CapsuleHeader, Capsule: seal.Capsule,
  RecordHeader: seal.RecordHeader, Commit: seal.Commit, Grant: seal.Grant, GrantKeys: seal.GrantKeys, Revocation: seal.Revocation,
  Access: seal.Access, Position: seal.Position, Positions: seal.Positions, Release: seal.Release, Denial: seal.Denial, Head: seal.Head,
  Successor: seal.Successor, LogEntry: seal.LogEntry, SessionRequest: seal.SessionRequest, Session: seal.Session,
}

/** Bodies of the statements that the operation of that name takes. */
const BODIES: Partial<Record<seal.Kind, seal.Codec<any>>> = {
  status: seal.Status, fact: seal.Fact, confirmation: seal.Confirmation, order: seal.Order, ticket: seal.Ticket, report: seal.Report, binding: seal.Binding,
  link: seal.Link, 'identity-proof': seal.IdentityProof, decoy: seal.Decoy, spent: seal.SpentUpTo, release: seal.Release, dealing: seal.Dealing,
  'discovery-key': seal.DiscoveryKey, notice: seal.Notice, 'card-opening': seal.CardOpening,
  'session-request': seal.SessionRequest, 'sign-out': seal.SignOut, withdrawal: seal.Withdrawal,
  software: seal.Software, recovery: seal.Recovery, objection: seal.Objection,
}

/** Sealed bodies are changed as the vector says, so that a file need not hold each changed copy. */
const mutated = (body: Uint8Array, change: any): Uint8Array => {
  if (change === undefined) return body
  const copy = body.slice(0, change.truncate ?? body.length)
  if (change.flip !== undefined) copy[change.flip]! ^= 1
  if (change.append !== undefined) return seal.concatBytes(copy, hex(change.append))
  if (change.swap !== undefined) {
    const [a, b] = change.swap as [number, number]
    const [from, to] = [56 + a * 16_400, 56 + b * 16_400]
    const held = copy.slice(from, from + 16_400)
    copy.copyWithin(from, to, to + 16_400)
    copy.set(held, to)
  }
  return copy
}

/** What the trustees in these places (from 1) evaluate an input to, together. Whatever it is blinded by, it is the same. */
const evaluatedBy = (pin: seal.PinSet, input: Uint8Array, places: readonly number[], scalars: readonly Uint8Array[]): Uint8Array => {
  const context = { now: () => 0, random: (length: number) => new Uint8Array(length).fill(7) }
  const blinding = blindInput(input, context)
  const partials = places.map((place, i) => {
    const share = { secret: scalars[i]!, publicShare: pin.publicShares[place - 1]! }
    return { trustee: pin.trustees[place - 1]!, ...evaluateBlinded(blinding.blinded, share, context) }
  })
  return finishEvaluation(blinding, partials, pin)
}

export const OPERATIONS: Record<string, (from: any) => Promise<unknown>> = {
  decode: async ({ struct, bytes }) => {
    const codec = STRUCTS[struct] as seal.Codec<any>
    const value = seal.decode(codec, hex(bytes))
    if (seal.toHex(seal.encode(codec, value)) !== bytes) throw new Error('re-encoding gives other bytes')
    return plain(value)
  },
  padme: async ({ length }) => padmeLength(length),
  handle: async ({ key, type, id }) => seal.toHex(handleOf(hex(key), type, id)),
  'feed-head': async ({ commits }) =>
    seal.toHex(hexes(commits).reduce((head, id) => seal.feedHead(head, id), seal.ZERO32)),
  'key-chain': async ({ chain }) => {
    const { id, kind, current: { version, passkeys, flowOnly } } = await keys(chain)
    return { id: seal.toHex(id), kind, version, ...(passkeys === undefined ? {} : { passkeys: plain(passkeys) }), ...(flowOnly === undefined ? {} : { flowOnly }) }
  },
  'vault-genesis': async ({ signed, controller }) => seal.toHex((await seal.verifyGenesis(hex(signed), await keys(controller))).vault),
  manifests: async ({ versions, genesis, controller, custodian, known }) => {
    const verified = await seal.verifyGenesis(hex(genesis), await keys(controller))
    const expected = { ...verified, custodian: await keys(custodian), ...(known === undefined ? {} : { known: { version: known.version, id: hex(known.id) } }) }
    return (await seal.verifyManifests(hexes(versions), expected)).ids.map(seal.toHex)
  },
  'open-manifest': async ({ manifest, identity }) =>
    plain(await openManifest(seal.decode(seal.Manifest, hex(manifest)), await importIdentity(hex(identity)))),
  'earlier-secrets': async ({ manifests, secrets, asked }) => {
    const find = await earlierSecrets(hexes(manifests).map((bytes) => seal.decode(seal.Manifest, bytes)), secretsOf(secrets))
    return asked.map(({ category, epoch }: any) => plain(find(hex(category), epoch)) ?? null)
  },
  'grant-chain': async (from) => {
    const revoked = new Set<string>(from.revoked ?? [])
    const { ids } = await seal.verifyGrantChain({
      chain: hexes(from.chain), vault: hex(from.vault), custodian: hex(from.custodian), keysOf: await keysOf(from.keys), at: from.at,
      need: { reader: hex(from.reader), categories: hexes(from.categories), rights: from.rights, ...(from.purpose === undefined ? {} : { purpose: from.purpose }) },
      revoked: (id) => revoked.has(seal.toHex(id)),
    })
    return ids.map(seal.toHex)
  },
  'open-grant-keys': async ({ keys: body, grant, grantId, identity, manifest }) =>
    plain(await openGrantKeys({
      keys: seal.decode(seal.GrantKeys, hex(body)), grant: seal.decode(seal.Grant, hex(grant)), grantId: hex(grantId),
      grantee: await importIdentity(hex(identity)), manifest: seal.decode(seal.Manifest, hex(manifest)),
    })),
  access: async ({ signed, reader, session, when }) => seal.toHex((await seal.verifyAccess(hex(signed), await acting(reader, session), when)).id),
  /** A statement with the session that it carries, by whoever has the key chains of person and house. */
  acting: async ({ kind, signed, keys: chains, when }) => {
    const known = await keysOf(chains)
    const find = (id: Uint8Array): seal.PrincipalKeys => {
      const found = known(id)
      if (found === undefined) throw new seal.SealError('principal-mismatch', 'nobody here knows these keys')
      return found
    }
    const acting = await seal.actingKeys(seal.decodeSigned(kind, hex(signed)), find, when)
    const { id } = await seal.verifySigned(kind, hex(signed), acting)
    return { id: seal.toHex(id), session: acting.session === undefined ? null : seal.toHex(acting.session.id) }
  },
  software: async ({ signed, publisher }) => seal.toHex((await seal.verifySoftware(hex(signed), await keys(publisher))).id),
  revocation: async ({ signed, revoker, grants, ids }) => {
    const chain = { grants: hexes(grants).map((bytes) => seal.decode(seal.Grant, bytes)), ids: hexes(ids) }
    return seal.toHex((await seal.verifyRevocation(hex(signed), await keys(revoker), chain)).grant)
  },
  commit: async ({ signed, author, session }) => seal.toHex((await seal.verifyCommit(hex(signed), await acting(author, session))).id),
  'commit-path': async ({ signed, author, leaf, place, path }) => {
    const { commit } = await seal.verifyCommit(hex(signed), await keys(author))
    seal.verifyPath(hex(leaf), place, hexes(path), commit)
    return place
  },
  share: async ({ header, seal: sealed, index, encapsulation, identity }) => {
    const courierKey = await openCourier(hex(encapsulation), await importIdentity(hex(identity)))
    const named = { encapsulation: hex(sealed.encapsulation), sealed: hex(sealed.sealed) }
    return seal.toHex(await openShare({ headerBytes: hex(header), seal: named, index, courierKey }))
  },
  'owner-release': async ({ capsule, encapsulations, identity }) =>
    seal.toHex(await ownerRelease(hex(capsule), await importIdentity(hex(identity)), lookup(encapsulations))),
  release: async ({ answers, access, oneTimeSecret, headers, genesis }) => {
    const { releases, refused } = await openRelease({
      answers: answers.map((one: any) => ({ trustee: hex(one.trustee), access: hex(one.access), enc: hex(one.enc), sealed: hexes(one.sealed) })),
      accessId: hex(access), oneTimeSecret: hex(oneTimeSecret), headers: hexes(headers), genesis: seal.decode(seal.VaultGenesis, hex(genesis)),
    })
    return { releases: [...releases.values()].map(seal.toHex), refused: refused.map(({ trustee }) => seal.toHex(trustee)) }
  },
  record: async ({ capsule, release, secret, header, body }) => {
    const key = await capsuleKey({ headerBytes: hex(capsule), release: hex(release), secrets: () => (secret === undefined ? undefined : hex(secret)) })
    const { content } = await openRecord(key, hex(header), hex(body))
    return { capsuleKey: seal.toHex(capsuleSecret(key)), content: seal.toHex(content) }
  },
  card: async ({ card, identity, at }) => {
    const { id, vault, issuer, summary } = await openCard(hex(card), await importIdentity(hex(identity)), at)
    return { id: seal.toHex(id), vault: seal.toHex(vault), issuer: seal.toHex(issuer.id), summary: seal.toHex(summary) }
  },
  statement: async ({ kind, signed, signer, session }) => {
    const { body, id } = await seal.verifySigned(kind, hex(signed), await acting(signer, session))
    const value = seal.decode(BODIES[kind as seal.Kind] as seal.Codec<any>, body)
    seal.requireSuite(value)
    if (seal.toHex(seal.encode(BODIES[kind as seal.Kind] as seal.Codec<any>, value)) !== seal.toHex(body)) throw new Error('re-encoding gives other bytes')
    return { id: seal.toHex(id), body: plain(value) }
  },
  pairwise: async ({ root, organisation }) => {
    const { signing, sealing, salt } = pairwiseSecrets(hex(root), hex(organisation))
    return plain({ signing, sealing, salt, id: (await pairwiseIdentity(hex(root), hex(organisation))).id })
  },
  wrap: async ({ stored, secret }) => {
    const place = wrapPlace(hex(secret))
    const { id: writer } = await wrapWriter(place)
    return plain({ locator: place.locator, writer, root: rootByPasskey(await openWrap(hex(stored), place)) })
  },
  'recovery-part': async ({ set, enc, sealed, identity }) =>
    plain(await openPart({ set: hex(set), sealed: { enc: hex(enc), sealed: hex(sealed) } }, await importIdentity(hex(identity)))),
  'recovery-given': async ({ enc, sealed, recovery, trustee, identity }) => {
    const { secrets } = await importIdentity(hex(identity))
    return plain((await openGivenPart({ enc: hex(enc), sealed: hex(sealed) }, hex(recovery), hex(trustee), secrets.map((one) => one.sealing))).share)
  },
  recovery: async ({ signed, set, keys: chains }) => {
    const { id, guardians } = await seal.verifyRecovery(hexes(signed), hex(set), await keysOf(chains))
    return plain({ id, guardians })
  },
  'root-by-guardians': async ({ wrap, shares, parts }) => {
    const given = (list: any[]) => list.map(({ by, share }) => ({ by: hex(by), share: hex(share) }))
    return seal.toHex(await rootByGuardians(seal.decode(seal.Wrap, hex(wrap)), given(shares), given(parts)))
  },
  'spoken-code': async ({ ask }) => spokenCode(hex(ask)),
  'pin-share': async ({ set, enc, sealed, identity }) =>
    plain((await openPinShare({ set: hex(set), sealed: { enc: hex(enc), sealed: hex(sealed) } }, await importIdentity(hex(identity)))).share),
  'root-by-pin': async ({ wrap: encoded, pin, device, places, scalars }) => {
    const wrap = seal.decode(seal.Wrap, hex(encoded))
    const set = seal.readPinSet(wrap.pin!.set)
    return seal.toHex(await rootByPin(wrap, evaluatedBy(set, pinInput(pin, set.salt), places, hexes(scalars)), hex(device)))
  },
  challenge: async ({ kind, signer, keyVersion, body }) => seal.toHex(seal.assertionChallenge(seal.signatureInput(kind, hex(signer), keyVersion, hex(body)))),
  session: async ({ signed, person, house, live, when }) => {
    const session = await seal.verifySession(hex(signed), { person: await keys(person), house: await keys(house) }, when)
    if (live !== undefined) seal.requireLive(session, { audience: hex(live.audience), now: live.now, skew: live.skew })
    return plain(session)
  },
  'sign-out': async ({ signed, person, session, of }) => {
    const { id, signOut } = await seal.verifySignOut(hex(signed), await acting(person, session))
    return { id: seal.toHex(id), ends: of.map((one: any) => seal.endsSession(signOut, { id: hex(one.id), principal: hex(one.principal), notBefore: one.notBefore })) }
  },
  link: async ({ link, geneses, keys: chains }) => {
    const { id, controllers } = await seal.verifyLink({ link: hexes(link), geneses: hexes(geneses), keysOf: await keysOf(chains) })
    return { id: seal.toHex(id), controllers: controllers.map(seal.toHex) }
  },
  dealing: async ({ signed, dealer, key }) =>
    seal.toHex((await verifyDealing(hex(signed), await keys(dealer), key === undefined ? undefined : seal.decode(seal.DiscoveryKey, hex(key)))).id),
  'discovery-key': async ({ signed, trustees }) => plain(await verifyDiscoveryKey(hexes(signed), await Promise.all(trustees.map(keys)))),
  'share-of-dealings': async ({ dealings, identity }) => plain(await shareOfDealings(hexes(dealings).map(readDealing), await importIdentity(hex(identity)))),
  evaluation: async ({ evaluated, proof, blinded, publicShare }) => evaluationHolds({ evaluated: hex(evaluated), proof: hex(proof) }, hex(blinded), hex(publicShare)),
  pseudonym: async ({ output }) => seal.toHex(pseudonymOf(hex(output))),
  'log-entry': async ({ signed, salt }) => seal.toHex(entryOf(hex(signed), hex(salt))),
  receipt: async ({ receipt, signed, index, trustees, quorum, required, generation }) => {
    const policy = logPolicy({
      index: await keys(index), trustees: await Promise.all(trustees.map(keys)), quorum,
      ...(required === undefined ? {} : { required: hex(required) }), ...(generation === undefined ? {} : { generation }),
    })
    const { proof, checkpoint } = await verifyReceipt(hex(receipt), hex(signed), policy)
    const cosigned = [...checkpoint.cosigned].toSorted(([a], [b]) => (a < b ? -1 : 1))
    return { leaf: proof.index, size: checkpoint.size, root: seal.toHex(checkpoint.root), cosigned: Object.fromEntries(cosigned) }
  },
  cobblestone: async ({ key, context, body, change }) =>
    seal.toHex(seal.sha256(await openBody(hex(key), hex(context), mutated(hex(body), change)))),
  links: async ({ commits, vault, custodian, authors, identity, encapsulations }) => {
    const known = await keysOf(authors)
    const { last, records, wrong } = await checkLinks({
      commits: hexes(commits), vault: hex(vault), custodian: hex(custodian), authorKeys: ({ signer }) => known(signer),
      courierKeys: new CourierKeys(await importIdentity(hex(identity))), encapsulations: lookup(encapsulations),
    })
    return {
      last: Object.fromEntries([...last].map(([author, id]) => [author, seal.toHex(id)])),
      records: Object.fromEntries(records),
      wrong: Object.fromEntries([...wrong].map(([author, { code }]) => [author, code])),
    }
  },
}

/** The vectors of a file, its shared values put in their places. */
export const unpacked = (file: { values: string[]; vectors: Vector[] }): Vector[] =>
  JSON.parse(JSON.stringify(file.vectors), (_, value: unknown) =>
    typeof value === 'string' && value.startsWith('@') ? file.values[Number(value.slice(1))] : value) as Vector[]

/** The code with which an operation refuses, or what it gives. */
export const run = async (vector: Vector, operations = OPERATIONS): Promise<{ out?: unknown; refuse?: string }> => {
  const operation = operations[vector.op]
  if (operation === undefined) throw new Error(`no operation is called ${vector.op}`)
  try {
    return { out: await operation(vector.in) }
  } catch (error) {
    if (error instanceof seal.SealError || error instanceof LogError) return { refuse: error.code }
    throw error
  }
}
