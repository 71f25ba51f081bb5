/**
 * Who may look after whom, as a list of decisions: each signed and logged with the record that holds it, none ever
 * taken out. What follows from them is worked out here, without any key, clock or network.
 */
import { ACCESS_LOG } from '@scelle/seal/keys'
import { SdkError } from '../errors.ts'
import { type Birth, comesOf } from './ages.ts'

/** Category of the decisions themselves: read by the vault's controller, and by no guardian. */
export const GUARDIANSHIP = 'guardianship'
/** What opens in an emergency: one parent does not shut the other out of it. */
export const SUMMARY = 'summary'
/**
 * What the law lets a minor keep from parents (CSP L1111-5, L1111-5-1). Whoever may not see one of them sees none, or
 * the one that is missing would tell what it is about.
 */
export const SECRET: readonly string[] = ['mental-health', 'sexual-health', 'private']

/** Years: from the first on secrets are kept without being asked for; at the second guardianship ends. */
export const AGES = { secrets: 15, majority: 18 } as const
/** Milliseconds that a guardian of an adult is appointed for at most before a judge looks again (Code civil, 441). */
export const REVIEW = 10 * 366 * 24 * 3_600_000

/** Whose vault it is: a minor, or an adult who is under protection until a date. */
export type Ward = { readonly kind: 'minor'; readonly birth: Birth } | { readonly kind: 'adult' }

/** By whose wish, and the document where there is one. `guardian` and `professional`: hex ids of principals. */
export type By =
  | { readonly kind: 'civil-status' | 'court'; readonly reference: string }
  | { readonly kind: 'guardian' | 'professional'; readonly id: string }
  | { readonly kind: 'ward' }

/** `guardian` and `from`: hex ids. `until`: milliseconds since 1970, of an adult's guardian alone, and always there. */
export type Wish =
  | { readonly kind: 'appoint'; readonly guardian: string; readonly categories: readonly string[]
    readonly until?: number; readonly by: By }
  | { readonly kind: 'dismiss'; readonly guardian: string; readonly by: By }
  | { readonly kind: 'hide' | 'show'; readonly category: string; readonly from: readonly string[]; readonly by: By }

/** A wish that was granted. Milliseconds since 1970. */
export type Decision = Wish & { readonly time: number }

/** A grant that a guardian is to have. Times in milliseconds since 1970. */
export interface Wanted {
  readonly to: string
  readonly categories: readonly string[]
  /** Undefined: now. */
  readonly from: number | undefined
  readonly until: number
}

const refuse = (what: string): never => {
  throw new SdkError('guardianship-refused', what)
}

const isAbout = (category: string): readonly string[] => (SECRET.includes(category) ? SECRET : [category])

interface Appointed {
  readonly categories: readonly string[]
  readonly until: number | undefined
  /** Categories hidden, with the kinds of whoever wished it. */
  readonly hidden: Map<string, By[]>
}

/** Guardians now, by hex id. */
const appointedIn = (decisions: readonly Decision[]): Map<string, Appointed> => {
  const guardians = new Map<string, Appointed>()
  const hidden = new Map<string, Map<string, By[]>>()
  for (const decision of decisions) {
    if (decision.kind === 'dismiss') guardians.delete(decision.guardian)
    else if (decision.kind === 'appoint') {
      const { guardian, categories, until } = decision
      const own = hidden.get(guardian) ?? new Map<string, By[]>()
      hidden.set(guardian, own)
      guardians.set(guardian, { categories, until, hidden: own })
    } else {
      for (const one of decision.from) {
        const own = hidden.get(one) ?? new Map<string, By[]>()
        hidden.set(one, own)
        for (const category of isAbout(decision.category)) {
          const others = (own.get(category) ?? []).filter((by) => !isSame(by, decision.by))
          const left = decision.by.kind === 'court' && decision.kind === 'show' ? [] : others
          own.set(category, decision.kind === 'hide' ? [...others, decision.by] : left)
        }
      }
    }
  }
  return guardians
}

/** What one of them hid, that one shows again; a court any. */
const isSame = (one: By, other: By): boolean =>
  one.kind === other.kind && ('id' in one ? one.id : '') === ('id' in other ? other.id : '')

/** Hex ids of all who ever were guardians, and of those who are none any more: nobody gives these anything on. */
export const guardiansIn = (
  decisions: readonly Decision[],
): { readonly ever: ReadonlySet<string>; readonly former: ReadonlySet<string> } => {
  const now = appointedIn(decisions)
  const ever = new Set(decisions.flatMap((one) => (one.kind === 'appoint' ? [one.guardian] : [])))
  return { ever, former: new Set([...ever].filter((id) => !now.has(id))) }
}

const majorityOf = (ward: Ward): number => (ward.kind === 'adult' ? Infinity : comesOf(ward.birth, AGES.majority))

const requireAppointment = (ward: Ward, wish: Wish & { kind: 'appoint' }, now: number): void => {
  if (wish.by.kind !== 'court' && wish.by.kind !== 'civil-status') {
    refuse('A guardian is appointed by civil status or a court; a guardian shares what it was given.')
  }
  if (now >= majorityOf(ward)) refuse('This person is of age: nobody is appointed by the birth any more.')
  const last = ward.kind === 'adult' ? now + REVIEW : undefined
  const isDated = ward.kind === 'adult'
    ? wish.until !== undefined && wish.until > now && wish.until <= (last ?? 0) : wish.until === undefined
  if (!isDated) refuse('A minor\'s guardian is one until majority; an adult\'s until a date, within ten years.')
  const closed = wish.categories.filter((code) => code === ACCESS_LOG || code === GUARDIANSHIP)
  if (closed.length > 0) refuse('Who opened what, and what was decided, is not a guardian\'s to read.')
  if (!wish.categories.includes(SUMMARY)) refuse('Whoever looks after somebody has the emergency summary.')
}

const requireHiding = (
  ward: Ward, { by, category, from }: Wish & { kind: 'hide' | 'show' }, guardians: ReadonlyMap<string, Appointed>,
  now: number,
): void => {
  if (from.length === 0 || from.some((id) => !guardians.has(id))) refuse('A category is hidden from guardians, named.')
  if (by.kind === 'court') return
  if (category === SUMMARY) refuse('Nobody but a court shuts a guardian out of the emergency summary.')
  if (by.kind === 'guardian' && (!guardians.has(by.id) || from.includes(by.id))) {
    refuse('A guardian hides something from another one.')
  }
  if (by.kind === 'ward' && (ward.kind === 'adult' || now < comesOf(ward.birth, AGES.secrets))) {
    refuse('Under fifteen, a professional keeps the secret with the child; an adult under protection asks the court.')
  }
  if (by.kind === 'civil-status') refuse('Civil status says who parents are, not what they see.')
}

/**
 * The decision, once it may be made: every rule of who may wish what stands here. Throws `guardianship-refused`, and
 * `bad-input` for a birth that is no day.
 */
export const decided = (ward: Ward, before: readonly Decision[], wish: Wish, now: number): Decision => {
  const guardians = appointedIn(before)
  if (wish.kind === 'appoint') requireAppointment(ward, wish, now)
  else if (wish.kind === 'dismiss') {
    const own = wish.by.kind === 'guardian' && wish.by.id === wish.guardian
    if (wish.by.kind !== 'court' && !own) refuse('A court dismisses a guardian, or it gives the charge up itself.')
    if (!guardians.has(wish.guardian)) refuse('This principal is no guardian here.')
  } else requireHiding(ward, wish, guardians, now)
  return { ...wish, time: now }
}

/** Steps that are not over: from when, until when, and whether secrets are kept without being asked for. */
const stepsOf = (
  ward: Ward, until: number | undefined, now: number,
): { from: number | undefined; until: number; secrets: boolean }[] => {
  if (ward.kind === 'adult') {
    return until === undefined || until <= now ? [] : [{ from: undefined, until, secrets: false }]
  }
  const [secrets, majority] = [comesOf(ward.birth, AGES.secrets), comesOf(ward.birth, AGES.majority)]
  return [
    { from: undefined, until: secrets, secrets: false },
    { from: secrets > now ? secrets : undefined, until: majority, secrets: true },
  ].filter((step) => step.until > now)
}

/** What guardians are to have now, and, ahead of time, at the next age: the narrower begins as the wider one ends. */
export const wantedAt = (ward: Ward, decisions: readonly Decision[], now: number): Wanted[] =>
  [...appointedIn(decisions)].flatMap(([to, { categories, until: end, hidden }]) =>
    stepsOf(ward, end, now).map(({ from, until, secrets }) => ({
      to, from, until,
      categories: categories.filter((code) =>
        (hidden.get(code) ?? []).length === 0 && !(secrets && SECRET.includes(code))),
    })).filter((one) => one.categories.length > 0))
