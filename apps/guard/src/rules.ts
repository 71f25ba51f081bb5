/** What may be asked of the legacy system, and by whom. Whatever no rule names is not there. */
import type { PERSON_ROLES, SessionRequest } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import type { Method } from '@scelle/wire/server'
import { GUARD_LIMITS } from './limits.ts'

export interface Rule {
  readonly methods: readonly Method[]
  /** As it stands in a request; `/*` at its end is for all that is below. */
  readonly path: string
  /** People with these roles by the register, in sessions for this purpose. */
  readonly roles: readonly (typeof PERSON_ROLES)[number][]
  readonly purpose: SessionRequest['purposes'][number]
  /** Principal ids in hex: what flows in by itself, such as results. */
  readonly machines: readonly string[]
}

/** Who asks. */
export type Caller =
  | {
    readonly kind: 'person'; readonly id: string; readonly house: string; readonly role: string
    readonly purposes: readonly string[]
  }
  | { readonly kind: 'machine'; readonly id: string }

const PATH = /^(?:\/[A-Za-z0-9._~!$&'()*+,=:@%-]*)+$/

/** What a server may take for another path than this one: where it would read it otherwise, nobody says which. */
const isAmbiguous = (segment: string, isLast: boolean): boolean => {
  if (segment === '' && !isLast) return true
  let read: string
  try {
    read = decodeURIComponent(segment)
  } catch {
    return true
  }
  // A percent sign that is left over would be decoded once more by whoever decodes twice.
  // oxlint-disable-next-line no-control-regex -- a NUL or a line's end is what is looked for
  return read === '.' || read === '..' || /[/\\%;\u0000-\u001f\u007f]/.test(read)
}

/** Refuses a path that two servers could read as two. Throws `bad-request`. */
export const requirePlainPath = (path: string): void => {
  const segments = path.split('/').slice(1)
  const plain = path.length <= GUARD_LIMITS.path && PATH.test(path) &&
    !segments.some((segment, i) => isAmbiguous(segment, i === segments.length - 1))
  if (!plain) throw new Problem('bad-request', 'The path can be read in more than one way. Write it plainly.')
}

const covers = (rule: Rule, method: string, path: string): boolean =>
  rule.methods.some((one) => one === method) && (rule.path.endsWith('/*')
    ? path.startsWith(rule.path.slice(0, -1))
    : path === rule.path)

const lets = (rule: Rule, caller: Caller): boolean => (caller.kind === 'machine'
  ? rule.machines.includes(caller.id)
  : rule.roles.some((role) => role === caller.role) && caller.purposes.includes(rule.purpose))

/**
 * Place of the rule that lets this caller ask this. Throws `not-found`, the same for what is not there and for what is
 * not this caller's.
 */
export const ruleFor = (rules: readonly Rule[], caller: Caller, method: string, path: string): number => {
  const place = rules.findIndex((rule) => covers(rule, method, path) && lets(rule, caller))
  if (place < 0) throw new Problem('not-found')
  return place
}
