import { shapeOf } from '../definitions.ts'
import type { Slot } from '../definitions.ts'

/** What a token parameter takes whose elements are codes, booleans or the like: nothing that has a system. */
export interface PlainToken {
  /** The codes there are; undefined where R4 does not list them. */
  codes: ReadonlySet<string> | undefined
  /** Compared by case: ids, URIs, and codes that R4 lists. */
  exact: boolean
}

/** What FHIR itself compares by case. */
const EXACT: ReadonlySet<string> = new Set(['id', 'uri', 'url', 'canonical', 'oid', 'uuid'])

const BOOLEAN: ReadonlySet<string> = new Set(['true', 'false'])

/**
 * Undefined if some element of the expression has a system of its own (Coding, Identifier…), or cannot be told. Where
 * none has, `system|code` could only ever match nothing (R4 search.html#token: the pipe SHALL NOT be used), and so
 * could a code outside the element's own list.
 */
export function plainTokenOf(expression: string): PlainToken | undefined {
  const codes = new Set<string>()
  let listed = true
  let exact = true
  for (const branch of expression.split('|')) {
    const slot = slotAt(branch.trim().replaceAll(/\.where\(\w+='[^']*'\)/g, ''))
    if (!slot || (slot.kind !== 'primitive' && slot.type !== 'ContactPoint')) return undefined
    const own = slot.type === 'boolean' ? BOOLEAN : slot.codes
    if (own) for (const code of own) codes.add(code)
    else listed = false
    if (!own && !EXACT.has(slot.type)) exact = false
  }
  return { codes: listed ? codes : undefined, exact }
}

/** True if some element of the expression is an Identifier. */
export function hasIdentifiers(expression: string): boolean {
  return expression.split('|').some((branch) => slotAt(branch.trim())?.type === 'Identifier')
}

/** The element at a plain path such as `Patient.contact.gender`. */
function slotAt(path: string): Slot | undefined {
  if (!/^[A-Z]\w*(\.[a-z]\w*)+$/.test(path)) return undefined
  const [type = '', ...steps] = path.split('.')
  let shape = shapeOf(type)
  let slot: Slot | undefined
  for (const step of steps) {
    slot = shape?.slots.get(step)
    if (!slot) return undefined
    shape = slot.shape
  }
  return slot
}
