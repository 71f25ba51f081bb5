/** Every path this edge serves, what each needs, and who answers. */
import { isId } from '@scelle/fhir/validate'
import type { AccessLog } from './access-log/access-log.ts'
import type { Accesses } from './access-log/operation.ts'
import type { Bundles } from './bundles.ts'
import type { Call, Right } from './call.ts'
import { consentIn, type Consents } from './consents.ts'
import type { Capability } from './capability.ts'
import { addDocumentRoutes, type DocumentParts } from './documents/routes.ts'
import { EdgeError } from './errors.ts'
import type { Exports } from './exports/exports.ts'
import { addExportRoutes } from './exports/routes.ts'
import type { Interactions } from './interactions.ts'
import { requireType, splitPair, textOfBody } from './negotiation.ts'
import type { Operations } from './operations.ts'
import type { Enrolments } from './passkeys/enrolments.ts'
import type { Guardians } from './passkeys/guardians.ts'
import type { Merging } from './persons/merging.ts'
import type { DuplicateReview } from './persons/review.ts'
import { type Answered, FhirRoutes, type Gated, type Handler } from './router.ts'
import type { Search } from './search.ts'
import type { Launches } from './smart/launches.ts'
import type { Emergencies } from './staff/emergencies.ts'
import type { Exposure } from './staff/exposure.ts'
import type { StaffOperations } from './staff/operations.ts'
import type { Replacements } from './staff/replacements.ts'
import { addValidation, type Validation } from './validation.ts'

export interface FhirParts {
  readonly accessLog: AccessLog
  readonly accesses: Accesses
  readonly exports: Exports
  readonly documents: DocumentParts
  readonly bundles: Bundles
  readonly capability: Capability
  readonly consents: Consents
  readonly interactions: Interactions
  readonly operations: Operations
  readonly merging: Merging
  readonly duplicates: DuplicateReview
  readonly search: Search
  readonly validation: Validation
  readonly staffOperations: StaffOperations
  readonly enrolments: Enrolments
  readonly replacements: Replacements
  readonly guardians: Guardians
  readonly emergencies: Emergencies
  readonly exposure: Pick<Exposure, 'missed'>
  readonly answers: Answered
  readonly gate: Gated
  readonly launches: Launches
}

const type = (call: Call): string => call.params['type'] ?? ''
const id = (call: Call): string => call.params['id'] ?? ''

/** A patient's reference from the path. An id that is none is not looked up. */
const patient = (call: Call): string => {
  if (!isId(id(call))) throw new EdgeError('not-found')
  return `Patient/${id(call)}`
}

export const fhirRoutes = (parts: FhirParts): FhirRoutes => {
  const routes = new FhirRoutes((session) => parts.exposure.missed(session), parts.answers, parts.gate)
  addWhole(routes, parts)
  addDocumentRoutes(routes, parts.documents)
  addExportRoutes(routes, parts.exports)
  addOperations(routes, parts)
  addPersons(routes, parts)
  addStaff(routes, parts)
  routes.add('POST', '$scelle-guardians', [], (call) => parts.guardians.guardians(call))
  addEmergencies(routes, parts.emergencies)
  addValidation(routes, parts.validation)
  routes.add('POST', 'Patient/:id/$scelle-launch', ['read'], (call) => parts.launches.begin(call, patient(call)))
  addAccessLog(routes, parts)
  addSearches(routes, parts)
  addInstances(routes, parts)
  return routes
}

const addWhole = (routes: FhirRoutes, { bundles, capability }: FhirParts): void => {
  routes.add('GET', 'metadata', [], (call) => {
    const isTerminology = modeOf(call) === 'terminology'
    return { status: 200, body: isTerminology ? capability.terminology(call.base) : capability.bytes(call.base) }
  }, 'open')
  // Each entry is held against the application's rights.
  routes.add('POST', '', [], (call) => bundles.run(call), 'bundle')
  routes.add('GET', '', [], () => unsupported('search across types'))
  routes.add('GET', '_history', ['read'], () => {
    throw new EdgeError('too-costly', 'the history of everything would need charts that are closed')
  })
}

const addOperations = (routes: FhirRoutes, { consents, operations, search }: FhirParts): void => {
  routes.add('GET', 'Patient/:id/$everything', ['read', 'search'], (call) => search.everything(call, patient(call)),
    'everything')
  routes.add('POST', 'Patient/:id/$scelle-vault', ['share'], (call) => operations.vault(id(call)))
  routes.add('POST', 'Patient/:id/$scelle-share', ['share'], (call) => operations.share(call, id(call)))
  routes.add('GET', 'Patient/:id/$scelle-grants', ['share'], (call) => consents.of(call, patient(call)))
  routes.add('POST', 'Patient/:id/$scelle-grant', ['share'], (call) => consents.give(consentIn(call), patient(call)))
  routes.add('POST', 'Patient/:id/$scelle-decoy', ['share'], (call) => operations.decoy(id(call)))
  routes.add('POST', '$scelle-revoke', ['share'], (call) => operations.revoke(call))
  routes.add('GET', '$scelle-offers', ['share'], (call) => operations.offers(call))
  routes.add('POST', '$scelle-accept', ['share'], (call) => operations.accept(call))
  routes.add('POST', '$scelle-logout', [], (call) => operations.logout(call), 'open')
  routes.add('GET', '$unclassified', ['read', 'search'], (call) => operations.review(call))
}

const addStaff = (
  routes: FhirRoutes, { staffOperations: staff, enrolments, replacements }: FhirParts,
): void => {
  routes.add('GET', '$scelle-replace-key', [], (call) => replacements.list(call))
  routes.add('POST', '$scelle-replace-key', [], (call) => replacements.replace(call))
  routes.add('POST', '$scelle-enrol', [], (call) => enrolments.enrol(call))
  routes.add('POST', '$scelle-status', [], (call) => enrolments.status(call))
  routes.add('POST', '$scelle-login', [], (call) => staff.login(call))
  routes.add('GET', '$scelle-standing', [], (call) => staff.standing(call), 'open')
  routes.add('POST', '$scelle-confirm', [], (call) => staff.confirm(call))
  routes.add('POST', 'Patient/:id/$scelle-confirm', [], (call) => staff.confirm(call, patient(call)))
  routes.add('POST', 'Patient/:id/$scelle-fact', ['write'], (call) => staff.fact(call, patient(call)))
}

const addEmergencies = (routes: FhirRoutes, emergencies: Emergencies): void => {
  routes.add('POST', '$scelle-break-glass', ['read'], (call) => emergencies.breakGlass(call))
  routes.add('GET', '$scelle-emergencies', ['read'], (call) => emergencies.list(call))
  routes.add('POST', '$scelle-review', ['read'], (call) => emergencies.review(call))
}

const addPersons = (routes: FhirRoutes, { duplicates, merging }: FhirParts): void => {
  routes.add('POST', 'Patient/$merge', ['write', 'read'], (call) => merging.merge(call))
  routes.add('POST', 'Patient/$scelle-unmerge', ['write', 'read'], (call) => merging.unmerge(call))
  routes.add('GET', '$scelle-duplicates', ['read', 'search'], (call) => duplicates.list(call))
  routes.add('POST', '$scelle-resolve-duplicate', ['write', 'read'], (call) => duplicates.resolve(call))
}

/** Before the routes of every type: who opened what is read here, and written by nobody who asks. */
const addAccessLog = (routes: FhirRoutes, { accessLog, accesses, answers }: FhirParts): void => {
  // It is opened as the house: somebody of it has to answer for that.
  const add = (method: 'GET' | 'POST', path: string, rights: readonly Right[], handler: Handler): void =>
    routes.add(method, path, rights, (call) => {
      answers(call.session)
      return handler(call)
    })
  add('GET', 'Patient/:id/$scelle-accesses', ['read', 'search'], (call) => accesses.of(call, patient(call)))
  add('GET', 'AuditEvent', ['search'], (call) => accessLog.search(call, call.wishes.query))
  add('POST', 'AuditEvent/_search', ['search'], (call) => accessLog.search(call, formQuery(call)))
  add('GET', 'Patient/:id/AuditEvent', ['search'], (call) =>
    accessLog.search(call, call.wishes.query, patient(call)))
  add('POST', 'Patient/:id/AuditEvent/_search', ['search'], (call) =>
    accessLog.search(call, formQuery(call), patient(call)))
  add('GET', 'AuditEvent/:id', ['read'], (call) => accessLog.read(call, id(call)))
  for (const path of ['AuditEvent/:id/_history', 'AuditEvent/:id/_history/:vid']) {
    routes.add('GET', path, ['read'], () => unsupported('the history of what has one version'))
  }
}

const addSearches = (routes: FhirRoutes, { search }: FhirParts): void => {
  // Before the compartment search below, which would take `_history` for a type.
  routes.add('GET', 'Patient/:id/_history', ['read'], (call) => search.history(call, 'Patient', id(call)), 'history')
  routes.add('GET', ':type', ['search'], (call) => search.search(call, type(call), call.wishes.query), 'search')
  routes.add('POST', ':type/_search', ['search'], (call) => search.search(call, type(call), formQuery(call)), 'search')
  routes.add('GET', 'Patient/:id/:type', ['search'], (call) =>
    search.search(call, type(call), call.wishes.query, patient(call)), 'search')
  routes.add('POST', 'Patient/:id/:type/_search', ['search'], (call) =>
    search.search(call, type(call), formQuery(call), patient(call)), 'search')
  routes.add('GET', ':type/_history', ['read', 'search'], (call) => search.historyOfType(call, type(call)), 'history')
}

const addInstances = (routes: FhirRoutes, { interactions, search }: FhirParts): void => {
  routes.add('POST', ':type', ['write'], (call) => interactions.create(call, type(call)), 'create')
  routes.add('PUT', ':type', ['write', 'search'], (call) => interactions.conditionalUpdate(call, type(call)), 'update')
  routes.add('PATCH', ':type', ['write', 'search'], (call) => interactions.conditionalPatch(call, type(call)), 'patch')
  routes.add('DELETE', ':type', ['write', 'search'], (call) => interactions.conditionalDelete(call, type(call)),
    'delete')
  routes.add('GET', ':type/:id', ['read'], (call) => interactions.read(call, type(call), id(call)), 'read')
  routes.add('PUT', ':type/:id', ['write'], (call) => interactions.update(call, type(call), id(call)), 'update')
  routes.add('PATCH', ':type/:id', ['write', 'read'], (call) => interactions.patch(call, type(call), id(call)),
    'patch')
  routes.add('DELETE', ':type/:id', ['write'], (call) => interactions.delete(call, type(call), id(call)), 'delete')
  routes.add('GET', ':type/:id/_history', ['read'], (call) => search.history(call, type(call), id(call)), 'history')
  routes.add('GET', ':type/:id/_history/:vid', ['read'], (call) =>
    interactions.vread(call, type(call), id(call), call.params['vid'] ?? ''), 'history')
}

const unsupported = (what: string): never => {
  throw new EdgeError('not-supported', `${what} is not supported`)
}

const modeOf = (call: Call): string => {
  let mode = 'full'
  for (const pair of call.wishes.query === '' ? [] : call.wishes.query.split('&')) {
    const [name, value] = splitPair(pair)
    if (name !== 'mode') throw new EdgeError('not-supported', 'metadata takes the parameter mode only', 'http.query')
    if (value !== 'full' && value !== 'normative' && value !== 'terminology') {
      throw new EdgeError('bad-value', 'expected full, normative or terminology', 'mode')
    }
    mode = value
  }
  return mode
}

/** Parameters in the body and in the URL together (R4 search.html#searching). */
const formQuery = (call: Call): string => {
  requireType(call.headers, ['application/x-www-form-urlencoded'])
  const form = call.body.length === 0 ? '' : textOfBody(call.body)
  return [call.wishes.query, form].filter((part) => part !== '').join('&')
}
