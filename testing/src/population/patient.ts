import type { Address, Extension, HumanName, Identifier, Patient, PatientContact } from '@medplum/fhirtypes'
import { civilDate, isoDate } from './calendar.ts'
import type { Chart } from './chart.ts'
import { COMMUNES, NEARBY, STREETS } from './communes.ts'
import { givenNames } from './given-names.ts'
import type { Person } from './identity.ts'
import type { Prng } from './prng.ts'
import { fictionalLandline, fictionalMobile } from './staff.ts'
import { EXTENSION, SYSTEM } from './systems.ts'

/** The FHIR Patient of a chart's person; `comments` are what a secretary typed into the free comment field. */
export function patientResource(chart: Chart, comments: readonly string[]): Patient {
  const { rng, person } = chart
  const minor = person.age < 16
  return {
    resourceType: 'Patient',
    id: person.id,
    extension: [...identityExtensions(person), ...comments.map((valueString) => (
      { url: EXTENSION.administrativeComment, valueString }))],
    identifier: identifiers(rng, person),
    active: true,
    name: humanNames(person),
    telecom: [
      { system: 'phone', value: fictionalMobile(rng), use: 'mobile' },
      ...(rng.chance(0.4) ? [{ system: 'phone', value: fictionalLandline(rng), use: 'home' } as const] : []),
      ...(minor || rng.chance(0.3) ? [] : [{ system: 'email', value: email(rng, person), use: 'home' } as const]),
    ],
    gender: person.sex,
    birthDate: isoDate(person.birthDay),
    address: [address(rng)],
    ...(minor || rng.chance(0.5) ? { contact: [contact(rng, person, minor)] } : {}),
    communication: [{ language: { coding: [{ system: 'urn:ietf:bcp:47', code: 'fr' }] }, preferred: true }],
    generalPractitioner: [chart.generalist],
    managingOrganization: chart.staff.hospital,
  }
}

function identityExtensions(person: Person): Extension[] {
  return [
    {
      url: EXTENSION.birthPlace,
      valueAddress: {
        extension: [{
          url: EXTENSION.inseeCode,
          valueCoding: { system: SYSTEM.inseeCommune, code: person.birthplaceCode },
        }],
        city: person.birthplace.name,
        country: person.birthplace.country,
      },
    },
    {
      url: EXTENSION.identityReliability,
      extension: [{
        url: 'identityStatus',
        valueCoding: { system: SYSTEM.frIdentityStatus, code: person.qualified ? 'VALI' : 'PROV' },
      }],
    },
  ]
}

function identifiers(rng: Prng, person: Person): Identifier[] {
  const record: Identifier = {
    use: 'usual',
    type: { coding: [{ system: SYSTEM.identifierTypes, code: 'PI' }] },
    system: SYSTEM.hospitalRecord,
    value: `IPP${String(rng.u32()).padStart(10, '0')}`,
  }
  if (!person.qualified) return [record]
  const type = { coding: [{ system: SYSTEM.frIdentityTypes, code: 'INS-NIR-TEST' }] }
  return [{ use: 'official', type, system: SYSTEM.insTest, value: person.matricule }, record]
}

function humanNames(person: Person): HumanName[] {
  const given = [...person.given]
  const official: HumanName = {
    extension: [{ url: EXTENSION.birthGivenNames, valueString: given.join(' ') }],
    use: 'official',
    text: `${person.birthFamily.toUpperCase()} ${given.join(' ')}`,
    family: person.birthFamily,
    given,
  }
  if (person.usedFamily === person.birthFamily) return [official]
  return [official, { use: 'usual', text: person.display, family: person.usedFamily, given: given.slice(0, 1) }]
}

function address(rng: Prng): Address {
  const place = rng.pick(rng.chance(0.7) ? NEARBY : COMMUNES)
  const line = `${rng.int(1, 180)}${rng.chance(0.1) ? ' bis' : ''} ${rng.pick(STREETS)}`
  return {
    use: 'home',
    text: `${line}, ${place.postal} ${place.name}`,
    line: [line],
    city: place.name,
    postalCode: place.postal,
    country: place.country,
  }
}

function contact(rng: Prng, person: Person, parent: boolean): PatientContact {
  const female = rng.chance(0.6)
  const bornAbout = civilDate(person.birthDay).year - (parent ? 31 : 0)
  const given = givenNames(female ? 'female' : 'male', bornAbout).draw(rng)
  const relationship = parent
    ? { coding: [{ system: SYSTEM.roleCode, code: female ? 'MTH' : 'FTH' }], text: female ? 'mère' : 'père' }
    : { text: rng.pick(['conjoint', 'personne de confiance', 'enfant', 'ami']) }
  return {
    relationship: [relationship],
    name: { text: `${given} ${person.usedFamily.toUpperCase()}`, family: person.usedFamily, given: [given] },
    telecom: [{ system: 'phone', value: fictionalMobile(rng), use: 'mobile' }],
  }
}

function email(rng: Prng, person: Person): string {
  return `${plain(person.given[0] ?? '')}.${plain(person.usedFamily)}${rng.int(1, 999)}@courriel.example`
}

/** Lower-case ASCII letters only, as an e-mail address wants them. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll('œ', 'oe').normalize('NFD').replace(/[^a-z]/g, '')
}
