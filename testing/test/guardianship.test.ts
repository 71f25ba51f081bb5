/**
 * Guardianship, whole: a hospital keeps a child's vault, parents read it by grants and share on, until fifteen, until
 * majority; and what a parent tries to keep more, or longer, or against the other one.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ACCESS_LOG, type Client, comesOf, GUARDIANSHIP, type Guardianship, type Vault, type Wish } from '@scelle/sdk'
import { fromHex, toHex } from '@scelle/seal/verify'
import { type Constellation, createConstellation } from '../src/constellation.ts'
import { codeOf, DAY, item, namesOf } from './scene.ts'

const CATEGORIES = ['summary', 'notes', 'mental-health', 'sexual-health', GUARDIANSHIP, ACCESS_LOG]
  .map((code) => ({ code, strict: false }))
const CODES = ['summary', 'notes', 'mental-health', 'sexual-health']
/** Fifteen in six days, by the clock of the constellation; eighteen three years later. */
const BIRTH = { date: '2011-01-21', zone: 'Europe/Paris' }
const WARD = { kind: 'minor', birth: BIRTH } as const
const CIVIL = { kind: 'civil-status', reference: 'acte 21/2011' } as const
const COURT = { kind: 'court', reference: 'TJ Paris 26/00042' } as const

let world: Constellation
let hospital: Client
let mother: Client
let father: Client
let doctor: Client
let vault: Vault
let known: Guardianship
beforeEach(async () => {
  world = await createConstellation({ seed: 'guardianship' })
  hospital = await world.client('organisation')
  // No register knows parents.
  const parent = async () => world.client('person', { standing: { show: () => ({}) } })
  ;[mother, father, doctor] = [await parent(), await parent(), await world.client('person')]
  vault = await hospital.createVault({ mode: 'custody', categories: CATEGORIES })
  for (const code of CODES) await vault.write([item(code, 1, code)])
  known = (await vault.decideGuardianship({ ward: WARD }, appoint(mother))).guardianship
  await decide(appoint(father))
})
afterEach(() => world.close())

const appoint = ({ identity }: Client, by: Wish['by'] = CIVIL): Wish =>
  ({ kind: 'appoint', guardian: toHex(identity.id), categories: CODES, by })
const decide = async (wish: Wish): Promise<void> => {
  known = (await vault.decideGuardianship(known, wish)).guardianship
}
const idOf = ({ identity }: Client): string => toHex(identity.id)

/** What somebody sees, or why nothing. */
const seenBy = async (
  who: Client, purpose: 'patient-request' | 'treatment' = 'patient-request',
): Promise<string[] | string> => {
  try {
    const chart = await (await who.vault(vault.id)).open({ purpose })
    const names = namesOf(chart.latest())
    chart.close()
    return names
  } catch (error) {
    const code = await codeOf(Promise.reject(error))
    // The index shows nothing of a vault to whom nothing of it is granted.
    return code === 'index-problem' || code === 'no-grant' ? 'nothing' : code
  }
}
const shareOn = async (from: Client, to: Client, until: number, categories = ['summary']) =>
  (await from.vault(vault.id)).share({ to: to.identity.id, categories, until })
const goTo = async (moment: number): Promise<void> => {
  world.clock.set(moment)
  await world.clock.advance(2_000)
}
const epochs = async (): Promise<number[]> => {
  await vault.refresh()
  return [...(await vault.categories()).values()].map(({ epoch }) => epoch)
}

const FIFTEEN = comesOf(BIRTH, 15)
const EIGHTEEN = comesOf(BIRTH, 18)

describe('by age', () => {
  test('a parent reads all, from fifteen on no secrets, from majority on nothing; keys are new each time', async () => {
    const all = CODES.toSorted()
    expect([await seenBy(mother), await seenBy(father)]).toEqual([all, all])
    await goTo(FIFTEEN - 60_000)
    expect(await seenBy(mother)).toEqual(all)
    // Nobody does anything on the birthday: the narrower grant was made ahead.
    await goTo(FIFTEEN)
    expect(await seenBy(mother)).toEqual(['notes', 'summary'])
    const kept = await vault.keepGuardianship(known)
    expect([kept.given, kept.ended, kept.rotated.toSorted()]).toEqual([[], [], all])
    expect(await vault.keepGuardianship(known)).toEqual({ given: [], ended: [], rotated: [], pending: [] })
    await vault.write([item('at seventeen', 1, 'notes'), item('secret', 1, 'sexual-health')])
    expect(await seenBy(mother)).toEqual(['at seventeen', 'notes', 'summary'])
    await goTo(EIGHTEEN)
    expect(await seenBy(mother)).toBe('nothing')
    expect((await vault.keepGuardianship(known)).rotated.toSorted()).toEqual(['notes', 'summary'])
    expect(await epochs()).toEqual([2, 2, 1, 1, 0, 0])
  }, 60_000)

  test('a parent extends nothing past majority, by a friend or an old grant', async () => {
    const late = EIGHTEEN + DAY
    expect(await codeOf(shareOn(mother, doctor, late))).toBe('grant-not-subset')
    await shareOn(mother, doctor, FIFTEEN)
    expect(await seenBy(doctor, 'treatment')).toEqual(['summary'])
    await goTo(FIFTEEN)
    expect(await seenBy(doctor, 'treatment')).toBe('nothing')
    await shareOn(mother, doctor, EIGHTEEN)
    expect(await seenBy(doctor, 'treatment')).toEqual(['summary'])
    await goTo(EIGHTEEN)
    await vault.keepGuardianship(known)
    expect([await seenBy(mother), await seenBy(doctor, 'treatment')]).toEqual(['nothing', 'nothing'])
    expect(await codeOf(vault.decideGuardianship(known, appoint(mother)))).toBe('guardianship-refused')
  }, 60_000)

  test('what a former guardian still holds opens nothing that comes after: epochs it was never given', async () => {
    const held = await (await mother.vault(vault.id)).categories()
    await goTo(EIGHTEEN)
    await vault.keepGuardianship(known)
    await vault.refresh()
    const now = await vault.categories()
    for (const code of CODES) expect(now.get(code)?.epoch).toBeGreaterThan(held.get(code)?.epoch as number)
    expect(await seenBy(mother)).toBe('nothing')
  })
})

describe('two parents in conflict', () => {
  test('neither ends or widens what the other gave', async () => {
    const { grant } = await shareOn(mother, doctor, FIFTEEN)
    const theirs = await father.vault(vault.id)
    expect(await codeOf(theirs.revoke(grant))).toBe('no-grant')
    expect(await codeOf(theirs.share({
      to: doctor.identity.id, categories: ['notes'], until: FIFTEEN, parent: grant,
    }))).toBe('no-grant')
    expect(await seenBy(doctor, 'treatment')).toEqual(['summary'])
    await (await mother.vault(vault.id)).revoke(grant)
    expect(await seenBy(doctor, 'treatment')).toBe('nothing')
  })

  test('one hides a category from the other, on record, and never the emergency summary', async () => {
    const by = { kind: 'guardian', id: idOf(mother) } as const
    await decide({ kind: 'hide', category: 'notes', from: [idOf(father)], by })
    expect([await seenBy(father), await seenBy(mother)])
      .toEqual([['mental-health', 'sexual-health', 'summary'], CODES.toSorted()])
    expect(await codeOf(vault.decideGuardianship(known, {
      kind: 'hide', category: 'summary', from: [idOf(father)], by,
    }))).toBe('guardianship-refused')
    const kept = await (await hospital.vault(vault.id)).guardianship()
    expect(kept).toEqual(known)
    expect(kept?.decisions.at(-1)).toMatchObject({ kind: 'hide', category: 'notes', by })
  })

  test('a court ends one\'s: signed, logged, final, and the other keeps all', async () => {
    await shareOn(father, doctor, FIFTEEN)
    const before = await epochs()
    await decide({ kind: 'dismiss', guardian: idOf(father), by: COURT })
    expect([await seenBy(father), await seenBy(doctor, 'treatment'), await seenBy(mother)])
      .toEqual(['nothing', 'nothing', CODES.toSorted()])
    expect((await epochs()).every((epoch, place) => place > 3 || epoch > (before[place] as number))).toBe(true)
    expect((await vault.guardianship())?.decisions.at(-1)).toMatchObject({ kind: 'dismiss', by: COURT })
    // Nothing of it waits: all three trustees cosigned the log that has it.
    expect((await vault.retryRevocations()).size).toBe(0)
  })

  test('whom a court sent away, the other one does not let in by sharing on', async () => {
    await decide({ kind: 'dismiss', guardian: idOf(father), by: COURT })
    const { grant } = await shareOn(mother, father, FIFTEEN)
    const kept = await vault.keepGuardianship(known)
    expect(kept.ended).toEqual([toHex(grant)])
    expect(await seenBy(father)).toBe('nothing')
    expect((await vault.keepGuardianship(known)).ended).toEqual([])
  })
})

describe('what is hidden', () => {
  test('from the beginning looks like what is not there: same names, same answers', async () => {
    const views: string[][] = []
    for (const secrets of [[], ['one', 'two', 'three']]) {
      const other = await hospital.createVault({ mode: 'custody', categories: CATEGORIES })
      await other.write([item('a')])
      if (secrets.length > 0) await other.write(secrets.map((name) => item(name, 1, 'sexual-health')))
      await other.decideGuardianship({ ward: WARD }, {
        kind: 'appoint', guardian: idOf(mother), categories: ['summary', 'notes'], by: CIVIL,
      })
      const answers: string[] = []
      const stop = world.network.add({
        effect: { kind: 'tamper', change: (answer, { method, target }) => {
          if (target.includes(toHex(other.id))) {
            answers.push(`${method} ${target.replaceAll(/[0-9a-f]{24,}/g, '<id>')} ${answer.body.length}`)
          }
          return answer
        } },
      })
      const seen = await mother.vault(other.id)
      expect([...(await seen.categories()).keys()]).toEqual(['summary', 'notes'])
      ;(await seen.open({ purpose: 'patient-request' })).close()
      stop()
      views.push(answers)
    }
    expect(views[0]?.length).toBeGreaterThan(1)
    expect(views[1]).toEqual(views[0])
  })

  test('a professional keeps a child\'s secret under fifteen: all secrets go, none is told from another', async () => {
    await decide({
      kind: 'hide', category: 'sexual-health', from: [idOf(mother), idOf(father)],
      by: { kind: 'professional', id: idOf(doctor) },
    })
    expect([await seenBy(mother), await seenBy(father)]).toEqual([['notes', 'summary'], ['notes', 'summary']])
  })
})

test('an adult under protection: until the date of the review, and no longer', async () => {
  const other = await hospital.createVault({ mode: 'custody', categories: CATEGORIES })
  await other.write([item('a')])
  const until = world.now() + 30 * DAY
  const { guardianship } = await other.decideGuardianship({ ward: { kind: 'adult' } }, {
    kind: 'appoint', guardian: idOf(mother), categories: CODES, until, by: COURT,
  })
  const open = async (): Promise<string> =>
    codeOf(mother.vault(other.id).then((seen) => seen.open({ purpose: 'patient-request' })))
  expect(await open()).toBe('nothing was thrown')
  await goTo(until)
  expect(await open()).toBe('index-problem')
  expect((await other.keepGuardianship(guardianship)).rotated.toSorted()).toEqual(CODES.toSorted())
})

test('a parent reads for the child alone: not as treatment, nor by what another parent passed on', async () => {
  expect(await seenBy(mother, 'treatment')).toBe('release-insufficient')
  const friend = await world.client('person', { standing: { show: () => ({}) } })
  await (await mother.vault(vault.id)).share({
    to: friend.identity.id, categories: ['summary'], until: FIFTEEN, purposes: ['patient-request'],
  })
  expect(await seenBy(friend)).toBe('release-insufficient')
})

test('nobody but who controls the vault decides; another vault has no such category', async () => {
  const theirs = await mother.vault(vault.id)
  expect(await codeOf(theirs.decideGuardianship(known, appoint(doctor)))).toBe('no-grant')
  const plain = await hospital.createVault({ mode: 'custody', categories: CATEGORIES.slice(0, 2) })
  expect(await codeOf(plain.decideGuardianship({ ward: WARD }, appoint(mother)))).toBe('category-unknown')
})

test('two of the hospital\'s devices decide at once: the second is told, and overwrites nothing', async () => {
  const second = await (await world.client(hospital.identity)).vault(vault.id)
  await decide({ kind: 'hide', category: 'notes', from: [idOf(father)], by: COURT })
  const stale = { ...known, decisions: known.decisions.slice(0, -1), version: known.version - 1 }
  expect(await codeOf(second.decideGuardianship(stale, { kind: 'dismiss', guardian: idOf(mother), by: COURT })))
    .toBe('commit-refused')
  expect(await seenBy(mother)).toEqual(CODES.toSorted())
  expect(fromHex(known.handle)).toHaveLength(16)
})
