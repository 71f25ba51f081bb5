/**
 * A practice through an outage: tomorrow's patients are released today, charged and logged; then index and trustees are
 * gone, the charts open all the same, and the patients read of it once the network is back. And what a thief, a
 * careless disk and a wrong clock make of it: nothing.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { signFact } from '@scelle/seal/grants'
import { type Context, type Fact, type Role, toHex } from '@scelle/seal/verify'
import { type Client, type Identity, openAhead, SdkError, type Shown, type Vault } from '@scelle/sdk'
import { type Constellation, createConstellation } from '../src/constellation.ts'
import { LeakScan } from '../src/leak-scan.ts'
import { codeOf, HOUR, namesOf } from './scene.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const CATEGORIES = ['summary', 'notes', 'access-log'].map((code) => ({ code, strict: code === 'notes' }))
const CANARIES = ['allergie à la pénicilline', 'séropositivité découverte', 'Marie-Héloïse Kerbrat']

let world: Constellation
let practice: Client
let doctor: Client
let secretary: Client
let patient: Client
let vault: Vault
let statuses: Map<Client, Uint8Array>
let counts: Map<string, number>
const shown = (): Shown => ({ statuses: [doctor, practice, secretary].map((who) => statuses.get(who) as Uint8Array) })

beforeAll(async () => {
  world = await createConstellation({ seed: 'outage', organisations: 3 })
  counts = new Map()
  const counted = (trustee: Uint8Array, { day }: { day: number }): void => {
    counts.set(toHex(trustee), day)
  }
  practice = await world.client('organisation', { standing: { show: shown } })
  doctor = await world.client('person', { standing: { show: shown, counted } })
  ;[secretary, patient] = [await world.client('person'), await world.client('person')]
  statuses = new Map()
  const enrol = async (who: Client, role: Role): Promise<void> => {
    const organisation = role === 'practice' ? {} : { organisation: practice.identity.id }
    statuses.set(who, await world.register.enrol({ subject: who.identity.id, role, ...organisation }))
  }
  await enrol(practice, 'practice')
  await enrol(doctor, 'gp')
  await enrol(secretary, 'assistant')
  vault = await someVault()
})
afterAll(() => world.close())

let drawn = 0
const context = () => ({ now: world.now, random: world.random(`outage ${drawn++}`) })

const note = (id: string, category: string, text: string) => ({
  category, version: 1, handle: world.random(`handle ${drawn++}`)(16),
  content: JSON.stringify({ resourceType: 'Observation', id, valueString: text }),
})

/** A patient's vault with two records and one that travels as a blob, which the doctor may read. */
const someVault = async (): Promise<Vault> => {
  const made = await patient.createVault({ mode: 'owner', categories: CATEGORIES })
  await made.write([
    note('first', 'summary', CANARIES[0] as string), note('second', 'notes', CANARIES[1] as string),
    note('large', 'summary', `${CANARIES[2]} ${toHex(world.random('large')(80_000))}`),
  ])
  await made.share({
    basis: 'consent', to: doctor.identity.id, categories: ['summary', 'notes'], until: world.now() + 200 * HOUR,
  })
  return made
}

const seconds = (ms: number): number => Math.floor(ms / 1000)

const factOf = (of: Vault, fields: Partial<Fact> = {}, signer = secretary): Promise<Uint8Array> =>
  signFact(signer.identity, {
    type: 'appointment', vault: of.id, organisation: practice.identity.id,
    notBefore: seconds(world.now() + 15 * HOUR), expires: seconds(world.now() + 16 * HOUR), ...fields,
  }, context())

const releaseAhead = async (
  of: Vault, { facts, hours = 20 }: { facts?: readonly Uint8Array[]; hours?: number } = {}, who = doctor,
): Promise<Uint8Array> =>
  who.releaseAhead(of.id, { facts: facts ?? [await factOf(of)], until: world.now() + hours * HOUR })

/** What trustees refused it with. */
const refusalOf = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(() => undefined, (why: unknown) => why)
  return error instanceof SdkError && error.cause instanceof SdkError ? String(error.cause.problem) : String(error)
}

const outage = async (): Promise<void> => {
  await world.index.kill()
  for (const trustee of world.trustees) await trustee.kill()
}
const over = async (): Promise<void> => {
  for (const trustee of world.trustees) await trustee.restart()
  await world.index.restart()
}

/** On the device, by another process than released it: nothing but the file, the identity and a clock. */
const openedOn = (who: Client, kept: Uint8Array, now = world.now(), notes: Uint8Array[] = []) =>
  openAhead({ identity: who.identity, context: context(), timers: world.clock.timers }, kept, {
    now, keep: async (one) => void notes.push(one),
  })

describe('through an outage', () => {
  let kept: Uint8Array
  const notes: Uint8Array[] = []
  let openedAt: number

  it('is logged and charged when it is released, before any trustee answers', async () => {
    world.network.recording = true
    world.network.seen.length = 0
    kept = await releaseAhead(vault)
    const asked = world.network.seen.map(({ host, method, target }) => `${method} ${host}${target}`)
    const logged = asked.indexOf(`POST ${world.index.host}/v1/accesses`)
    const released = asked.findIndex((one) => /^POST trustee-\d\.test\/v1\/releases$/.test(one))
    expect(logged).toBeGreaterThanOrEqual(0)
    expect(released).toBeGreaterThan(logged)
    expect([...counts.values()]).toEqual([1, 1])
  })

  it('keeps nothing in clear: neither records nor categories nor whose they are', () => {
    const names = [vault, patient.identity, doctor.identity, practice.identity].map(({ id }) => id)
    const canaries = [...CANARIES, 'Observation', 'valueString', 'access-log', ...names.map(toHex), '/v1/vaults/']
    expect(new LeakScan(canaries).inEverything(Buffer.from(kept), 'package')).toEqual([])
    for (const id of names) expect(Buffer.from(kept).includes(Buffer.from(id))).toBe(false)
    // Nor, by its first bytes, what it is.
    expect(kept.length).toBeGreaterThan(80_000)
    expect(new Set(kept.subarray(0, 64)).size).toBeGreaterThan(40)
  })

  it('opens without index and trustees as it opens with them, attachments aside', async () => {
    const online = await (await doctor.vault(vault.id)).open()
    const whole = online.latest()
    online.close()
    await outage()
    world.network.recording = true
    world.network.seen.length = 0
    openedAt = world.now() + 15 * HOUR
    const fetch = vi.spyOn(globalThis, 'fetch')
    const chart = await openedOn(doctor, kept, openedAt, notes)
    expect(chart.latest()).toEqual(whole)
    expect(namesOf(chart.latest())).toEqual(['first', 'large', 'second'])
    expect([chart.categories.toSorted(), chart.problems]).toEqual([['notes', 'summary'], []])
    // Nothing new, and nobody is asked for it.
    expect(await chart.refresh()).toEqual([])
    expect(world.network.seen).toEqual([])
    expect(fetch).not.toHaveBeenCalled()
    fetch.mockRestore()
    expect(chart.expiresAt).toBeLessThanOrEqual(world.now() + 20 * HOUR)
    chart.close()
    expect(notes).toHaveLength(1)
  })

  it('closes when the release ends, whoever looks at it', async () => {
    const until = world.now() + 20 * HOUR
    const chart = await openedOn(doctor, kept, until - 90_000, notes)
    notes.pop()
    expect(chart.closed).toBe(false)
    await world.clock.advance(100_000)
    expect(chart.closed).toBe(true)
    expect(() => chart.latest()).toThrow(expect.objectContaining({ code: 'chart-closed' }) as Error)
  })

  it('waits with its notes, which tell nobody else anything, until the network is back', async () => {
    const [one] = notes as [Uint8Array]
    expect(Buffer.from(one).includes(Buffer.from(vault.id))).toBe(false)
    const { pending } = await doctor.reportAhead(notes)
    expect(pending).toEqual([{ note: one, code: 'network' }])
    await over()
    expect(await doctor.reportAhead(notes)).toEqual({ pending: [] })
  })

  it('is shown to the patient: released ahead until then, opened offline at that time', async () => {
    const { accesses, findings } = await vault.accesses()
    expect(findings).toEqual([])
    const [ahead] = accesses.filter(({ openedOffline }) => openedOffline.length > 0)
    expect(ahead).toMatchObject({
      reader: toHex(doctor.identity.id), purpose: 'treatment', openedOffline: [Math.floor(openedAt)],
      categories: ['notes', 'summary'],
    })
    expect(ahead?.receipt).toBeDefined()
    expect(ahead?.releasedBy).toHaveLength(2)
  })

  it('costs nothing more: not opened later, not released once more', async () => {
    counts.clear()
    const chart = await (await doctor.vault(vault.id)).open()
    chart.close()
    await releaseAhead(vault)
    expect([...counts.values()].every((day) => day === 1)).toBe(true)
    expect(counts.size).toBeGreaterThan(0)
  })
})

describe('the program in the README of the sdk', () => {
  it('releases in the evening, opens in the morning and reports at noon', async () => {
    const text = readFileSync(join(root, 'packages/sdk/README.md'), 'utf8')
    const blocks = text.split('```ts\n').map((block) => block.slice(0, block.indexOf('```')))
    const program = blocks.find((block) => block.includes('releaseAhead(')) ?? ''
    mkdirSync(join(root, '.artifacts'), { recursive: true })
    const folder = mkdtempSync(join(root, '.artifacts/ahead-readme-'))
    const file = join(folder, 'program.ts')
    writeFileSync(file, program)
    const { evening, morning, noon } = await import(file) as {
      evening: (doctor: Client, vault: Uint8Array, facts: Uint8Array[], until: number) => Promise<Uint8Array>
      morning: (identity: Identity, context: Context, kept: Uint8Array, outbox: Uint8Array[]) => Promise<string[]>
      noon: (doctor: Client, outbox: Uint8Array[]) => Promise<Uint8Array[]>
    }
    const kept = await evening(doctor, vault.id, [await factOf(vault)], world.now() + 20 * HOUR)
    const outbox: Uint8Array[] = []
    const read = await morning(doctor.identity, context(), kept, outbox)
    expect(read.toSorted()).toEqual(['notes', 'summary', 'summary'])
    expect(outbox).toHaveLength(1)
    expect(await noon(doctor, outbox)).toEqual([])
    rmSync(folder, { recursive: true })
  })
})

describe('refused', () => {
  it.each<[string, () => Promise<Parameters<typeof releaseAhead>[1]>]>([
    ['without a fact', async () => ({ facts: [] })],
    ['with the reader\'s own fact', async () => ({ facts: [await factOf(vault, {}, doctor)] })],
    ['too far ahead', async () => ({ hours: 25 })],
    ['for an appointment after it ends', async () => ({ hours: 14 })],
  ])('%s', async (_, options) => {
    expect(await refusalOf(releaseAhead(vault, await options()))).toBe('ahead-refused')
  })

  it('to an organisation', async () => {
    await vault.share({
      basis: 'consent', to: practice.identity.id, categories: ['summary'], until: world.now() + HOUR,
    })
    expect(await refusalOf(releaseAhead(vault, {}, practice))).toBe('ahead-refused')
  })

  it('where the grant does not allow care', async () => {
    const other = await patient.createVault({ mode: 'owner', categories: CATEGORIES })
    await other.write([note('one', 'summary', 'x')])
    await other.share({
      basis: 'consent', to: doctor.identity.id, categories: ['summary'], purposes: ['administration'],
      until: world.now() + HOUR,
    })
    expect(await codeOf(releaseAhead(other))).toBe('no-grant')
  })

  it('where there is nothing', async () => {
    const empty = await patient.createVault({ mode: 'owner', categories: CATEGORIES })
    await empty.share({ basis: 'consent', to: doctor.identity.id, categories: ['summary'], until: world.now() + HOUR })
    expect(await codeOf(releaseAhead(empty))).toBe('bad-input')
  })
})

describe('what rests on the disk', () => {
  let kept: Uint8Array
  let made: number
  beforeAll(async () => {
    made = world.now()
    kept = await releaseAhead(vault)
  })
  const opened = (file: Uint8Array, now = made + HOUR, who = doctor): Promise<string> => {
    const notes: Uint8Array[] = []
    return codeOf(openedOn(who, file, now, notes).then((chart) => chart.close()))
  }

  it('opens on this device, and on no other of the same practice', async () => {
    expect(await opened(kept)).toBe('nothing was thrown')
    expect(await opened(kept, made + HOUR, secretary)).toBe('ahead-invalid')
  })

  it('opens to the last second and not after, nor by a clock that was set back', async () => {
    const until = Math.floor((made + 20 * HOUR) / 1000) * 1000
    expect(await opened(kept, until - 1)).toBe('nothing was thrown')
    expect(await opened(kept, until)).toBe('ahead-expired')
    expect(await opened(kept, until + 1_000 * HOUR)).toBe('ahead-expired')
    expect(await opened(kept, made - HOUR)).toBe('ahead-expired')
    for (const none of [Number.NaN, Infinity, -1]) expect(await opened(kept, none)).toBe('bad-input')
  })

  it('opens in no way once a bit of it was changed, it was cut, or something was added', async () => {
    await fc.assert(fc.asyncProperty(
      fc.nat(kept.length - 1), fc.integer({ min: 1, max: 255 }), fc.constantFrom('change', 'cut', 'add'),
      async (place, bits, how) => {
        const bad = how === 'cut' ? kept.slice(0, place) : Uint8Array.from([...kept, ...(how === 'add' ? [bits] : [])])
        if (how === 'change') bad[place] = (bad[place] as number) ^ bits
        expect(await opened(bad)).toBe('ahead-invalid')
      },
    ), { numRuns: 40 })
  })

  it('is not opened before the note of it is kept', async () => {
    const failing = openAhead({ identity: doctor.identity, context: context(), timers: world.clock.timers }, kept, {
      now: made + HOUR, keep: () => Promise.reject(new Error('disk full')),
    })
    await expect(failing).rejects.toThrow('disk full')
  })

  it('makes no note that somebody else could have made, or that was made of a package', async () => {
    const notes: Uint8Array[] = []
    ;(await openedOn(doctor, kept, made + HOUR, notes)).close()
    const [one] = notes as [Uint8Array]
    const changed = Uint8Array.from(one)
    changed[40] = (changed[40] as number) ^ 1
    const { pending } = await doctor.reportAhead([changed, kept])
    expect(pending.map(({ code }) => code)).toEqual(['ahead-invalid', 'ahead-invalid'])
    expect((await secretary.reportAhead([one])).pending.map(({ code }) => code)).toEqual(['ahead-invalid'])
    expect(await opened(one)).toBe('ahead-invalid')
  })

  it('tells the patient while the grant holds, and says that it cannot after', async () => {
    const brief = await patient.createVault({ mode: 'owner', categories: CATEGORIES })
    await brief.write([note('one', 'summary', 'x')])
    const { grant } = await brief.share({
      basis: 'consent', to: doctor.identity.id, categories: ['summary'], until: world.now() + 30 * HOUR,
    })
    const file = await releaseAhead(brief)
    await brief.revoke(grant)
    const notes: Uint8Array[] = []
    // Revoked since, and no network to learn it by: what was released is released.
    const chart = await doctor.openAhead(file, { now: world.now(), keep: async (one) => void notes.push(one) })
    expect(namesOf(chart.latest())).toEqual(['one'])
    expect((await doctor.reportAhead(notes)).pending.map(({ code }) => code)).toEqual(['not-found'])
    expect(await codeOf(releaseAhead(brief))).toBe('index-problem')
  })
})
