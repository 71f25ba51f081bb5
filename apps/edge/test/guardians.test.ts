/** Guardians through page, house, log and trustees: naming them, losing everything, and what thieves make of it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Application, createWorld, loggedIn, type World } from './harness.ts'
import { type Member, Scene, valuesOf } from './guardians-scene.ts'

const HOUR = 3_600_000

let world: World
let scene: Scene
let officer: Application
let nadia: Member
let guardians: [Member, Member, Member]
let digits: string[]
let shift = 0

/** Ten hours are over: whoever is needed signs in again. */
const nextShift = async (): Promise<void> => {
  officer = await world.patiently(loggedIn(world, 'claire', `desk of the officer ${shift++}`))
  for (const guardian of guardians) await guardian.login()
}

beforeAll(async () => {
  world = await createWorld({
    seed: 'guardians', jump: 60_000, registered: { role: 'practice', name: 'Cabinet du Port' }, basis: 'consent',
    staff: { claire: { role: 'officer' } },
  })
  scene = new Scene(world)
  officer = await loggedIn(world, 'claire', 'desk of the officer')
  nadia = await scene.enrolled('Nadia Roux', officer)
  guardians = [
    await scene.enrolled('Anne Petit', officer), await scene.enrolled('Bruno Lam', officer),
    await scene.enrolled('Chloé Diaz', officer),
  ]
  digits = []
  for (const guardian of guardians) digits.push(await guardian.showsKey())
}, 180_000)
afterAll(() => world.close())

describe('naming guardians', () => {
  test('takes their digits by voice: a house that puts another key in one\'s place is heard', async () => {
    const [anne, bruno, chloe] = guardians
    const heard = [digits[0] ?? '', digits[1] ?? '', digits[0] ?? '']
    expect(await nadia.names([anne, bruno, chloe], heard)).toBe(false)
    expect((await nadia.standing())['guardians']).toBe('none')
    expect(new Set(digits).size).toBe(3)
  })

  test('is over once each of them opened their packet, which the owner\'s page finds, and no house says', async () => {
    const [anne, bruno, chloe] = guardians
    expect(await nadia.names(guardians, digits)).toBe(true)
    expect(await anne.guards(nadia)).toBe('Nadia Roux')
    expect(await bruno.guards(nadia)).toBe('Nadia Roux')
    expect((await nadia.to('try-guardians', nadia.person)).status, 'one is missing').toBe(409)
    await chloe.guards(nadia, new Uint8Array(16).fill(1))
    expect(await nadia.tries(), 'a code that nobody read').toBe(false)
    expect(await nadia.standing()).toMatchObject({ guardians: 'named', opened: '3' })
    expect((await nadia.to('begin-recovery', nadia.person, {}, officer)).status, 'never tried').toBe(409)
    await chloe.guards(nadia)
    expect(await nadia.tries()).toBe(true)
    expect(await nadia.standing()).toMatchObject({ guardians: 'held', recovery: 'none', noticed: '0' })
  })

  test('is each one\'s own to do, and a packet is its guardian\'s to see', async () => {
    const [anne] = guardians
    expect((await anne.to('name-guardians', nadia.person, { guardians: anne.person })).status).toBe(403)
    expect((await anne.to('try-guardians', nadia.person)).status).toBe(403)
    expect((await anne.to('object', nadia.person, { end: 'true' })).status).toBe(403)
    expect((await nadia.to('guard', anne.person)).status).toBe(409)
    expect((await anne.to('begin-recovery', nadia.person)).status, 'no officer').toBe(403)
    expect((await nadia.to('name-guardians', nadia.person, { guardians: nadia.person })).status).toBe(400)
    expect((await nadia.to('sign-in', nadia.person)).status).toBe(400)
  })

  test('a page of another network knows other trustees: it deals nothing to these', async () => {
    const [anne, bruno, chloe] = guardians
    const other = [anne, bruno, chloe].map(({ person }) => new Uint8Array(Buffer.from(person, 'hex')))
    const named = await anne.to('name-guardians', anne.person, {
      guardians: [nadia, bruno, chloe].map(({ person }) => person).join(','),
    })
    // Nadia never showed a key of hers: nobody can seal to her.
    expect(named.status).toBe(409)
    await nadia.showsKey()
    const again = await anne.to('name-guardians', anne.person, {
      guardians: [nadia, bruno, chloe].map(({ person }) => person).join(','),
    })
    const { url = '' } = valuesOf(again)
    await expect(scene.asked(url, other)).rejects.toMatchObject({ code: 'malformed' })
    await expect(scene.asked(url, [])).rejects.toMatchObject({ code: 'not-for-this-page' })
  })
})

describe('losing everything', () => {
  test('one share alone begins nothing: stolen, or given to whoever read other digits', async () => {
    const [anne, bruno] = guardians
    const code = await nadia.loses(scene.newKey(), officer)
    expect(await anne.releases(nadia, code)).toBe('1')
    expect((await nadia.to('recover-by-guardians', nadia.person, {}, officer)).status).toBe(409)
    // A thief begins anew and has Bruno shown that question: the digits that Nadia wrote down are others.
    await nadia.loses(scene.newKey(), officer)
    expect(await bruno.releases(nadia, code)).toBeUndefined()
    expect(await nadia.standing()).toMatchObject({ recovery: 'asked', noticed: '0' })
  })

  test('two of three, one is dead; three days; a trustee away: the same person, with the new key alone', async () => {
    const [anne, , chloe] = guardians
    const key = scene.newKey()
    const code = await nadia.loses(key, officer)
    expect(await anne.releases(nadia, code)).toBe('1')
    expect(await chloe.releases(nadia, code)).toBe('2')
    await world.constellation.clock.advance(5_000)
    expect(await nadia.standing()).toMatchObject({ recovery: 'waiting', noticed: '1' })
    const { until = '' } = valuesOf(await nadia.fetches(key, officer))
    expect(Date.parse(until) - world.constellation.now()).toBeGreaterThan(71 * HOUR)
    await scene.daysGoBy(72 * HOUR)
    await nextShift()
    await world.constellation.trustees[1]?.kill()
    const { url = '' } = valuesOf(await nadia.fetches(key, officer))
    await world.constellation.trustees[1]?.restart()
    const old = nadia.key
    expect(await nadia.returns(url, key, officer)).toEqual(nadia.root)
    await nadia.login()
    expect(await nadia.standing()).toMatchObject({ guardians: 'held', recovery: 'none' })
    const staff = world.staff.get(nadia.name)
    nadia.employ(staff?.chain ?? [], old)
    await expect(nadia.login(), 'the old key').rejects.toThrow('did not log in: 403')
    nadia.employ(staff?.chain ?? [], key)
  }, 180_000)

  test('whoever is there objects by passkey: trustees give nothing, three days later as well', async () => {
    const [anne, bruno] = guardians
    await nadia.login()
    const thief = scene.newKey()
    const code = await nadia.loses(thief, officer)
    await anne.releases(nadia, code)
    await bruno.releases(nadia, code)
    expect((await nadia.standing())['recovery']).toBe('waiting')
    const calls = await nadia.to('recover-by-guardians', nadia.person, {}, officer)
    const forged = await nadia.objects({}, scene.newKey())
    expect(forged.status, 'by another key').not.toBe(200)
    expect(valuesOf(await nadia.objects())['stopped']).toBe('3')
    expect((await nadia.standing())['recovery']).toBe('none')
    expect((await nadia.to('recover-by-guardians', nadia.person, {}, officer)).status).toBe(409)
    expect(calls.status).toBe(200)
  })

  test('the house that hides an objection gains nothing: trustees know it', async () => {
    const [anne, bruno] = guardians
    const thief = scene.newKey()
    const code = await nadia.loses(thief, officer)
    await anne.releases(nadia, code)
    await bruno.releases(nadia, code)
    // The owner's own client tells the trustees; this house knows nothing of it.
    const { asked, step } = await nadia.asked('object', await nadia.to('object', nadia.person))
    const client = await world.constellation.client('person', { standing: { show: () => ({}) } })
    const signed = nadia.key.sign(scene.objection(step))
    expect(await world.patiently(client.recoveries.object(signed, asked.request.person ?? []))).toBe(3)
    await scene.daysGoBy(73 * HOUR)
    await nextShift()
    expect((await nadia.fetches(thief, officer)).status).toBe(403)
  }, 180_000)
})

describe('ending guardians', () => {
  test('makes their shares worth nothing; three others are named', async () => {
    const [anne, bruno, chloe] = guardians
    await nadia.login()
    expect((await nadia.to('name-guardians', nadia.person, {
      guardians: guardians.map(({ person }) => person).join(','),
    })).status, 'while there are some').toBe(409)
    valuesOf(await nadia.objects({ end: 'true' }))
    expect((await nadia.standing())['guardians']).toBe('none')
    expect((await anne.to('release-share', nadia.person)).status).toBe(409)
    expect(await nadia.names([chloe, anne, bruno], [digits[2] ?? '', digits[0] ?? '', digits[1] ?? ''])).toBe(true)
    await Promise.all(guardians.map((one) => one.guards(nadia)))
    expect(await nadia.tries()).toBe(true)
  })

  test('what passed between pages and house holds no root', () => {
    const members = [nadia, ...guardians]
    const texts = scene.passed.flatMap((text) => [text, Buffer.from(text, 'base64url').toString('latin1')])
    const forms = (root: Uint8Array) => [Buffer.from(root).toString('latin1'), Buffer.from(root).toString('hex')]
    const leaked = ({ root }: Member): boolean => forms(root).some((form) => texts.some((text) => text.includes(form)))
    expect(members.filter(leaked).map(({ name }) => name)).toEqual([])
    expect(scene.passed.length).toBeGreaterThan(40)
  })
})
