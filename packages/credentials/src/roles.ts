/**
 * What the French registers say of a profession, as a role that trustees have a budget for: the only such table. Codes
 * are those of the ANS nomenclatures: professions TRE_G15, categories TRE_R09, skills (savoir-faire) TRE_R38. What it
 * does not list has no role: a wrong guess would be a wrong budget.
 */
import { type PERSON_ROLES } from '@scelle/seal/verify'
import { CredentialError } from './errors.ts'

export type PersonRole = (typeof PERSON_ROLES)[number]

/** One practice of a professional, as Pro Santé Connect has it in `SubjectRefPro.exercices`. */
export interface Practice {
  /** TRE_G15: `10` is a physician. */
  readonly profession: string
  /** TRE_R09: `C` civil, `M` military, `E` student. */
  readonly category?: string | undefined
  /** TRE_R38: `SM54` is general medicine. */
  readonly skill?: string | undefined
}

interface Row {
  readonly profession: string
  readonly category?: string
  readonly skills?: readonly string[]
  readonly role: PersonRole
}

/** The first row that fits. */
const ROLE_TABLE: readonly Row[] = [
  { profession: '10', category: 'E', role: 'resident' },
  // Qualified in, specialist of, and doctor of general medicine.
  { profession: '10', skills: ['SM26', 'SM53', 'SM54', ''], role: 'gp' },
  // Emergency medicine.
  { profession: '10', skills: ['SM59'], role: 'emergency-physician' },
  // Radio-diagnostics; radio-diagnostics and radiotherapy.
  { profession: '10', skills: ['SM44', 'SM55'], role: 'radiologist' },
  // Medical biology.
  { profession: '10', skills: ['SM03'], role: 'laboratory' },
  { profession: '10', role: 'specialist' },
  // Pharmacists who direct or work in medical laboratories are pharmacists to the register: the narrower budget.
  { profession: '21', role: 'pharmacist' },
  { profession: '40', role: 'specialist' },
  { profession: '50', role: 'specialist' },
  { profession: '60', role: 'ward-nurse' },
  { profession: '86', role: 'laboratory' },
]

/**
 * The role of one practice. Emergency and triage nurses, registration, assistants and officers are no professions: a
 * house says so of its people, and a register confirms it or does not.
 *
 * @throws CredentialError `role-unmapped`
 */
export const roleOf = ({ profession, category = '', skill = '' }: Practice): PersonRole => {
  const row = ROLE_TABLE.find((candidate) =>
    candidate.profession === profession &&
    (candidate.category ?? category) === category &&
    (candidate.skills?.includes(skill) ?? true))
  if (row === undefined) throw new CredentialError('role-unmapped')
  return row.role
}
