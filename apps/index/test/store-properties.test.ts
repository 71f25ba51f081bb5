/** Random sequences of operations against a model that is too naive to be wrong in the same way. */
import * as fc from 'fast-check'
import { RIGHTS, toHex } from '@scelle/seal/verify'
import { describe, expect, test } from 'vitest'
import { grantedMask } from '../src/decisions.ts'
import { openSqliteStore } from '../src/sqlite-store.ts'
import type { Operation, Outcome, Store } from '../src/store.ts'
import { access, AT, capsule, commit, grant, manifest, plainSigner, record, revocation, vault } from './operations.ts'
import { hasPostgres, openFresh } from './postgres.ts'
import type { OpenedStore } from './store-suite.ts'
import { seeded, temporaryDirectory } from './world.ts'

interface ModelCapsule {
  id: Uint8Array
  hash: Uint8Array
  category: number
  author: number
  open: boolean
}
interface ModelGrant {
  id: Uint8Array
  to: number
  categories: number[]
  rights: number
  revoked: boolean
  above: number | undefined
}
interface Shown {
  category: number
  bytes: string
}

/** What the operations so far should have led to. Principal 0 is the custodian. */
class Model {
  epochs = [0, 0, 0]
  capsules: ModelCapsule[] = []
  grants: ModelGrant[] = []
  versions = new Set<string>()
  commits: Shown[][] = []

  may(who: number, category: number, right: number): boolean {
    return (
      who === 0 ||
      this.grants.some(
        (one) => one.to === who && !one.revoked && (one.rights & right) !== 0 && one.categories.includes(category),
      )
    )
  }

  refusal(who: number, category: number): string {
    const was = this.grants.some(
      (one) => one.to === who && one.revoked && (one.rights & RIGHTS.write) !== 0 && one.categories.includes(category),
    )
    return was ? 'grant-revoked' : 'not-permitted'
  }

  close(categories: number[]): void {
    for (const one of this.capsules) if (categories.includes(one.category)) one.open = false
  }

  revoke(place: number): void {
    const one = this.grants[place] as ModelGrant
    one.revoked = true
    for (const [below, other] of this.grants.entries()) if (other.above === place && !other.revoked) this.revoke(below)
  }

  feed(who: number): string[][] {
    return this.commits
      .map((shown) =>
        shown.filter(({ category }) => this.may(who, category, RIGHTS.read | RIGHTS.relay)).map(({ bytes }) => bytes),
      )
      .filter((shown) => shown.length > 0)
  }
}

type Step =
  | { do: 'grant'; to: number; categories: number[]; rights: number; above: number }
  | { do: 'revoke' | 'access'; which: number }
  | { do: 'open' | 'add'; who: number; which: number; handle: number; version: number }
  | { do: 'rotate'; which: number }
  | { do: 'reopen' }

const small = fc.nat({ max: 2 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('grant' as const),
      to: fc.integer({ min: 1, max: 2 }),
      categories: fc.uniqueArray(small, { minLength: 1 }),
      rights: fc.integer({ min: 1, max: 15 }),
      above: fc.nat({ max: 5 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('revoke' as const, 'access' as const), which: fc.nat({ max: 9 }) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom('open' as const, 'add' as const),
      who: small,
      which: fc.nat({ max: 9 }),
      handle: small,
      version: fc.integer({ min: 1, max: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rotate' as const), which: small }) },
  { weight: 1, arbitrary: fc.constant({ do: 'reopen' as const }) },
)

const requireSame = (found: unknown, wanted: unknown): void => expect(found).toEqual(wanted)

const outcomeName = (outcome: Outcome): string => ('problem' in outcome ? outcome.problem : 'stored')

class Run {
  readonly model = new Model()
  readonly random
  readonly principals: Uint8Array[]
  readonly categories: Uint8Array[]
  readonly handles: Uint8Array[]
  readonly made
  opened: OpenedStore
  manifests: { version: number; previous: Uint8Array }

  constructor(seed: number, opened: OpenedStore) {
    this.opened = opened
    this.random = seeded(`property ${seed}`)
    const draw = (length: number): Uint8Array[] => [0, 1, 2].map(() => this.random(length))
    this.principals = draw(32)
    this.categories = draw(16)
    this.handles = draw(16)
    this.made = vault(this.random, this.principals[0] as Uint8Array, this.categories)
    this.manifests = { version: 1, previous: this.made.manifest.statement.id }
  }

  get store(): Store {
    return this.opened.store
  }

  get part() {
    return { vault: this.made.statement.id, custodian: this.principals[0] as Uint8Array }
  }

  async expect(operation: Operation, expected: string): Promise<void> {
    const [first] = await this.store.apply([operation])
    requireSame(outcomeName(first as Outcome), expected)
    const [again] = await this.store.apply([operation])
    if (expected === 'stored') requireSame(again, first)
    else requireSame(outcomeName(again as Outcome), expected)
  }

  async write(todo: Extract<Step, { who: number }>): Promise<void> {
    const { model } = this
    const fresh = todo.do === 'open'
    const old = fresh ? undefined : model.capsules[todo.which]
    if (!fresh && old === undefined) return
    const category = old?.category ?? todo.which % 3
    const made = capsule(this.random, this.categories[category] as Uint8Array, {
      epoch: model.epochs[category] as number,
    })
    const item = record(this.random, old?.id ?? made.capsule, {
      handle: this.handles[todo.handle] as Uint8Array,
      version: todo.version,
    })
    const version = `${todo.who}/${category}/${todo.handle}/${todo.version}`
    const usable = old === undefined || (old.open && old.author === todo.who)
    const author = this.principals[todo.who] as Uint8Array
    const operation = commit(this.random, { ...this.part, author }, { capsules: fresh ? [made] : [], records: [item] })
    if (!usable) return this.expect(operation, 'capsule-closed')
    if (!model.may(todo.who, category, RIGHTS.write)) return this.expect(operation, model.refusal(todo.who, category))
    if (model.versions.has(version)) return this.expect(operation, 'version-exists')
    await this.expect(operation, 'stored')
    model.versions.add(version)
    if (fresh) model.capsules.push({ id: made.capsule, hash: made.headerHash, category, author: todo.who, open: true })
    model.commits.push(
      [...(fresh ? [made.bytes] : []), item.body as Uint8Array].map((bytes) => ({ category, bytes: toHex(bytes) })),
    )
  }

  async give(todo: Extract<Step, { do: 'grant' }>): Promise<void> {
    const { model } = this
    const above = model.grants[todo.above]
    const operation = grant(
      this.random,
      this.part,
      {
        grantee: this.principals[todo.to] as Uint8Array,
        rights: todo.rights,
        categories: todo.categories.map((i) => this.categories[i] as Uint8Array),
        ...(above === undefined ? {} : { parent: above.id }),
      },
      this.principals[above?.to ?? 0],
    )
    if (above?.revoked === true) return this.expect(operation, 'grant-revoked')
    await this.expect(operation, 'stored')
    model.grants.push({
      id: operation.statement.id,
      to: todo.to,
      categories: todo.categories,
      rights: todo.rights,
      revoked: false,
      above: above === undefined ? undefined : todo.above,
    })
  }

  async take(todo: Step): Promise<void> {
    const { model } = this
    if (todo.do === 'grant') return this.give(todo)
    if (todo.do === 'open' || todo.do === 'add') return this.write(todo)
    if (todo.do === 'reopen') {
      this.opened = await this.opened.reopen()
    } else if (todo.do === 'rotate') {
      model.epochs[todo.which] = (model.epochs[todo.which] as number) + 1
      const next = manifest(this.random, this.part, {
        version: this.manifests.version + 1,
        previous: this.manifests.previous,
        categories: this.categories.map((category, i) => ({ category, epoch: model.epochs[i] as number })),
      })
      await this.expect(next, 'stored')
      this.manifests = { version: this.manifests.version + 1, previous: next.statement.id }
      model.close([todo.which])
    } else if (todo.do === 'revoke') {
      const one = model.grants[todo.which]
      if (one === undefined) return
      await this.expect(revocation(this.random, this.part.vault, one.id), 'stored')
      model.revoke(todo.which)
      model.close(one.categories)
    } else {
      const one = model.capsules[todo.which]
      if (one === undefined) return
      await this.expect(
        access(this.random, this.part, this.part.custodian, { capsules: [one.hash], chain: [] }),
        'stored',
      )
      one.open = false
    }
  }

  async check(): Promise<void> {
    for (const [who, principal] of this.principals.entries()) {
      const grants = await this.store.grants(this.part.vault, { custodian: this.part.custodian, grantee: principal })
      const mask = who === 0 ? -1 : grantedMask(grants, RIGHTS.read | RIGHTS.relay, AT)
      const served: string[][] = []
      for (let after = 0, more = true; more;) {
        const page = await this.store.feed({ ...this.part, mask, after, limit: 3, maxBytes: 1e6 })
        served.push(
          ...page.commits.map((entry) => [
            ...entry.capsules.map(({ bytes }) => toHex(bytes)),
            ...entry.records.map(({ body }) => toHex(body as Uint8Array)),
          ]),
        )
        after = page.last
        more = page.more
      }
      requireSame(served, this.model.feed(who))
    }
  }
}

const openSqlite = async (directory = temporaryDirectory()): Promise<OpenedStore> => {
  const store = openSqliteStore({ directory: directory.path, sign: plainSigner, random: seeded('salts') })
  return {
    store,
    reopen: async () => {
      await store.close()
      return openSqlite(directory)
    },
    remove: async () => {
      await store.close()
      directory.remove()
    },
  }
}

const property = (open: () => Promise<OpenedStore>) =>
  fc.asyncProperty(fc.nat(), fc.array(step, { minLength: 5, maxLength: 60 }), async (seed, steps) => {
    const run = new Run(seed, await open())
    try {
      await run.expect(run.made, 'stored')
      for (const todo of steps) await run.take(todo)
      await run.check()
    } finally {
      await run.opened.remove()
    }
  })

test('the store does what the naive model does', async () => {
  await fc.assert(property(() => openSqlite()), { numRuns: 60 })
})

describe.runIf(hasPostgres)('on PostgreSQL', () => {
  test('the store does what the naive model does', { timeout: 120_000 }, async () => {
    await fc.assert(property(() => openFresh()), { numRuns: 15 })
  })
})
