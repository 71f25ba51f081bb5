/** Whoever has the disks of index and trustees, and every request ever sent; and whether any key sealed twice. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openManifest } from '@scelle/seal/keys'
import { courierOpen, CourierKeys } from '@scelle/seal/shares'
import type { Client } from '@scelle/sdk'
import {
  capsuleHeaderHash, Commit, decode, decodeCapsule, decodeSigned, encapsulationId, Manifest, toHex,
} from '@scelle/seal/verify'
import { CommitBatch, type CommitSubmission, ReleaseAnswer } from '@scelle/wire/messages'
import type { NetworkAnswer } from '../src/constellation.ts'
import { newestManifest } from './forged.ts'
import { createScene, DAY, item, type Scene } from './scene.ts'

let scene: Scene
beforeEach(async () => {
  scene = await createScene('attack-stolen')
  scene.world.network.recording = true
})
afterEach(() => scene.world.close())

const filesUnder = (directory: string): Buffer[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)))

const submissions = (): CommitSubmission[] =>
  scene.world.network.seen
    .filter(({ method, target }) => method === 'POST' && target === '/v1/commits')
    .flatMap(({ body }) => decode(CommitBatch, body!))

/** A day in the life of a vault: several writers, readers, a rotation, a second day. */
const live = async (): Promise<{ doctor: Client; answers: NetworkAnswer[] }> => {
  const { world, vault } = scene
  const answers: NetworkAnswer[] = []
  world.network.add({
    target: /\/v1\/releases$/,
    effect: {
      kind: 'tamper',
      change: (answer, { host }) => {
        // Trustees tell the index of their releases under the same name.
        if (host !== 'index.test') answers.push(answer)
        return answer
      },
    },
  })
  const doctor = await world.client('person')
  const lab = await world.client('machine')
  await vault.share({ basis: 'consent', to: doctor.identity.id, categories: ['summary'], until: world.now() + 9 * DAY })
  await vault.share({
    basis: 'consent', to: lab.identity.id, categories: ['summary'], until: world.now() + 9 * DAY, rights: ['write'],
  })
  const labVault = await lab.vault(vault.id)
  for (let day = 0; day < 2; day++) {
    await vault.write([item(`a${day}`), item(`n${day}`, 1, 'notes')])
    await labVault.write([item(`l${day}`)])
    ;(await (await doctor.vault(vault.id)).open()).close()
    await vault.write([item(`b${day}`)])
    await world.clock.advance(DAY)
    await vault.rotate()
    await labVault.refresh()
  }
  return { doctor, answers }
}

/** All that must stay secret of this vault: identities, category secrets, every share. */
const secretsOf = async (doctor: Client): Promise<Uint8Array[]> => {
  const { world, hospital } = scene
  const servers = [world.index, ...world.trustees].map(({ identity }) => identity)
  const parties = [hospital.identity, doctor.identity, ...servers]
  const secrets = parties.flatMap((identity) => identity.secrets.flatMap(({ signing, sealing }) =>
    (signing === undefined ? [sealing] : [signing, sealing])))
  const sent = world.network.seen.filter(({ target }) => target === '/v1/manifests').map(({ body }) => body!)
  for (const signed of sent) {
    const manifest = decode(Manifest, decodeSigned('manifest', signed).body)
    secrets.push(...(await openManifest(manifest, hospital.identity)).map(({ secret }) => secret!))
  }
  const encapsulations = new Map(
    submissions().flatMap((one) => one.encapsulations).map((bytes) => [toHex(encapsulationId(bytes)), bytes]),
  )
  for (const { capsule: bytes } of submissions().flatMap((one) => one.capsules)) {
    const { capsule } = decodeCapsule(bytes)
    for (const [place, { encapsulation, sealed }] of capsule.shares.entries()) {
      const keys = new CourierKeys(world.trustees[place]!.identity)
      const key = await keys.of(encapsulations.get(toHex(encapsulation))!)
      secrets.push((await courierOpen(key, 'share', capsuleHeaderHash(capsule.header), sealed)).subarray(0, 32))
    }
  }
  return secrets
}

describe('stolen disks and recordings', () => {
  it('hold no secret of anybody, in no file of index or trustees and in no request or answer', async () => {
    const { doctor, answers } = await live()
    const { world } = scene
    const secrets = await secretsOf(doctor)
    expect(secrets.length).toBeGreaterThan(36)
    const disks = [world.index, ...world.trustees].flatMap(({ directory }) => filesUnder(directory))
    expect(disks.length).toBeGreaterThan(4)
    const requests = [...world.network.seen, ...world.network.between]
    const sent = [...requests.flatMap(({ body }) => body ?? []), ...answers.map(({ body }) => body)]
    const everything = [...disks, ...sent.map((body) => Buffer.from(body))]
    const found = secrets.filter((secret) => everything.some((bytes) => bytes.includes(Buffer.from(secret))))
    expect(found).toEqual([])
  })
})

describe('every key seals once', () => {
  it('couriers: no two secrets under one encapsulation and binding; bodies: no salt twice', async () => {
    await live()
    const seen = new Map<string, string>()
    const seal = (encapsulation: Uint8Array, binding: Uint8Array, sealed: Uint8Array): void => {
      const name = `${toHex(encapsulation)}/${toHex(binding)}`
      expect(seen.get(name) ?? toHex(sealed)).toBe(toHex(sealed))
      seen.set(name, toHex(sealed))
    }
    const salts: string[] = []
    for (const { commit, capsules, records } of submissions()) {
      const { root, linkSeal } = decode(Commit, decodeSigned('commit', commit).body)
      seal(linkSeal.encapsulation, root, linkSeal.sealed)
      for (const { capsule: bytes } of capsules) {
        const { capsule } = decodeCapsule(bytes)
        const { header, shares } = capsule
        for (const { encapsulation, sealed } of shares) seal(encapsulation, capsuleHeaderHash(header), sealed)
      }
      for (const { body } of records) salts.push(toHex(body!.subarray(0, 24)))
    }
    expect(seen.size).toBeGreaterThan(20)
    expect(new Set(salts).size).toBe(salts.length)
  })

  it('a write that is refused and made again has another root, and other seals', async () => {
    const { vault, hospital } = scene
    const first = await vault.prepare([item('a')])
    hospital.discard(first)
    const second = await vault.prepare([item('a')])
    await hospital.submit([second])
    const [one, two] = [first, second].map(({ submission }) => {
      const [decoded] = decode(CommitBatch, Uint8Array.of(0x81, ...submission))
      return decode(Commit, decodeSigned('commit', decoded!.commit).body)
    })
    expect(toHex(one!.root)).not.toBe(toHex(two!.root))
    expect(toHex(one!.salt)).not.toBe(toHex(two!.salt))
  })

  it('releases and manifests: each under an encapsulation of its own', async () => {
    const { answers } = await live()
    const { world } = scene
    const released = answers.filter(({ status }) => status === 200).map(({ body }) => decode(ReleaseAnswer, body))
    const byAccess = new Map(released.map((one) => [`${toHex(one.access)}/${toHex(one.trustee)}`, toHex(one.enc)]))
    expect(new Set(byAccess.values()).size).toBe(byAccess.size)
    const manifests = world.network.seen.filter(({ target }) => target === '/v1/manifests')
    const sealed = manifests.map(({ body }) => decode(Manifest, decodeSigned('manifest', body!).body))
    const wraps = sealed.flatMap(({ categories }) => categories.map((one) => `${toHex(one.category)}/${one.epoch}`))
    expect(new Set(sealed.map(({ enc }) => toHex(enc))).size).toBe(sealed.length)
    expect(new Set(wraps).size).toBe(wraps.length)
    expect((await newestManifest(scene)).version).toBe(sealed.length + 1)
  })
})
