/** Order and includes by brute force (R4 search.html#sort, #include, #revinclude). */
import type { Resource } from '@medplum/fhirtypes'
import { amountsIn } from './amounts.ts'
import { toNumber } from './decimals.ts'
import { type Definition, definitionOf, definitionsOf } from './definitions.ts'
import { type Node, nodesIn } from './extract.ts'
import { spansIn } from './moments.ts'
import type { Oracle } from './oracle.ts'
import { fold, stringsIn, tokensIn } from './words.ts'

type Order = string | number

const ordersOf = (definition: Definition, nodes: readonly Node[], descending: boolean): Order[] => {
  switch (definition.kind) {
    case 'token': return nodes.flatMap(tokensIn).map(({ code }) => code ?? '')
    case 'string': return nodes.flatMap(stringsIn).map(fold)
    case 'date': return nodes.flatMap(spansIn).map(({ start, end }) => (descending ? end : start))
    case 'number':
    case 'quantity': return nodes.flatMap(amountsIn).map(({ low, high }) => {
      const bound = descending ? high : low
      return bound === undefined ? (descending ? 1 : -1) * Number.POSITIVE_INFINITY : toNumber(bound)
    })
    case 'reference':
    case 'uri':
    case 'composite':
    case 'special':
    default: throw new Error(`${definition.kind} is not ordered here`)
  }
}

/** Ascending by the least value, descending by the greatest; without a value last. */
const orderOf = (resource: Resource, key: string): Order | undefined => {
  const descending = key.startsWith('-')
  const definition = definitionOf(resource.resourceType, key.replace(/^-/, ''))
  if (definition === undefined) throw new Error(`no parameter ${key}`)
  const orders = ordersOf(definition, nodesIn(resource, definition.expression), descending)
  return orders.reduce<Order | undefined>((best, each) =>
    (best === undefined || (descending ? each > best : each < best) ? each : best), undefined)
}

/** Sorted by `_sort`'s keys in turn, then by id. */
export const sorted = (resources: readonly Resource[], keys: readonly string[]): Resource[] => {
  const rows = resources.map((resource) => ({ resource, orders: keys.map((key) => orderOf(resource, key)) }))
  return rows.toSorted((left, right) => {
    for (const [place, key] of keys.entries()) {
      const [first, second] = [left.orders[place], right.orders[place]]
      if (first === second) continue
      if (first === undefined) return 1
      if (second === undefined) return -1
      return (first < second ? -1 : 1) * (key.startsWith('-') ? -1 : 1)
    }
    return (left.resource.id ?? '') < (right.resource.id ?? '') ? -1 : 1
  }).map(({ resource }) => resource)
}

export interface Include {
  readonly reverse: boolean
  readonly iterate: boolean
  /** `Type:parameter[:target]`, where the parameter may be `*`. */
  readonly value: string
}

const followed = (source: string, code: string): Definition[] => (code === '*'
  ? definitionsOf(source).filter(({ kind }) => kind === 'reference')
  : [definitionOf(source, code)].filter((definition) => definition !== undefined))

const addedBy = (oracle: Oracle, { reverse, value }: Include, from: ReadonlySet<Resource>): Resource[] => {
  const [source = '', code = '', target] = value.split(':')
  const fits = ({ resourceType }: Resource): boolean => target === undefined || resourceType === target
  return followed(source, code).flatMap((definition) => {
    if (!reverse) {
      return [...from].filter(({ resourceType }) => resourceType === source)
        .flatMap((resource) => oracle.referred(resource, definition)).filter(fits)
    }
    return [...oracle.every(source)].filter((resource) =>
      oracle.referred(resource, definition).some((each) => from.has(each) && fits(each)))
  })
}

/** Keys of what a page includes besides its matches. */
export const included = (oracle: Oracle, includes: readonly Include[], page: readonly Resource[]): Set<string> => {
  const all = new Set(page)
  for (let turn = 0, size = -1; size < all.size; turn++) {
    size = all.size
    const from = new Set(all)
    for (const include of includes.filter(({ iterate }) => turn === 0 || iterate)) {
      for (const resource of addedBy(oracle, include, from)) all.add(resource)
    }
  }
  for (const match of page) all.delete(match)
  return new Set([...all].map(({ resourceType, id }) => `${resourceType}/${id}`))
}
