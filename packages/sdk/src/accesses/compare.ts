/**
 * Three accounts of one part's accesses against each other: the index's list, each trustee's own, and what the readers
 * wrote into the access log. Each party would have to lie alike for an opening to stay unseen, so whoever differs is
 * named. Pure: nothing is fetched here.
 */
import { type Access, toHex } from '@scelle/seal/verify'
import { type AccessNote, noteOf } from '../entry-text.ts'
import type { ListedAccess } from './listed.ts'
import { type AloneRelease, aloneReleases } from './alone.ts'
import type { ReleasedAccess } from './released.ts'

/** One record of the access log, opened. */
export interface OpenedEntry {
  /** Principal that wrote it, hex. */
  readonly author: string
  readonly content: Uint8Array
}

export interface Accounts {
  readonly index: string
  readonly listed: readonly ListedAccess[]
  /** By the trustee's hex id; undefined for one that gave no list that holds. */
  readonly released: ReadonlyMap<string, readonly ReleasedAccess[] | undefined>
  readonly entries: readonly OpenedEntry[]
  /** Hex ids of the authors of entries that do not open. */
  readonly unopened: readonly string[]
  /** Code of a capsule's category, by the hex of its header hash; undefined for capsules that are gone. */
  readonly categoryOf: (capsule: string) => string | undefined
  /** Owner of the vault, hex, who is not metered there. Undefined in custody: somebody may have claimed it since. */
  readonly owner: string | undefined
  /** Seconds since 1970: what was released after it may have its entry on the way. */
  readonly settled: number
}

export type AccessFindingCode =
  /** A trustee released it, and its reader wrote no entry. Names the reader. */
  | 'entry-missing'
  /** An entry does not open, or does not say what its access says. Names its author. */
  | 'entry-garbled'
  /** A trustee released it, and the index does not list it. Names the index. */
  | 'access-dropped'
  /** A trustee released what the index had refused. Names the trustee. */
  | 'release-unlogged'
  /** A trustee released it, and its word has no charge: its meter is none. Names the trustee. */
  | 'charge-missing'
  /** A trustee gave no list, or one that does not hold. Names the trustee. */
  | 'trustee-silent'

export interface AccessFinding {
  readonly code: AccessFindingCode
  /** Hex id of the principal that has to explain it. */
  readonly who: string
  /** Statement id of the access, hex; absent where it is about none in particular. */
  readonly access?: string
  /** Trustees that released it, hex. */
  readonly releasedBy?: readonly string[]
}

export interface SeenAccess {
  /** Statement id, hex. */
  readonly statement: string
  readonly signed: Uint8Array
  /** Hex ids. */
  readonly reader: string
  readonly chain: readonly string[]
  readonly purpose: Access['purpose']
  /** Milliseconds since 1970, by the reader's clock. */
  readonly time: number
  /** Codes, by what the capsules named belong to, not by anybody's word. */
  readonly categories: readonly string[]
  /** Trustees that released it, hex. */
  readonly releasedBy: readonly string[]
  /** Refusals: by whom, hex, and the code. Where anybody released it all the same, `releasedBy` is not empty. */
  readonly refusals: readonly { readonly by: string; readonly problem: string }[]
  /** What its reader says of it: on whose behalf, with which application. */
  readonly note: AccessNote | undefined
  /** Milliseconds since 1970 at which its reader says that it opened it without a network, oldest first. */
  readonly openedOffline: readonly number[]
  /** Where the index's log has it; absent where the index does not list it. */
  readonly place: ListedAccess['place'] | undefined
}

interface Known {
  readonly signed: Uint8Array
  readonly access: Access
  listed: ListedAccess | undefined
  readonly releasedBy: string[]
  /** Of those, whose word has no charge. */
  readonly unchargedBy: string[]
  readonly refusals: { readonly by: string; readonly problem: string }[]
  releasedAt: number
  note: AccessNote | undefined
  readonly openedOffline: number[]
}

const gathered = ({ index, listed, released }: Accounts): Map<string, Known> => {
  const known = new Map<string, Known>()
  const of = ({ statement, signed, access }: ListedAccess | ReleasedAccess): Known => {
    const there = known.get(statement)
    if (there !== undefined) return there
    const made: Known = {
      signed, access, listed: undefined, releasedBy: [], unchargedBy: [], refusals: [], releasedAt: Infinity,
      note: undefined, openedOffline: [],
    }
    known.set(statement, made)
    return made
  }
  for (const one of listed) {
    const there = of(one)
    if (one.refused === undefined) there.listed = one
    else there.refusals.push({ by: index, problem: one.refused })
  }
  for (const [trustee, releases] of released) {
    for (const one of releases ?? []) {
      const there = of(one)
      if (one.refused !== undefined) there.refusals.push({ by: trustee, problem: one.refused })
      else {
        there.releasedBy.push(trustee)
        if (!one.charged) there.unchargedBy.push(trustee)
        there.releasedAt = Math.min(there.releasedAt, one.at)
      }
    }
  }
  return known
}

const categoriesOf = (access: Access, { categoryOf }: Accounts): string[] =>
  [...new Set(access.capsules.flatMap((capsule) => categoryOf(toHex(capsule)) ?? []))].toSorted()

/** Whether an entry tells nothing that its access denies. Capsules may be gone: then fewer categories are known. */
const agrees = (note: AccessNote, author: string, known: Known, accounts: Accounts): boolean =>
  author === toHex(known.access.reader) &&
  note.purpose === known.access.purpose &&
  categoriesOf(known.access, accounts).every((code) => note.categories.includes(code))

const judgeEntries = (known: ReadonlyMap<string, Known>, accounts: Accounts): AccessFinding[] => {
  const findings = accounts.unopened.map((who): AccessFinding => ({ code: 'entry-garbled', who }))
  for (const { author, content } of accounts.entries) {
    const note = noteOf(content)
    const about = note === undefined ? undefined : known.get(note.statement)
    if (note === undefined || about === undefined) findings.push({ code: 'entry-garbled', who: author })
    else if (!agrees(note, author, about, accounts)) {
      findings.push({ code: 'entry-garbled', who: author, access: note.statement })
    } else if (note.openedOffline === undefined) about.note ??= note
    // What was opened later is told beside the entry about the access, and never instead of it.
    else about.openedOffline.push(note.openedOffline)
  }
  return findings
}

const judgeCharges = (known: ReadonlyMap<string, Known>, { owner }: Accounts): AccessFinding[] =>
  [...known].flatMap(([access, { access: { reader }, unchargedBy }]) => owner === undefined || toHex(reader) === owner
    ? [] : unchargedBy.map((who): AccessFinding => ({ code: 'charge-missing', who, access })))

/** What was released long enough ago for the second word to be there. */
const aloneIn = (known: ReadonlyMap<string, Known>, { index, released, settled }: Accounts): AloneRelease[] => {
  const told = [...known].filter(([, { releasedAt }]) => releasedAt <= settled)
    .map(([access, { access: { reader }, releasedBy, refusals }]) => ({
      access, reader: toHex(reader), releasedBy, refusedBy: refusals.map(({ by }) => by).filter((by) => by !== index),
    }))
  return aloneReleases(told, [...released].flatMap(([who, releases]) => releases === undefined ? [] : [who]))
}

const judgeReleases = (known: ReadonlyMap<string, Known>, { index, settled }: Accounts): AccessFinding[] =>
  [...known].flatMap(([access, { access: { reader }, listed, note, refusals, releasedAt, releasedBy }]) => {
    if (releasedBy.length === 0) return []
    const findings: AccessFinding[] = []
    const refused = refusals.some(({ by }) => by === index)
    if (listed === undefined && refused) {
      findings.push(...releasedBy.map((who): AccessFinding => ({ code: 'release-unlogged', who, access })))
    } else if (listed === undefined) findings.push({ code: 'access-dropped', who: index, access, releasedBy })
    if (note === undefined && releasedAt <= settled) {
      findings.push({ code: 'entry-missing', who: toHex(reader), access, releasedBy })
    }
    return findings
  })

export interface Compared {
  readonly accesses: SeenAccess[]
  readonly findings: AccessFinding[]
  /** Not findings yet: `missingFromAll` says of many together who has to explain them. */
  readonly alone: AloneRelease[]
}

/** Every access that anybody tells of, oldest first, and whatever does not fit. */
export const compareAccounts = (accounts: Accounts): Compared => {
  const known = gathered(accounts)
  const silent = [...accounts.released].flatMap(([who, releases]): AccessFinding[] =>
    releases === undefined ? [{ code: 'trustee-silent', who }] : [])
  // Entries first: they say which accesses have one.
  const garbled = judgeEntries(known, accounts)
  const findings = [...silent, ...garbled, ...judgeReleases(known, accounts), ...judgeCharges(known, accounts)]
  const accesses = [...known].map(([statement, { access, listed, ...rest }]): SeenAccess => ({
    statement,
    signed: rest.signed,
    reader: toHex(access.reader),
    chain: access.chain.map(toHex),
    purpose: access.purpose,
    time: access.time * 1000,
    categories: categoriesOf(access, accounts),
    releasedBy: rest.releasedBy,
    refusals: rest.refusals,
    note: rest.note,
    openedOffline: rest.openedOffline.toSorted((a, b) => a - b),
    place: listed?.place,
  }))
  const alone = aloneIn(known, accounts)
  return { accesses: accesses.toSorted((a, b) => a.time - b.time), findings, alone }
}
