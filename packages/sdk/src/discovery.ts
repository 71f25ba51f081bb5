/**
 * From an identity to its vault. Two of three trustees turn the blinded identity into a pseudonym, each proving that it
 * used its own share; two of them say which vault is bound to it. Nobody but this client sees who is looked for, and
 * the index has no say in whose vault it is.
 */
import {
  Binding, decode, decodeSigned, type DiscoveryKey, encode, equalBytes, IdentityProof, requireSuite, SealError, toHex,
  verifySigned, ZERO32,
} from '@scelle/seal/verify'
import {
  blindInput, type Blinding, finishEvaluation, type PartialEvaluation, pseudonymOf, requireEvaluation,
  verifyDiscoveryKey,
} from '@scelle/seal/voprf'
import {
  BindingAnswer, BindingQuery, BindingRequest, BindingsShown, EvaluationAnswer, EvaluationRequest, type KeyChain,
  SignedDiscoveryKey,
} from '@scelle/wire/messages'
import type { Connection, Party } from './connection.ts'
import { canonicalTraits, type Traits } from './discovery-traits.ts'
import { SdkError } from './errors.ts'
import { linkedVault } from './links.ts'
import { logNotice } from './log/notices.ts'
import { type Shown, signersOf } from './standing.ts'

export type { InsTraits, StrictTraits, Traits } from './discovery-traits.ts'

/** An identity's vault. */
export interface Found {
  readonly vault: Uint8Array
  readonly pseudonym: Uint8Array
  /** A change that waits, in milliseconds since 1970: the vault is another one from then on. */
  readonly pending?: { readonly vault: Uint8Array; readonly due: number }
  /** Vaults of the same person, by the word of both vaults' controllers. No right on them follows from it. */
  readonly linked?: readonly Uint8Array[]
  /** Of a claimed identity: vaults in custody that it had before, to be handed over by their custodians. */
  readonly before?: readonly Uint8Array[]
}

/** `due`: the change waits until then (milliseconds since 1970); asked again, it is made. */
export type BindResult = { readonly bound: true } | { readonly bound: false; readonly due: number }

/** Whose identity a proof is of: owners cannot look themselves up, since nobody but professionals may. */
export const provenPseudonym = (proof: Uint8Array): Uint8Array =>
  decode(IdentityProof, decodeSigned('identity-proof', proof).body).pseudonym

/** What two of them name. */
const twice = (named: readonly Uint8Array[]): Uint8Array[] =>
  [...Map.groupBy(named, toHex).values()].flatMap((same) => same.length >= 2 ? same.slice(0, 1) : [])

/** What two trustees say alike; of links, what two of them still know: one may have missed a split. */
const merged = (alike: readonly (Found | undefined)[]): Found | undefined => {
  const [first] = alike
  if (first === undefined) return undefined
  const linked = twice(alike.flatMap((found) => found?.linked ?? []))
  // One trustee alone has no custodian hand over the vault of somebody else.
  const before = twice(alike.flatMap((found) => found?.before ?? []))
  const waits = alike.find((found) => found?.pending !== undefined)?.pending
  const more = before.length === 0 ? {} : { before }
  const pending = waits === undefined ? {} : { pending: waits }
  return { vault: first.vault, pseudonym: first.pseudonym, linked, ...more, ...pending }
}

interface Failure {
  readonly party: Party
  readonly error: SdkError | SealError
}

const insufficient = (failures: readonly Failure[]): SdkError => {
  const names = failures.map(({ party, error }) =>
    `${toHex(party.keys.id).slice(0, 8)}… (${error instanceof SdkError ? error.problem ?? error.code : error.code})`)
  return new SdkError('discovery-insufficient', `two trustees have to answer; these did not: ${names.join(', ')}`, {
    parties: failures.map(({ party }) => toHex(party.keys.id)), cause: failures[0]?.error,
  })
}

export class Discovery {
  readonly #connection: Connection
  #key: Promise<DiscoveryKey> | undefined

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** The pseudonym of an identity. Charged at two trustees. */
  async pseudonym(traits: Traits): Promise<Uint8Array> {
    const input = canonicalTraits(traits)
    try {
      return await this.#evaluate(input)
    } catch (error) {
      const stale = error instanceof SdkError && error.cause instanceof SdkError &&
        error.cause.problem === 'discovery-stale'
      if (!stale) throw error
      this.#key = undefined
      return this.#evaluate(input)
    }
  }

  /** Undefined where two trustees know of no vault. */
  async find(pseudonym: Uint8Array): Promise<Found | undefined> {
    const shown = await this.#shown()
    const body = encode(BindingQuery, { ...shown, pseudonym })
    const answers = await this.#all(async (party) => {
      try {
        return await this.#verified(party, decode(BindingAnswer, await this.#ask(party, 'bound', body)), pseudonym)
      } catch (error) {
        if (error instanceof SdkError && error.problem === 'not-found') return undefined
        throw error
      }
    })
    return this.#agreed(answers)
  }

  async discover(traits: Traits): Promise<Found | undefined> {
    return this.find(await this.pseudonym(traits))
  }

  /**
   * Has an identity bound to a vault of this client's. Done where two trustees signed and the log has it; throws
   * `already-bound` where two refused since it is another vault's, `discovery-insufficient` where too few answered, and
   * `index-problem` where it is not logged: ask again.
   */
  async bind(genesis: Uint8Array, vault: Uint8Array, pseudonym: Uint8Array, proof?: Uint8Array): Promise<BindResult> {
    const { due } = await this.bindFound(genesis, vault, pseudonym, proof)
    return due === undefined ? { bound: true } : { bound: false, due }
  }

  /** As `bind`, with what two trustees know beside it once it is bound: an owner cannot look itself up. */
  async bindFound(
    genesis: Uint8Array, vault: Uint8Array, pseudonym: Uint8Array, proof?: Uint8Array,
  ): Promise<Found & { readonly due?: number }> {
    const shown = await this.#shown(proof)
    const body = encode(BindingRequest, { ...shown, genesis, pseudonym, ...(proof === undefined ? {} : { proof }) })
    const { answers, failures } = await this.#all(async (party) => {
      const answer = decode(BindingAnswer, await this.#ask(party, 'bindings', body))
      return { party, binding: answer.binding, found: await this.#verified(party, answer, pseudonym) }
    })
    const made = answers.filter(({ found }) => equalBytes(found.vault, vault))
    if (made.length >= 2) {
      const content = encode(BindingsShown, {
        keys: made.map(({ party }) => [...party.chain]), bindings: made.map(({ binding }) => binding), genesis,
      })
      await logNotice(this.#connection, { about: 'binding', target: vault, content })
      return merged(made.map(({ found }) => found)) as Found
    }
    const waiting = answers.flatMap(({ found: { pending } }) =>
      pending !== undefined && equalBytes(pending.vault, vault) ? [pending.due] : [])
    if (waiting.length + made.length >= 2) return { vault, pseudonym, due: Math.max(...waiting) }
    const refused = failures.find(({ error }) => error instanceof SdkError && error.problem === 'already-bound')
    throw refused?.error ?? insufficient(failures)
  }

  /** As the controller of the vault that is bound: stops a change that waits. */
  async object(pseudonym: Uint8Array): Promise<void> {
    const body = encode(BindingQuery, { ...await this.#shown(), pseudonym })
    const { failures } = await this.#all((party) => this.#ask(party, 'objections', body))
    if (failures.length > 1) throw insufficient(failures)
  }

  async #evaluate(input: Uint8Array): Promise<Uint8Array> {
    const { context } = this.#connection
    this.#key ??= this.#fetchKey()
    this.#key.catch(() => { this.#key = undefined })
    const key = await this.#key
    const blinding = blindInput(input, context)
    const { keys, statuses } = await this.#shown()
    const body = encode(EvaluationRequest, { keys, statuses, generation: key.generation, blinded: blinding.blinded })
    // Two are asked and the third where one fails: each that is asked charges.
    const parties = await this.#drawn()
    const partials: PartialEvaluation[] = []
    const failures: Failure[] = []
    while (partials.length < 2 && parties.length > 0) {
      const next = parties.splice(0, 2 - partials.length)
      const heard = await this.#each(next, (party) => this.#partial(party, body, blinding, key))
      partials.push(...heard.answers)
      failures.push(...heard.failures)
      if (failures.length > 1) break
    }
    if (partials.length < 2) throw insufficient(failures)
    return pseudonymOf(finishEvaluation(blinding, partials, key))
  }

  /** A trustee whose answer is not proven is left out, and named. */
  async #partial(party: Party, body: Uint8Array, { blinded }: Blinding, key: DiscoveryKey): Promise<PartialEvaluation> {
    const answer = decode(EvaluationAnswer, await this.#ask(party, 'evaluations', body))
    // Whose answer it is, is who was asked: a trustee must not have another one blamed.
    const partial = { trustee: party.keys.id, evaluated: answer.evaluated, proof: answer.proof }
    requireEvaluation(partial, blinded, key)
    return partial
  }

  /** The newest key that a trustee shows under three signatures; two are asked, so that one alone serves no old one. */
  async #fetchKey(): Promise<DiscoveryKey> {
    const trustees = await this.#connection.metTrustees()
    const keys = trustees.map((party) => party.keys)
    const { answers, failures } = await this.#each(trustees, async (party) => {
      const { transport } = this.#connection
      const answer = await transport.ask(party.target, { method: 'GET', path: '/v1/discovery/key', attempts: 2 })
      return verifyDiscoveryKey(decode(SignedDiscoveryKey, answer), keys)
    })
    const [newest] = answers.toSorted((a, b) => b.generation - a.generation)
    if (newest === undefined || answers.length < 2) throw insufficient(failures)
    return newest
  }

  /** One trustee's binding: its signature, and that it is about this pseudonym. */
  async #verified(
    { keys }: Party, { binding, pending, linked = [], before }: BindingAnswer, pseudonym: Uint8Array,
  ): Promise<Found> {
    if (!equalBytes(decodeSigned('binding', binding).signer, keys.id)) {
      throw new SealError('principal-mismatch', 'a binding is by another trustee than was asked')
    }
    const { body } = await verifySigned('binding', binding, keys)
    const bound = decode(Binding, body)
    requireSuite(bound)
    if (!equalBytes(bound.pseudonym, pseudonym)) {
      throw new SealError('principal-mismatch', 'a binding is of another identity than was asked for')
    }
    const others = await Promise.all(linked.map((shown) => linkedVault(shown, bound.vault)))
    return {
      vault: bound.vault, pseudonym, linked: others.filter((other) => other !== undefined),
      ...(before === undefined ? {} : { before }),
      ...(pending === undefined ? {} : { pending: { vault: pending.vault, due: pending.due * 1000 } }),
    }
  }

  #agreed({ answers, failures }: {
    readonly answers: readonly (Found | undefined)[]; readonly failures: readonly Failure[]
  }): Found | undefined {
    const named = Map.groupBy(answers, (found) => found === undefined ? 'none' : toHex(found.vault))
    for (const alike of named.values()) {
      if (alike.length >= 2) return merged(alike)
    }
    throw insufficient(failures)
  }

  /** Keys and statuses that a trustee needs to know who asks. */
  async #shown(proof?: Uint8Array): Promise<{ keys: KeyChain[]; statuses: Uint8Array[] }> {
    const { standing, directory, identity } = this.#connection
    const { statuses = [] }: Shown = await standing?.show(ZERO32) ?? {}
    const signers = [
      ...signersOf({ statuses }), ...(proof === undefined ? [] : [decodeSigned('identity-proof', proof).signer]),
    ]
    const ids = new Map([identity.id, ...signers].map((id) => [toHex(id), id]))
    const principals = await Promise.all([...ids.values()].map((id) => directory.of(id)))
    return { keys: principals.map(({ chain }) => [...chain]), statuses: [...statuses] }
  }

  #ask({ target }: Party, path: string, body: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    return this.#connection.transport.ask(target, { method: 'POST', path: `/v1/discovery/${path}`, body, attempts: 2 })
  }

  async #drawn(): Promise<Party[]> {
    const parties = await this.#connection.metTrustees()
    const first = (this.#connection.context.random(1)[0] as number) % 3
    return [...parties.slice(first), ...parties.slice(0, first)]
  }

  async #all<T>(work: (party: Party) => Promise<T>): Promise<{ answers: T[]; failures: Failure[] }> {
    return this.#each(await this.#connection.metTrustees(), work)
  }

  async #each<T>(
    parties: readonly Party[], work: (party: Party) => Promise<T>,
  ): Promise<{ answers: T[]; failures: Failure[] }> {
    const answers: T[] = []
    const failures: Failure[] = []
    await Promise.all(parties.map(async (party) => {
      try {
        answers.push(await work(party))
      } catch (error) {
        if (!(error instanceof SdkError) && !(error instanceof SealError)) throw error
        failures.push({ party, error })
        this.#connection.log('trustee-failed', { code: error.code })
      }
    }))
    return { answers, failures }
  }
}
