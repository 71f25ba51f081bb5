import type { CodeableConcept, DiagnosticReport, Observation, Reference } from '@medplum/fhirtypes'
import { type Analyte, type AnalyteName, ANALYTES, type PanelName, PANELS } from './analytes.ts'
import { instant } from './calendar.ts'
import type { Chart } from './chart.ts'
import type { Contact } from './encounters.ts'
import { concept, labels, quantity, type Sensitivity, SYSTEM } from './systems.ts'

type Value = readonly [AnalyteName, number]

/** A person's own level of each analyte: the healthy mean of the sex, displaced by person and by disease. */
export class Levels {
  private readonly own = new Map<AnalyteName, number>()
  private readonly chart: Chart

  constructor(chart: Chart) {
    this.chart = chart
  }

  private ownLevel(name: AnalyteName): number {
    const known = this.own.get(name)
    if (known !== undefined) return known
    const analyte: Analyte = ANALYTES[name]
    const level = analyte.mean[this.chart.person.sex === 'male' ? 0 : 1] + this.chart.rng.normal() * analyte.between
    this.own.set(name, level)
    return level
  }

  /** One measurement: own level, plus what present diseases add (slowly growing), plus one sample's scatter. */
  measure(name: AnalyteName, day: number): number {
    const analyte: Analyte = ANALYTES[name]
    let value = this.ownLevel(name) + this.chart.rng.normal() * analyte.within
    for (const { problem, onset, severity } of this.chart.suffered) {
      const shift = problem.shifts?.[name]
      if (shift === undefined || onset > day) continue
      const years = (day - onset) / 365
      value += shift * severity * Math.min(0.7 + years * 0.06, 1.25) * (0.9 + this.chart.rng.float() * 0.2)
    }
    return Math.max(value, analyte.floor)
  }
}

/** Measures a panel, keeping the quantities that depend on each other consistent. */
function measurePanel(chart: Chart, levels: Levels, panel: PanelName, day: number): Value[] {
  const found = new Map<AnalyteName, number>()
  for (const name of PANELS[panel].analytes) found.set(name, levels.measure(name, day))
  const of = (name: AnalyteName): number => found.get(name) ?? 0
  if (panel === 'bloodCount') {
    found.set('hematocrit', of('hemoglobin') * 2.98)
    found.set('erythrocytes', of('hematocrit') * 10 / of('mcv'))
  } else if (panel === 'lipids') {
    found.set('cholesterol', of('ldl') + of('hdl') + of('triglycerides') / 2.2)
  } else if (panel === 'kidney') {
    found.set('egfr', ckdEpi(of('creatinine'), chart.ageOn(day), chart.person.sex === 'female'))
  }
  return [...found].map(([name, value]): Value => [name, rounded(value, ANALYTES[name].decimals)])
}

function rounded(value: number, decimals: number): number {
  const scale = 10 ** decimals
  return Math.round(value * scale) / scale
}

/** Estimated filtration rate (CKD-EPI 2021) from creatinine in µmol/L, at most 130. */
function ckdEpi(micromolar: number, age: number, female: boolean): number {
  const ratio = micromolar / 88.4 / (female ? 0.7 : 0.9)
  const low = Math.min(ratio, 1) ** (female ? -0.241 : -0.302)
  const high = Math.max(ratio, 1) ** -1.2
  return Math.min(142 * low * high * 0.9938 ** age * (female ? 1.012 : 1), 130)
}

const LABORATORY: CodeableConcept[] =
  [concept(SYSTEM.observationCategory, 'laboratory', 'Laboratory', 'Biologie')]
const SERVICE: CodeableConcept[] = [{ coding: [{ system: SYSTEM.diagnosticService, code: 'LAB' }] }]

const INTERPRETATIONS: Readonly<Record<'H' | 'L' | 'N', CodeableConcept[]>> = {
  H: [concept(SYSTEM.interpretation, 'H', 'High', 'supérieur aux valeurs de référence')],
  L: [concept(SYSTEM.interpretation, 'L', 'Low', 'inférieur aux valeurs de référence')],
  N: [concept(SYSTEM.interpretation, 'N', 'Normal')],
}

/** When a sample was taken, how sensitive it is and during which stay. */
interface Sample {
  readonly day: number
  readonly sensitivity: Sensitivity | undefined
  readonly during: Pick<Observation, 'encounter'>
}

/** People are admitted because they are ill: inflammation shows. */
function acute(chart: Chart, [name, value]: Value): Value {
  if (name === 'crp') return [name, rounded(value + chart.rng.float() ** 2 * 140, 1)]
  if (name === 'leukocytes') return [name, rounded(value + chart.rng.float() * 5, 1)]
  return [name, value]
}

function result(chart: Chart, [name, value]: Value, { day, sensitivity, during }: Sample): Observation {
  const { rng } = chart
  const analyte: Analyte = ANALYTES[name]
  const { low, high } = analyte[chart.person.sex]
  const flag = high !== undefined && value > high ? 'H' : low !== undefined && value < low ? 'L' : 'N'
  const remark = rng.chance(0.02) ? chart.write('clinical', day) : undefined
  return {
    resourceType: 'Observation',
    id: rng.uuid(),
    ...labels(sensitivity),
    status: 'final',
    category: LABORATORY,
    code: concept(SYSTEM.loinc, analyte.code, analyte.display, analyte.text),
    subject: chart.subject,
    ...during,
    effectiveDateTime: instant(day, 465),
    issued: instant(day, 1020),
    performer: [chart.staff.laboratory],
    valueQuantity: quantity(value, analyte.unit, analyte.ucum),
    interpretation: INTERPRETATIONS[flag],
    ...(remark ? { note: [{ text: remark }] } : {}),
    referenceRange: [{
      ...(low === undefined ? {} : { low: quantity(low, analyte.unit, analyte.ucum) }),
      ...(high === undefined ? {} : { high: quantity(high, analyte.unit, analyte.ucum) }),
    }],
  }
}

const SENSITIVE_PANELS: Readonly<Partial<Record<PanelName, Sensitivity>>> = { hiv: 'HIV', mood: 'PSY' }

/** One report with its results; `contact` is the hospital stay during which the sample was taken, if it was. */
export function laboratoryReport(chart: Chart, levels: Levels, name: PanelName, day: number, contact?: Contact): void {
  const panel = PANELS[name]
  const sample: Sample = {
    day,
    sensitivity: contact?.sensitivity ?? SENSITIVE_PANELS[name],
    during: contact ? { encounter: contact.encounter } : {},
  }
  const values = measurePanel(chart, levels, name, day)
  const observations = values.map((value) => result(chart, contact ? acute(chart, value) : value, sample))
  const biologist = chart.rng.pick(chart.staff.biologists)
  const report: DiagnosticReport = {
    resourceType: 'DiagnosticReport',
    id: chart.rng.uuid(),
    ...labels(sample.sensitivity),
    status: 'final',
    category: SERVICE,
    code: concept(SYSTEM.loinc, panel.code, panel.display, panel.text),
    subject: chart.subject,
    ...sample.during,
    effectiveDateTime: instant(day, 465),
    issued: instant(day, 1025),
    performer: [chart.staff.laboratory],
    resultsInterpreter: [biologist],
    result: observations.map((observation): Reference<Observation> => ({
      reference: `Observation/${observation.id ?? ''}`, display: observation.code.text ?? '',
    })),
    ...(chart.rng.chance(0.2) ? { conclusion: conclusion(observations) } : {}),
  }
  chart.resources.push(...observations, report)
}

function conclusion(observations: readonly Observation[]): string {
  const odd = observations.filter((o) => o.interpretation?.[0]?.coding?.[0]?.code !== 'N').map((o) => o.code.text)
  return odd.length === 0 ? 'Résultats dans les valeurs de référence.' : `À contrôler : ${odd.join(', ')}.`
}
