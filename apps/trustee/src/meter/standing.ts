/**
 * Who asks, by the word of listed issuers, and whose meters that charges. What a request says of itself counts for
 * nothing: a hospital that invents staff, or a person with ten devices, shows the same meters.
 */
import {
  type Access, decode, decodeSigned, equalBytes, type Grant, ORGANISATION_ROLES, type PrincipalKeys,
  requireCurrentKey, requireSuite, type Role, Status, toHex, verifySigned,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { TRUSTEE_LIMITS } from '../limits.ts'
import type { ShownPrincipals } from '../shown.ts'
import { type Budget, BUDGETS, CARER, UNREGISTERED } from './budgets.ts'
import type { KnownChanges } from './changes.ts'

/** Valid statuses that a request shows, by their subjects. */
export interface ShownStatuses {
  readonly of: (subject: Uint8Array) => Status | undefined
  /** One of a person who is counted under this meter id. */
  readonly withMeter: (meter: Uint8Array) => Status | undefined
  /** Whether an issuer took back what it said of it, and none has said anything since. */
  readonly isWithdrawn: (subject: Uint8Array) => boolean
}

/** One meter that a release is charged to. */
export interface Metered {
  /** Meter id of a person; principal id of an organisation or a vendor. */
  readonly key: Uint8Array
  readonly scope: 'person' | 'organisation' | 'vendor'
  readonly budget: Budget
  /** Of an organisation or vendor, by the register; a further bound. */
  readonly patientsPerDay?: number | undefined
  /**
   * Organisations and vendors that are no second source for this meter: what they say explains to it no more than a
   * colleague's word does.
   */
  readonly circle: readonly Uint8Array[]
}

export interface Standing {
  readonly reader: Uint8Array
  readonly role: Role | undefined
  /** The reader's own meter. */
  readonly own: Metered
  /** All that are charged, the reader's own first. Each once. */
  readonly meters: readonly Metered[]
  /** Organisations that the reader acts for, and vendors behind them. */
  readonly houses: readonly Uint8Array[]
  readonly stepUp: Uint8Array | undefined
}

export const isHouse = (role: Role): boolean => ORGANISATION_ROLES.some((one) => one === role)

/** Ids of all whom statuses are of, and of whoever's keys are shown: nothing of the statuses is verified yet. */
export const namedIn = (signed: readonly Uint8Array[], { all }: ShownPrincipals): Uint8Array[] => {
  const ids = [...all, ...signed.map((one) => decode(Status, decodeSigned('status', one).body).subject)]
  return [...new Map(ids.map((id) => [toHex(id), id])).values()]
}

/** By what statuses are judged. */
export interface StatusRules {
  /** Principal ids of the registers whose word counts. */
  readonly issuers: readonly Uint8Array[]
  readonly principals: ShownPrincipals
  /** Seconds. */
  readonly now: number
  readonly changes: KnownChanges
}

const wasWithdrawn = ({ subject, notBefore }: Status, issuer: Uint8Array, { changes, now }: StatusRules): boolean =>
  changes.withdrawn.some((one) => equalBytes(one.subject, subject) && equalBytes(one.issuer, issuer) &&
    notBefore <= one.time && one.time <= now + TRUSTEE_LIMITS.accessAhead)

/**
 * Whoever stands in for a lost key is who that key's status says, with its meter: no budget begins anew. A status of
 * its own goes before, so that nobody chooses between two.
 */
const addStandIns = (shown: Map<string, Status>, { standIns }: KnownChanges): void => {
  for (const { replacement, target } of standIns) {
    const status = shown.get(toHex(target))
    const name = toHex(replacement)
    if (status !== undefined && !isHouse(status.role) && !shown.has(name)) {
      shown.set(name, { ...status, subject: replacement })
    }
  }
}

/**
 * Verifies statuses: signed by a listed issuer under its newest key, and valid now. One that its issuer withdrew counts
 * for nothing. Throws `status-required`, `bad-statement`, SealError.
 */
export const verifyStatuses = async (signed: readonly Uint8Array[], rules: StatusRules): Promise<ShownStatuses> => {
  const { issuers, principals, now, changes } = rules
  const shown = new Map<string, Status>()
  const seen = new Set<string>()
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
    if (seen.has(name)) throw new Problem('bad-statement', 'Two statuses of one principal are shown. Show one.')
    seen.add(name)
    if (!wasWithdrawn(status, signer, rules)) shown.set(name, status)
  }
  addStandIns(shown, changes)
  return {
    of: (subject) => shown.get(toHex(subject)),
    withMeter: (meter) => [...shown.values()].find((status) =>
      !isHouse(status.role) && equalBytes(status.meter, meter)),
    isWithdrawn: (subject) => !shown.has(toHex(subject)) &&
      changes.withdrawn.some((one) => equalBytes(one.subject, subject)),
  }
}

/** A house and the vendors behind it. Throws `status-required` where a vendor's own status is missing. */
export const circleOf = (
  id: Uint8Array, statuses: ShownStatuses, within: readonly Uint8Array[] = [],
): Uint8Array[] => {
  const vendor = statuses.of(id)?.vendor
  const circle = [...within, id]
  if (vendor === undefined || circle.some((known) => equalBytes(known, vendor))) return circle
  // Without it, who runs the edge would not be known, and not charged.
  if (statuses.of(vendor) === undefined) throw new Problem('status-required', 'The status of a vendor is missing.')
  return circleOf(vendor, statuses, circle)
}

/** Whose budget is that of a person, known to a listed issuer. */
const personMeter = ({ meter, role, organisation }: Status, statuses: ShownStatuses): Metered => ({
  key: meter,
  scope: 'person',
  budget: BUDGETS[role],
  circle: organisation === undefined ? [] : circleOf(organisation, statuses),
})

const houseMeter = (id: Uint8Array, statuses: ShownStatuses): Metered => {
  const status = statuses.of(id)
  return {
    key: id,
    scope: status?.role === 'vendor' ? 'vendor' : 'organisation',
    budget: status === undefined ? UNREGISTERED : BUDGETS[status.role],
    patientsPerDay: status?.patientsPerDay,
    circle: circleOf(id, statuses),
  }
}

/**
 * A parent, a guardian, a carer: no register knows it. It reads for the patient, by a grant that patient or custodian
 * gave to it itself; the custodian is charged too, so that inventing carers gains a stolen hospital nothing.
 */
const isCarer = ({ reader, grants, purpose }: Acting): boolean =>
  reader.kind === 'person' && purpose === 'patient-request' && grants.length === 1 && grants[0]?.basis === 'consent'

/** No meter id, no release to a person who is no carer; machines have no right to ask, and servers none to read. */
const ownMeter = (acting: Acting, statuses: ShownStatuses): Metered => {
  const { reader } = acting
  // Also where its status is left out: a house that was struck off would go on as one that nobody knows.
  if (statuses.isWithdrawn(reader.id)) throw new Problem('status-withdrawn')
  const status = statuses.of(reader.id)
  if (reader.kind === 'person' && status !== undefined && !isHouse(status.role)) return personMeter(status, statuses)
  if (status === undefined && isCarer(acting)) {
    return { key: reader.id, scope: 'person', budget: CARER, circle: [] }
  }
  // A vendor is known by its kind of key already: whoever leaves its status out is still one.
  const house = status?.role === 'vendor' ? reader.kind === 'vendor' : reader.kind === 'organisation'
  if (house && (status === undefined || isHouse(status.role))) return houseMeter(reader.id, statuses)
  throw new Problem('status-required')
}

/** Meters, gathered from the reader outwards. */
class Gathered {
  readonly meters = new Map<string, Metered>()
  readonly #statuses: ShownStatuses

  constructor(own: Metered, statuses: ShownStatuses) {
    this.#statuses = statuses
    this.add(own)
  }

  add(meter: Metered): void {
    const name = toHex(meter.key)
    if (!this.meters.has(name)) this.meters.set(name, meter)
  }

  /** A house and the vendors behind it. `required`: a status names it, so who stands behind it must be known. */
  house(id: Uint8Array, required: boolean): Uint8Array[] {
    if (required && this.#statuses.isWithdrawn(id)) throw new Problem('status-withdrawn')
    if (required && this.#statuses.of(id) === undefined) {
      throw new Problem('status-required', 'The status of an organisation that the reader acts for is missing.')
    }
    const circle = circleOf(id, this.#statuses)
    for (const one of circle) this.add(houseMeter(one, this.#statuses))
    return circle
  }

  /** A person who shared on is charged as that person; whoever has no status, as an organisation nobody knows. */
  grantee(id: Uint8Array): void {
    const status = this.#statuses.of(id)
    if (status === undefined || isHouse(status.role)) this.house(id, false)
    else this.add(personMeter(status, this.#statuses))
  }

  /** An assistant's openings are charged to whom it acts for as well. */
  principalOf(id: Uint8Array): void {
    if (this.#statuses.isWithdrawn(id)) throw new Problem('status-withdrawn')
    const status = this.#statuses.of(id)
    if (status === undefined || isHouse(status.role)) {
      throw new Problem('status-required', 'The status of the person under whom the reader acts is missing.')
    }
    this.add(personMeter(status, this.#statuses))
  }
}

interface Acting {
  readonly reader: PrincipalKeys
  readonly grants: readonly Grant[]
  /** The custodian, where it is an organisation: a vault that nobody claimed. */
  readonly custodian: Uint8Array | undefined
  /** Of an opening: what it is for. */
  readonly purpose?: Access['purpose']
}

/**
 * The reader's standing. Everybody between the patient and the reader is charged, the custodian too: passing a right on
 * to principals that were invented for it gains nothing. Throws `status-required`, `status-withdrawn`.
 */
export const standingOf = (acting: Acting, statuses: ShownStatuses): Standing => {
  const { reader, grants, custodian } = acting
  const status = statuses.of(reader.id)
  const own = ownMeter(acting, statuses)
  const gathered = new Gathered(own, statuses)
  const houses = [
    ...own.scope === 'person' ? [] : gathered.house(reader.id, false),
    ...status?.organisation === undefined ? [] : gathered.house(status.organisation, true),
  ]
  if (status?.under !== undefined) gathered.principalOf(status.under)
  for (const { grantee } of grants) if (!equalBytes(grantee, reader.id)) gathered.grantee(grantee)
  if (custodian !== undefined) gathered.house(custodian, false)
  return {
    reader: reader.id, role: status?.role, own, meters: [...gathered.meters.values()], houses, stepUp: status?.stepUp,
  }
}

/** The meters with that of a house that vouches for the opening: its word is bounded like its own reading. */
export const withVoucher = (standing: Standing, house: Uint8Array, statuses: ShownStatuses): Standing => {
  const gathered = new Gathered(standing.own, statuses)
  for (const meter of standing.meters) gathered.add(meter)
  gathered.house(house, true)
  return { ...standing, meters: [...gathered.meters.values()] }
}
