/** Chains of grants: whatever is wider than what it hangs from is refused, and the link and the rule are named. */
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { createIdentity, type Identity } from '../src/identity.ts'
import {
  encode, equalBytes, FORMAT_LIMITS, Grant, RIGHTS, SealError, sha256, statementId, toHex, u32, verifyGrantChain,
} from '../src/verify.ts'
import { NOW, seededContext } from './fixtures.ts'

const context = seededContext('grant chains')
const LONGEST = 5
const AT = Math.floor(NOW / 1000)
const VAULT = sha256(u32(1))
const CATEGORIES = Array.from({ length: 6 }, (_, i) => sha256(u32(i)).slice(0, 16))
const TICKET = sha256(u32(99))
const CARE = ['treatment', 'emergency', 'administration'] as const

let people: Identity[]
beforeAll(async () => {
  people = []
  for (let i = 0; i <= LONGEST + 1; i++) people.push(await createIdentity('organisation', context))
})

/** What of a parent a child keeps: each number is drawn, and so is each choice. */
interface Narrowing {
  readonly categories: number
  readonly rights: number
  readonly purposes: number
  readonly late: number
  readonly early: number
  readonly budget: number | undefined
  readonly standing: boolean
  readonly ticket: boolean
}

const narrowing = fc.record<Narrowing>({
  categories: fc.nat(63), rights: fc.nat(7), purposes: fc.nat(7), late: fc.nat(50), early: fc.nat(50),
  budget: fc.option(fc.nat(50), { nil: undefined }), standing: fc.boolean(), ticket: fc.boolean(),
})

const kept = <T>(from: readonly T[], bits: number): T[] => {
  const some = from.filter((_, i) => ((bits >> i) & 1) === 1)
  return some.length === 0 ? [...from] : some
}

const rootOf = (drawn: Narrowing): Grant => ({
  suite: 1, vault: VAULT, custodian: people[0]!.id, grantee: people[1]!.id,
  categories: kept(CATEGORIES.slice(0, 5), drawn.categories),
  rights: drawn.rights | RIGHTS.shareOn,
  purposes: kept(CARE, drawn.purposes),
  basis: drawn.standing ? 'care-team' : 'consent',
  notBefore: AT - 1_000 + drawn.late, expires: AT + 1_000 - drawn.early,
  depth: 7,
  salt: new Uint8Array(16),
  ...(drawn.budget === undefined ? {} : { patientsPerDay: drawn.budget + 100 }),
  ...(drawn.ticket ? { ticket: TICKET } : {}),
  ...(drawn.standing ? { standing: true } : {}),
  strict: CATEGORIES.slice(0, 2),
})

const childOf = (parent: Grant, drawn: Narrowing, link: number): Grant => {
  const { patientsPerDay, ticket, ...rest } = parent
  const budget = drawn.budget === undefined ? patientsPerDay : Math.min(patientsPerDay ?? Infinity, drawn.budget)
  return {
    ...rest,
    grantee: people[link + 1]!.id,
    categories: kept(parent.categories, drawn.categories),
    rights: (parent.rights & drawn.rights) | RIGHTS.shareOn,
    purposes: kept(parent.purposes, drawn.purposes),
    notBefore: parent.notBefore + drawn.late, expires: parent.expires - drawn.early,
    depth: parent.depth - 1,
    ...(budget === undefined ? {} : { patientsPerDay: budget }),
    ...(ticket === undefined && !drawn.ticket ? {} : { ticket: TICKET }),
    ...(parent.standing === true || drawn.standing ? { standing: true } : {}),
  }
}

/** Signs a chain; `change` may widen one link after its parents are signed and before its children are. */
const signed = async (
  draws: readonly Narrowing[], change: (grant: Grant, link: number, parent?: Grant) => Grant = (grant) => grant,
): Promise<{ grants: Grant[]; chain: Uint8Array[] }> => {
  const grants: Grant[] = []
  const chain: Uint8Array[] = []
  for (const [link, drawn] of draws.entries()) {
    const parent = grants.at(-1)
    const made = parent === undefined
      ? rootOf(drawn)
      : { ...childOf(parent, drawn, link), parent: statementId(chain[link - 1]!) }
    const grant = change(made, link, parent)
    grants.push(grant)
    chain.push(await people[link]!.sign('grant', encode(Grant, grant)))
  }
  return { grants, chain }
}

const verified = (chain: readonly Uint8Array[], at = AT, need = {}) => verifyGrantChain({
  chain, vault: VAULT, custodian: people[0]!.id, at,
  keysOf: (id) => people.find((one) => equalBytes(one.id, id))?.keys,
  need: { reader: people[Math.min(chain.length, LONGEST + 1)]!.id, categories: [], rights: 0, ...need },
})

const refusal = async (work: Promise<unknown>): Promise<SealError> => {
  const error: unknown = await work.then(() => undefined, (thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(SealError)
  return error as SealError
}

const chains = fc.array(narrowing, { minLength: 1, maxLength: LONGEST })
const longChains = fc.array(narrowing, { minLength: 2, maxLength: LONGEST })

const without = (grant: Grant, field: keyof Grant): Grant => {
  const copy = { ...grant }
  delete (copy as Partial<Grant>)[field]
  return copy
}

/** Each way in which a child can be wider than its parent, and what is said of it. */
const WIDER: readonly (readonly [string, (child: Grant, parent: Grant) => Grant | undefined])[] = [
  ['it adds a category', (child) => ({ ...child, categories: [...child.categories, CATEGORIES[5]!] })],
  ['it adds a right', (child, { rights }) => {
    const more = [RIGHTS.relay, RIGHTS.write, RIGHTS.read].find((right) => (rights & right) === 0)
    return more === undefined ? undefined : { ...child, rights: child.rights | more }
  }],
  ['it adds a purpose', (child) => ({ ...child, purposes: [...child.purposes, 'research'] })],
  ['it changes the legal basis', (child) =>
    ({ ...child, basis: child.basis === 'consent' ? 'care-team' : 'consent', standing: true })],
  ['it begins earlier', (child, parent) => ({ ...child, notBefore: parent.notBefore - 1 })],
  ['it lasts longer', (child, parent) => ({ ...child, expires: parent.expires + 1 })],
  ['it is deeper than allowed', (child, parent) => ({ ...child, depth: parent.depth })],
  ['it widens the budget', (child, { patientsPerDay }) =>
    (patientsPerDay === undefined ? undefined : { ...child, patientsPerDay: patientsPerDay + 1 })],
  ['it widens the budget', (child, parent) =>
    (parent.patientsPerDay === undefined ? undefined : without(child, 'patientsPerDay'))],
  ['it no longer says that a category is strict', (child, parent) => {
    const strict = (parent.strict ?? []).some((id) => child.categories.some((one) => equalBytes(one, id)))
    return strict ? without(child, 'strict') : undefined
  }],
  ['it is good without a fact', (child, parent) =>
    (parent.standing === true ? without(child, 'standing') : undefined)],
  ['it is not under the ticket of its parent', (child, parent) =>
    (parent.ticket === undefined ? undefined : without(child, 'ticket'))],
  ['it is not under the ticket of its parent', (child, parent) =>
    (parent.ticket === undefined ? undefined : { ...child, ticket: sha256(u32(98)) })],
  ['it names another parent', (child) => ({ ...child, parent: sha256(u32(97)) })],
  ['it names another parent', (child) => without(child, 'parent')],
]

describe('every chain', () => {
  test('of which each link is within the one before holds, and gives the grants and their ids', async () => {
    await fc.assert(fc.asyncProperty(chains, async (draws) => {
      const { grants, chain } = await signed(draws)
      const found = await verified(chain)
      expect(found.ids.map(toHex)).toEqual(chain.map((one) => toHex(statementId(one))))
      expect(found.grants).toEqual(grants)
    }), { numRuns: 30 })
  })

  test.each(WIDER.map(([rule, widen], i) => [`${i} ${rule}`, rule, widen] as const))(
    'with one link wider in one field is refused, naming the link: %s', async (_, rule, widen) => {
      let tried = 0
      await fc.assert(fc.asyncProperty(longChains, fc.nat(LONGEST), async (draws, pick) => {
        const wide = 1 + (pick % (draws.length - 1))
        const { grants: [...before] } = await signed(draws.slice(0, wide))
        const honest = childOf(before.at(-1)!, draws[wide]!, wide)
        if (widen({ ...honest, parent: VAULT }, before.at(-1)!) === undefined) return
        tried++
        const { chain } = await signed(draws, (grant, link, parent) =>
          (link === wide ? widen(grant, parent!)! : grant))
        const error = await refusal(verified(chain))
        expect([error.code, error.link]).toEqual(['grant-not-subset', wide])
        expect(error.message).toBe(`link ${wide} is wider than link ${wide - 1}: ${rule}`)
      }), { numRuns: 25 })
      expect(tried).toBeGreaterThan(3)
    })

  test('below a grant that may not be shared on is refused', async () => {
    await fc.assert(fc.asyncProperty(longChains, fc.nat(LONGEST), async (draws, pick) => {
      const closed = pick % (draws.length - 1)
      const { chain } = await signed(draws, (grant, link) =>
        ({ ...grant, rights: RIGHTS.read | (link >= closed ? 0 : RIGHTS.shareOn) }))
      const error = await refusal(verified(chain))
      expect([error.link, error.message]).toEqual(
        [closed + 1, `link ${closed + 1} is wider than link ${closed}: its parent may not be shared on`])
    }), { numRuns: 15 })
  })

  test('with links dropped, swapped or repeated is refused, naming the first that does not fit', async () => {
    await fc.assert(fc.asyncProperty(
      longChains, fc.nat(LONGEST), fc.constantFrom('drop', 'swap', 'repeat'), async (draws, pick, how) => {
        const { chain } = await signed(draws)
        const at = pick % (chain.length - 1)
        const broken = {
          drop: () => chain.toSpliced(at, 1),
          swap: () => chain.toSpliced(at, 2, chain[at + 1]!, chain[at]!),
          repeat: () => chain.toSpliced(at, 0, chain[at]!),
        }[how]()
        const error = await refusal(verified(broken, AT, { reader: people[chain.length]!.id }))
        expect(error.link).toBe(how === 'repeat' ? at + 1 : at)
        expect(error.message).toMatch(new RegExp(`^link ${error.link}`))
      }), { numRuns: 30 })
  })

  test('used outside one link\'s time, or with one revoked or forged, is refused, naming that link', async () => {
    await fc.assert(fc.asyncProperty(chains, fc.nat(LONGEST), async (draws, pick) => {
      const { grants, chain } = await signed(draws)
      const link = pick % chain.length
      const inTime = grants.findIndex(({ expires }) => expires <= grants[link]!.expires)
      const late = await refusal(verified(chain, grants[link]!.expires))
      expect([late.code, late.link]).toEqual(['grant-expired', inTime])
      const revoked = statementId(chain[link]!)
      const gone = await refusal(verifyGrantChain({
        chain, vault: VAULT, custodian: people[0]!.id, at: AT,
        keysOf: (id) => people.find((one) => equalBytes(one.id, id))?.keys,
        need: { reader: people[chain.length]!.id, categories: [], rights: 0 },
        revoked: (id) => equalBytes(id, revoked),
      }))
      expect([gone.code, gone.link]).toEqual(['grant-revoked', link])
      const forged = chain.map((bytes, place) => {
        const copy = bytes.slice()
        if (place === link) copy[copy.length - 1]! ^= 1
        return copy
      })
      const found = await refusal(verified(forged))
      expect([found.code, found.link]).toEqual(['signature-invalid', link])
    }), { numRuns: 20 })
  })
})

describe('what is needed', () => {
  const wide: Narrowing = {
    categories: 63, rights: 7, purposes: 7, late: 0, early: 0, budget: undefined, standing: false, ticket: false,
  }

  test.each([
    ['is somebody else\'s', () => ({ reader: people[0]!.id })],
    ['lacks a right', () => ({ rights: RIGHTS.write })],
    ['lacks a category', () => ({ categories: [CATEGORIES[5]!] })],
    ['lacks the purpose', () => ({ purpose: 'research' })],
  ] as const)('and not given is told by name: it %s', async (what, need) => {
    const { chain } = await signed([wide, { ...wide, rights: RIGHTS.read }])
    await verified(chain, AT, { rights: RIGHTS.read, categories: CATEGORIES.slice(0, 5), purpose: 'treatment' })
    const error = await refusal(verified(chain, AT, need()))
    expect([error.code, error.link]).toEqual(['grant-insufficient', 1])
    expect(error.message).toContain(`link 1 ${what}`)
  })

  test('more links than a chain may have are refused before any is read', async () => {
    const chain = Array.from({ length: FORMAT_LIMITS.grantChain + 1 }, () => new Uint8Array(1))
    const error = await refusal(verified(chain))
    expect([error.code, error.link]).toEqual(['grant-chain-broken', FORMAT_LIMITS.grantChain])
  })

  test('each right stands alone: one given gives no other', async () => {
    const all = Object.values(RIGHTS)
    for (const given of all) {
      const { chain } = await signed([wide], (grant) => ({ ...grant, rights: given }))
      for (const right of all) {
        const asked = verified(chain, AT, { rights: right })
        if (right === given) await asked
        else expect((await refusal(asked)).code).toBe('grant-insufficient')
      }
    }
  })
})

describe('the legal basis', () => {
  const base: Narrowing = {
    categories: 63, rights: 7, purposes: 1, late: 0, early: 0, budget: undefined, standing: false, ticket: false,
  }
  const care = { basis: 'care-team', standing: true } as const
  const duty = { basis: 'legal-duty', purposes: ['legal'], rights: RIGHTS.read | RIGHTS.shareOn } as const

  const one = async (change: Partial<Grant>): Promise<Uint8Array[]> =>
    (await signed([base], (grant) => ({ ...grant, ...change, purposes: [...change.purposes ?? grant.purposes] }))).chain

  test.each<[string, Partial<Grant>]>([
    ['consent', {}], ['consent with a fact', { standing: true }], ['a care team with a fact', care],
    ['consent to research', { purposes: ['research'] }],
    ['a keeper', { ...duty, purposes: ['legal'] }],
  ])('carries %s', async (_, change) => {
    expect((await verified(await one(change))).ids).toHaveLength(1)
  })

  test.each<[string, Partial<Grant>, RegExp]>([
    ['a care team without a fact', { basis: 'care-team' }, /standing/],
    ['a care team that says false', { basis: 'care-team', standing: false }, /standing/],
    ['a care team\'s research', { ...care, purposes: ['treatment', 'research'] }, /no such purpose/],
    ['a care team\'s legal duty', { ...care, purposes: ['legal'] }, /no such purpose/],
    ['vital interest that treats', { basis: 'vital-interest' }, /its own purpose alone/],
    ['vital interest with a fact', {
      basis: 'vital-interest', purposes: ['emergency'], rights: RIGHTS.read, standing: true,
    }, /neither/],
    ['consent to a legal duty', { purposes: ['treatment', 'legal'] }, /takes that basis/],
    ['a keeper that treats', { ...duty, purposes: ['legal', 'treatment'] }, /its own purpose alone/],
    ['a keeper without a duty', { ...duty, purposes: ['treatment'] }, /its own purpose alone/],
    ['a keeper without a purpose', { ...duty, purposes: [] }, /its own purpose alone/],
    ['a keeper that writes', { ...duty, purposes: ['legal'], rights: RIGHTS.read | RIGHTS.write }, /a keeper reads/],
    ['a keeper that relays', { ...duty, purposes: ['legal'], rights: RIGHTS.relay }, /a keeper reads/],
    ['a keeper with a fact', { ...duty, purposes: ['legal'], standing: true }, /not a duty/],
    ['a keeper\'s vendor', { ...duty, purposes: ['legal'], ticket: TICKET }, /vendor/],
  ])('does not carry %s', async (_, change, message) => {
    const error = await refusal(verified(await one(change)))
    expect([error.code, error.link]).toEqual(['grant-basis-invalid', 0])
    expect(error.message).toMatch(message)
  })
})
