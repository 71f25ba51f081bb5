/**
 * Who asks, by the word of listed issuers, and whose meters that charges. What a request says of itself counts for
 * nothing: a hospital that invents staff, or a person with ten devices, shows the same meters.
 */
import {
  decode, decodeSigned, equalBytes, type Grant, ORGANISATION_ROLES, type PrincipalKeys, requireCurrentKey, requireSuite,
  type Role, Status, toHex, verifySigned,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import type { ShownPrincipals } from '../shown.ts'
import { type Budget, BUDGETS, UNREGISTERED } from './budgets.ts'

/** Valid statuses that a request shows, by their subjects. */
export interface ShownStatuses {
  readonly of: (subject: Uint8Array) => Status | undefined
}

/** One meter that a release is charged to. */
export interface Metered {
  /** Meter id of a person; principal id of an organisation or a vendor. */
  readonly key: Uint8Array
  readonly scope: 'person' | 'organisation' | 'vendor'
  readonly budget: Budget
  /** Of an organisation or vendor, by the register; a further bound. */
  readonly patientsPerDay?: number | undefined
}

export interface Standing {
  readonly reader: Uint8Array
  readonly role: Role | undefined
  /** The reader's own meter. */
  readonly own: Metered
  /** All that are charged, the reader's own first. Each once. */
  readonly meters: readonly Metered[]
  /** Organisations that the reader acts for, and vendors behind them: nobody of these is a second source. */
  readonly houses: readonly Uint8Array[]
  readonly stepUp: Uint8Array | undefined
}

const isHouse = (role: Role): boolean => ORGANISATION_ROLES.some((one) => one === role)

/**
 * Verifies statuses: signed by a listed issuer under its newest key, and valid now. Throws `status-required`,
 * `bad-statement`, SealError.
 */
export const verifyStatuses = async (
  signed: readonly Uint8Array[], issuers: readonly Uint8Array[], principals: ShownPrincipals, now: number,
): Promise<ShownStatuses> => {
  const shown = new Map<string, Status>()
  for (const bytes of signed) {
    const { signer } = decodeSigned('status', bytes)
    const issuer = issuers.some((id) => equalBytes(id, signer)) ? principals.find(signer) : undefined
    if (issuer === undefined) throw new Problem('status-required', 'A status is by nobody whom this trustee lists.')
    const { body, signed: statement } = await verifySigned('status', bytes, issuer)
    requireCurrentKey(statement, issuer)
    const status = decode(Status, body)
    requireSuite(status)
    if (now < status.notBefore || now >= status.expires) {
      throw new Problem('status-required', 'A status that is shown is not valid at this time. Ask its issuer again.')
    }
    const name = toHex(status.subject)
    if (shown.has(name)) throw new Problem('bad-statement', 'Two statuses of one principal are shown. Show one.')
    shown.set(name, status)
  }
  return { of: (subject) => shown.get(toHex(subject)) }
}

/** Whose budget is that of a person, known to a listed issuer. */
const personMeter = ({ meter, role }: Status): Metered => ({ key: meter, scope: 'person', budget: BUDGETS[role] })

const houseMeter = (id: Uint8Array, status: Status | undefined): Metered => ({
  key: id,
  scope: status?.role === 'vendor' ? 'vendor' : 'organisation',
  budget: status === undefined ? UNREGISTERED : BUDGETS[status.role],
  patientsPerDay: status?.patientsPerDay,
})

/** No meter id, no release to a person; machines have no right to ask, and servers none to read. */
const ownMeter = (reader: PrincipalKeys, status: Status | undefined): Metered => {
  if (reader.kind === 'person' && status !== undefined && !isHouse(status.role)) return personMeter(status)
  // A vendor is known by its kind of key already: whoever leaves its status out is still one.
  const house = status?.role === 'vendor' ? reader.kind === 'vendor' : reader.kind === 'organisation'
  if (house && (status === undefined || isHouse(status.role))) return houseMeter(reader.id, status)
  throw new Problem('status-required')
}

/** Meters and houses, gathered from the reader outwards. */
class Gathered {
  readonly houses = new Map<string, Uint8Array>()
  readonly meters = new Map<string, Metered>()
  readonly #statuses: ShownStatuses

  constructor(own: Metered, statuses: ShownStatuses) {
    this.#statuses = statuses
    this.charge(own)
  }

  charge(meter: Metered): void {
    const name = toHex(meter.key)
    if (!this.meters.has(name)) this.meters.set(name, meter)
  }

  /** `required`: a status names it, so whose vendor it is must be known. */
  house(id: Uint8Array, required: boolean): void {
    if (this.houses.has(toHex(id))) return
    this.houses.set(toHex(id), id)
    const status = this.#statuses.of(id)
    if (required && status === undefined) {
      throw new Problem('status-required', 'The status of an organisation that the reader acts for is missing.')
    }
    this.charge(houseMeter(id, status))
    if (status?.vendor !== undefined) this.house(status.vendor, true)
  }

  /** A person who shared on is charged as that person; whoever has no status, as an organisation nobody knows. */
  grantee(id: Uint8Array): void {
    const status = this.#statuses.of(id)
    if (status === undefined || isHouse(status.role)) this.house(id, false)
    else this.charge(personMeter(status))
  }

  /** An assistant's openings are charged to whom it acts for as well. */
  principalOf(id: Uint8Array): void {
    const status = this.#statuses.of(id)
    if (status === undefined || isHouse(status.role)) {
      throw new Problem('status-required', 'The status of the person under whom the reader acts is missing.')
    }
    this.charge(personMeter(status))
  }
}

/**
 * The reader's standing. Every organisation between the patient and the reader is charged, so that passing a grant on
 * to principals that were invented for it gains nothing. Throws `status-required`.
 */
export const standingOf = (
  { reader, grants }: { readonly reader: PrincipalKeys; readonly grants: readonly Grant[] }, statuses: ShownStatuses,
): Standing => {
  const status = statuses.of(reader.id)
  const own = ownMeter(reader, status)
  const gathered = new Gathered(own, statuses)
  if (own.scope !== 'person') gathered.house(reader.id, false)
  if (status?.organisation !== undefined) gathered.house(status.organisation, true)
  if (status?.under !== undefined) gathered.principalOf(status.under)
  for (const { grantee } of grants) if (!equalBytes(grantee, reader.id)) gathered.grantee(grantee)
  return {
    reader: reader.id,
    role: status?.role,
    own,
    meters: [...gathered.meters.values()],
    houses: [...gathered.houses.values()],
    stepUp: status?.stepUp,
  }
}
