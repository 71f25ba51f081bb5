/** A small complete vault: owner, writer, a grantee and a grantee's grantee, three trustees, two epochs, three commits. */
import {
  Courier, createCapsule, createCommit, handleOf, type MadeCommit, type OpenCapsule, sealRecords,
} from '../../packages/seal/src/envelope.ts'
import { createAccess, createGrant, createRevocation } from '../../packages/seal/src/grants.ts'
import { createIdentity, exportIdentity, type Identity, rotateIdentity } from '../../packages/seal/src/identity.ts'
import { createVault, rotateCategories } from '../../packages/seal/src/keys.ts'
import { openCourier, openShare, sealRelease } from '../../packages/seal/src/shares.ts'
import { decodeCapsule, RIGHTS, toHex } from '../../packages/seal/src/verify.ts'
import { seededBytes } from './seeded-random.ts'

const START = Date.UTC(2026, 10, 23, 9)
let clock = START
export const context = { random: seededBytes, now: () => clock }
export const nowSeconds = (): number => Math.floor(clock / 1000)
const HANDLE_KEY = new Uint8Array(32).fill(5)

const OBSERVATION = {
  resourceType: 'Observation', id: 'a', status: 'final', subject: { reference: 'Patient/1' },
  code: { coding: [{ system: 'http://loinc.org', code: '4548-4', display: 'Hemoglobin A1c/Hemoglobin.total in Blood' }] },
  valueQuantity: { value: 6.1, unit: '%', system: 'http://unitsofmeasure.org', code: '%' },
}
const PATIENT = { resourceType: 'Patient', id: '1', name: [{ family: 'Essai', given: ['Zoé'] }], gender: 'female', birthDate: '1980-02-29' }
const NOTE = { resourceType: 'DocumentReference', id: 'n', status: 'current', description: Array.from({ length: 400 }, (_, i) => `Texte libre ${i} : « rien à signaler », ≥ 2 semaines. `).join('') }

const record = (type: string, id: string, version: number, content: object | undefined) => ({
  handle: handleOf(HANDLE_KEY, type, id), version, time: nowSeconds(),
  contentType: content === undefined ? ('tombstone' as const) : ('fhir+json' as const),
  content: content === undefined ? '' : JSON.stringify(content),
})
const octets = (length: number) => ({
  handle: handleOf(HANDLE_KEY, 'Binary', String(length)), version: 1, time: nowSeconds(), contentType: 'octets' as const,
  content: Uint8Array.from({ length }, (_, i) => (i * 7) & 0xff),
})

const makePeople = async () => {
  const person = await createIdentity('person', context)
  const writer = await createIdentity('organisation', context)
  const grantee = await createIdentity('organisation', context)
  const team = await createIdentity('person', context)
  const trustees = [await createIdentity('trustee', context), await createIdentity('trustee', context), await createIdentity('trustee', context)]
  trustees[1] = await rotateIdentity(trustees[1] as Identity, context)
  return { former: person, owner: await rotateIdentity(person, context), writer, grantee, team, trustees }
}

export const makeGolden = async () => {
  const people = await makePeople()
  const { owner, writer, grantee, team, trustees } = people
  const categories = [{ code: 'summary', strict: false }, { code: 'laboratory', strict: false }, { code: 'private', strict: true }]
  const made = await createVault({ mode: 'owner', controller: owner, trustees: trustees.map(({ id }) => id), categories }, context)
  const { vault, genesis } = made
  const first = made.manifest
  const courier = new Courier(writer.id, context)
  const capsule = (entry: (typeof first.manifest.categories)[number]): Promise<OpenCapsule> =>
    createCapsule({ vault, genesis, custodian: owner.id, category: entry, retention: 'care', trustees: trustees.map(({ keys }) => keys), owner: owner.keys }, courier, context)
  const contents: Record<string, string> = {}
  const capsules: OpenCapsule[] = []
  const commits: MadeCommit[] = []
  const bodies: { capsule: OpenCapsule; headerBytes: Uint8Array; body: Uint8Array; content: string }[] = []
  const write = async (into: OpenCapsule, items: ReturnType<typeof record>[] | ReturnType<typeof octets>[]): Promise<void> => {
    const sealed = await sealRecords(into, items, context)
    for (const [i, one] of sealed.entries()) {
      const raw = items[i]?.content ?? ''
      const content = toHex(typeof raw === 'string' ? new TextEncoder().encode(raw) : raw)
      contents[toHex(one.header.record)] = content
      bodies.push({ capsule: into, headerBytes: one.headerBytes, body: one.body, content })
    }
    const fresh = !capsules.includes(into)
    if (fresh) capsules.push(into)
    commits.push(await createCommit({
      vault, custodian: owner.id, author: writer, capsules: fresh ? [into.capsuleBytes] : [], linkRecipient: owner.keys,
      records: sealed.map((one) => ({ ...one, size: one.body.length })), ...(commits.length === 0 ? {} : { previous: (commits.at(-1) as MadeCommit).id }),
    }, courier, context))
  }
  const entries = first.manifest.categories
  const summary = await capsule(entries[0]!)
  await write(summary, [record('Patient', '1', 1, PATIENT), record('Observation', 'a', 1, OBSERVATION), record('Observation', 'a', 2, undefined)])
  await write(summary, [octets(0), octets(1), octets(20_000)])
  clock += 3_600_000
  const second = await rotateCategories({
    vault, custodian: owner, previousSigned: first.signed, previous: first.manifest, secrets: first.secrets,
    rotate: [entries[0]!.category], add: [{ code: 'imaging', strict: false }],
  }, context)
  clock += 86_400_000
  await write(await capsule(second.manifest.categories[0]!), [record('Patient', '1', 2, { ...PATIENT, gender: 'other' })])
  await write(await capsule(second.manifest.categories[2]!), [record('DocumentReference', 'n', 1, NOTE)])
  const base = { vault, custodian: owner.id, purposes: ['treatment' as const, 'emergency' as const], basis: 'consent' as const, notBefore: nowSeconds() - 60 }
  const root = await createGrant({
    signer: owner, grantee: grantee.keys, secrets: second.secrets, manifestVersion: 2,
    grant: { ...base, grantee: grantee.id, categories: second.manifest.categories.slice(0, 2).map(({ category }) => category), rights: RIGHTS.read | RIGHTS.write | RIGHTS.shareOn, expires: nowSeconds() + 86_400, depth: 2, patientsPerDay: 50 },
  }, context)
  const child = await createGrant({
    signer: grantee, grantee: team.keys, secrets: second.secrets, manifestVersion: 2,
    grant: { ...base, grantee: team.id, parent: root.id, categories: [second.manifest.categories[0]!.category], purposes: ['treatment'], rights: RIGHTS.read, expires: nowSeconds() + 3_600, depth: 0, patientsPerDay: 10 },
  }, context)
  const opened = capsules.slice(0, 2)
  const access = await createAccess({ vault, custodian: owner.id, reader: team, capsules: opened.map(({ headerHash }) => headerHash), chain: [root.id, child.id], purpose: 'treatment' }, context)
  const answers = []
  const shares = []
  for (const [index, trustee] of trustees.entries()) {
    const own = []
    for (const { headerBytes, headerHash, capsuleBytes } of opened) {
      const seal = decodeCapsule(capsuleBytes).capsule.shares[index]!
      const encapsulation = courier.bytesOf(seal.encapsulation)!
      const share = await openShare({ headerBytes, seal, index, courierKey: await openCourier(encapsulation, trustee) })
      own.push({ headerHash, share })
      shares.push({ header: headerBytes, seal, encapsulation, index, trustee, share })
    }
    const sealed = await sealRelease({ accessId: access.id, trustee: trustee.id, oneTimeKey: access.access.oneTimeKey, shares: own })
    answers.push({ trustee: trustee.id, access: access.id, ...sealed })
  }
  const revocation = await createRevocation({ vault, grant: child.id, signer: grantee }, context)
  const hexes = (list: readonly Uint8Array[]): string[] => list.map(toHex)
  const encapsulations = [...new Map(commits.flatMap((commit) => commit.encapsulations).map((bytes) => [toHex(bytes), bytes])).values()]
  const file = {
    about: 'A whole vault of format v1 with test identities. Every later version must open it. Bytes are hex.',
    identities: { owner: toHex(exportIdentity(owner)), writer: toHex(exportIdentity(writer)), grantee: toHex(exportIdentity(grantee)), team: toHex(exportIdentity(team)), trustees: trustees.map((one) => toHex(exportIdentity(one))) },
    genesis: toHex(made.genesisSigned),
    manifests: hexes([first.signed, second.signed]),
    grants: [root, child].map(({ grantSigned, keysSigned }) => ({ grant: toHex(grantSigned), keys: toHex(keysSigned) })),
    encapsulations: hexes(encapsulations),
    commits: commits.map((one) => ({
      commit: toHex(one.commit), leaves: toHex(one.leaves),
      capsules: one.capsules.map(({ place, capsule: bytes }) => ({ place, capsule: toHex(bytes) })),
      records: one.records.map(({ place, header, digest, body }) => ({ place, header: toHex(header), digest: toHex(digest), body: toHex(body!) })),
    })),
    access: { signed: toHex(access.signed), oneTimeSecret: toHex(access.oneTimeSecret) },
    answers: answers.map(({ trustee, access: id, enc, sealed }) => ({ trustee: toHex(trustee), access: toHex(id), enc: toHex(enc), sealed: hexes(sealed) })),
    contents,
  }
  return { ...people, made, first, second, courier, capsules, commits, bodies, root, child, access, answers, shares, revocation, encapsulations, file }
}
export type Golden = Awaited<ReturnType<typeof makeGolden>>
