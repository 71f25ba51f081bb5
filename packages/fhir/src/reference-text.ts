import { isResourceType } from './definitions.ts'
import { isId } from './primitives.ts'

/** What the text of `Reference.reference` names (R4 references.html#literal). */
export type ParsedReference =
  /** `Patient/1`, also as an absolute URL (then `base` is what precedes it) and with `/_history/2`. */
  | { kind: 'literal', type: string, id: string, version?: string, base?: string }
  /** `#x` inside the same resource; `#` alone is the container. */
  | { kind: 'contained', id: string }
  /** `urn:uuid:…` or `urn:oid:…`, meaningful inside a Bundle. */
  | { kind: 'urn', urn: string }
  /** `Patient?identifier=…`, allowed in transactions. */
  | { kind: 'conditional', type: string, query: string }
  | { kind: 'other' }

const LITERAL = /^(?:(https?:\/\/[^?#\s]+)\/)?([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/([^/\s]+))?$/

/** Reads the text of a reference. Total: what fits no form is `other`. */
export function parseReference(text: string): ParsedReference {
  if (text.startsWith('#')) return { kind: 'contained', id: text.slice(1) }
  if (/^urn:(uuid|oid):/i.test(text)) return { kind: 'urn', urn: text }
  const mark = text.indexOf('?')
  if (mark > 0) {
    const type = text.slice(0, mark)
    return isResourceType(type) ? { kind: 'conditional', type, query: text.slice(mark + 1) } : { kind: 'other' }
  }
  const parts = LITERAL.exec(text)
  const [, base, type = '', id = '', version] = parts ?? []
  if (!parts || !isResourceType(type) || (version !== undefined && !isId(version))) return { kind: 'other' }
  return {
    kind: 'literal',
    type,
    id,
    ...(version === undefined ? {} : { version }),
    ...(base === undefined ? {} : { base }),
  }
}
