import type { AnalyteName, PanelName } from './analytes.ts'
import type { Sensitivity } from './systems.ts'

/** A long-term problem: who has it, what it is treated with, which tests follow it and what it does to them. */
export interface Problem {
  readonly icd10: string
  readonly label: string
  /** How many in a thousand have it from that age on, youngest first. */
  readonly rates: readonly (readonly [age: number, perThousand: number])[]
  readonly sex?: 'male' | 'female'
  /** By how much another problem of the same person multiplies the rate. That problem stands earlier in the list. */
  readonly after?: Readonly<Record<string, number>>
  /** Treatment lines: one ATC code is drawn from each; an empty string means that the line may be left out. */
  readonly drugs?: readonly (readonly string[])[]
  readonly panels?: readonly PanelName[]
  /** What it adds to a healthy mean, in units of the analyte. */
  readonly shifts?: Readonly<Partial<Record<AnalyteName, number>>>
  readonly sensitivity?: Sensitivity
  /** Hospital stays a year that it causes. */
  readonly stays?: number
}

/** Ordered so that causes stand before consequences. */
export const PROBLEMS: readonly Problem[] = [
  { icd10: 'F17.2', label: 'Dépendance au tabac', rates: [[16, 110], [25, 260], [60, 150], [75, 60]],
    drugs: [['N07BA01', '', '', '']], shifts: { hemoglobin: 0.3, leukocytes: 1.2, hdl: -0.1 } },
  { icd10: 'F10.2', label: 'Dépendance à l\'alcool', rates: [[20, 15], [40, 40], [70, 25]], sensitivity: 'ETH',
    after: { 'F17.2': 2.5 }, drugs: [['N07BB03', '']], panels: ['liver', 'bloodCount'],
    shifts: { ggt: 130, ast: 38, alt: 22, mcv: 9, platelets: -55 }, stays: 0.1 },
  { icd10: 'F11.2', label: 'Dépendance aux opioïdes, traitement de substitution', rates: [[20, 6], [60, 2]],
    sensitivity: 'ETH', after: { 'F17.2': 3, 'F10.2': 2 }, drugs: [['N07BC01']], panels: ['liver'], stays: 0.04 },
  { icd10: 'E66.9', label: 'Obésité, sans précision', rates: [[8, 50], [20, 110], [45, 190], [80, 120]],
    shifts: { triglycerides: 0.5, hdl: -0.2, glucose: 0.4, crp: 2 } },
  { icd10: 'E10.9', label: 'Diabète de type 1, sans complication', rates: [[6, 4]],
    drugs: [['A10AE04'], ['A10AB05']], panels: ['diabetes', 'kidney', 'lipids'],
    shifts: { hba1c: 2.3, glucose: 3.4, albuminuria: 9 }, stays: 0.08 },
  { icd10: 'E11.9', label: 'Diabète de type 2, sans complication', rates: [[35, 12], [50, 60], [65, 140], [80, 170]],
    after: { 'E66.9': 2.6, 'E10.9': 0 },
    drugs: [['A10BA02'], ['A10BB09', 'A10BK03', 'A10BJ02', ''], ['A10AE04', '', '', '']],
    panels: ['diabetes', 'kidney', 'lipids'],
    shifts: { hba1c: 1.9, glucose: 2.7, triglycerides: 0.6, albuminuria: 14 }, stays: 0.05 },
  { icd10: 'I10', label: 'Hypertension artérielle essentielle', rates: [[30, 25], [45, 160], [60, 380], [75, 560]],
    after: { 'E66.9': 1.7, 'E11.9': 1.7 },
    drugs: [['C09AA05', 'C09AA04', 'C09CA06'], ['C08CA01', 'C03AA03', '']], panels: ['kidney'],
    shifts: { uricAcid: 35 } },
  { icd10: 'E78.5', label: 'Hyperlipidémie, sans précision', rates: [[30, 40], [50, 190], [65, 290]],
    after: { 'E66.9': 1.4, 'E11.9': 1.8 }, drugs: [['C10AA05', 'C10AA07'], ['C10AX09', '', '', '']],
    panels: ['lipids', 'liver'], shifts: { cholesterol: 1.1, ldl: 0.9, triglycerides: 0.4 } },
  { icd10: 'I25.1', label: 'Cardiopathie artérioscléreuse', rates: [[45, 12], [60, 70], [75, 130]],
    after: { 'F17.2': 2, 'E11.9': 1.8, 'I10': 1.5 }, drugs: [['B01AC06'], ['C07AB07'], ['C10AA05', '']],
    panels: ['lipids', 'bloodCount'], shifts: { ntProBnp: 160 }, stays: 0.16 },
  { icd10: 'I48.9', label: 'Fibrillation et flutter auriculaires, sans précision',
    rates: [[55, 15], [70, 75], [82, 150]],
    after: { 'I10': 1.5 }, drugs: [['B01AF02', 'B01AF02', 'B01AA12'], ['C07AB07', '']],
    panels: ['kidney', 'bloodCount', 'clotting'], shifts: { inr: 1.2, ntProBnp: 420 }, stays: 0.1 },
  { icd10: 'I50.9', label: 'Insuffisance cardiaque, sans précision', rates: [[60, 12], [75, 65], [85, 120]],
    after: { 'I25.1': 4, 'I48.9': 3 }, drugs: [['C03CA01'], ['C09AA05'], ['C03DA01', 'A10BK03', '']],
    panels: ['kidney', 'heart', 'bloodCount'], shifts: { ntProBnp: 1650, sodium: -2, creatinine: 14 }, stays: 0.45 },
  { icd10: 'N18.3', label: 'Maladie rénale chronique, stade 3', rates: [[50, 18], [65, 60], [78, 150]],
    after: { 'E11.9': 2.4, 'I10': 1.6 }, panels: ['kidney', 'bloodCount', 'bone'],
    shifts: { creatinine: 55, potassium: 0.4, hemoglobin: -1.1, albuminuria: 70, uricAcid: 80 }, stays: 0.08 },
  { icd10: 'J45.9', label: 'Asthme, sans précision', rates: [[3, 85], [20, 65], [60, 50]],
    drugs: [['R03AC02'], ['R03AK07', '']], shifts: { leukocytes: 0.4 }, stays: 0.02 },
  { icd10: 'J30.1', label: 'Rhinite allergique due au pollen', rates: [[6, 130], [50, 80]], after: { 'J45.9': 3 },
    drugs: [['R06AX27']] },
  { icd10: 'J44.9', label: 'Maladie pulmonaire obstructive chronique', rates: [[50, 22], [65, 60]],
    after: { 'F17.2': 4.5 }, drugs: [['R03BB04'], ['R03AC02'], ['R03AK07', '']], panels: ['bloodCount'],
    shifts: { hemoglobin: 0.7, crp: 4 }, stays: 0.2 },
  { icd10: 'E03.9', label: 'Hypothyroïdie, sans précision', rates: [[20, 12], [45, 32], [65, 60]],
    drugs: [['H03AA01']], panels: ['thyroid'], shifts: { tsh: 1.7, ldl: 0.3 } },
  { icd10: 'D50.9', label: 'Anémie par carence en fer, sans précision', rates: [[14, 70], [50, 20], [75, 45]],
    sex: 'female', drugs: [['B03AA07']], panels: ['bloodCount', 'iron'],
    shifts: { hemoglobin: -2.7, hematocrit: -6, mcv: -11, ferritin: -49 } },
  { icd10: 'M10.9', label: 'Goutte, sans précision', rates: [[40, 18], [60, 45]], sex: 'male', after: { 'E66.9': 1.8 },
    drugs: [['M04AA01']], panels: ['gout', 'kidney'], shifts: { uricAcid: 110 } },
  { icd10: 'M17.9', label: 'Gonarthrose, sans précision', rates: [[50, 70], [65, 190]], after: { 'E66.9': 1.8 },
    drugs: [['N02BE01'], ['N02AX02', '', '']], stays: 0.05 },
  { icd10: 'M54.5', label: 'Lombalgie basse', rates: [[25, 80], [45, 130]],
    drugs: [['N02BE01', 'M01AE01'], ['N02AX02', '', '']] },
  { icd10: 'M81.9', label: 'Ostéoporose, sans précision', rates: [[55, 60], [70, 190]], sex: 'female',
    drugs: [['M05BA07'], ['A11CC05']], panels: ['bone'], shifts: { vitaminD: -14 }, stays: 0.03 },
  { icd10: 'M06.9', label: 'Polyarthrite rhumatoïde, sans précision', rates: [[35, 5], [55, 9]],
    drugs: [['L04AX03'], ['B03BB01']], panels: ['bloodCount', 'liver', 'inflammation'],
    shifts: { crp: 13, hemoglobin: -0.8, platelets: 70 }, stays: 0.05 },
  { icd10: 'K21.9', label: 'Reflux gastro-œsophagien sans œsophagite', rates: [[25, 60], [50, 120]],
    drugs: [['A02BC01']] },
  { icd10: 'K58.9', label: 'Syndrome de l\'intestin irritable sans diarrhée', rates: [[18, 45]], drugs: [['A03AX12']] },
  { icd10: 'K50.9', label: 'Maladie de Crohn, sans précision', rates: [[18, 3]], drugs: [['A07EC02']],
    panels: ['bloodCount', 'inflammation', 'iron'], shifts: { crp: 17, hemoglobin: -1.1, ferritin: -28, platelets: 90 },
    stays: 0.15 },
  { icd10: 'G43.9', label: 'Migraine, sans précision', rates: [[12, 90], [60, 40]], drugs: [['N02CC01']] },
  { icd10: 'G40.9', label: 'Épilepsie, sans précision', rates: [[4, 7]], drugs: [['N03AX14']], panels: ['bloodCount'],
    stays: 0.08 },
  { icd10: 'G20', label: 'Maladie de Parkinson', rates: [[62, 9], [75, 22]], drugs: [['N04BA02']], stays: 0.12 },
  { icd10: 'G30.9', label: 'Maladie d\'Alzheimer, sans précision', rates: [[70, 25], [82, 120]],
    drugs: [['N06DA02', '']],
    stays: 0.15 },
  { icd10: 'F90.0', label: 'Perturbation de l\'activité et de l\'attention', rates: [[6, 40], [18, 8], [40, 2]],
    sensitivity: 'PSY', drugs: [['N06BA04', '']] },
  { icd10: 'F32.1', label: 'Épisode dépressif moyen', rates: [[16, 40], [30, 70], [75, 80]], sensitivity: 'PSY',
    after: { 'F10.2': 2.5 }, drugs: [['N06AB10', 'N06AB06', 'N06AX16'], ['N05BA04', '', '']], stays: 0.04 },
  { icd10: 'F41.1', label: 'Anxiété généralisée', rates: [[16, 45], [35, 55]], sensitivity: 'PSY',
    after: { 'F32.1': 2.5 }, drugs: [['N06AB10', 'N05BA04', ''], ['N05CF02', '', '']] },
  { icd10: 'F31.9', label: 'Trouble affectif bipolaire, sans précision', rates: [[22, 8]], sensitivity: 'PSY',
    drugs: [['N05AN01']], panels: ['mood', 'kidney', 'thyroid'], shifts: { tsh: 0.6 }, stays: 0.2 },
  { icd10: 'F20.0', label: 'Schizophrénie paranoïde', rates: [[20, 6]], sensitivity: 'PSY', drugs: [['N05AX08']],
    panels: ['lipids', 'diabetes'], shifts: { triglycerides: 0.4 }, stays: 0.35 },
  { icd10: 'F43.1', label: 'État de stress post-traumatique', rates: [[16, 12]], sensitivity: 'PSY',
    drugs: [['N06AB06', '']] },
  { icd10: 'B24', label: 'Maladie par le virus de l\'immunodéficience humaine [VIH]',
    rates: [[20, 4], [35, 7], [70, 2]],
    sensitivity: 'HIV', drugs: [['J05AR20']], panels: ['hiv', 'bloodCount', 'kidney', 'lipids'],
    shifts: { cd4: -120, platelets: -15 }, stays: 0.04 },
  { icd10: 'Z20.6', label: 'Prophylaxie préexposition, sujet exposé au VIH', rates: [[20, 8], [55, 2]],
    sensitivity: 'SEX', after: { 'B24': 0 }, drugs: [['J05AR03']], panels: ['kidney'] },
  { icd10: 'B18.2', label: 'Hépatite virale chronique C', rates: [[30, 4], [55, 7]], after: { 'F11.2': 15 },
    sensitivity: 'STD', drugs: [['J05AP55', '']], panels: ['liver', 'bloodCount'],
    shifts: { alt: 48, ast: 36, ggt: 40 } },
  { icd10: 'N80.9', label: 'Endométriose, sans précision', rates: [[18, 45], [50, 12]], sex: 'female',
    sensitivity: 'SEX',
    drugs: [['G03AC09', '']], stays: 0.04 },
  { icd10: 'Z30.4', label: 'Surveillance de l\'utilisation de contraceptifs', rates: [[16, 340], [36, 180], [50, 0]],
    sex: 'female', sensitivity: 'SEX', drugs: [['G03AA07', 'G03AC09']] },
  { icd10: 'T74.1', label: 'Sévices physiques au sein du foyer', rates: [[18, 9]], sensitivity: 'SDV' },
  { icd10: 'N40', label: 'Hyperplasie de la prostate', rates: [[55, 120], [70, 300]], sex: 'male', drugs: [['G04CA02']],
    panels: ['prostate'], shifts: { psa: 1.9 } },
  { icd10: 'C61', label: 'Tumeur maligne de la prostate', rates: [[60, 18], [72, 55]], sex: 'male',
    drugs: [['L02AE02', '']], panels: ['prostate', 'bloodCount'], shifts: { psa: 7.5, hemoglobin: -0.7 }, stays: 0.2 },
  { icd10: 'C50.9', label: 'Tumeur maligne du sein, sans précision',
    rates: [[40, 12], [55, 35], [70, 50]], sex: 'female',
    drugs: [['L02BG03']], panels: ['bloodCount', 'bone'], shifts: { hemoglobin: -0.8, leukocytes: -1 }, stays: 0.3 },
  { icd10: 'C18.9', label: 'Tumeur maligne du côlon, sans précision', rates: [[50, 6], [70, 20]],
    panels: ['bloodCount', 'iron', 'liver'], shifts: { hemoglobin: -1.6, ferritin: -30, mcv: -5 }, stays: 0.4 },
  { icd10: 'H40.1', label: 'Glaucome primitif à angle ouvert', rates: [[50, 18], [70, 60]], drugs: [['S01EE01']] },
  { icd10: 'L40.9', label: 'Psoriasis, sans précision', rates: [[16, 32]], drugs: [['D05AX02', 'D07AC01']] },
  { icd10: 'L20.9', label: 'Dermatite atopique, sans précision', rates: [[0, 120], [12, 50], [30, 20]],
    drugs: [['D07AC01']] },
]

/** A short illness that brings people to a practice. */
export interface Episode {
  readonly icd10: string
  readonly label: string
  /** How often, among all episodes. */
  readonly weight: number
  readonly ages: readonly [from: number, to: number]
  readonly sex?: 'male' | 'female'
  /** Months of the year (1 to 12) in which it is usual; all of them where absent. */
  readonly months?: readonly number[]
  readonly drugs: readonly string[]
  readonly days: number
  readonly fever?: boolean
  readonly sensitivity?: Sensitivity
}

const WINTER = [10, 11, 12, 1, 2, 3]

export const EPISODES: readonly Episode[] = [
  { icd10: 'J06.9', label: 'Infection aiguë des voies respiratoires supérieures', weight: 30, ages: [0, 110],
    months: WINTER, drugs: ['N02BE01'], days: 7, fever: true },
  { icd10: 'J20.9', label: 'Bronchite aiguë, sans précision', weight: 14, ages: [2, 110], months: WINTER,
    drugs: ['N02BE01', 'R05DA04'], days: 12, fever: true },
  { icd10: 'J11.1', label: 'Grippe avec autres manifestations respiratoires', weight: 12, ages: [3, 110],
    months: [12, 1, 2, 3], drugs: ['N02BE01'], days: 8, fever: true },
  { icd10: 'U07.1', label: 'COVID-19, virus identifié', weight: 9, ages: [1, 110], drugs: ['N02BE01'], days: 9,
    fever: true },
  { icd10: 'H66.9', label: 'Otite moyenne, sans précision', weight: 22, ages: [0, 9], drugs: ['J01CA04', 'N02BE01'],
    days: 8, fever: true },
  { icd10: 'J02.9', label: 'Pharyngite aiguë, sans précision', weight: 14, ages: [3, 60],
    drugs: ['J01CA04', 'N02BE01'], days: 6, fever: true },
  { icd10: 'J18.9', label: 'Pneumopathie, sans précision', weight: 4, ages: [15, 110], months: WINTER,
    drugs: ['J01CR02', 'N02BE01'], days: 21, fever: true },
  { icd10: 'A09.0', label: 'Gastro-entérite d\'origine infectieuse', weight: 13, ages: [1, 110], drugs: ['A07DA03'],
    days: 4 },
  { icd10: 'N30.0', label: 'Cystite aiguë', weight: 15, ages: [15, 110], sex: 'female', drugs: ['J01XX01'], days: 4 },
  { icd10: 'S93.4', label: 'Entorse et foulure de la cheville', weight: 9, ages: [10, 65],
    drugs: ['M01AE01', 'N02BE01'], days: 21 },
  { icd10: 'M54.2', label: 'Cervicalgie', weight: 8, ages: [20, 80], drugs: ['N02BE01', 'M01AE01'], days: 14 },
  { icd10: 'S61.0', label: 'Plaie ouverte d\'un doigt', weight: 4, ages: [5, 70], drugs: ['N02BE01'], days: 10 },
  { icd10: 'B35.3', label: 'Dermatophytose du pied', weight: 4, ages: [15, 80], drugs: ['D01AC01'], days: 21 },
  { icd10: 'K59.0', label: 'Constipation', weight: 6, ages: [1, 110], drugs: ['A06AD65'], days: 30 },
  { icd10: 'R10.4', label: 'Douleurs abdominales, autres et non précisées', weight: 7, ages: [5, 80],
    drugs: ['A03AX12'], days: 5 },
  { icd10: 'G47.0', label: 'Troubles de l\'endormissement et du maintien du sommeil', weight: 6, ages: [25, 110],
    drugs: ['N05CF02'], days: 28 },
  { icd10: 'F43.2', label: 'Troubles de l\'adaptation', weight: 6, ages: [16, 70], drugs: ['N05BA04'], days: 40,
    sensitivity: 'PSY' },
  { icd10: 'A56.0', label: 'Infection à Chlamydia des voies génito-urinaires basses', weight: 2.5, ages: [17, 45],
    drugs: ['J01AA02'], days: 10, sensitivity: 'STD' },
  { icd10: 'A53.9', label: 'Syphilis, sans précision', weight: 0.8, ages: [18, 65], drugs: ['J01CE08'], days: 30,
    sensitivity: 'STD' },
  { icd10: 'Z30.3', label: 'Contraception d\'urgence', weight: 2, ages: [15, 40], sex: 'female', drugs: ['G03AD01'],
    days: 1, sensitivity: 'SEX' },
]
