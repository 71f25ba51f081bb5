/** Prepares every transaction, of any size, in this thread, as if it had come back from another one. */
import { randomUUID } from 'node:crypto'
import { DEFAULT_RULES, type RuleTable } from '@scelle/fhir/categories'
import { type Preparation, prepareTransaction, type ToPrepare } from '../src/aside/prepare.ts'
import type { Aside } from '../src/aside/transactions.ts'

export interface Counted extends Aside {
  /** What it answered: everything, searches that it wanted first, nothing. */
  readonly answered: { ready: number; wanted: number; nothing: number }
}

export const preparedHere = (asked: ToPrepare, rules: RuleTable = DEFAULT_RULES): Preparation => {
  try {
    return structuredClone(prepareTransaction(asked, { rules, newId: randomUUID }))
  } catch {
    return undefined
  }
}

export const everythingAside = (): Counted => {
  const answered = { ready: 0, wanted: 0, nothing: 0 }
  return {
    from: 0,
    answered,
    prepare: (asked) => {
      const preparation = preparedHere(asked)
      if (preparation === undefined) answered.nothing++
      else if ('wanted' in preparation) answered.wanted++
      else answered.ready++
      return Promise.resolve(preparation)
    },
    close: () => Promise.resolve(),
  }
}
