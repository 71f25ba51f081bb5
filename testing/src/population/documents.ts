import type { Communication, DocumentReference } from '@medplum/fhirtypes'
import { frenchDate, instant } from './calendar.ts'
import type { Chart } from './chart.ts'
import { drug } from './drugs.ts'
import type { Contact } from './encounters.ts'
import { dischargeLetter, type LetterFacts, referralLetter } from './letters.ts'
import { DELICATE, THEME_LABEL, type Theme } from './notes.ts'
import { concept, labels, type Sensitivity, SYSTEM } from './systems.ts'

const DISCHARGE = concept(SYSTEM.loinc, '18842-5', 'Discharge summary', 'Compte rendu d\'hospitalisation')
const REFERRAL = concept(SYSTEM.loinc, '57133-1', 'Referral note', 'Courrier d\'adressage')

function facts(chart: Chart, contact: Contact, reason: string, addressee: string): LetterFacts {
  const present = chart.suffered.filter(({ onset }) => onset <= contact.day)
  const codes = present.flatMap(({ problem }) => problem.drugs?.map((line) => line[0] ?? '') ?? [])
  return {
    patient: chart.person.display,
    born: frenchDate(chart.person.birthDay),
    female: chart.person.sex === 'female',
    matricule: chart.person.qualified ? chart.person.matricule : 'identité provisoire',
    author: contact.doctor.display ?? '',
    addressee,
    day: contact.day,
    reason,
    problems: present.map(({ problem }) => problem.label),
    treatment: codes.filter((code) => code !== '').map((code) => `${drug(code).product} : ${drug(code).dosage}`),
    remark: chart.dictate(chart.rng.chance(0.25) ? chart.rng.pick(DELICATE) : 'clinical', contact.day),
  }
}

function document(
  chart: Chart, contact: Contact, type: DocumentReference['type'] & object, letter: string, day: number,
): DocumentReference {
  const bytes = Buffer.from(letter, 'utf8')
  return {
    resourceType: 'DocumentReference',
    id: chart.rng.uuid(),
    ...labels(contact.sensitivity),
    status: 'current',
    docStatus: 'final',
    type,
    subject: chart.subject,
    date: instant(day, 1010),
    author: [contact.doctor],
    description: type.text ?? '',
    content: [{
      attachment: {
        contentType: 'text/plain; charset=utf-8',
        language: 'fr',
        data: bytes.toString('base64'),
        size: bytes.length,
        title: `${type.text ?? ''} du ${frenchDate(day)}`,
        creation: instant(day, 1010),
      },
    }],
    context: { encounter: [contact.encounter] },
  }
}

/** The letter that a hospital sends at the end of a stay. */
export function dischargeDocument(chart: Chart, contact: Contact, reason: string, days: number): void {
  const letter = dischargeLetter(facts(chart, contact, reason, 'Chère consœur, cher confrère'), days)
  chart.resources.push(document(chart, contact, DISCHARGE, letter, contact.day + days))
}

/** A letter with which the general practitioner asks a colleague's opinion. */
export function referralDocument(chart: Chart, contact: Contact, reason: string): void {
  const letter = referralLetter(facts(chart, contact, reason, 'Cher confrère'))
  chart.resources.push(document(chart, contact, REFERRAL, letter, contact.day))
}

/** Comments for the patient's administrative comment field: mostly harmless, sometimes what should never be there. */
export function administrativeComments(chart: Chart): string[] {
  const { rng } = chart
  const comments: string[] = []
  if (rng.chance(0.3)) comments.push(chart.write('banal', chart.today))
  if (rng.chance(0.06)) comments.push(chart.write(rng.pick(DELICATE), chart.today))
  return comments
}

/** A message between colleagues about the patient. */
function message(chart: Chart, theme: Theme, day: number, sensitivity: Sensitivity | undefined): Communication {
  return {
    resourceType: 'Communication',
    id: chart.rng.uuid(),
    ...labels(sensitivity),
    status: 'completed',
    category: [concept(SYSTEM.communicationCategory, 'notification', 'Notification', 'Message interne')],
    subject: chart.subject,
    sent: instant(day, chart.rng.int(8 * 60, 19 * 60)),
    sender: chart.generalist,
    recipient: [chart.staff.practice],
    payload: [{ contentString: chart.write(theme, day) }],
  }
}

/** Internal messages over the years, some of them delicate, those labelled where HL7 has a label for the theme. */
export function messages(chart: Chart): void {
  const { rng } = chart
  const span = chart.today - chart.since
  if (rng.chance(0.25)) chart.resources.push(message(chart, 'banal', chart.since + rng.int(0, span), undefined))
  const hiv = chart.suffered.some(({ problem }) => problem.icd10 === 'B24')
  if (chart.person.age < 16 || !rng.chance(hiv ? 0.8 : 0.12)) return
  const theme = hiv ? 'hiv' : rng.pick(DELICATE)
  chart.resources.push(message(chart, theme, chart.since + rng.int(0, span), THEME_LABEL[theme]))
}
