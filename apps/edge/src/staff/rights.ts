/**
 * What somebody of the house may open, by the role that the register gives: no wider than that care. The grant that the
 * organisation signs on to a person holds these categories and no others, so the index and the trustees hold them too.
 */
import type { CategoryCode } from '@scelle/fhir/categories'
import type { KnownStatus } from '@scelle/sdk'

export type StaffRole = KnownStatus['role']

const DESK = ['administrative', 'encounters'] as const
const CARE = ['summary', 'medication', 'laboratory', 'documents', ...DESK] as const
const WHOLE = [...CARE, 'imaging', 'mental-health', 'sexual-health', 'notes', 'unclassified'] as const

/** Of each role. An engineer's patients are named by a ticket, to the vendor: the house signs nothing on to it. */
const CATEGORIES_OF: Readonly<Partial<Record<StaffRole, readonly CategoryCode[]>>> = {
  gp: WHOLE,
  specialist: WHOLE,
  'emergency-physician': WHOLE,
  resident: WHOLE,
  'emergency-nurse': WHOLE,
  'triage-nurse': WHOLE,
  'ward-nurse': WHOLE,
  pharmacist: CARE,
  radiologist: [...CARE, 'imaging'],
  laboratory: ['laboratory', ...DESK],
  registration: DESK,
  assistant: DESK,
  // Looks at who opened what, and at nothing else.
  officer: ['access-log', 'administrative'],
}

export const categoriesOf = (role: StaffRole): ReadonlySet<string> => new Set<string>(CATEGORIES_OF[role] ?? [])

/** What an emergency opens without a colleague: what a summary is made of, and nothing that is strict. */
export const EMERGENCY_SUMMARY: readonly CategoryCode[] = ['summary', 'medication', 'laboratory', 'administrative']

/** Whoever keeps the machines has no list of patients, and takes none along. */
export const mayList = (role: StaffRole): boolean => role !== 'engineer' && role !== 'vendor'
