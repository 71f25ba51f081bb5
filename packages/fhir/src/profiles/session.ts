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
}

export function sessionOf(set: ProfileSet, root: Json): Session {
  return { set, around: [root], report: new Report(), verdicts: new WeakMap(), budget: { steps: 0 } }
}

/** Charges one step; false once the resource has cost too much, and nothing more is looked at. */
export function charge(session: Session): boolean {
  return ++session.budget.steps <= LIMITS.profileSteps
}

export function isSpent(session: Session): boolean {
  return session.budget.steps > LIMITS.profileSteps
}

/** Findings, each told once, up to the limit of one resource. */
export class Report {
  readonly findings: Finding[] = []
  readonly #told = new Set<string>()
  hasErrors = false

  add(severity: Finding['severity'], code: Finding['code'], diagnostics: string, item: Item): void {
    if (severity === 'error') this.hasErrors = true
    if (code === 'too-costly') this.findings.length = Math.min(this.findings.length, LIMITS.issues - 1)
    const key = `${item.path} ${diagnostics}`
    if (this.#told.has(key) || this.findings.length >= LIMITS.issues) return
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
  const [root] = session.around
  const entries = root?.['resourceType'] === 'Bundle' && Array.isArray(root['entry']) ? root['entry'] as unknown[] : []
  for (const [at, entry] of entries.entries()) {
    const resource = isJson(entry) ? entry['resource'] : undefined
    if (!isJson(entry) || !isJson(resource)) continue
    const { fullUrl } = entry
    const isIt = fullUrl === text || (typeof fullUrl === 'string' && fullUrl.endsWith(`/${text}`))
      || text === `${String(resource['resourceType'])}/${String(resource['id'])}`
    if (isIt) return resourceItem(resource, `Bundle.entry[${at}].resource`)
  }
  return undefined
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
