/** Commits: each of a batch stands alone, all of a batch share one durable write. */
import {
  Commit, decode, decodeSigned, encode, equalBytes, type PrincipalKeys, SealError, statementId,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { CommitAnswers, CommitBatch, CommitHistory, type CommitSubmission } from '@scelle/wire/messages'
import { problemOf, type Answer, type Server, type SignedRequest } from '@scelle/wire/server'
import { nameOf } from '../names.ts'
import { type Held, positionsStatement } from '../positions.ts'
import { applyAll, idOf, requireQuery, secondsNow, type Services } from '../services.ts'
import type { CommitOperation, HistoryEntry, Outcome, StoredPosition } from '../store.ts'
import { requireAuthor, verifySubmission } from '../submission.ts'

type Answered = CommitAnswers['answers'][number]
/** What is not to be applied has its outcome already. */
type Prepared = { readonly operation: CommitOperation } | Outcome

/** Bodies sent as blobs must have arrived, in the size that the commit says. */
const missingBlobs = async (services: Services, operation: CommitOperation): Promise<number[]> => {
  const missing: number[] = []
  for (const { body, digest, size, place } of operation.records) {
    if (body === undefined && (await services.blobs.size(digest)) !== size) missing.push(place)
  }
  return missing
}

const prepare = async (
  services: Services, submission: CommitSubmission, author: PrincipalKeys,
): Promise<Prepared> => {
  try {
    requireAuthor(submission, author)
    const operation = await verifySubmission(submission, {
      author,
      at: secondsNow(services),
      genesisOf: async (id) => (await services.registry.vault(id))?.genesis,
      encapsulations: services.registry,
    })
    const places = await missingBlobs(services, operation)
    return places.length > 0 ? { problem: 'blob-missing', places } : { operation }
  } catch (error) {
    const { code } = problemOf(error)
    if (code === 'internal' || code === 'overloaded') throw error
    const again = code === 'not-permitted' ? undefined : await answeredBefore(services, submission)
    return again === undefined ? { problem: code } : { position: again }
  }
}

/** A writer that missed an answer asks again, maybe days later: what was good then keeps its position. */
const answeredBefore = async (
  services: Services, { commit }: CommitSubmission,
): Promise<StoredPosition | undefined> => {
  try {
    return await services.store.position(statementId(commit), decode(Commit, decodeSigned('commit', commit).body).vault)
  } catch (error) {
    if (error instanceof SealError) return undefined
    throw error
  }
}

const submit = async (services: Services, { body, principal }: SignedRequest): Promise<Answer> => {
  const batch = decode(CommitBatch, body)
  const prepared: Prepared[] = []
  for (const submission of batch) prepared.push(await prepare(services, submission, principal))
  const operations = prepared.flatMap((one) => ('operation' in one ? [one.operation] : []))
  const outcomes = operations.length === 0 ? [] : await applyAll(services, operations)
  let next = 0
  const held: Held[] = []
  const answers = prepared.map((one, place): Answered => {
    const outcome = 'operation' in one ? (outcomes[next++] as Outcome) : one
    if ('problem' in outcome) {
      return { problem: outcome.problem, ...(outcome.places === undefined ? {} : { places: [...outcome.places] }) }
    }
    const statement = 'operation' in one
      ? one.operation.statement.id
      : statementId((batch[place] as CommitSubmission).commit)
    held.push({ statement, place: outcome.position })
    return {}
  })
  const positions = held.length === 0 ? {} : { positions: await positionsStatement(services.identity, held) }
  return { body: encode(CommitAnswers, { ...positions, answers }) }
}

const history = async (services: Services, request: SignedRequest): Promise<Answer> => {
  requireQuery(request, 'custodian')
  const vault = idOf(request.params['vault'])
  const custodian = idOf(request.query.get('custodian'))
  const { id } = request.principal
  const { genesis } = await services.registry.requireVault(vault)
  const all = equalBytes(custodian, id) || (genesis.mode === 'owner' && equalBytes(genesis.controller, id))
  const entries = await services.store.history(vault, custodian, all ? undefined : id)
  if (!all && entries.length === 0) throw new Problem('not-found')
  const commits = entries.map(({ statement }) => statement)
  const seals = new Map(commits.map((signed) => {
    const { linkSeal } = decode(Commit, decodeSigned('commit', signed).body)
    return [nameOf(linkSeal.encapsulation), linkSeal.encapsulation] as const
  }))
  const encapsulations = [...(await services.store.encapsulations([...seals.values()])).values()]
  return { body: encode(CommitHistory, { commits, encapsulations, places: placesOf(entries) }) }
}

const placesOf = (entries: readonly HistoryEntry[]): { sequence: number; salt: Uint8Array }[] => {
  const placed = entries.findIndex(({ sequence }) => sequence === undefined)
  return entries.slice(0, placed < 0 ? entries.length : placed)
    .map(({ sequence, salt }) => ({ sequence: sequence as number, salt }))
}

export const addCommitRoutes = (server: Server, services: Services): void => {
  server.route({
    method: 'POST', url: '/v1/commits', policy: 'signed', handler: (request) => submit(services, request),
  })
  server.route({
    method: 'GET', url: '/v1/vaults/:vault/commits', policy: 'signed', handler: (request) => history(services, request),
  })
}
