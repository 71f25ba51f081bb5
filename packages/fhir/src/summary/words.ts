/** Languages a summary is written in: those of the people this system serves. */
export type Language = 'fr' | 'en'

/** Everything a summary says by itself. What comes from the records stays in the language it was written in. */
const WORDS = {
  title: { fr: 'Synthèse médicale du patient', en: 'Patient summary' },
  incompleteTitle: { fr: 'Synthèse médicale du patient (incomplète)', en: 'Patient summary (incomplete)' },
  patient: { fr: 'Patient', en: 'Patient' },
  born: { fr: 'Date de naissance', en: 'Date of birth' },
  gender: { fr: 'Sexe administratif', en: 'Administrative gender' },
  identifiers: { fr: 'Identifiants', en: 'Identifiers' },
  made: { fr: 'Produite le', en: 'Made on' },
  by: { fr: 'Par', en: 'By' },
  automatic: {
    fr: 'Document produit automatiquement à partir du dossier ; relu par personne.',
    en: 'Made automatically from the record; nobody has read it over.',
  },
  leftOut: {
    fr: 'Par principe, cette synthèse ne reprend ni la santé mentale, ni la santé sexuelle, ni l’espace privé, ni ce '
      + 'qui est classé restreint, sauf demande expresse. Ce qu’elle ne dit pas n’est donc pas absent du dossier.',
    en: 'By rule, this summary leaves out mental health, sexual health, the private space and whatever is labelled '
      + 'restricted, unless asked for. What it does not say is therefore not absent from the record.',
  },
  gaps: {
    fr: 'Des éléments de ce dossier n’ont pas pu être ouverts : la synthèse est incomplète. Nombre : ',
    en: 'Parts of this record could not be opened: the summary is incomplete. Number: ',
  },
  wordsOnly: {
    fr: 'Éléments en texte libre non repris ici, à lire dans le dossier : ',
    en: 'Entries in free text not shown here, to be read in the record: ',
  },
  more: { fr: 'Éléments plus anciens non repris ici : ', en: 'Older entries not shown here: ' },
  none: { fr: 'Aucune information disponible.', en: 'No information available.' },
  unavailable: { fr: 'Information non disponible', en: 'No information available' },
  what: { fr: 'Désignation', en: 'What' },
  when: { fr: 'Date', en: 'Date' },
  since: { fr: 'Depuis', en: 'Since' },
  until: { fr: 'Jusqu’à', en: 'Until' },
  status: { fr: 'Statut', en: 'Status' },
  certainty: { fr: 'Certitude', en: 'Certainty' },
  criticality: { fr: 'Criticité', en: 'Criticality' },
  severity: { fr: 'Sévérité', en: 'Severity' },
  reactions: { fr: 'Réactions', en: 'Reactions' },
  dose: { fr: 'Posologie', en: 'Dosage' },
  site: { fr: 'Site', en: 'Site' },
  lot: { fr: 'Lot', en: 'Lot' },
  value: { fr: 'Valeur', en: 'Value' },
  range: { fr: 'Référence', en: 'Reference range' },
  meaning: { fr: 'Interprétation', en: 'Interpretation' },
  kind: { fr: 'Catégorie', en: 'Category' },
  male: { fr: 'masculin', en: 'male' },
  female: { fr: 'féminin', en: 'female' },
  other: { fr: 'autre', en: 'other' },
  unknown: { fr: 'inconnu', en: 'unknown' },
} as const

export type Word = keyof typeof WORDS

/** One text in one language. */
export function word(name: Word, language: Language): string {
  return WORDS[name][language]
}

/** Codes of R4's required lists, as French readers know them; English readers know the codes. */
const CODES: Readonly<Record<string, string>> = {
  'active': 'actif', 'inactive': 'inactif', 'resolved': 'résolu', 'remission': 'en rémission', 'relapse': 'rechute',
  'recurrence': 'récidive', 'confirmed': 'confirmé', 'unconfirmed': 'non confirmé', 'provisional': 'provisoire',
  'differential': 'différentiel', 'low': 'faible', 'high': 'élevée', 'unable-to-assess': 'non évaluable',
  'mild': 'légère', 'moderate': 'modérée', 'severe': 'sévère', 'completed': 'terminé', 'on-hold': 'suspendu',
  'intended': 'prévu', 'unknown': 'inconnu', 'final': 'final', 'preliminary': 'provisoire', 'amended': 'modifié',
  'corrected': 'corrigé', 'registered': 'enregistré', 'partial': 'partiel', 'appended': 'complété',
  'in-progress': 'en cours', 'preparation': 'en préparation', 'stopped': 'arrêté', 'draft': 'brouillon',
  'proposed': 'proposé', 'rejected': 'rejeté', 'male': 'masculin', 'female': 'féminin', 'other': 'autre',
}

/** A status or its like in words. */
export function codeWord(code: string | undefined, language: Language): string {
  if (code === undefined) return ''
  return language === 'fr' && Object.hasOwn(CODES, code) ? (CODES[code] ?? code) : code
}

/**
 * The language to write in: the first of a reader's wishes (an `Accept-Language` value) that is one of ours, else the
 * patient's, else the site's.
 */
export function languageOf(wishes: string | undefined, patient: string | undefined, site: Language): Language {
  const ranked = (wishes ?? '').slice(0, 256).split(',').map((part, place) => {
    const [tag = '', quality = ''] = part.split(';')
    const q = /^\s*q=([01](?:\.\d{1,3})?)\s*$/.exec(quality)?.[1]
    return { language: ourLanguage(tag), weight: quality === '' ? 1 : Number(q ?? 0), place }
  }).filter(({ language, weight }) => language !== undefined && weight > 0)
  const [first] = ranked.toSorted((left, right) => right.weight - left.weight || left.place - right.place)
  return first?.language ?? ourLanguage(patient ?? '') ?? site
}

function ourLanguage(tag: string): Language | undefined {
  const main = tag.trim().toLowerCase().split('-')[0]
  return main === 'fr' || main === 'en' ? main : undefined
}
