/** One organisation's FHIR R4 façade over its vaults. */
import {
  type Client, type PrincipalKeys, type Standing, systemTimers, type Timers, toHex, verifyKeyChain,
} from '@scelle/sdk'
import { DEFAULT_RULES } from '@scelle/fhir/categories'
import { ProfileSet } from '@scelle/fhir/profiles'
import { installDefinitions } from '@scelle/fhir/validate'
import { createLog, createServer, type Server } from '@scelle/wire/server'
import { assembleAccessLog } from './access-log/assemble.ts'
import type { aboutOf } from './access-log/facts.ts'
import { assembleCharts } from './assemble-charts.ts'
import { Register } from './access-log/register.ts'
import { PreparedTransactions } from './aside/transactions.ts'
import { assembleBinaries } from './attachments/assemble.ts'
import { addBinaryRoutes } from './attachments/routes.ts'
import { Bundles } from './bundles.ts'
import type { Right } from './call.ts'
import { Capability } from './capability.ts'
import type { Charts } from './charts.ts'
import { assembleDocuments } from './documents/assemble.ts'
import { Consents } from './consents.ts'
import { DocumentDesk } from './documents/desk.ts'
import { Exports } from './exports/exports.ts'
import { ExportJobs } from './exports/jobs.ts'
import { addExportFiles } from './exports/routes.ts'
import type { Entry } from './entry.ts'
import { fhirRoutes } from './fhir-routes.ts'
import { Grants } from './grants.ts'
import { housekeeping } from './housekeeping.ts'
import { Interactions } from './interactions.ts'
import { join } from './join.ts'
import { EDGE_LIMITS } from './limits.ts'
import { faultFields, type Log, lineLog } from './log.ts'
import { addNameFiles } from './name-files.ts'
import { Operations } from './operations.ts'
import type { Application, Edge, EdgeOptions } from './options.ts'
import { Pager } from './paging.ts'
import type { Parts } from './parts.ts'
import { Persons } from './persons.ts'
import { Merging } from './persons/merging.ts'
import { DuplicateReview } from './persons/review.ts'
import { addProofRoutes, Proofs } from './proofs.ts'
import { Repository } from './repository.ts'
import type { FhirRoutes } from './router.ts'
import { Search } from './search.ts'
import { addFhir, presentOutcome } from './server.ts'
import { type AroundSignIn, aroundSignIn } from './smart/around-sign-in.ts'
import { assembleSmart, issuerOf, type Smart } from './smart/assemble.ts'
import { smartSecurity } from './smart/configuration.ts'
import { requireAsked } from './smart/gate.ts'
import { EDGE_ITSELF, type Sessions } from './sessions.ts'
import { sleepBy } from './sleep.ts'
import { assembleStaff } from './staff/assemble.ts'
import { Emergencies } from './staff/emergencies.ts'
import { MadeFacts } from './staff/made-facts.ts'
import { StaffOperations } from './staff/operations.ts'
import { Counters } from './standing/counter.ts'
import { Cabinet } from './store/cabinet.ts'
import { Database } from './store/database.ts'
import { Directory } from './store/directory.ts'
import { SealedState } from './store/state.ts'
import { valueSetsOf } from './terminology.ts'
import { uuidOf } from './uuid.ts'
import { Validation } from './validation.ts'
import { ORGANISATION, VaultShelf } from './vaults.ts'
import { assembleWrites } from './writes/assemble.ts'
import { Planner } from './writes/planner.ts'
import { Writer } from './writes/writer.ts'

export type { Application, Edge, EdgeOptions } from './options.ts'
export type { ChartLimits } from './charts.ts'
export type { SessionLimits } from './sessions.ts'
export type { PartyAddress } from './join.ts'
export { RIGHTS, type Right } from './call.ts'
export { EDGE_LIMITS } from './limits.ts'

/**
 * Starts an edge: opens its directory, completes what a former process left in the outbox, opens the organisation's
 * own vault. Rejects where the index was never met and does not answer, or another edge has the folder.
 */
export const createEdge = async (options: EdgeOptions): Promise<Edge> => {
  installDefinitions()
  const log = lineLog(options.write, options.now)
  const applications = await knownApplications(options.applications)
  const db = new Database(options.data, options.diskAside)
  try {
    const parts = await assemble(options, db, log)
    const ready = await prepare(parts, log)
    const stop = housekeeping(parts, options, log)
    const smart = await smartOf(options, parts, log)
    const server = openDoor(options, parts, applications, ready, smart)
    return {
      listen: server.listen,
      inject: server.inject,
      routes: server.routes,
      lookForGrants: () => parts.grants.look(),
      figures: () => ({
        patients: parts.directory.patientCount(),
        openCharts: parts.charts.count,
        unclassified: parts.directory.unclassifiedCount(),
      }),
      close: async () => {
        stop()
        await server.close()
        await Promise.all([options.aside?.close(), options.keysAhead?.close()])
        await parts.register.move()
        await parts.submitter.close()
        await parts.confirmer.close()
        await parts.returner.close()
        await parts.exportJobs.close()
        parts.charts.closeAll()
        parts.accessLogs.closeAll()
        try {
          if (db.sound) db.write(true, () => parts.state.flush())
        } finally {
          db.close()
        }
      },
      release: () => {
        stop()
        parts.confirmer.stop()
        void options.aside?.close()
        void options.keysAhead?.close()
        db.close()
      },
    }
  } catch (error) {
    db.close()
    throw error
  }
}

/** Applications by id, their keys verified from the genesis that the id is the hash of. */
const knownApplications = async (
  applications: readonly Application[],
): Promise<Map<string, { keys: PrincipalKeys; rights: ReadonlySet<Right> }>> => {
  const known = new Map<string, { keys: PrincipalKeys; rights: ReadonlySet<Right> }>()
  for (const { id, keys: chain, rights } of applications) {
    const keys = await verifyKeyChain([...chain])
    if (toHex(keys.id) !== id) throw new Error(`applications: the key records of ${id} are another principal's`)
    known.set(id, { keys, rights: new Set(rights) })
  }
  return known
}

const assemble = async (options: EdgeOptions, db: Database, log: Log): Promise<Parts> => {
  const { identity, now, random } = options
  const timers = options.timers ?? systemTimers
  if (options.staff !== undefined && identity.keys.current.flowOnly !== true) {
    throw new Error('staff: the key record of this house does not say that charts open for its people alone')
  }
  const [first] = identity.secrets
  if (first === undefined) throw new Error('identity: it holds no secrets')
  const cabinet = new Cabinet(first.sealing, random)
  const state = new SealedState(db, cabinet)
  const register: Register = new Register({
    db, cabinet, log,
    own: () => {
      const id = directory.vaultOf(ORGANISATION)
      return id === undefined ? undefined : { id, vault: () => vaults.get(id) }
    },
  })
  const counters = new Counters()
  const show = standingOf(options.standing, counters)
  const joining = { ...options, state, timers, log, entryText: register.text, show }
  const client = await join(joining)
  const self = toHex(identity.id)
  const directory = new Directory(db, cabinet, self)
  const vaults = new VaultShelf(client, directory, options.keysAhead?.take)
  const houseStatuses = (): readonly Uint8Array[] => options.standing?.statuses() ?? []
  const people = await assembleStaff({
    options: options.staff, random, emergency: options.emergency, joining, client, db, cabinet,
    vaults, directory, self, now, houseStatuses, log,
    sessions: () => sessions, organisation: options.organisation.name,
    closeVault: (vault) => charts.closeVault(vault),
  })
  const { staff, ahead } = people
  vaults.staled = (vault) => staff.stale(vault)
  const { about, charts, accessLogs, sessions: kept } = assembleCharts({
    options, staff, directory, self, log, learned: (entries) => persons.accepted(entries),
  })
  const sessions: Sessions = kept
  const persons: Persons = new Persons(directory, random)
  directory.patients.merges.changed = (target) => {
    const vault = directory.vaultOf(target)
    for (const each of vault === undefined ? [] : [charts, accessLogs]) each.closeVault(vault as string)
  }
  const partners = options.partners ?? []
  const mayEnter = (session: string): boolean => !staff.isKept || staff.of(session) !== undefined
  const grants = new Grants({ client, directory, charts, vaults, persons, partners, mayEnter, now, log })
  const { submitter, confirmer, returner } = assembleWrites({
    client, vaults, db, directory, state, cabinet, timers, now, random, log, data: options.data,
    accepted: (vault, entries) => {
      charts.accepted(vault, entries)
      persons.accepted(entries)
    },
    sleep: sleepBy(timers),
  })
  const profiles = options.profiles ?? new ProfileSet([])
  const planner = new Planner({ self, directory, cabinet, profiles, rules: options.rules ?? DEFAULT_RULES, now })
  const writer = new Writer(planner, vaults, submitter)
  const served = facade({
    about, client, directory, options, register, vaults, charts, accessLogs, sessions, persons, grants, cabinet,
    planner, profiles, writer, db, timers, log, people, houseStatuses,
  })
  return {
    counters, staff, signIn: people.signIn, ahead,
    db, state, directory, register, vaults, charts, accessLogs, sessions, persons,
    grants, submitter, confirmer,
    returner,
    ...served,
  }
}

/** The organisation's own, as it shows it for what it opens itself. */
const standingOf = (standing: EdgeOptions['standing'], { counted }: Counters): Standing | undefined =>
  standing === undefined ? undefined : { show: () => ({ statuses: standing.statuses() }), counted }

interface FacadeParts {
  readonly options: EdgeOptions
  readonly client: Client
  readonly about: ReturnType<typeof aboutOf>
  readonly register: Register
  readonly directory: Directory
  readonly vaults: VaultShelf
  readonly charts: Charts
  /** Access logs, apart from the charts: they are opened by name. */
  readonly accessLogs: Charts
  readonly sessions: Sessions
  readonly persons: Persons
  readonly grants: Grants
  readonly cabinet: Cabinet
  readonly planner: Planner
  readonly profiles: ProfileSet
  readonly writer: Writer
  readonly db: Database
  readonly timers: Timers
  readonly log: Log
  readonly people: Awaited<ReturnType<typeof assembleStaff>>
  readonly houseStatuses: () => readonly Uint8Array[]
}

type Served = Pick<Parts, 'routes' | 'binaries' | 'exports' | 'exportJobs' | 'proofs' | keyof AroundSignIn>

const facade = (parts: FacadeParts): Served => {
  const { directory, vaults, charts, sessions, persons, grants, cabinet, writer, db, timers, log } = parts
  const { now, random, organisation } = parts.options
  const { exposure } = parts.people
  const repository = new Repository({
    directory, charts, lookForGrants: (session) => grants.lookOnMiss(session), exposure,
  })
  const pager = new Pager(cabinet.cursorKey, random, now)
  const valueSets = valueSetsOf(parts.profiles)
  const search = new Search({ directory, charts, persons, repository, pager, exposure, valueSets })
  const newId = (): string => uuidOf(random(16))
  const desk = new DocumentDesk({ directory, search })
  const { data, spoolFault, octetsPassed } = parts.options
  const binaries = assembleBinaries({
    data, repository, charts, writer, vaults, directory, db, cabinet, timers, now, random, newId,
    ...(spoolFault === undefined ? {} : { faultPoint: spoolFault }),
    ...(octetsPassed === undefined ? {} : { passed: octetsPassed }),
  })
  const whole = (session: string, entry: Entry): Promise<Entry> => binaries.reader.whole(session, entry)
  const facts = new MadeFacts({ ...parts.people, repository, self: directory.self, now, log })
  const interactions = new Interactions({ repository, search, writer, desk, newId, whole, facts })
  const aside = parts.profiles.isEmpty ? parts.options.aside : undefined
  const prepared = new PreparedTransactions({ aside, repository, search, writer })
  const bundles = new Bundles({
    prepared, repository, search, interactions, writer, desk, newId,
    dispatch: (call) => routes.dispatch(call),
    permit: (call) => routes.permit(call),
    fault: (error) => log('entry-failed', faultFields(error)),
  })
  const operations = new Operations({
    directory, repository, vaults, grants, now, endSession: (session) => sessions.end(session),
    signOutEverywhere: (session) => parts.people.staff.signOutEverywhere(session),
    forgetPersons: () => persons.forget(),
  })
  const consents = new Consents({ repository, vaults, directory, now, name: organisation.name })
  const capability = new Capability(organisation.name, now(), parts.profiles, securityOf(parts.options))
  const documents = assembleDocuments({
    client: parts.client, vaults, emergencyKeys: parts.options.emergencyKeys ?? [],
    directory, charts, repository, search, cabinet, desk, writer, rules: parts.options.rules ?? DEFAULT_RULES,
    organisation: organisation.name, language: parts.options.language ?? 'fr', now, newId,
  })
  const exportJobs = new ExportJobs({
    charts, repository, data, isLive: (session) => sessions.isLive(session), now, random, log,
  })
  const exports = new Exports({ jobs: exportJobs, directory, repository, timers, exposure })
  const staffOperations = new StaffOperations({
    ...parts.people, repository, vaults, client: parts.client, self: directory.self,
    houseStatuses: parts.houseStatuses, now, random,
  })
  const emergencies = new Emergencies({
    ...parts.people, repository, client: parts.client, about: parts.about, self: directory.self,
    houseStatuses: parts.houseStatuses, now, random, log,
  })
  const merging = new Merging({ directory, writer })
  const duplicates = new DuplicateReview(directory)
  const validation = new Validation({ repository, planner: parts.planner, profiles: parts.profiles, newId })
  const signingIn = aroundSignIn({ ...parts, repository, search, now, random })
  const routes: FhirRoutes = fhirRoutes({
    gate: (call, asks) => requireAsked(directory, call, asks), ...signingIn,
    ...assembleAccessLog({ ...parts, staff: parts.people.staff, exposure }, pager),
    exposure, answers: parts.people.staff.answers,
    staffOperations, enrolments: parts.people.enrolments, replacements: parts.people.replacements,
    guardians: parts.people.guardians,
    bundles, capability, consents, documents, duplicates, emergencies, exports, interactions, merging,
    operations, search, validation,
  })
  return { routes, binaries, exports, exportJobs, ...signingIn, proofs: new Proofs({ repository, vaults }) }
}

/** What the CapabilityStatement says of signing in. */
const securityOf = ({ smart, base, staff }: EdgeOptions): ReturnType<typeof smartSecurity> | undefined =>
  (smart === undefined
    ? undefined
    : smartSecurity(issuerOf(base), staff !== undefined))

const smartOf = async (options: EdgeOptions, parts: Parts, log: Log): Promise<Smart | undefined> => {
  const { smart } = options
  return smart === undefined ? undefined : assembleSmart({ ...parts, smart, options, log })
}

/** What must be done before the first request; whether the edge can serve, from then on. */
const prepare = async (parts: Parts, log: Log): Promise<() => Promise<boolean>> => {
  const { db, submitter, vaults, charts, grants } = parts
  await submitter.recover()
  parts.confirmer.wake() // what a former process did not see confirmed
  let isOpen = false
  const openOwn = async (): Promise<boolean> => {
    if (isOpen) return submitter.reachable && db.sound
    try {
      const { vault } = await vaults.of(ORGANISATION)
      db.write(true, () => undefined) // no write may follow for long
      await charts.use(EDGE_ITSELF, vault)
      isOpen = true
    } catch (error) {
      log('own-vault-not-open', faultFields(error))
    }
    return isOpen && submitter.reachable && db.sound
  }
  await openOwn()
  await grants.look()
  return openOwn
}

const openDoor = (
  options: EdgeOptions,
  parts: Parts,
  applications: ReadonlyMap<string, { keys: PrincipalKeys; rights: ReadonlySet<Right> }>,
  ready: () => Promise<boolean>,
  smart: Smart | undefined,
): Server => {
  const server = createServer({
    role: 'edge',
    chain: options.identity.chain,
    log: createLog(options.write, options.now),
    now: options.now,
    random: options.random,
    keyOf: (id) => applications.get(toHex(id))?.keys,
    readiness: ready,
    authorities: [...options.authorities ?? [], ...(options.base === undefined ? [] : [new URL(options.base).host])],
    maxBody: EDGE_LIMITS.requestBody,
    sessions: true,
    ...(smart === undefined ? {} : { tokens: smart.tokens }),
    present: presentOutcome,
  })
  const handling = addFhir(server, {
    routes: parts.routes,
    base: options.base,
    ...(smart === undefined ? {} : { crossOrigin: smart.crossOrigin, stepUp: smart.stepUp }),
    rightsOf: (principal) => applications.get(principal)?.rights ?? new Set(),
    sessionOf: (principal, name) => parts.sessions.of(principal, name),
    meter: (session) => (parts.staff.isKept ? parts.staff.of(session)?.counters : parts.counters)?.header,
    begin: (session) => {
      const ends = [parts.charts.begin(session), parts.accessLogs.begin(session)]
      return () => ends.forEach((end) => end())
    },
  })
  smart?.mount(server)
  addBinaryRoutes(server, handling, parts.binaries)
  addExportFiles(server, handling, parts.exports)
  addProofRoutes(server, handling, parts.proofs)
  if (options.did !== undefined) addNameFiles(server, options.did)
  return server
}
