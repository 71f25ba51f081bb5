/** The categories of a vault (DESIGN, "Words"): closed list, `strict` bit and names in French and English. */
export const CATEGORIES = [
  { code: 'summary', strict: false, fr: 'Synthèse : allergies, problèmes, vaccinations, constantes',
    en: 'Summary: allergies, problems, immunisations, vital signs' },
  { code: 'medication', strict: false, fr: 'Médicaments', en: 'Medication' },
  { code: 'laboratory', strict: false, fr: 'Biologie', en: 'Laboratory' },
  { code: 'imaging', strict: false, fr: 'Imagerie', en: 'Imaging' },
  { code: 'documents', strict: false, fr: 'Documents', en: 'Documents' },
  { code: 'encounters', strict: false, fr: 'Séjours et consultations', en: 'Encounters' },
  { code: 'administrative', strict: false, fr: 'Administratif', en: 'Administrative' },
  { code: 'mental-health', strict: true, fr: 'Santé mentale, addictions, violences subies',
    en: 'Mental health, addiction, violence suffered' },
  { code: 'sexual-health', strict: true, fr: 'Santé sexuelle et reproductive, VIH',
    en: 'Sexual and reproductive health, HIV' },
  { code: 'notes', strict: true, fr: 'Notes en texte libre et données restreintes',
    en: 'Free-text notes and restricted data' },
  { code: 'unclassified', strict: false, fr: 'Non classé', en: 'Unclassified' },
  { code: 'access-log', strict: false, fr: 'Journal des accès', en: 'Access log' },
  { code: 'private', strict: true, fr: 'Espace privé du patient', en: 'The patient\'s own private space' },
] as const

export type CategoryCode = (typeof CATEGORIES)[number]['code']

const strictCodes: ReadonlySet<string> = new Set(CATEGORIES.filter((c) => c.strict).map((c) => c.code))
const codes: ReadonlySet<string> = new Set(CATEGORIES.map((c) => c.code))

/** True for a code of the closed list. */
export function isCategoryCode(value: unknown): value is CategoryCode {
  return typeof value === 'string' && codes.has(value)
}

/** The public strict bit of a category. */
export function isStrict(code: CategoryCode): boolean {
  return strictCodes.has(code)
}
