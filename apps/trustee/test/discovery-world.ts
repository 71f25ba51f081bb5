/** Three trustees that reach each other in one process, and what is asked of one of them to find a vault. */
import { signIdentityProof } from '@scelle/seal/grants'
import type { Identity } from '@scelle/seal/identity'
import { createVault, type MadeVault } from '@scelle/seal/keys'
import { encode, toHex } from '@scelle/seal/verify'
import type { Fetch } from '@scelle/wire/ask'
import { BindingQuery, BindingRequest, EvaluationRequest } from '@scelle/wire/messages'
import type { TrusteeOptions, TrusteeStore } from '../src/trustee.ts'
import { type Outcome, post, type Running, startTrustee, type World } from './world.ts'

export interface Three {
  readonly world: World
  readonly running: Running[]
  /** What a trustee answers to its peers instead, by its place. */
  readonly instead: Map<number, (path: string, body: Uint8Array) => Uint8Array>
  readonly start: (which: number, store?: TrusteeStore) => Running
  /** So many rounds of each. */
  readonly rounds: (count?: number, which?: readonly number[]) => Promise<void>
}

const hostOf = (which: number): string => `http://trustee-${which}.test`

export const makeThree = (world: World, more: Partial<TrusteeOptions> = {}): Three => {
  const running: Running[] = []
  const instead: Three['instead'] = new Map()
  const fetch: Fetch = async (url, init) => {
    const { hostname, pathname } = new URL(url)
    const which = Number(/\d/.exec(hostname)?.[0])
    const headers = { ...init.headers as Record<string, string>, host: hostname }
    const answer = await (running[which] as Running).trustee.inject({
      method: 'GET', url: pathname, headers, authority: hostname,
    })
    const body = new Uint8Array(answer.rawPayload)
    const told = answer.statusCode === 200 ? instead.get(which)?.(pathname, body) ?? body : body
    return new Response(Buffer.from(told), { status: answer.statusCode })
  }
  const start = (which: number, store?: TrusteeStore): Running => {
    const peers = world.trustees.flatMap(({ id }, other) =>
      other === which ? [] : [{ id: toHex(id), url: hostOf(other) }])
    const options = { ...more, peers, fetch, authorities: [`trustee-${which}.test`] }
    running[which] = startTrustee(world, which, ':memory:', store === undefined ? options : { ...options, store })
    return running[which]
  }
  for (const which of [0, 1, 2]) start(which)
  const rounds = async (count = 4, which: readonly number[] = [0, 1, 2]): Promise<void> => {
    for (let round = 0; round < count; round++) {
      for (const one of which) await (running[one] as Running).trustee.discovery.round()
    }
  }
  return { world, running, instead, start, rounds }
}

/** Whom a trustee has to know to answer. */
const shown = ({ hospital, practice, register, doctor, stranger }: World, others: readonly Identity[] = []) =>
  [...new Set([hospital, practice, register, doctor, stranger, ...others])].map(({ chain }) => [...chain])

export interface Asking {
  readonly by: Identity
  readonly statuses?: readonly Uint8Array[]
  readonly others?: readonly Identity[]
}

export const askEvaluation = (
  { world, running }: Three, which: number, blinded: Uint8Array,
  { by, statuses = world.statuses, others = [] }: Asking, generation = 0,
): Promise<Outcome> => post(world, running[which] as Running, '/v1/discovery/evaluations', encode(EvaluationRequest, {
  keys: shown(world, [by, ...others]), statuses: [...statuses], generation, blinded,
}), by)

export const askBinding = (
  { world, running }: Three, which: number, vault: MadeVault, pseudonym: Uint8Array,
  { by, statuses = world.statuses, others = [], proof }: Asking & { readonly proof?: Uint8Array },
): Promise<Outcome> => post(world, running[which] as Running, '/v1/discovery/bindings', encode(BindingRequest, {
  keys: shown(world, [by, ...others]), statuses: [...statuses], genesis: vault.genesisSigned, pseudonym,
  ...(proof === undefined ? {} : { proof }),
}), by)

export const askQuery = (
  { world, running }: Three, which: number, path: 'bound' | 'objections', pseudonym: Uint8Array, { by }: Asking,
): Promise<Outcome> => post(world, running[which] as Running, `/v1/discovery/${path}`, encode(BindingQuery, {
  keys: shown(world, [by]), statuses: [...world.statuses], pseudonym,
}), by)

export const vaultOf = (
  { clock, trustees }: World, controller: Identity, mode: 'owner' | 'custody',
): Promise<MadeVault> => createVault({
  mode, controller, trustees: trustees.map(({ id }) => id), categories: [{ code: 'summary', strict: false }],
}, clock)

export const proofFor = (
  { clock, register }: World, subject: Identity, pseudonym: Uint8Array,
  { issuer = register, inPerson = false }: { issuer?: Identity; inPerson?: boolean } = {},
): Promise<Uint8Array> => {
  const now = Math.floor(clock.now() / 1000)
  return signIdentityProof(issuer, {
    subject: subject.id, pseudonym, inPerson, notBefore: now - 60, expires: now + 30 * 24 * 3600,
  }, clock)
}
