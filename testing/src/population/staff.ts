import type { Location, Organization, Practitioner, PractitionerRole, Reference, Resource } from '@medplum/fhirtypes'
import type { Service } from './care-tables.ts'
import { FAMILY_NAMES } from './family-names.ts'
import { givenNames } from './given-names.ts'
import { Prng, type SeedState } from './prng.ts'
import { reference, SYSTEM } from './systems.ts'

/** Stream of the seed that draws the organisations: no patient's index reaches it. */
const STAFF_STREAM = Number.MAX_SAFE_INTEGER

/** The care organisations of a population, and references to them. */
export interface Staff {
  readonly resources: readonly Resource[]
  readonly hospital: Reference<Organization>
  readonly practice: Reference<Organization>
  readonly laboratory: Reference<Organization>
  readonly insurers: readonly Reference<Organization>[]
  readonly generalists: readonly Reference<Practitioner>[]
  readonly biologists: readonly Reference<Practitioner>[]
  readonly services: Readonly<Record<Service, ServiceUnit>>
}

/** One hospital service: its unit, ward and doctors. */
export interface ServiceUnit {
  readonly name: string
  readonly unit: Reference<Organization>
  readonly ward: Reference<Location>
  readonly doctors: readonly Reference<Practitioner>[]
}

const SERVICE_NAMES: Readonly<Record<Service, string>> = {
  medecine: 'Médecine polyvalente',
  chirurgie: 'Chirurgie digestive et orthopédique',
  cardiologie: 'Cardiologie',
  psychiatrie: 'Psychiatrie de l\'adulte',
  maternite: 'Gynécologie-obstétrique',
  urgences: 'Accueil des urgences',
  infectiologie: 'Maladies infectieuses et tropicales',
}

/** Appends the Luhn digit that RPPS and FINESS numbers end with. */
export function withLuhn(body: string): string {
  let sum = 0
  for (let i = 0; i < body.length; i++) {
    const digit = Number(body[body.length - 1 - i])
    const doubled = i % 2 === 0 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return `${body}${(10 - (sum % 10)) % 10}`
}

/** Collects resources while references to them are handed out. */
class Register {
  readonly resources: Resource[] = []
  readonly rng: Prng
  private people = 0
  private sites = 0

  constructor(rng: Prng) {
    this.rng = rng
  }

  organisation(name: string, kind: 'prov' | 'dept' | 'pay', partOf?: Reference<Organization>): Reference<Organization> {
    const id = this.rng.uuid()
    const resource: Organization = {
      resourceType: 'Organization',
      id,
      ...(kind === 'prov' ? { identifier: [this.finess()] } : {}),
      active: true,
      type: [{ coding: [{ system: SYSTEM.organisationType, code: kind }] }],
      name,
      ...(kind === 'prov' ? { telecom: [{ system: 'phone', value: fictionalLandline(this.rng), use: 'work' }] } : {}),
      ...(partOf ? { partOf } : {}),
    }
    this.resources.push(resource)
    return reference('Organization', id, name)
  }

  /** Department 99 does not exist: these FINESS numbers are nobody's. */
  private finess(): { system: string; value: string } {
    return { system: SYSTEM.finess, value: withLuhn(`9900${String(++this.sites).padStart(4, '0')}`) }
  }

  location(name: string, managingOrganization: Reference<Organization>): Reference<Location> {
    const id = this.rng.uuid()
    const resource: Location = {
      resourceType: 'Location', id, status: 'active', name, mode: 'instance', managingOrganization,
    }
    this.resources.push(resource)
    return reference('Location', id, name)
  }

  /** RPPS numbers of people begin with 1 or 8; ours with 999, which is never given. */
  private rpps(): string {
    return withLuhn(`9990000${String(++this.people).padStart(3, '0')}`)
  }

  practitioner(specialty: string, organization: Reference<Organization>): Reference<Practitioner> {
    const female = this.rng.chance(0.52)
    const id = this.rng.uuid()
    const given = givenNames(female ? 'female' : 'male', this.rng.int(1960, 1994)).draw(this.rng)
    const family = FAMILY_NAMES.draw(this.rng)
    const resource: Practitioner = {
      resourceType: 'Practitioner',
      id,
      identifier: [{ use: 'official', system: SYSTEM.rpps, value: this.rpps() }],
      active: true,
      name: [{ use: 'official', text: `Dr ${given} ${family.toUpperCase()}`, family, given: [given], prefix: ['Dr'] }],
      gender: female ? 'female' : 'male',
      qualification: [{ code: { text: specialty } }],
    }
    const self: Reference<Practitioner> = reference('Practitioner', id, `Dr ${given} ${family.toUpperCase()}`)
    const role: PractitionerRole = {
      resourceType: 'PractitionerRole', id: this.rng.uuid(), active: true, practitioner: self, organization,
      specialty: [{ text: specialty }],
    }
    this.resources.push(resource, role)
    return self
  }

  practitioners(count: number, specialty: string, organization: Reference<Organization>): Reference<Practitioner>[] {
    return Array.from({ length: count }, () => this.practitioner(specialty, organization))
  }
}

/** A landline in the range that ARCEP keeps for fiction. */
export function fictionalLandline(rng: Prng): string {
  return `01 99 00 ${pair(rng)} ${pair(rng)}`
}

/** A mobile number in the range that ARCEP keeps for fiction. */
export function fictionalMobile(rng: Prng): string {
  return `06 39 98 ${pair(rng)} ${pair(rng)}`
}

function pair(rng: Prng): string {
  return String(rng.int(0, 99)).padStart(2, '0')
}

/** Draws the organisations of a seed: one hospital with its services, one practice, one laboratory, three insurers. */
export function drawStaff(seed: SeedState): Staff {
  const register = new Register(new Prng(seed, STAFF_STREAM))
  const hospital = register.organisation('Centre hospitalier de Valmont (démonstration)', 'prov')
  const practice = register.organisation('Maison de santé des Trois-Ponts (démonstration)', 'prov')
  const laboratory = register.organisation('Laboratoire de biologie des Quais (démonstration)', 'prov')
  const service = (key: Service): ServiceUnit => {
    const name = SERVICE_NAMES[key]
    const unit = register.organisation(name, 'dept', hospital)
    const ward = register.location(`Unité ${name}`, unit)
    return { name, unit, ward, doctors: register.practitioners(4, name, unit) }
  }
  return {
    hospital, practice, laboratory,
    insurers: ['Caisse primaire', 'Mutuelle agricole', 'Caisse des marins']
      .map((name) => register.organisation(`${name} de démonstration`, 'pay')),
    generalists: register.practitioners(12, 'Médecine générale', practice),
    biologists: register.practitioners(3, 'Biologie médicale', laboratory),
    services: {
      medecine: service('medecine'), chirurgie: service('chirurgie'), cardiologie: service('cardiologie'),
      psychiatrie: service('psychiatrie'), maternite: service('maternite'), urgences: service('urgences'),
      infectiologie: service('infectiologie'),
    },
    resources: register.resources,
  }
}
