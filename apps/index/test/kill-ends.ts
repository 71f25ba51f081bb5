/** Where an index of a test is killed. */
import { seeded } from './world.ts'

/** Of one engine: where it keeps things, and whom it asks to cosign. */
export interface Setting {
  readonly directory: string
  /** Of PostgreSQL; the embedded engine where absent. */
  readonly database?: string
  /** File of the index's identity. */
  readonly identity: string
  readonly trustees: readonly { readonly id: string; readonly url: string }[]
}

/** Where one process ends: the turn of its event loop so many after it came to the point for the `count`-th time. */
export interface End {
  readonly point: string
  readonly count: number
  readonly turns: number
}

/** How often a point is passed in a life of a few requests, about: the counts are drawn below it. */
const TRUSTEES: Readonly<Record<string, number>> = {
  'push-begun': 12, 'push-answered': 12, 'cosigned-begun': 4, 'cosigned-kept': 4,
}
const POINTS = {
  SQLite: {
    'group-begun': 16, 'group-applied': 16, 'group-signed': 16, 'group-written': 16, 'group-durable': 16,
    'publish-begun': 4, 'publish-written': 4, ...TRUSTEES,
  },
  PostgreSQL: {
    'apply-loaded': 16, 'apply-written': 16, 'sequence-begun': 12, 'sequence-written': 12, 'position-signed': 8,
    'position-written': 8, 'publish-begun': 4, 'publish-written': 4, ...TRUSTEES,
  },
} as const satisfies Record<string, Readonly<Record<string, number>>>
export type Engine = keyof typeof POINTS

/** Every point as often as every other, in an order that the seed gives. */
export const endsOf = (engine: Engine, count: number, seed: string): End[] => {
  const points: Readonly<Record<string, number>> = POINTS[engine]
  const random = seeded(`${seed}/ends`)
  const below = (limit: number): number => new DataView(random(4).buffer).getUint32(0) % limit
  const names = Object.keys(points)
  const all = Array.from({ length: count }, (_, i) => ({
    point: names[i % names.length] as string, key: below(2 ** 31),
  }))
  return all.toSorted((a, b) => a.key - b.key).map(({ point }) => ({
    point, count: below(points[point] as number), turns: below(2) === 0 ? 0 : below(6),
  }))
}
