/**
 * Grants that the organisation signs on to its people: when somebody first opens a vault, for the categories of their
 * role, for one session's time, to be passed on to nobody.
 */
import type { Chart, OpenOptions, Vault } from '@scelle/sdk'
import { EDGE_LIMITS } from '../limits.ts'
import { Locks } from '../locks.ts'
import type { Directory } from '../store/directory.ts'
import type { VaultShelf } from '../vaults.ts'
import { EdgeError } from '../errors.ts'
import type { Member } from './member.ts'
import { categoriesOf } from './rights.ts'

export interface GrantingOptions {
  readonly vaults: VaultShelf
  readonly directory: Directory
  readonly self: string
  readonly basis: 'care-team' | 'consent'
  readonly now: () => number
}

/** What index, trustees and sdk say where a grant is missing, or ended. */
const MISSING: ReadonlySet<string> = new Set([
  'no-grant', 'grant-expired', 'grant-revoked', 'not-permitted', 'not-found', 'vault-unknown',
])

const isMissing = (error: unknown): boolean => {
  const { code, problem } = (error ?? {}) as { readonly code?: string; readonly problem?: string }
  return MISSING.has(code ?? '') || MISSING.has(problem ?? '')
}

export class Granting {
  readonly #options: GrantingOptions
  readonly #locks = new Locks()
  readonly #stale = new Set<string>()

  constructor(options: GrantingOptions) {
    this.#options = options
  }

  stale(vault: string): void {
    this.#stale.add(vault)
  }

  /** The vault as this person has it, with a grant in force. */
  handle(member: Member, vault: string): Promise<Vault> {
    return this.#locks.with([`${member.id}/${vault}`], async () => {
      await this.#renew(member, vault)
      try {
        const handle = await member.vaults.get(vault)
        if (handle.custodians.length > 0) {
          await handle.categories()
          return handle
        }
      } catch (error) {
        if (!isMissing(error)) throw error
      }
      await this.#grant(member, vault)
      return this.#again(member, vault)
    })
  }

  /** Opens it; where the grant has ended meanwhile, under a new one. */
  async open(member: Member, vault: string, options: OpenOptions): Promise<Chart> {
    const allowed = categoriesOf(member.enrolment.role)
    // Asked for by name: no grant would give it, however often one is signed.
    if (options.categories?.every((code) => !allowed.has(code)) === true) throw new EdgeError('forbidden')
    const handle = await this.handle(member, vault)
    // Named, since a way for an emergency alone would otherwise be taken, without anybody having said that it is one.
    const treating: OpenOptions = { ...options, purpose: 'treatment' }
    try {
      return await handle.open(treating)
    } catch (error) {
      if (!isMissing(error)) throw error
      const renewed = await this.#locks.with([`${member.id}/${vault}`], async () => {
        await this.#grant(member, vault)
        return this.#again(member, vault)
      })
      return renewed.open(treating)
    }
  }

  async #again(member: Member, vault: string): Promise<Vault> {
    member.vaults.stale(vault)
    return member.vaults.get(vault)
  }

  /** Delivers new keys under grants that were signed on before the custodian changed them. */
  async #renew(member: Member, vault: string): Promise<void> {
    if (!this.#stale.delete(vault)) return
    await (await this.#options.vaults.get(vault)).renewKeys()
    member.vaults.stale(vault)
  }

  async #grant(member: Member, vault: string): Promise<void> {
    const { vaults, self, basis } = this.#options
    const own = await vaults.get(vault)
    const allowed = categoriesOf(member.enrolment.role)
    const categories = [...await own.categories()]
      .filter(([code, { readable }]) => readable && allowed.has(code)).map(([code]) => code)
    if (categories.length === 0) throw new EdgeError('forbidden', 'this role opens nothing here')
    // Of its own part the custodian names the basis; of what it was granted, the grant does.
    const named = own.genesis.mode === 'custody' && own.custodians.includes(self) ? { basis } : {}
    const share = (codes: readonly string[]): Promise<unknown> =>
      own.share({ to: member.id, categories: codes, until: this.#until(vault), depth: 0, ...named })
    try {
      await share(categories)
    } catch (error) {
      if (!isMissing(error)) throw error
      await this.#eachOf(categories, share, error)
    }
  }

  /** Several grants, each of some categories: one is signed on for each category that one of them covers. */
  async #eachOf(
    categories: readonly string[], share: (codes: readonly string[]) => Promise<unknown>, why: unknown,
  ): Promise<void> {
    let shared = 0
    for (const code of categories) {
      try {
        await share([code])
        shared++
      } catch (error) {
        if (!isMissing(error)) throw error
      }
    }
    if (shared > 0) return
    throw new EdgeError('forbidden', 'what was granted to this organisation may not be passed on to its people: it ' +
      'takes a grant with shareOn', undefined, { cause: why })
  }

  /** As long as a session may last, and no longer than what it rests on. */
  #until(vault: string): number {
    const { directory, now } = this.#options
    const parents = Object.values(directory.vault(vault)?.grants ?? {}).filter((until) => until > now())
    return Math.min(now() + EDGE_LIMITS.sessionAbsolute, ...parents)
  }
}
