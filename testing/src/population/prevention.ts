import type { AllergyIntolerance, Coverage, Immunization } from '@medplum/fhirtypes'
import { isoDate, civilDate, dayNumber, workingDay } from './calendar.ts'
import { ALLERGIES, COVID, INFLUENZA, VACCINES, type Vaccine } from './care-tables.ts'
import type { Chart } from './chart.ts'
import { concept, labels, quantity, status, SYSTEM } from './systems.ts'

/** Vaccinations: the childhood and adult calendar, influenza in autumn, COVID-19 in 2021. */
export function immunisations(chart: Chart): void {
  const { rng, person } = chart
  const born = civilDate(person.birthDay).year
  for (const vaccine of VACCINES) {
    if (born < vaccine.since || !rng.chance(vaccine.coverage)) continue
    vaccine.months.forEach((months, dose) => {
      const day = workingDay(person.birthDay + Math.round(months * 30.44) + rng.int(0, 40))
      if (day <= chart.today && day > chart.today - 15 * 365) given(chart, vaccine, day, dose + 1)
    })
  }
  const thisYear = civilDate(chart.today).year
  const frail = person.age >= 65 || chart.suffered.length >= 3
  for (let year = thisYear - 3; year <= thisYear; year++) {
    const day = workingDay(dayNumber(year, 10, 14) + rng.int(0, 60))
    if (frail && day <= chart.today && rng.chance(INFLUENZA.coverage)) given(chart, INFLUENZA, day, 1)
  }
  const campaign = workingDay(dayNumber(2021, 6, 1) + rng.int(0, 100))
  if (chart.ageOn(campaign) >= 12 && campaign <= chart.today && rng.chance(COVID.coverage)) {
    given(chart, COVID, campaign, 1)
  }
}

function given(chart: Chart, vaccine: Vaccine, day: number, dose: number): void {
  const { rng } = chart
  const immunisation: Immunization = {
    resourceType: 'Immunization',
    id: rng.uuid(),
    ...(vaccine.sensitive && rng.chance(0.1) ? labels('SEX') : undefined),
    status: 'completed',
    vaccineCode: {
      coding: [
        { system: SYSTEM.cvx, code: vaccine.cvx, display: vaccine.display },
        { system: SYSTEM.atc, code: vaccine.atc },
      ],
      text: vaccine.text,
    },
    patient: chart.subject,
    occurrenceDateTime: isoDate(day),
    recorded: isoDate(day),
    primarySource: true,
    lotNumber: `L${rng.int(10, 99)}${rng.pick(['A', 'B', 'C', 'F', 'K'])}${rng.int(1000, 9999)}`,
    site: { text: rng.pick(['deltoïde gauche', 'deltoïde droit']) },
    doseQuantity: quantity(0.5, 'mL', 'mL'),
    performer: [{ actor: chart.generalist }],
    protocolApplied: [{ doseNumberPositiveInt: dose }],
  }
  chart.resources.push(immunisation)
}

/** Known allergies; most people have none. */
export function allergies(chart: Chart): void {
  const { rng } = chart
  if (!rng.chance(0.22)) return
  for (const allergy of new Set([rng.pick(ALLERGIES), rng.pick(ALLERGIES)])) {
    const severe = rng.chance(allergy.severe)
    const resource: AllergyIntolerance = {
      resourceType: 'AllergyIntolerance',
      id: rng.uuid(),
      clinicalStatus: status(SYSTEM.allergyClinical, 'active'),
      verificationStatus: status(SYSTEM.allergyVerification, rng.chance(0.7) ? 'confirmed' : 'unconfirmed'),
      type: 'allergy',
      category: [allergy.category],
      criticality: severe ? 'high' : 'low',
      code: allergy.atc ? concept(SYSTEM.atc, allergy.atc, allergy.text) : { text: allergy.text },
      patient: chart.subject,
      recordedDate: isoDate(chart.since + rng.int(0, Math.max(chart.today - chart.since, 0))),
      recorder: chart.generalist,
      reaction: [{ manifestation: [{ text: allergy.manifestation }], severity: severe ? 'severe' : 'mild' }],
    }
    chart.resources.push(resource)
  }
}

/** Statutory health insurance. */
export function coverage(chart: Chart): void {
  const { rng, person } = chart
  const resource: Coverage = {
    resourceType: 'Coverage',
    id: rng.uuid(),
    identifier: [{ system: SYSTEM.insurer, value: `ADH${rng.u32()}` }],
    status: 'active',
    type: { text: rng.chance(0.08) ? 'Complémentaire santé solidaire' : 'Régime général' },
    subscriber: chart.subject,
    beneficiary: chart.subject,
    relationship: { text: person.age < 18 ? 'ayant droit' : 'assuré' },
    period: { start: isoDate(chart.since) },
    payor: [rng.pick(chart.staff.insurers)],
  }
  chart.resources.push(resource)
}
