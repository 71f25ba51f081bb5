/**
 * What can be said of a transaction from its text alone: checked, planned, its resources written as they will be sealed
 * and put into categories. Done beside the thread that plans against the directory and seals, which is where the edge's
 * time goes while records are imported.
 *
 * It only ever says yes. Whatever is refused, or needs the directory or a rule that is not here, has no answer: the
 * transaction is then carried out as if nobody had looked at it, so there is one place that words refusals.
 */
import type { Bundle, Resource } from '@medplum/fhirtypes'
import { categorise, type RuleTable } from '@scelle/fhir/categories'
import { provideLevel } from '@scelle/fhir/mhd'
import { type ConditionalLookup, type PlannedEntry, planTransaction, transactionLookups } from '@scelle/fhir/references'
import { LIMITS, parseJson } from '@scelle/fhir/validate'
import { pointsAtBinary } from '../attachments/references.ts'
import { checkRequests } from '../bundle-calls.ts'
import { withDecimals } from '../decimals.ts'
import { textOfBody } from '../negotiation.ts'
import { type Around, ownerAmong } from '../writes/owners.ts'
import { ownReferences, plainText, stampPlace } from '../writes/texts.ts'

export type Lookups = ReadonlyMap<string, readonly string[]>

export interface ToPrepare {
  readonly body: Uint8Array
  readonly base: string
  /** Answers to what was `wanted`, where it was asked before. */
  readonly lookups?: Lookups | undefined
}

/** One entry, in the order to carry them out. */
export interface PreparedEntry {
  readonly kind: 'create' | 'update' | 'exists'
  /** Place in the request. */
  readonly index: number
  readonly type: string
  readonly id: string
  readonly ifMatch?: string
  readonly ifAbsent?: true
  /** A patient's reference, or ORGANISATION. */
  readonly owner: string
  readonly category: string
  /** Bytes of its text, and where version and time go into it. */
  readonly size: number
  readonly head: number
  readonly hasMeta: boolean
}

export interface Prepared {
  readonly count: number
  readonly entries: readonly PreparedEntry[]
  /** The texts of the entries, one after another. */
  readonly texts: Uint8Array<ArrayBuffer>
}

/** Searches to be answered first, or all of it, or no answer. */
export type Preparation = { readonly wanted: readonly ConditionalLookup[] } | Prepared | undefined

interface Preparing {
  readonly rules: RuleTable
  readonly newId: () => string
}

/** Needs what is not here: the directory, or a rule about octets and documents. */
class NotAlone extends Error {}

type Written = Extract<PlannedEntry, { kind: 'create' | 'update' | 'exists' }>

/** Throws whatever refuses it: no answer either. */
export const prepareTransaction = ({ body, base, lookups }: ToPrepare, options: Preparing): Preparation => {
  const text = textOfBody(body)
  const bundle = withDecimals(text, parseJson(text, LIMITS.bundleText)) as Bundle | null
  if (bundle?.resourceType !== 'Bundle' || bundle.type !== 'transaction') return undefined
  if (provideLevel(bundle) !== undefined) return undefined
  checkRequests(bundle.entry)
  const wanted = transactionLookups(bundle)
  if (wanted.length > 0 && lookups === undefined) return { wanted }
  const { entries } = planTransaction(bundle, {
    assignId: () => options.newId(), ...(lookups === undefined ? {} : { lookups }),
  })
  const written = entries.map((entry): Written => {
    if (entry.kind === 'create' || entry.kind === 'update' || entry.kind === 'exists') return entry
    throw new NotAlone()
  })
  return writtenAs(written, bundle.entry?.length ?? 0, base, options.rules)
}

const writtenAs = (written: readonly Written[], count: number, base: string, rules: RuleTable): Prepared => {
  const around: Around = {
    bases: [base],
    siblings: siblingsOf(written),
    patientHere: () => {
      throw new NotAlone()
    },
  }
  const texts: Buffer[] = []
  const entries = written.map((entry): PreparedEntry => {
    const { kind, index, type, id } = entry
    if (entry.kind === 'exists') return { kind, index, type, id, ...NOTHING }
    const resource = ownReferences(entry.resource, around.bases)
    requireAlone(resource, around.bases)
    const plain = plainText(resource, id)
    const bytes = Buffer.from(plain)
    texts.push(bytes)
    return {
      kind, index, type, id,
      ...(entry.kind === 'update' && entry.ifMatch !== undefined ? { ifMatch: entry.ifMatch } : {}),
      ...(entry.kind === 'update' && entry.ifAbsent === true ? { ifAbsent: true } : {}),
      owner: ownerAmong(resource, around, undefined),
      category: categorise(resource, rules).category,
      size: bytes.length,
      ...stampPlace(plain),
    }
  })
  return { count, entries, texts: together(texts) }
}

const NOTHING = { owner: '', category: '', size: 0, head: 0, hasMeta: false } as const

const siblingsOf = (written: readonly Written[]): Map<string, Resource> => {
  const put = written.flatMap((entry) => entry.kind === 'exists' ? [] : [entry])
  return new Map(put.length > 1 ? put.map(({ type, id, resource }) => [`${type}/${id}`, resource]) : [])
}

const requireAlone = (resource: Resource, bases: readonly string[]): void => {
  const { resourceType } = resource
  if (resourceType === 'Binary' || resourceType === 'Bundle' || pointsAtBinary(resource, bases)) throw new NotAlone()
}

/** In memory of their own, which can be handed to another thread. */
const together = (texts: readonly Buffer[]): Uint8Array<ArrayBuffer> => {
  const all = new Uint8Array(texts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const text of texts) {
    all.set(text, at)
    text.fill(0)
    at += text.length
  }
  return all
}
