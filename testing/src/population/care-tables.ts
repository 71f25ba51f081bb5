/** A vaccine by CVX and ATC code, and the ages at which the French calendar gives it. */
export interface Vaccine {
  readonly cvx: string
  readonly atc: string
  readonly display: string
  readonly text: string
  /** Ages of the doses, in months, with the share of people who receive them. */
  readonly months: readonly number[]
  readonly coverage: number
  /** Births before this year did not get it in childhood. */
  readonly since: number
  readonly sensitive?: boolean
}

export const VACCINES: readonly Vaccine[] = [
  { cvx: '146', atc: 'J07CA09', display: 'DTaP,IPV,Hib,HepB', text: 'Vaccin hexavalent DTCaP-Hib-HépB',
    months: [2, 4, 11], coverage: 0.95, since: 2013 },
  { cvx: '152', atc: 'J07AL02', display: 'Pneumococcal Conjugate, unspecified formulation',
    text: 'Vaccin pneumococcique conjugué', months: [2, 4, 11], coverage: 0.93, since: 2010 },
  { cvx: '03', atc: 'J07BD52', display: 'MMR', text: 'Vaccin rougeole-oreillons-rubéole', months: [12, 17],
    coverage: 0.9, since: 1986 },
  { cvx: '103', atc: 'J07AH07', display: 'meningococcal C conjugate', text: 'Vaccin méningococcique C conjugué',
    months: [5, 12], coverage: 0.85, since: 2017 },
  { cvx: '130', atc: 'J07CA02', display: 'DTaP-IPV', text: 'Rappel DTCaP', months: [72, 138], coverage: 0.85,
    since: 1998 },
  { cvx: '165', atc: 'J07BM03', display: 'HPV9', text: 'Vaccin papillomavirus humains (9 valences)',
    months: [136, 143], coverage: 0.45, since: 2006, sensitive: true },
  { cvx: '139', atc: 'J07CA01', display: 'Td(adult) unspecified formulation', text: 'Rappel dTP de l\'adulte',
    months: [300, 540, 780, 900], coverage: 0.6, since: 1930 },
  { cvx: '187', atc: 'J07BK03', display: 'zoster recombinant', text: 'Vaccin zona recombinant', months: [792, 796],
    coverage: 0.18, since: 1930 },
]

/** Given every autumn from 65 on, or to people with a long illness. */
export const INFLUENZA: Vaccine = {
  cvx: '150', atc: 'J07BB02', display: 'influenza, injectable, quadrivalent, preservative free',
  text: 'Vaccin grippal saisonnier', months: [], coverage: 0.54, since: 1930,
}

export const COVID: Vaccine = {
  cvx: '208', atc: 'J07BN01', display: 'COVID-19, mRNA, LNP-S, PF, 30 mcg/0.3 mL dose',
  text: 'Vaccin COVID-19 à ARNm', months: [], coverage: 0.8, since: 1900,
}

/** An allergy or intolerance, coded by ATC where a medicine is meant. */
export interface Allergy {
  readonly text: string
  readonly atc?: string
  readonly category: 'medication' | 'food' | 'environment'
  readonly manifestation: string
  readonly severe: number
}

export const ALLERGIES: readonly Allergy[] = [
  { text: 'Amoxicilline', atc: 'J01CA04', category: 'medication',
    manifestation: 'éruption maculopapuleuse', severe: 0.15 },
  { text: 'Acide acétylsalicylique', atc: 'B01AC06', category: 'medication',
    manifestation: 'bronchospasme', severe: 0.3 },
  { text: 'Produit de contraste iodé', atc: 'V08AB', category: 'medication', manifestation: 'urticaire', severe: 0.25 },
  { text: 'Codéine', atc: 'R05DA04', category: 'medication', manifestation: 'nausées et vertiges', severe: 0.05 },
  { text: 'Sulfaméthoxazole-triméthoprime', atc: 'J01EE01', category: 'medication',
    manifestation: 'toxidermie', severe: 0.3 },
  { text: 'Arachide', category: 'food', manifestation: 'œdème de Quincke', severe: 0.6 },
  { text: 'Fruits à coque', category: 'food', manifestation: 'syndrome oral', severe: 0.3 },
  { text: 'Blanc d\'œuf', category: 'food', manifestation: 'urticaire généralisée', severe: 0.2 },
  { text: 'Pollens de graminées', category: 'environment', manifestation: 'rhinoconjonctivite', severe: 0.02 },
  { text: 'Acariens', category: 'environment', manifestation: 'rhinite perannuelle', severe: 0.02 },
  { text: 'Venin de guêpe', category: 'environment', manifestation: 'choc anaphylactique', severe: 0.8 },
  { text: 'Latex', category: 'environment', manifestation: 'eczéma de contact', severe: 0.1 },
]

/** A procedure in the manner of the CCAM. */
export interface Act {
  readonly code: string
  readonly label: string
  /** Problem it is done for, or undefined for a stay without a particular cause. */
  readonly problem?: string
  readonly from: number
  readonly sex?: 'male' | 'female'
  readonly service: Service
}

/** Hospital services of the demonstration hospital. */
export type Service =
  | 'medecine' | 'chirurgie' | 'cardiologie' | 'psychiatrie' | 'maternite' | 'urgences' | 'infectiologie'

/** The service that admits for a problem, by the beginning of its ICD-10 code; the first that fits. */
export const ADMITTING: readonly (readonly [prefix: string, service: Service])[] = [
  ['I', 'cardiologie'], ['F', 'psychiatrie'], ['B24', 'infectiologie'], ['B', 'infectiologie'], ['C', 'chirurgie'],
  ['M17', 'chirurgie'], ['N80', 'chirurgie'],
]

export const ACTS: readonly Act[] = [
  { code: 'DEQP003', label: 'Électrocardiographie sur au moins 12 dérivations',
    problem: 'I', from: 30, service: 'cardiologie' },
  { code: 'DZQM006', label: 'Échographie-doppler transthoracique du cœur',
    problem: 'I', from: 30, service: 'cardiologie' },
  { code: 'DDAF006', label: 'Dilatation intraluminale d\'un vaisseau coronaire avec pose d\'endoprothèse',
    problem: 'I25', from: 40, service: 'cardiologie' },
  { code: 'NFKA007', label: 'Remplacement de l\'articulation du genou par prothèse',
    problem: 'M17', from: 55, service: 'chirurgie' },
  { code: 'QEFA004', label: 'Mastectomie partielle', problem: 'C50', from: 35, sex: 'female', service: 'chirurgie' },
  { code: 'HHFA009', label: 'Colectomie droite', problem: 'C18', from: 45, service: 'chirurgie' },
  { code: 'HHQE002', label: 'Coloscopie totale', problem: 'K50', from: 16, service: 'medecine' },
  { code: 'GLQP008', label: 'Mesure de la capacité vitale et du volume expiratoire',
    problem: 'J', from: 8, service: 'medecine' },
  { code: 'AAQP007', label: 'Électroencéphalographie', problem: 'G', from: 4, service: 'medecine' },
  { code: 'HHFA016', label: 'Appendicectomie', from: 6, service: 'chirurgie' },
  { code: 'HMFC004', label: 'Cholécystectomie par cœlioscopie', from: 30, service: 'chirurgie' },
  { code: 'BFGA004', label: 'Extraction du cristallin avec implantation', from: 65, service: 'chirurgie' },
  { code: 'NEKA020', label: 'Remplacement de l\'articulation coxofémorale par prothèse totale',
    from: 65, service: 'chirurgie' },
  { code: 'ZBQK002', label: 'Radiographie du thorax', from: 2, service: 'urgences' },
  { code: 'ACQK001', label: 'Scanographie du crâne', from: 16, service: 'urgences' },
]

/** Delivery, for women of an age to give birth. */
export const DELIVERY: Act = {
  code: 'JQGD010', label: 'Accouchement céphalique unique par voie naturelle', from: 18, sex: 'female',
  service: 'maternite',
}
