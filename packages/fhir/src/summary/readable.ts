/** What of a chart goes into a summary: nothing from strict categories, and of words written by hand none. */
import type { Resource } from '@medplum/fhirtypes'
import { categorise, isStrict } from '../categories.ts'
import type { CategoryCode, RuleTable } from '../categories.ts'
import { isLongLabel, isWrittenNarrative } from '../free-text.ts'

/** A resource of a chart and the category it was sealed in. */
export interface Kept {
  readonly resource: Resource
  readonly category: CategoryCode
}

export type Reading =
  /** `trimmed`: without the words that somebody wrote into it. */
  | { readonly kind: 'shown', readonly resource: Resource, readonly trimmed: boolean }
  /** It says too much in free text to be taken apart. */
  | { readonly kind: 'words-only', readonly resource: Resource }
  /** A strict category that was not asked for: the summary does not tell that there is such a thing. */
  | { readonly kind: 'left-out' }

/**
 * An allergy with a note is sealed among the free-text notes; a summary without that allergy harms, and one with the
 * note tells what no rule has read. So the note goes and the allergy stays.
 */
export function readingOf({ resource, category }: Kept, asked: ReadonlySet<string>, rules?: RuleTable): Reading {
  if (!isStrict(category) || asked.has(category)) return { kind: 'shown', resource, trimmed: false }
  if (category !== 'notes') return { kind: 'left-out' }
  const { rule } = categorise(resource, rules)
  if (rule !== 'free-text') return { kind: 'left-out' }
  const bare = withoutWords(resource)
  return categorise(bare, rules).strict
    ? { kind: 'words-only', resource }
    : { kind: 'shown', resource: subsetted(bare), trimmed: true }
}

/** Members where people write, none of which R4 requires; the strings only where they are strings. */
const WRITTEN: ReadonlySet<string> = new Set(['note', 'presentedForm'])
const WRITTEN_STRINGS: ReadonlySet<string> = new Set(['comment', 'patientInstruction', 'conclusion', 'description',
  'summary'])

type Json = Record<string, unknown>

function withoutWords(resource: Resource): Resource {
  return strip(resource as unknown as Json) as unknown as Resource
}

/** A copy where something goes; the very same object where nothing does, because digits are remembered by object. */
function strip(value: Json): Json {
  let copy: Json | undefined
  for (const [name, member] of Object.entries(value)) {
    const isString = typeof member === 'string' && WRITTEN_STRINGS.has(name)
    const isWords = isString || WRITTEN.has(name) || isNarrative(name, member) || isSpareText(name, member, value)
    const kept = isWords ? undefined : stripped(member)
    if (kept === member) continue
    copy ??= { ...value }
    if (kept === undefined) delete copy[name]
    else copy[name] = kept
  }
  return copy ?? value
}

function stripped(member: unknown): unknown {
  if (typeof member !== 'object' || member === null) return member
  if (!Array.isArray(member)) return strip(member as Json)
  const items = member as unknown[]
  const kept = items.map(stripped)
  return kept.every((item, at) => item === items[at]) ? items : kept
}

function isNarrative(name: string, member: unknown): boolean {
  if (name !== 'text' || typeof member !== 'object' || member === null) return false
  return isWrittenNarrative((member as Json)['status'])
}

/** A long text beside something coded, as of a concept or a dosage: the rest still says what it is. */
function isSpareText(name: string, member: unknown, holder: Json): boolean {
  return name === 'text' && typeof member === 'string' && isLongLabel(member)
    && Object.keys(holder).some((each) => each !== 'text' && each !== 'id')
}

const OBSERVATION_VALUE = 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue'

/** R4 resource.html: what is not the whole resource says so. */
export function subsetted(resource: Resource): Resource {
  const tag = [...(resource.meta?.tag ?? []), { system: OBSERVATION_VALUE, code: 'SUBSETTED' }]
  return { ...resource, meta: { ...resource.meta, tag } }
}
