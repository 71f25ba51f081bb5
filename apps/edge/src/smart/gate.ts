/** What an access token's scopes say to one interaction, before anything of it is done. */
import type { Call } from '../call.ts'
import { EdgeError } from '../errors.ts'
import { isOfPatients } from '../search-scope.ts'
import type { Directory } from '../store/directory.ts'
import type { Permit } from './permit.ts'
import type { Letter } from './scopes.ts'

/** What a route asks of a token. Routes that say nothing are closed to all of them. */
export type Asks =
  /** Tells nothing of patients. */
  | 'open'
  /** Its entries are asked one by one. */
  | 'bundle'
  | 'search' | 'read' | 'history' | 'everything' | 'create' | 'update' | 'patch' | 'delete'

const WRITES: Partial<Record<Asks, Letter>> = { create: 'c', update: 'u', patch: 'u', delete: 'd' }

/** `call` has the parameters of its path. Throws EdgeError `scope`, `not-found`. */
export const requireAsked = (
  directory: Pick<Directory, 'locator' | 'vaultOf'>, call: Call, asks: Asks | undefined,
): void => {
  const { permit, params } = call
  if (permit === undefined || asks === 'open' || asks === 'bundle') return
  if (asks === undefined) throw new EdgeError('scope', 'no access token opens this path: sign the request')
  const type = params['type'] ?? 'Patient'
  const { id } = params
  if (asks === 'everything') return requireEverything(permit, id)
  if (asks === 'search') return permit.need('s', type)
  if (asks === 'read') permit.need('r', type)
  // Former versions, and what a patch shows of what was there, cannot be narrowed.
  if (asks === 'history' || asks === 'patch') permit.needWhole('r', type)
  const letter = WRITES[asks]
  if (letter !== undefined) permit.need(letter, type)
  if (id !== undefined) requireOwn(directory, permit, `${type}/${id}`, letter !== undefined)
}

const requireEverything = (permit: Permit, id: string | undefined): void => {
  for (const letter of ['r', 's'] as const) permit.needWhole(letter, '*')
  if (permit.patient !== undefined && `Patient/${id ?? ''}` !== permit.patient) {
    throw new EdgeError('scope', 'the scopes of this token are of another patient')
  }
}

/** Under scopes of one patient, what is in another chart is not there. */
const requireOwn = (
  directory: Pick<Directory, 'locator' | 'vaultOf'>, { patient }: Permit, key: string, isWrite: boolean,
): void => {
  if (patient === undefined) return
  if (!isOfPatients(key.slice(0, key.indexOf('/')))) {
    if (isWrite) throw new EdgeError('scope', 'scopes of one patient write what is that patient\'s, and nothing else')
    return
  }
  const found = directory.locator(key)
  // What is not there yet may be written under a name of the client's: whose it is, its content says.
  if (found === undefined && isWrite) return
  if (found === undefined || found.vault !== directory.vaultOf(patient)) throw new EdgeError('not-found')
}
