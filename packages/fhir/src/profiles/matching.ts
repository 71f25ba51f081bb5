/** `fixed[x]` and `pattern[x]` (R4 elementdefinition.html). */

type Json = Record<string, unknown>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null

/** The same value: nothing more and nothing less. */
export function equals(value: unknown, wanted: unknown): boolean {
  if (!isObject(value) || !isObject(wanted)) return value === wanted
  if (Array.isArray(value) !== Array.isArray(wanted)) return false
  const members = Object.keys(value)
  return members.length === Object.keys(wanted).length
    && members.every((member) => Object.hasOwn(wanted, member) && equals(value[member], wanted[member]))
}

/** At least what the pattern holds; each item of a list of the pattern in any place. */
export function fits(value: unknown, pattern: unknown): boolean {
  if (Array.isArray(pattern)) {
    return Array.isArray(value) && pattern.every((wanted) => value.some((item) => fits(item, wanted)))
  }
  if (!isObject(pattern)) return value === pattern
  return isObject(value) && !Array.isArray(value)
    && Object.entries(pattern).every(([member, wanted]) => fits(value[member], wanted))
}
