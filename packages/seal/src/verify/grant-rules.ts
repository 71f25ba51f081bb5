/** What a grant may be by itself, by its legal basis, and below another one. No signature is looked at here. */
import { SealError } from '../errors.ts'
import { type BASES, type Grant, RIGHTS } from '../statements.ts'
import { equalBytes } from './bytes.ts'

export const includes = (ids: readonly Uint8Array[], id: Uint8Array): boolean => ids.some((one) => equalBytes(one, id))

/** Each rule with what a grant that breaks it does. The first broken one is told. */
type Rules = readonly (readonly [holds: boolean, broken: string])[]

const brokenOf = (rules: Rules): string | undefined => rules.find(([holds]) => !holds)?.[1]

/** What a care team does, and no more: research and the law's duties rest on something else. */
const CARE: readonly Grant['purposes'][number][] = ['treatment', 'emergency', 'administration']

const isDuty = ({ purposes }: Grant): boolean => purposes.includes('legal')

const BASIS_RULES: Readonly<Record<(typeof BASES)[number], (grant: Grant) => Rules>> = {
  'care-team': (grant) => [
    [grant.standing === true, 'a care team\'s grant is standing: it is good with a fact alone'],
    [grant.purposes.every((purpose) => CARE.includes(purpose)), 'a care team has no such purpose'],
  ],
  consent: (grant) => [[!isDuty(grant), 'the purpose of a legal duty takes that basis']],
  // To the emergency key alone, which only registered sites hold; who it is, and how often, trustees decide.
  'vital-interest': (grant) => [
    [grant.purposes.every((purpose) => purpose === 'emergency'), 'vital interest has its own purpose alone'],
    [(grant.rights & ~(RIGHTS.read | RIGHTS.shareOn)) === 0, 'in an emergency one reads'],
    [grant.standing !== true && grant.ticket === undefined, 'an emergency has neither appointment nor ticket'],
  ],
  'legal-duty': (grant) => [
    [isDuty(grant) && grant.purposes.every((purpose) => purpose === 'legal'), 'a legal duty has its own purpose alone'],
    [(grant.rights & ~(RIGHTS.read | RIGHTS.shareOn)) === 0, 'a keeper reads, and has its officers read'],
    [grant.standing !== true, 'a fact explains care, not a duty'],
    [grant.ticket === undefined, 'a keeper\'s duty is not done by a vendor'],
  ],
}

/** Throws `grant-basis-invalid`, naming the link, unless its legal basis carries what the grant gives. */
export const requireBasis = (grant: Grant, link: number): void => {
  const broken = brokenOf(BASIS_RULES[grant.basis](grant))
  if (broken !== undefined) throw new SealError('grant-basis-invalid', `link ${link}: ${broken}`, { link })
}

const subsetRules = (child: Grant, parent: Grant, parentId: Uint8Array): Rules => [
  [child.parent !== undefined && equalBytes(child.parent, parentId), 'it names another parent'],
  [(parent.rights & RIGHTS.shareOn) !== 0, 'its parent may not be shared on'],
  [equalBytes(child.vault, parent.vault), 'it is about another vault'],
  [equalBytes(child.custodian, parent.custodian), 'it is about another custodian\'s part'],
  [child.categories.every((category) => includes(parent.categories, category)), 'it adds a category'],
  [(child.rights & ~parent.rights) === 0, 'it adds a right'],
  [child.purposes.every((purpose) => parent.purposes.includes(purpose)), 'it adds a purpose'],
  [child.basis === parent.basis, 'it changes the legal basis'],
  [child.notBefore >= parent.notBefore, 'it begins earlier'],
  [child.expires <= parent.expires, 'it lasts longer'],
  [child.depth < parent.depth, 'it is deeper than allowed'],
  [
    parent.patientsPerDay === undefined || (child.patientsPerDay ?? Infinity) <= parent.patientsPerDay,
    'it widens the budget',
  ],
  [
    (parent.strict ?? []).every((id) => !includes(child.categories, id) || includes(child.strict ?? [], id)),
    'it no longer says that a category is strict',
  ],
  [parent.standing !== true || child.standing === true, 'it is good without a fact'],
  [
    (child.summary ?? []).every((id) => includes(parent.summary ?? [], id)),
    'it adds to what opens without a colleague',
  ],
  // Where none is named above, naming one narrows: the trustee asks for it from then on.
  [
    parent.ticket === undefined || (child.ticket !== undefined && equalBytes(child.ticket, parent.ticket)),
    'it is not under the ticket of its parent',
  ],
]

/** Throws `grant-not-subset`, naming the link, unless the child is within its parent in every field. */
export const requireSubset = (
  child: Grant, { grant: parent, id }: { readonly grant: Grant; readonly id: Uint8Array }, link: number,
): void => {
  const broken = brokenOf(subsetRules(child, parent, id))
  if (broken === undefined) return
  throw new SealError('grant-not-subset', `link ${link} is wider than link ${link - 1}: ${broken}`, { link })
}
