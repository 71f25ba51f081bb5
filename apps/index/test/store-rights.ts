/** The part of the contract about who may do what. */
import { toHex } from '@scelle/seal/verify'
import { expect, test } from 'vitest'
import { INDEX_LIMITS } from '../src/limits.ts'
import { access, AT, capsule, commit, grant, manifest, revocation, statement } from './operations.ts'
import type { Suite } from './store-suite.ts'

type GrantIn = ReturnType<typeof grant>

export const testRights = (suite: Suite): void => {
  const { one, must, setUp, write, random } = suite

  test('writing takes a write grant on every category touched, now, unrevoked', async () => {
    const part = await setUp()
    const writer = random(32)
    const [first, second] = part.categories as [Uint8Array, Uint8Array]
    const attempt = (ids: Uint8Array[], at = AT) =>
      one(
        commit(
          random,
          { ...part, author: writer },
          { capsules: ids.map((id, place) => capsule(random, id, { place, opened: at })) },
          { at },
        ),
      )
    expect(await attempt([first])).toEqual({ problem: 'not-permitted' })
    await must(grant(random, part, { grantee: writer, categories: [first], rights: 4 }))
    expect(await attempt([first])).toEqual({ problem: 'not-permitted' })
    const given = grant(random, part, { grantee: writer, categories: [first], rights: 2 })
    await must(given)
    expect(await attempt([first])).toHaveProperty('position')
    expect(await attempt([first, second])).toEqual({ problem: 'not-permitted' })
    expect(await attempt([first], AT - 11)).toEqual({ problem: 'not-permitted' })
    expect(await attempt([first], AT + 86_400)).toEqual({ problem: 'not-permitted' })
    expect(await suite.store.mayWriteSomewhere(writer, AT)).toBe(true)
    expect(await suite.store.mayWriteSomewhere(writer, AT + 86_400)).toBe(false)
    await must(grant(random, part, { grantee: writer, categories: [second], rights: 2 }))
    expect(await attempt([first, second])).toHaveProperty('position')
    await must(revocation(random, part.vault, given.statement.id))
    expect(await attempt([first])).toEqual({ problem: 'grant-revoked' })
    expect(await attempt([second])).toHaveProperty('position')
    expect(await suite.store.mayWriteSomewhere(part.custodian, AT)).toBe(true)
    expect(await suite.store.mayWriteSomewhere(random(32), AT)).toBe(false)
  })

  test('a revocation falls on everything below, in its vault only', async () => {
    const part = await setUp()
    const people = Array.from({ length: 4 }, () => random(32)) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
    const top = grant(random, part, { grantee: people[0], categories: part.categories, rights: 15 })
    const middle = grant(
      random,
      part,
      { grantee: people[1], categories: part.categories, parent: top.statement.id },
      people[0],
    )
    const leaf = grant(
      random,
      part,
      { grantee: people[2], categories: part.categories, parent: middle.statement.id },
      people[1],
    )
    const beside = grant(
      random,
      part,
      { grantee: people[3], categories: part.categories, parent: top.statement.id },
      people[0],
    )
    for (const operation of [top, middle, leaf, beside]) await must(operation)
    expect(
      await one(grant(random, part, { grantee: people[3], categories: part.categories, parent: random(32) })),
    ).toMatchObject({ problem: 'bad-statement' })
    const revoke = revocation(random, part.vault, middle.statement.id)
    const sequence = await must(revoke)
    expect(await must(revoke)).toBe(sequence)
    expect((await suite.store.grants(part.vault)).map(({ revoked }) => revoked)).toEqual([false, true, true, false])
    expect(
      await one(grant(random, part, { grantee: people[3], categories: part.categories, parent: leaf.statement.id })),
    ).toEqual({ problem: 'grant-revoked' })
    expect(await one({ ...leaf.keys, statement: statement(random) })).toEqual({ problem: 'grant-revoked' })
    expect(await one(revocation(random, part.vault, random(32)))).toEqual({ problem: 'not-found' })
  })

  test('grants are listed by vault, part, grantee, with their newest keys', async () => {
    const [part, other] = [await setUp(), await setUp()]
    const grantee = random(32)
    const [mine, elsewhere] = [part, other].map((at) =>
      grant(random, at, { grantee, categories: at.categories }),
    ) as [ReturnType<typeof grant>, ReturnType<typeof grant>]
    await must(mine)
    await must(elsewhere)
    await must(grant(random, part, { grantee: random(32), categories: [part.categories[1] as Uint8Array] }))
    const renewed = { ...mine.keys, statement: statement(random), manifestVersion: 3 }
    await must(renewed)
    expect(await one({ ...mine.keys, statement: statement(random), manifestVersion: 2 })).toEqual({
      problem: 'manifest-conflict',
    })
    expect((await suite.store.grant(part.vault, mine.statement.id))?.keys).toEqual(renewed.statement.bytes)
    const query = { grantee, at: AT, revokedSince: AT, limit: 10 }
    const listed = await suite.store.grantsTo(query)
    expect(listed.map(({ id }) => toHex(id))).toEqual(
      [elsewhere, mine].map((operation) => toHex(operation.statement.id)),
    )
    expect(await suite.store.grantsTo({ ...query, limit: 1 })).toHaveLength(1)
    expect((await suite.store.grants(part.vault)).map(({ mask }) => mask)).toEqual([3, 2])
    expect(await suite.store.grants(part.vault, { grantee })).toHaveLength(1)
    expect(await suite.store.grants(part.vault, { custodian: part.custodian, grantee })).toHaveLength(1)
    expect(await suite.store.grants(part.vault, { custodian: other.custodian })).toEqual([])
    expect(await suite.store.grant(other.vault, mine.statement.id)).toBeUndefined()
  })

  test('who gives many grants keeps no other giver out of the list, and is stopped', async () => {
    const [flood, quiet] = [await setUp(), await setUp()]
    const grantee = random(32)
    const give = (part: typeof flood) => grant(random, part, { grantee, categories: part.categories })
    await must(give(quiet))
    const first = give(flood)
    await must(first)
    for (let i = 1; i < INDEX_LIMITS.liveGrants; i++) await must(give(flood))
    expect(await one(give(flood))).toMatchObject({ problem: 'not-permitted' })
    expect(await must(first)).toBeGreaterThan(0) // asked again, it is the same grant
    const other = { ...(await setUp()), custodian: flood.custodian }
    await must(manifest(random, other, { categories: [{ category: other.categories[0] as Uint8Array, epoch: 0 }] }))
    const elsewhere = grant(random, other, { grantee, categories: [other.categories[0] as Uint8Array] })
    expect(await one(elsewhere)).toMatchObject({ problem: 'not-permitted' })
    await must({ ...elsewhere, counted: 'in-vault' })
    expect(await one({ ...give(flood), counted: 'in-vault' })).toMatchObject({ problem: 'not-permitted' })
    const query = { grantee, at: AT, revokedSince: AT, limit: 2 }
    expect((await suite.store.grantsTo(query)).some(({ custodian }) => toHex(custodian) === toHex(quiet.custodian)))
      .toBe(true)
    await must(revocation(random, flood.vault, first.statement.id))
    await must({ ...give(flood), counted: 'in-vault' })
  })

  test('expired grants and those revoked long ago are not listed to their receiver', async () => {
    const part = await setUp()
    const grantee = random(32)
    const [short, revoked, kept] = [AT + 10, AT + 86_400, AT + 86_400].map((expires) =>
      grant(random, part, { grantee, categories: part.categories, expires })) as [GrantIn, GrantIn, GrantIn]
    for (const operation of [short, revoked, kept]) await must(operation)
    await must(revocation(random, part.vault, revoked.statement.id))
    const listed = async (at: number, revokedSince: number): Promise<(readonly [string, boolean])[]> =>
      (await suite.store.grantsTo({ grantee, at, revokedSince, limit: 10 }))
        .map((entry) => [toHex(entry.id), entry.revoked] as const)
    const named = (operation: GrantIn, isRevoked = false) => [toHex(operation.statement.id), isRevoked] as const
    expect(await listed(AT, AT)).toEqual([named(kept), named(revoked, true), named(short)])
    expect(await listed(AT + 10, AT)).toEqual([named(kept), named(revoked, true)])
    expect(await listed(AT + 10, AT + 1)).toEqual([named(kept)])
    expect(await suite.store.grants(part.vault)).toHaveLength(3)
  })

  test('an access needs a chain that reads every capsule it names', async () => {
    const part = await setUp()
    const [reader, stranger] = [random(32), random(32)]
    const [seen, hidden] = [await write(part), await write(part, 1)]
    const top = grant(random, part, { grantee: stranger, categories: part.categories, rights: 15 })
    const given = grant(
      random,
      part,
      { grantee: reader, categories: [part.categories[0] as Uint8Array], rights: 4, parent: top.statement.id },
      stranger,
    )
    await must(top)
    await must(given)
    const chain = [top.statement.id, given.statement.id]
    const ask = (fields: Parameters<typeof access>[3], who = reader) => one(access(random, part, who, fields))
    const capsules = [seen.made.headerHash]
    expect(await ask({ capsules, chain })).toHaveProperty('position')
    for (const broken of [[], [given.statement.id], chain.toReversed(), [random(32), given.statement.id]]) {
      expect(await ask({ capsules, chain: broken })).toEqual({ problem: 'not-permitted' })
    }
    expect(await ask({ capsules, chain, purpose: 'legal' })).toEqual({ problem: 'not-permitted' })
    expect(await ask({ capsules, chain }, stranger)).toEqual({ problem: 'not-permitted' })
    expect(await ask({ capsules: [hidden.made.headerHash], chain })).toMatchObject({ problem: 'not-found' })
    expect(await ask({ capsules: [random(32)], chain })).toMatchObject({ problem: 'not-found' })
    await must(revocation(random, part.vault, top.statement.id))
    expect(await ask({ capsules, chain })).toEqual({ problem: 'grant-revoked' })
    expect(await suite.store.accesses(part.vault, part.custodian)).toHaveLength(1)
    expect(await suite.store.capsule(part.vault, seen.made.headerHash)).toMatchObject({ closed: true })
    expect(await suite.store.capsule(part.vault, hidden.made.headerHash)).toMatchObject({
      closed: false,
      records: 1,
    })
  })
}
