/** Sections of an International Patient Summary (hl7.fhir.uv.ips 2.0.0, Composition-uv-ips), in reading order. */

export type SectionKey =
  | 'allergies' | 'problems' | 'medications' | 'alerts' | 'immunizations' | 'procedures' | 'devices' | 'results'
  | 'vitalSigns' | 'pastProblems' | 'pregnancy' | 'socialHistory' | 'functionalStatus' | 'planOfCare'
  | 'advanceDirectives'

export interface Section {
  readonly key: SectionKey
  /** LOINC code and its name. */
  readonly code: string
  readonly display: string
  readonly title: Readonly<Record<'fr' | 'en', string>>
  /** The profile wants it even where there is nothing to say. */
  readonly required: boolean
}

const section = (key: SectionKey, code: string, display: string, fr: string, en: string, required = false): Section =>
  ({ key, code, display, title: { fr, en }, required })

export const SECTIONS: readonly Section[] = [
  section('allergies', '48765-2', 'Allergies and adverse reactions Document', 'Allergies et intolérances',
    'Allergies and Intolerances', true),
  section('problems', '11450-4', 'Problem list - Reported', 'Problèmes actifs', 'Problem List', true),
  section('medications', '10160-0', 'History of Medication use Narrative', 'Traitements', 'Medication Summary', true),
  section('alerts', '104605-1', 'Alert', 'Alertes', 'Alerts'),
  section('immunizations', '11369-6', 'History of Immunization note', 'Vaccinations', 'Immunizations'),
  section('procedures', '47519-4', 'History of Procedures Document', 'Actes et interventions', 'History of Procedures'),
  section('devices', '46264-8', 'History of medical device use', 'Dispositifs médicaux', 'Medical Devices'),
  section('results', '30954-2', 'Relevant diagnostic tests/laboratory data note', 'Résultats', 'Results'),
  section('vitalSigns', '8716-3', 'Vital signs note', 'Constantes', 'Vital Signs'),
  section('pastProblems', '11348-0', 'History of Past illness note', 'Antécédents', 'History of Past Problems'),
  section('pregnancy', '10162-6', 'History of pregnancies Narrative', 'Grossesses', 'History of Pregnancy'),
  section('socialHistory', '29762-2', 'Social history note', 'Mode de vie', 'Social History'),
  section('functionalStatus', '47420-5', 'Functional status assessment note', 'Autonomie', 'Functional Status'),
  section('planOfCare', '18776-5', 'Plan of care note', 'Plan de soins', 'Plan of Care'),
  section('advanceDirectives', '42348-3', 'Advance healthcare directives', 'Directives anticipées',
    'Advance Directives'),
]
