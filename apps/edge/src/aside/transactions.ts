/** Large transactions whose preparation is done beside this thread: what is left is the directory and sealing. */
import type { BundlePart } from '../answers.ts'
import { entryPart, writtenPart } from '../bundle-parts.ts'
import { type Call, requireRights } from '../call.ts'
import { ifMatchOf } from '../negotiation.ts'
import type { Repository } from '../repository.ts'
import type { Search } from '../search.ts'
import type { Change, PlannedChange } from '../writes/planner.ts'
import type { Writer } from '../writes/writer.ts'
import type { Preparation, Prepared, PreparedEntry, ToPrepare } from './prepare.ts'

/** Somewhere else to prepare transactions: see {@link prepareTransaction}. */
export interface Aside {
  /** Bytes from which a body is worth the way there. */
  readonly from: number
  /**
   * No answer where it would be refused, is not for this place, or where there is no room: it is then done here.
   * Throws EdgeError `overloaded` where its preparation failed: doing that here might fail the same way.
   */
  readonly prepare: (asked: ToPrepare) => Promise<Preparation>
  readonly close: () => Promise<void>
}

export interface AsideOptions {
  readonly aside: Aside | undefined
  readonly repository: Pick<Repository, 'read'>
  readonly search: Pick<Search, 'matches'>
  readonly writer: Writer
}

export class PreparedTransactions {
  readonly #options: AsideOptions

  constructor(options: AsideOptions) {
    this.#options = options
  }

  /** The answer's entries; undefined, with nothing done, for what is to be carried out without preparation. */
  async run(call: Call): Promise<BundlePart[] | undefined> {
    const { aside, search, writer } = this.#options
    const { body, base } = call
    if (aside === undefined || body.length < aside.from) return undefined
    const prepared = await aside.prepare({ body, base })
    if (prepared === undefined) return undefined
    if (!('wanted' in prepared)) return this.#carryOut(call, prepared)
    requireRights(call, 'search')
    const { wanted } = prepared
    return writer.underConditions(wanted.map(({ key }) => key), async () => {
      const lookups = new Map<string, readonly string[]>()
      for (const { key, type, query } of wanted) lookups.set(key, await search.matches(call, type, query))
      const again = await aside.prepare({ body, base, lookups })
      return again === undefined || 'wanted' in again ? undefined : this.#carryOut(call, again)
    })
  }

  async #carryOut(call: Call, { count, entries, texts }: Prepared): Promise<BundlePart[]> {
    const answers = new Map<number, BundlePart>()
    try {
      await this.#write(call, entries, texts, answers)
    } finally {
      texts.fill(0)
    }
    for (const { kind, index, type, id } of entries) {
      if (kind !== 'exists') continue
      const entry = await this.#options.repository.read(call.session, type, id)
      answers.set(index, entryPart('200', entry, call, entry.bytes))
    }
    return Array.from({ length: count }, (_, index) =>
      answers.get(index) ?? { head: { response: { status: '204' } } })
  }

  async #write(
    call: Call, entries: readonly PreparedEntry[], texts: Uint8Array, answers: Map<number, BundlePart>,
  ): Promise<void> {
    const writing = entries.filter(({ kind }) => kind !== 'exists')
    if (writing.length === 0) return
    requireRights(call, 'write')
    const { writer } = this.#options
    const held = writing.filter(({ kind }) => kind === 'update').map(({ type, id }) => `${type}/${id}`)
    await writer.holding(held, async () => {
      const planned = await writer.apply(changesOf(writing, texts), [call.base])
      for (const [at, { index }] of writing.entries()) {
        answers.set(index, writtenPart(planned[at] as PlannedChange, call))
      }
    })
  }
}

const changesOf = (entries: readonly PreparedEntry[], texts: Uint8Array): Change[] => {
  let at = 0
  return entries.map(({ kind, index, type, id, ifMatch, ifAbsent, owner, category, size, head, hasMeta }): Change => {
    const plain = texts.subarray(at, at + size)
    at += size
    const version = ifMatchOf(ifMatch)
    return {
      type, id, expression: `Bundle.entry[${index}]`,
      prepared: { owner, category, plain, head, hasMeta },
      ...(kind === 'create' ? { fresh: true } : {}),
      ...(version === undefined ? {} : { ifMatch: version }),
      ...(ifAbsent === undefined ? {} : { ifAbsent }),
    }
  })
}
