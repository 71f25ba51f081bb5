/** `Patient/id/$scelle-card`: the summary that a patient carries, for emergency sites without a network. */
import type { ParametersParameter } from '@medplum/fhirtypes'
import { type Client, fromHex, SealError, toHex, type Vault } from '@scelle/sdk'
import { type FhirAnswer, jsonAnswer } from '../answers.ts'
import type { Call } from '../call.ts'
import { EdgeError } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import type { Repository } from '../repository.ts'
import { EMERGENCY_SUMMARY } from '../staff/rights.ts'
import type { Directory } from '../store/directory.ts'
import type { VaultShelf } from '../vaults.ts'
import { faultOf } from '../writes/faults.ts'
import { operationParameters } from './parameters.ts'
import type { Summaries } from './summary.ts'

export interface CardOptions {
  readonly client: Pick<Client, 'makeCard'>
  readonly summaries: Pick<Summaries, 'whole'>
  readonly directory: Pick<Directory, 'addGiven'>
  readonly repository: Pick<Repository, 'vaultOf'>
  readonly vaults: VaultShelf
  /** Principal ids, hex. */
  readonly emergencyKeys: readonly string[]
  readonly now: () => number
}

export class EmergencyCards {
  readonly #options: CardOptions

  constructor(options: CardOptions) {
    this.#options = options
  }

  /**
   * `POST Patient/id/$scelle-card`: `until` (instant, a year from now at most; 90 days where absent) → `card`, and
   * `grant` for each way in that had to be given to an emergency key: under it the card's openings are told later.
   */
  async make(call: Call, id: string): Promise<FhirAnswer> {
    const until = this.#until(operationParameters(call, ['until']).get('until'))
    const { client, emergencyKeys, repository, summaries } = this.#options
    if (emergencyKeys.length === 0) {
      throw new EdgeError('not-supported', 'this edge knows no emergency site (emergencyKeys)')
    }
    const vault = await repository.vaultOf(`Patient/${id}`)
    const summary = await summaries.whole(call, id)
    try {
      const given = await this.#leaveOpen(vault, until)
      const { bytes } = await client.makeCard({ vault, summary, until, emergencyKeys })
      const parameter: ParametersParameter[] = [
        { name: 'card', valueBase64Binary: Buffer.from(bytes).toString('base64') },
        ...given.map((valueString) => ({ name: 'grant', valueString })),
      ]
      return jsonAnswer(200, { resourceType: 'Parameters', parameter })
    } catch (error) {
      if (error instanceof SealError && error.code === 'card-too-large') {
        throw new EdgeError('business-rule', 'the summary is too large for a card', undefined, { cause: error })
      }
      throw faultOf(error)
    }
  }

  #until(given: string | undefined): number {
    const now = this.#options.now()
    const until = given === undefined ? now + EDGE_LIMITS.cardLife : Date.parse(given)
    if (Number.isNaN(until) || until <= now || until > now + EDGE_LIMITS.cardLifeMost) {
      throw new EdgeError('bad-value', 'expected an instant in the future, a year from now at most', 'until')
    }
    return until
  }

  /** Gives each emergency key the way in for as long as the card, where it has none. Answers the new grants' ids. */
  async #leaveOpen(id: string, until: number): Promise<string[]> {
    const { directory, emergencyKeys, vaults } = this.#options
    const vault: Vault = await vaults.get(id)
    const ways = (await vault.grantsGiven()).filter(({ grant, revoked, inForce }) =>
      grant.basis === 'vital-interest' && inForce && !revoked && grant.expires * 1000 >= until)
    const open = new Set(ways.map(({ grant }) => toHex(grant.grantee)))
    const given: string[] = []
    for (const key of emergencyKeys.filter((one) => !open.has(one))) {
      const { grant } = await vault.share({
        to: fromHex(key) as Uint8Array, categories: EMERGENCY_SUMMARY, summary: EMERGENCY_SUMMARY,
        rights: ['read', 'shareOn'], purposes: ['emergency'], basis: 'vital-interest', until: until + 1_000, depth: 1,
      })
      directory.addGiven(toHex(grant), id)
      given.push(toHex(grant))
    }
    return given
  }
}
