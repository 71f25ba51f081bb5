/** The state of one resource's validation against profiles. */
import { LIMITS } from '../limits.ts'
import type { Finding } from '../outcomes.ts'
import { isJson, resourceItem } from './items.ts'
import type { Item, Json } from './items.ts'
import type { Profile } from './compile.ts'
import type { ProfileSet } from './profile-set.ts'

export interface Session {
  readonly set: ProfileSet
  /** Resources around the current value: `%rootResource` first, `%resource` last. */
  readonly around: readonly Json[]
  readonly report: Report
  /** Verdicts that were reached already, by value and canonical: slicing by profile asks again and again. */
  readonly verdicts: WeakMap<object, Map<string, boolean>>
  readonly budget: { steps: number }
  /** Verdicts on other values that this one is inside of. */
  readonly depth: number
  /** What the references of a Bundle may name, by each text that names it. */
  readonly entries: () => ReadonlyMap<string, Item>
}

export function sessionOf(set: ProfileSet, root: Json): Session {
  let known: ReadonlyMap<string, Item> | undefined
  const entries = (): ReadonlyMap<string, Item> => (known ??= entriesOf(root))
  return { set, around: [root], report: new Report(), verdicts: new WeakMap(), budget: { steps: 0 }, depth: 0, entries }
}

/** Charges one step; false once the resource has cost too much, and nothing more is looked at. */
export function charge(session: Session): boolean {
  return ++session.budget.steps <= LIMITS.profileSteps
}

export function isSpent(session: Session): boolean {
  return session.budget.steps > LIMITS.profileSteps
}

/**
 * For the verdict on another value; undefined where verdicts go too deep: whoever strings references together must not
 * exhaust the stack. The resource then counts as too costly, never as checked.
 */
export function deeper(session: Session): Session | undefined {
  if (session.depth < LIMITS.profileNesting) return { ...session, depth: session.depth + 1 }
  session.budget.steps = Number.POSITIVE_INFINITY
  return undefined
}

/** Findings, each told once, up to the limit of one resource; errors before all else, which only they refuse. */
export class Report {
  readonly findings: Finding[] = []
  readonly #told = new Set<string>()
  hasErrors = false

  add(severity: Finding['severity'], code: Finding['code'], diagnostics: string, item: Item): void {
    if (severity === 'error') this.hasErrors = true
    if (code === 'too-costly') this.findings.length = Math.min(this.findings.length, LIMITS.issues - 1)
    const key = `${item.path} ${diagnostics}`
    if (this.#told.has(key)) return
    if (this.findings.length >= LIMITS.issues) {
      const lesser = severity === 'error' ? this.findings.findLastIndex((each) => each.severity !== 'error') : -1
      if (lesser < 0) return
      this.findings.splice(lesser, 1)
    }
    this.#told.add(key)
    this.findings.push({ severity, code: code ?? 'structure', diagnostics, expression: item.path })
  }
}

/** Errors name the profile: a resource may declare several. */
export function fault(
  session: Session, profile: Profile, item: Item, what: string, code: Finding['code'] = 'structure',
): void {
  session.report.add('error', code, `${profile.name}: ${what}`, item)
}

export function warn(session: Session, profile: Profile, item: Item, what: string): void {
  session.report.add('warning', 'incomplete', `${profile.name}: ${what}`, item)
}

/** The resource that a Reference names, where it stands in this very resource or Bundle. */
export function targetOf(session: Session, reference: unknown): Item | undefined {
  const text = isJson(reference) ? reference['reference'] : undefined
  if (typeof text !== 'string' || text === '') return undefined
  if (text.startsWith('#')) return containedTarget(session, text.slice(1))
  return session.entries().get(text)
}

/** By fullUrl, by the `Type/id` it ends with, and by its own type and id; the first of a name counts. */
function entriesOf(root: Json): ReadonlyMap<string, Item> {
  const found = new Map<string, Item>()
  const entries = root['resourceType'] === 'Bundle' && Array.isArray(root['entry']) ? root['entry'] as unknown[] : []
  for (const [at, entry] of entries.entries()) {
    const resource = isJson(entry) ? entry['resource'] : undefined
    if (!isJson(entry) || !isJson(resource)) continue
    const { fullUrl } = entry
    const ending = typeof fullUrl === 'string' ? fullUrl.split('/').slice(-2).join('/') : undefined
    for (const text of [fullUrl, ending, `${String(resource['resourceType'])}/${String(resource['id'])}`]) {
      if (typeof text !== 'string' || found.has(text)) continue
      found.set(text, resourceItem(resource, `Bundle.entry[${at}].resource`))
    }
  }
  return found
}

/** `#x`: contained in the outermost resource that is not a Bundle; `#` is that resource. */
function containedTarget({ around }: Session, id: string): Item | undefined {
  const holder = around.find(({ resourceType }) => resourceType !== 'Bundle' && resourceType !== 'Parameters')
  if (holder === undefined) return undefined
  const path = String(holder['resourceType'])
  if (id === '') return resourceItem(holder, path)
  const contained = Array.isArray(holder['contained']) ? holder['contained'] as unknown[] : []
  const at = contained.findIndex((each) => isJson(each) && each['id'] === id)
  return at < 0 ? undefined : resourceItem(contained[at] as Json, `${path}.contained[${at}]`)
}
