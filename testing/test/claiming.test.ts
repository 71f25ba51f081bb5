/** Claiming: from what a hospital kept to the patient's own, step by step, and what nobody gains by it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Claim, type ClaimOptions, type Client, type ClientState, memoryState, type Options, type Shown, type Traits,
  type Vault,
} from '@scelle/sdk'
import { signConfirmation, signIdentityProof } from '@scelle/seal/grants'
import type { Identity } from '@scelle/seal/identity'
import { Binding, decode, encode, toHex } from '@scelle/seal/verify'
import { BindingAnswer } from '@scelle/wire/messages'
import { type Constellation, createConstellation } from '../src/constellation.ts'
import type { NetworkAnswer } from '../src/network.ts'
import { codeOf, DAY, handle, HOUR, item, namesOf } from './scene.ts'

const CATEGORIES = [
  { code: 'summary', strict: false }, { code: 'notes', strict: true }, { code: 'access-log', strict: false },
]
const person = (name: string): Traits => ({
  birthName: name, firstName: 'Jeanne', sex: 'F', birthDate: '1969-05-17', birthPlace: '75056',
})

let world: Constellation
let hospital: Client
let state: Client

beforeAll(async () => {
  world = await createConstellation({ seed: 'claiming' })
  await world.discovery()
  hospital = await world.client('organisation')
  state = await world.client(world.register.identity)
})
afterAll(() => world.close())

const problemOf = (work: Promise<unknown>): Promise<string> => work.then(() => 'done', (error: unknown) => {
  const { code, problem, cause } = error as { code?: string; problem?: string; cause?: { problem?: string } }
  return problem ?? cause?.problem ?? code ?? String(error)
})

interface Patient {
  readonly traits: Traits
  readonly kept: Vault
  readonly identity: Identity
  readonly client: Client
  readonly proof: (inPerson: boolean) => Promise<Uint8Array>
}

/** Somebody of whom the hospital keeps two records and a document, and who is no professional. */
const somebody = async (name: string): Promise<Patient> => {
  const traits = person(name)
  const kept = await hospital.createVault({ mode: 'custody', categories: CATEGORIES })
  await kept.write([item('kept'), item('note', 1, 'notes')])
  await hospital.bind(kept.id, traits)
  const identity = await world.identity('person')
  const client = await world.client(identity, { standing: { show: () => ({}) } })
  const pseudonym = await state.pseudonymOf(traits)
  const proof = (inPerson: boolean) => world.register.prove({ subject: identity.id, pseudonym, inPerson })
  return { traits, kept, identity, client, proof }
}

const claimBy = async (
  { client, proof }: Pick<Patient, 'client' | 'proof'>, more: Partial<ClaimOptions> = {},
): Promise<Claim & { state: 'claimed' }> => {
  const claimed = await client.claim({ proof: await proof(true), categories: CATEGORIES, ...more })
  if (claimed.state !== 'claimed') throw new Error('it waits')
  return claimed
}

const handOver = ({ kept, traits }: Patient, { evidence }: Claim, by = hospital) =>
  by.handOver(kept.id, { traits, evidence, issuers: [world.register.id] })

const agreed = (signed: Uint8Array): Promise<Uint8Array> => hospital.agreeToMerge(signed)
const hex = (ids: readonly Uint8Array[] | undefined): string[] => (ids ?? []).map(toHex)

const openedBy = async (client: Client, vault: Uint8Array): Promise<string[]> =>
  namesOf((await (await client.vault(vault)).open()).opened())

describe('claiming', () => {
  test('in person: at once, handed over, fetched on record and charged to nobody; then it opens without trustees',
    async () => {
      const patient = await somebody('Leroy')
      const first = await claimBy(patient)
      expect([hex(first.awaited), first.kept]).toEqual([[toHex(patient.kept.id)], []])
      const { owner } = await handOver(patient, first)
      expect(toHex(owner)).toBe(toHex(patient.identity.id))
      // The custodian would be charged for whoever reads its part.
      const statuses = [await world.register.enrol({ subject: hospital.identity.id, role: 'hospital' })]
      const spent = await hospital.standing(statuses)
      expect(spent).toHaveLength(3)
      const second = await claimBy(patient, { agreed })
      expect(toHex(second.vault)).toBe(toHex(first.vault))
      expect(second.kept.map(({ fetched, problems }) => [fetched, problems])).toEqual([[2, []]])
      expect(await hospital.standing(statuses)).toEqual(spent)
      expect(hex((await state.discover(patient.traits))?.linked)).toEqual([toHex(patient.kept.id)])
      // Nothing is left to do, and nothing is done.
      const third = await claimBy(patient, { agreed })
      expect(third.kept.map(({ fetched }) => fetched)).toEqual([0])
      await Promise.all(world.trustees.map((trustee) => trustee.kill()))
      try {
        const chart = await patient.client.openClaimed(first.vault, patient.kept.id)
        expect(namesOf(chart.opened())).toEqual(['kept', 'note'])
        // It is the ring that opens it: the way of every reader is closed.
        const plain = (await patient.client.vault(patient.kept.id)).open({ purpose: 'patient-request' })
        expect(await problemOf(plain)).not.toBe('done')
      } finally {
        for (const trustee of world.trustees) await trustee.restart()
      }
    })

  test('every trustee\'s words show the releases, with the patient as reader and no charge', async () => {
    const patient = await somebody('Mots')
    await handOver(patient, await claimBy(patient))
    await claimBy(patient)
    await world.clock.advance(60_000)
    const { accesses, findings } = await patient.kept.accesses()
    const ours = accesses.filter(({ reader }) => reader === toHex(patient.identity.id))
    expect(ours.length).toBeGreaterThan(0)
    for (const { receipt, releasedBy, purpose, place } of ours) {
      expect([receipt !== undefined, releasedBy.length >= 2, purpose, place !== undefined])
        .toEqual([true, true, 'patient-request', true])
    }
    expect(new Set(ours.flatMap(({ categories }) => categories))).toEqual(new Set(['summary', 'notes']))
    expect(findings).toEqual([])
  })

  test('otherwise after 72 hours of notice; an objection stops it, and nothing is handed over meanwhile', async () => {
    const patient = await somebody('Moreau')
    const asked = async () => patient.client.claim({ proof: await patient.proof(false), categories: CATEGORIES })
    const first = await asked()
    expect(first.state).toBe('waiting')
    expect(first.state === 'waiting' && first.until - world.now()).toBeGreaterThan(71 * HOUR)
    expect(toHex((await hospital.discover(patient.traits))?.pending?.vault as Uint8Array)).toBe(toHex(first.vault))
    expect(await codeOf(handOver(patient, first))).toBe('not-claimed')
    await world.clock.advance(71 * HOUR)
    await hospital.objectTo(patient.traits)
    await world.clock.advance(2 * HOUR)
    const again = await asked()
    expect([again.state, toHex(again.vault)]).toEqual(['waiting', toHex(first.vault)])
    await world.clock.advance(72 * HOUR)
    const claimed = await asked()
    expect(claimed.state).toBe('claimed')
    await handOver(patient, claimed)
    expect((await asked() as Claim & { state: 'claimed' }).kept.map(({ fetched }) => fetched)).toEqual([2])
  })
})

/** A network that is cut after so many requests: of the last one the request is lost, or its answer. */
const cutAfter = (count: number, lose: 'request' | 'answer'): Options['fetch'] => {
  let left = count
  return async (url, init) => {
    if (left <= 0 && lose === 'request') throw new Error('cut')
    if (left < 0) throw new Error('cut')
    const answer = await world.network.fetch(url, init)
    if (left-- <= 0) throw new Error('cut')
    return answer
  }
}

/** Odd, so that requests and answers are lost in turn: what one try leaves done, the next one starts from. */
const STRIDE = 5

describe('interrupted', () => {
  const cutClient = async (identity: Identity, kept: ClientState, fetch: Options['fetch'], standing = {}) => {
    let cut: Options['fetch'] = world.network.fetch
    const client = await world.client(identity, { state: kept, fetch: (url, init) => cut!(url, init), ...standing })
    cut = fetch
    return client
  }

  /** Tried with one request more each time, on what the last try left; the answer of the one that got through. */
  const throughCuts = async <T>(
    identity: Identity, standing: object, work: (client: Client) => Promise<T>,
  ): Promise<{ result: T; cuts: number }> => {
    const kept = memoryState()
    for (let count = 0; count < 200; count += STRIDE) {
      const fetch = cutAfter(count, count % 2 === 0 ? 'request' : 'answer')
      try {
        return { result: await work(await cutClient(identity, kept, fetch, standing)), cuts: count }
      } catch (error) {
        if (!(error as Error).message.includes('cut') && (error as { code?: string }).code === undefined) throw error
      }
    }
    throw new Error('it never got through')
  }

  test('after any request, on either side: the same end, and everything once', async () => {
    const patient = await somebody('Coupe')
    const standing = { standing: { show: () => ({}) } }
    const proof = await patient.proof(true)
    const first = await throughCuts(patient.identity, standing, (client) =>
      client.claim({ proof, categories: CATEGORIES }))
    const handed = await throughCuts(hospital.identity, {}, (client) => handOver(patient, first.result, client))
    const { cuts } = await throughCuts(patient.identity, standing, (client) =>
      client.claim({ proof, categories: CATEGORIES, vault: first.result.vault, agreed }))
    expect(first.cuts + handed.cuts + cuts).toBeGreaterThan(20)
    const own = await patient.client.vault(first.result.vault)
    const rings = (await own.open({ categories: ['private'] })).opened()
    const secrets = await patient.client.claim({ proof, categories: CATEGORIES, vault: own.id })
    expect(secrets.state === 'claimed' && secrets.kept.map(({ fetched }) => fetched)).toEqual([0])
    expect(rings.length).toBe(1)
    expect((await own.grantsGiven()).filter(({ grant }) => grant.basis === 'legal-duty')).toHaveLength(1)
    const given = (await patient.kept.grantsGiven()).filter(({ grant }) =>
      toHex(grant.grantee) === toHex(patient.identity.id))
    expect(given.map(({ id }) => toHex(id))).toEqual([toHex(handed.result.grant)])
    const epochs = [...(await (await hospital.vault(patient.kept.id)).categories()).values()].map(({ epoch }) => epoch)
    expect(new Set(epochs).size).toBe(1)
    expect(namesOf((await patient.client.openClaimed(own.id, patient.kept.id)).opened())).toEqual(['kept', 'note'])
  })
})

describe('who gains nothing', () => {
  test('earlier grantees keep what they had, get no new keys, and nothing of the patient\'s own vault', async () => {
    const patient = await somebody('Garnier')
    const partner = await world.client('organisation')
    await patient.kept.share({
      to: partner.identity.id, categories: ['summary'], basis: 'consent', until: world.now() + 30 * DAY,
    })
    expect(await openedBy(partner, patient.kept.id)).toEqual(['kept'])
    const claimed = await claimBy(patient)
    await world.clock.advance(2_000)
    const handed = await handOver(patient, claimed)
    await claimBy(patient)
    const after = await hospital.vault(patient.kept.id)
    await after.write([item('later')])
    expect(await openedBy(partner, patient.kept.id)).toEqual(['kept'])
    // No renewal undoes it, nor a rotation for another reason.
    await after.renewKeys()
    await after.rotate()
    expect(await openedBy(partner, patient.kept.id)).toEqual(['kept'])
    // Nor another device of the custodian's, which remembers nothing.
    const elsewhere = await world.client(hospital.identity)
    await (await elsewhere.vault(patient.kept.id)).rotate()
    expect(await elsewhere.handOver(patient.kept.id, {
      traits: patient.traits, evidence: claimed.evidence, issuers: [world.register.id],
    })).toEqual(handed)
    expect(await openedBy(partner, patient.kept.id)).toEqual(['kept'])
    await after.refresh()
    const chart = await (await partner.vault(patient.kept.id)).open()
    expect(chart.problems.map(({ code }) => code)).toContain('category-unknown')
    expect(await problemOf(partner.vault(claimed.vault))).toBe('not-found')
    // The patient reads it, and a new grant does.
    const own = await patient.client.openClaimed(claimed.vault, patient.kept.id)
    expect(namesOf(own.opened())).toEqual(['kept', 'later', 'note'])
    await after.share({
      to: partner.identity.id, categories: ['summary'], basis: 'consent', until: world.now() + 30 * DAY,
    })
    expect(await openedBy(partner, patient.kept.id)).toEqual(['kept', 'later'])
  })

  test('a stranger with a forged proof: no binding, no hand-over', async () => {
    const patient = await somebody('Petit')
    const identity = await world.identity('person')
    const thief = await world.client(identity, { standing: { show: () => ({}) } })
    const now = Math.floor(world.now() / 1000)
    const pseudonym = await state.pseudonymOf(patient.traits)
    const forged = await signIdentityProof(identity, {
      subject: identity.id, pseudonym, inPerson: true, notBefore: now - 60, expires: now + 3600,
    }, { now: world.now, random: world.random('forged') })
    expect(await problemOf(thief.claim({ proof: forged, categories: CATEGORIES }))).toBe('proof-required')
    // The true proof is another one's.
    const stolen = await patient.proof(true)
    expect(await problemOf(thief.claim({ proof: stolen, categories: CATEGORIES }))).toBe('proof-required')
    const claimed = await claimBy(patient)
    const other = await somebody('Autre')
    const theirs = await claimBy(other)
    const { kept, traits } = patient
    const { evidence } = claimed
    const refused: readonly (() => Promise<unknown>)[] = [
      // Another patient's evidence, for this vault, and for one's own under this name.
      () => handOver(patient, theirs), () => handOver({ ...patient, traits: other.traits }, theirs),
      () => handOver({ ...other, traits }, claimed), () => handOver(patient, { ...claimed, evidence: forged }),
      () => hospital.handOver(kept.id, { traits, evidence, issuers: [] }),
      () => hospital.handOver(kept.id, { traits, evidence, issuers: [hospital.identity.id] }),
    ]
    for (const one of refused) expect(await codeOf(one())).toBe('not-claimed')
    expect(await patient.kept.grantsGiven()).toEqual([])
    await handOver(patient, claimed)
  })

  test('one trustee that says that another vault was claimed, too, moves no custodian', async () => {
    const [patient, victim] = [await somebody('Seul'), await somebody('Victime')]
    const claimed = await claimBy(patient)
    const liar = (at: number) => world.network.add({
      host: world.trustees[at]!.host, target: /discovery\/bound/, effect: {
        kind: 'tamper',
        change: (answer) => ({
          ...answer, body: encode(BindingAnswer, { ...decode(BindingAnswer, answer.body), before: [victim.kept.id] }),
        }),
      },
    })
    const ends = [liar(0)]
    const trapped = { ...victim, traits: patient.traits }
    expect(await codeOf(handOver(trapped, claimed))).toBe('not-claimed')
    // Two do, of a custodian that names the wrong identity for its vault.
    ends.push(liar(1))
    expect(await codeOf(handOver(trapped, claimed))).toBe('nothing was thrown')
    for (const end of ends) end()
  })

  test('two trustees that bind a patient to somebody else\'s vault move no custodian without that patient\'s proof',
    async () => {
      const [thief, victim] = [await somebody('Voleur'), await somebody('Volee')]
      const claimed = await claimBy(thief)
      const pseudonym = await state.pseudonymOf(victim.traits)
      const ends = await Promise.all(world.trustees.slice(0, 2).map(async ({ host, identity }) => {
        const binding = await identity.sign('binding', encode(Binding, {
          suite: 1, pseudonym, vault: claimed.vault, time: Math.floor(world.now() / 1000), nonce: new Uint8Array(16),
        }))
        const body = encode(BindingAnswer, { binding, before: [victim.kept.id] })
        const change = (answer: NetworkAnswer) => ({ ...answer, body })
        return world.network.add({ host, target: /discovery\/bound/, effect: { kind: 'tamper', change } })
      }))
      // They are believed, and it is the proof, of the thief's own identity, that does not fit.
      expect(toHex((await hospital.discover(victim.traits))?.vault as Uint8Array)).toBe(toHex(claimed.vault))
      expect(await codeOf(handOver(victim, claimed))).toBe('not-claimed')
      for (const end of ends) end()
    })

  test('restricting after a hand-over ends an earlier grant, and gives it no new one', async () => {
    const patient = await somebody('Retrait')
    const partner = await world.client('organisation')
    await patient.kept.share({
      to: partner.identity.id, categories: ['summary'], basis: 'consent', until: world.now() + 30 * DAY,
    })
    const claimed = await claimBy(patient)
    await handOver(patient, claimed)
    const after = await hospital.vault(patient.kept.id)
    await after.write([item('later')])
    await after.restrict({ category: 'summary', handles: [handle('kept')], from: [] })
    const opening = partner.vault(patient.kept.id).then((vault) => vault.open())
    expect(['no-grant', 'not-found']).toContain(await problemOf(opening))
    await claimBy(patient)
    const own = await patient.client.openClaimed(claimed.vault, patient.kept.id)
    const opened = own.opened().filter(({ contentType }) => contentType === 'fhir+json')
    expect(new Set(namesOf(opened))).toEqual(new Set(['kept', 'later', 'note']))
  })
})

describe('the keeper', () => {
  test('goes on with what it writes in the claimed vault, by two officers, whatever the patient ends', async () => {
    const patient = await somebody('Duval')
    const claimed = await claimBy(patient)
    await handOver(patient, claimed)
    await claimBy(patient)
    const own = await patient.client.vault(claimed.vault)
    const until = world.now() + DAY
    const care = await own.share({ to: hospital.identity.id, categories: ['summary'], rights: ['write'], until })
    await (await hospital.vault(own.id)).write([item('by the hospital')])
    await own.write([item('by the patient')])
    let shown: Shown = {}
    const anne = await world.client('person', { standing: { show: () => shown } })
    const boris = await world.client('person')
    const keeper = (await hospital.grants()).find(({ vault, purposes }) =>
      toHex(vault) === toHex(own.id) && purposes.includes('legal'))
    await (await hospital.vault(own.id)).share({
      to: anne.identity.id, categories: ['summary'], basis: 'legal-duty', until, parent: keeper!.id,
    })
    await own.revoke(care.grant)
    const officer = { role: 'officer', organisation: hospital.identity.id } as const
    shown = {
      statuses: await Promise.all([
        world.register.enrol({ subject: hospital.identity.id, role: 'hospital' }),
        world.register.enrol({ subject: anne.identity.id, ...officer }),
        world.register.enrol({ subject: boris.identity.id, ...officer }),
      ]),
    }
    const opening = async () => namesOf((await (await anne.vault(own.id)).open({ purpose: 'legal' })).opened())
    expect(await codeOf(opening())).toBe('release-insufficient')
    shown = {
      ...shown,
      confirmations: [await signConfirmation(boris.identity, {
        type: 'officer', reader: anne.identity.id, organisation: hospital.identity.id, vault: own.id,
        reason: 'plainte 2026-17', duty: 'litigation',
      }, { now: world.now, random: world.random('confirmation') })],
    }
    expect(await opening()).toEqual(['by the hospital'])
  })
})
