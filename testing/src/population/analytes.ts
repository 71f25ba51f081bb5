/** Reference bounds of one sex; a missing one is open. */
export interface Bounds { readonly low?: number; readonly high?: number }

/** What a laboratory measures: LOINC code, UCUM unit, reference range, and how it spreads among healthy adults. */
export interface Analyte {
  readonly code: string
  readonly display: string
  /** As a French report prints it. */
  readonly text: string
  readonly unit: string
  readonly ucum: string
  readonly decimals: number
  readonly male: Bounds
  readonly female: Bounds
  /** Mean of healthy men and women. */
  readonly mean: readonly [number, number]
  /** Spread between people, and from one sample of a person to the next. */
  readonly between: number
  readonly within: number
  /** No value under this leaves the laboratory. */
  readonly floor: number
}

const same = (low?: number, high?: number): { male: Bounds; female: Bounds } => {
  const bounds: Bounds = { ...(low === undefined ? {} : { low }), ...(high === undefined ? {} : { high }) }
  return { male: bounds, female: bounds }
}

const G_L = ['g/dL', 'g/dL'] as const
const MMOL = ['mmol/L', 'mmol/L'] as const

const SERUM = 'in Serum or Plasma'

function analyte(
  code: string, display: string, text: string, [unit, ucum]: readonly [string, string], decimals: number,
  bounds: { male: Bounds; female: Bounds }, mean: readonly [number, number],
  [between, within, floor]: readonly [number, number, number],
): Analyte {
  return { code, display, text, unit, ucum, decimals, ...bounds, mean, between, within, floor }
}

/** Every analyte by a short name that problems and panels use. */
export const ANALYTES = {
  hba1c: analyte('4548-4', 'Hemoglobin A1c/Hemoglobin.total in Blood', 'Hémoglobine glyquée (HbA1c)', ['%', '%'], 1,
    same(4, 6), [5.3, 5.3], [0.25, 0.12, 3.8]),
  glucose: analyte('14771-0', `Fasting glucose [Moles/volume] ${SERUM}`, 'Glycémie à jeun', MMOL, 2,
    same(4.1, 6.1), [5.0, 4.9], [0.35, 0.25, 2.6]),
  creatinine: analyte('14682-9', `Creatinine [Moles/volume] ${SERUM}`, 'Créatininémie', ['µmol/L', 'umol/L'], 0,
    { male: { low: 60, high: 110 }, female: { low: 45, high: 90 } }, [80, 64], [9, 4, 25]),
  egfr: analyte('62238-1',
    'Glomerular filtration rate/1.73 sq M.predicted [Volume Rate/Area] in Serum, Plasma or Blood by '
    + 'Creatinine-based formula (CKD-EPI)', 'Débit de filtration glomérulaire estimé (CKD-EPI)',
    ['mL/min/1,73 m²', 'mL/min/{1.73_m2}'], 0, same(60), [95, 95], [10, 3, 6]),
  potassium: analyte('2823-3', `Potassium [Moles/volume] ${SERUM}`, 'Potassium', MMOL, 1,
    same(3.5, 5.1), [4.2, 4.1], [0.2, 0.18, 2.6]),
  sodium: analyte('2951-2', `Sodium [Moles/volume] ${SERUM}`, 'Sodium', MMOL, 0, same(136, 145), [140, 140],
    [1.2, 1.3, 118]),
  cholesterol: analyte('14647-2', `Cholesterol [Moles/volume] ${SERUM}`, 'Cholestérol total', MMOL, 2,
    same(undefined, 5.2), [5.0, 5.1], [0.7, 0.25, 2.2]),
  hdl: analyte('14646-4', `Cholesterol in HDL [Moles/volume] ${SERUM}`, 'Cholestérol HDL', MMOL, 2,
    same(1.03), [1.25, 1.5], [0.22, 0.08, 0.5]),
  ldl: analyte('22748-8', `Cholesterol in LDL [Moles/volume] ${SERUM}`, 'Cholestérol LDL', MMOL, 2,
    same(undefined, 3.4), [3.1, 3.0], [0.6, 0.2, 0.6]),
  triglycerides: analyte('14927-8', `Triglyceride [Moles/volume] ${SERUM}`, 'Triglycérides', MMOL, 2,
    same(undefined, 1.7), [1.3, 1.05], [0.35, 0.2, 0.35]),
  hemoglobin: analyte('718-7', 'Hemoglobin [Mass/volume] in Blood', 'Hémoglobine', G_L, 1,
    { male: { low: 13, high: 17 }, female: { low: 12, high: 16 } }, [14.9, 13.4], [0.7, 0.35, 6.2]),
  hematocrit: analyte('4544-3', 'Hematocrit [Volume Fraction] of Blood by Automated count', 'Hématocrite', ['%', '%'],
    1, { male: { low: 40, high: 52 }, female: { low: 36, high: 46 } }, [44.5, 40.5], [2, 1, 20]),
  erythrocytes: analyte('789-8', 'Erythrocytes [#/volume] in Blood by Automated count', 'Hématies',
    ['T/L', '10*12/L'], 2, { male: { low: 4.3, high: 5.8 }, female: { low: 3.9, high: 5.2 } }, [5.0, 4.5],
    [0.25, 0.1, 2.2]),
  mcv: analyte('787-2', 'MCV [Entitic mean volume] in Red Blood Cells by Automated count', 'VGM', ['fL', 'fL'], 0,
    same(80, 100), [89, 89], [3, 0.8, 60]),
  leukocytes: analyte('6690-2', 'Leukocytes [#/volume] in Blood by Automated count', 'Leucocytes', ['G/L', '10*9/L'],
    1, same(4, 10), [6.7, 6.8], [1.1, 0.7, 1.2]),
  platelets: analyte('777-3', 'Platelets [#/volume] in Blood by Automated count', 'Plaquettes', ['G/L', '10*9/L'], 0,
    same(150, 400), [240, 262], [35, 14, 35]),
  tsh: analyte('3016-3', `Thyrotropin [Units/volume] ${SERUM}`, 'TSH', ['mUI/L', 'm[IU]/L'], 2,
    same(0.4, 4), [1.8, 1.9], [0.5, 0.25, 0.05]),
  crp: analyte('1988-5', `C reactive protein [Mass/volume] ${SERUM}`, 'Protéine C réactive', ['mg/L', 'mg/L'], 1,
    same(undefined, 5), [2.4, 2.6], [1, 0.7, 0.3]),
  alt: analyte('1742-6', `Alanine aminotransferase [Enzymatic activity/volume] ${SERUM}`, 'ALAT', ['UI/L', 'U/L'], 0,
    same(undefined, 45), [27, 20], [6, 3, 6]),
  ast: analyte('1920-8', `Aspartate aminotransferase [Enzymatic activity/volume] ${SERUM}`, 'ASAT', ['UI/L', 'U/L'],
    0, same(undefined, 40), [25, 21], [4, 2.5, 8]),
  ggt: analyte('2324-2', `Gamma glutamyl transferase [Enzymatic activity/volume] ${SERUM}`, 'Gamma-GT',
    ['UI/L', 'U/L'], 0, { male: { high: 60 }, female: { high: 40 } }, [30, 20], [9, 4, 6]),
  ferritin: analyte('2276-4', `Ferritin [Mass/volume] ${SERUM}`, 'Ferritine', ['µg/L', 'ug/L'], 0,
    { male: { low: 30, high: 300 }, female: { low: 15, high: 150 } }, [130, 58], [35, 8, 3]),
  vitaminD: analyte('14635-7', `25-hydroxyvitamin D3 [Moles/volume] ${SERUM}`, '25-hydroxyvitamine D',
    ['nmol/L', 'nmol/L'], 0, same(75), [68, 66], [16, 8, 12]),
  ntProBnp: analyte('33762-6', `Natriuretic peptide.B prohormone N-Terminal [Mass/volume] ${SERUM}`, 'NT-proBNP',
    ['ng/L', 'ng/L'], 0, same(undefined, 300), [90, 110], [35, 20, 10]),
  inr: analyte('6301-6', 'INR in Platelet poor plasma by Coagulation assay', 'INR', ['INR', '{INR}'], 1,
    same(undefined, 1.2), [1.0, 1.0], [0.04, 0.04, 0.8]),
  psa: analyte('2857-1', `Prostate specific Ag [Mass/volume] ${SERUM}`, 'PSA total', ['µg/L', 'ug/L'], 2,
    same(undefined, 4), [1.3, 0.01], [0.5, 0.15, 0.01]),
  albuminuria: analyte('14959-1', 'Microalbumin/Creatinine [Mass Ratio] in Urine', 'Albuminurie/créatininurie',
    ['mg/g', 'mg/g'], 0, same(undefined, 30), [9, 10], [4, 3, 1]),
  uricAcid: analyte('14933-6', `Urate [Moles/volume] ${SERUM}`, 'Acide urique', ['µmol/L', 'umol/L'], 0,
    { male: { low: 200, high: 420 }, female: { low: 140, high: 360 } }, [330, 265], [45, 20, 90]),
  hivLoad: analyte('20447-9', `HIV 1 RNA [#/volume] (viral load) ${SERUM} by NAA with probe detection`,
    'Charge virale VIH-1', ['copies/mL', '{copies}/mL'], 0, same(undefined, 50), [24, 24], [8, 9, 20]),
  cd4: analyte('24467-3', 'CD3+CD4+ (T4 helper) cells [#/volume] in Blood', 'Lymphocytes T CD4+',
    ['/mm³', '/uL'], 0, same(500, 1500), [720, 740], [160, 55, 20]),
  lithium: analyte('14334-7', `Lithium [Moles/volume] ${SERUM}`, 'Lithiémie', MMOL, 2, same(0.6, 1.2),
    [0.75, 0.75], [0.08, 0.08, 0.1]),
} as const satisfies Record<string, Analyte>

export type AnalyteName = keyof typeof ANALYTES

/** A group of analytes reported together. */
export interface Panel {
  readonly code: string
  readonly display: string
  readonly text: string
  readonly analytes: readonly AnalyteName[]
}

export const PANELS = {
  bloodCount: {
    code: '58410-2', display: 'CBC panel - Blood by Automated count', text: 'Hémogramme',
    analytes: ['hemoglobin', 'hematocrit', 'erythrocytes', 'mcv', 'leukocytes', 'platelets'],
  },
  lipids: {
    code: '24331-1', display: 'Lipid 1996 panel - Serum or Plasma', text: 'Exploration d\'une anomalie lipidique',
    analytes: ['cholesterol', 'hdl', 'ldl', 'triglycerides'],
  },
  kidney: {
    code: '24362-6', display: 'Renal function 2000 panel - Serum or Plasma', text: 'Fonction rénale et ionogramme',
    analytes: ['creatinine', 'egfr', 'potassium', 'sodium'],
  },
  liver: {
    code: '24325-3', display: 'Hepatic function 2000 panel - Serum or Plasma', text: 'Bilan hépatique',
    analytes: ['alt', 'ast', 'ggt'],
  },
  diabetes: {
    code: '11502-2', display: 'Laboratory report', text: 'Suivi du diabète',
    analytes: ['hba1c', 'glucose', 'albuminuria'],
  },
  thyroid: { code: '11502-2', display: 'Laboratory report', text: 'Bilan thyroïdien', analytes: ['tsh'] },
  inflammation: { code: '11502-2', display: 'Laboratory report', text: 'Bilan inflammatoire', analytes: ['crp'] },
  iron: { code: '11502-2', display: 'Laboratory report', text: 'Bilan martial', analytes: ['ferritin'] },
  heart: { code: '11502-2', display: 'Laboratory report', text: 'Marqueur cardiaque', analytes: ['ntProBnp'] },
  clotting: { code: '11502-2', display: 'Laboratory report', text: 'Surveillance des AVK', analytes: ['inr'] },
  prostate: { code: '11502-2', display: 'Laboratory report', text: 'Marqueur prostatique', analytes: ['psa'] },
  bone: { code: '11502-2', display: 'Laboratory report', text: 'Bilan vitaminique', analytes: ['vitaminD'] },
  gout: { code: '11502-2', display: 'Laboratory report', text: 'Uricémie', analytes: ['uricAcid'] },
  hiv: {
    code: '11502-2', display: 'Laboratory report', text: 'Suivi virologique et immunitaire',
    analytes: ['hivLoad', 'cd4'],
  },
  mood: { code: '11502-2', display: 'Laboratory report', text: 'Dosage du lithium', analytes: ['lithium'] },
} as const satisfies Record<string, Panel>

export type PanelName = keyof typeof PANELS
