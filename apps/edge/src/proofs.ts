/** `$scelle-proof`: that one version of a resource is on record, for somebody who trusts neither this edge nor us. */
import { SdkError } from '@scelle/sdk'
import { isId } from '@scelle/fhir/validate'
import type { Answer, Server } from '@scelle/wire/server'
import { type Call, requireRights } from './call.ts'
import type { Locator } from './entry.ts'
import { EdgeError } from './errors.ts'
import type { Repository } from './repository.ts'
import { BASE, type Handling } from './server.ts'
import type { VaultShelf } from './vaults.ts'
import { faultOf } from './writes/faults.ts'

export interface ProofsOptions {
  readonly repository: Pick<Repository, 'locate'>
  readonly vaults: Pick<VaultShelf, 'get'>
}

/** What a proof is made of is no FHIR: a file that `scelle verify --receipt` reads. */
const PROOF_TYPE = 'application/cbor'

const refused = (error: unknown): EdgeError => {
  if (error instanceof SdkError) {
    const { code, problem } = error
    if (code === 'record-unknown') return new EdgeError('not-found', undefined, undefined, { cause: error })
    if (code === 'not-custodian') return new EdgeError('forbidden', undefined, undefined, { cause: error })
    if (problem === 'not-cosigned') return new EdgeError('not-final', undefined, undefined, { cause: error })
  }
  return faultOf(error)
}

export class Proofs {
  readonly #options: ProofsOptions

  constructor(options: ProofsOptions) {
    this.#options = options
  }

  /**
   * `GET Type/id/$scelle-proof`, `GET Type/id/_history/vid/$scelle-proof`: the octets of the file. No chart is opened:
   * the file holds nothing that is sealed. Throws `not-found`, `forbidden` where this organisation is neither the
   * custodian nor the author, `not-final`.
   */
  async of(call: Call, wanted: { type: string; id: string; version: string | undefined }): Promise<Answer> {
    requireRights(call, 'read')
    if (call.wishes.query !== '') throw new EdgeError('not-supported', 'this operation takes no parameters')
    const { type, id, version } = wanted
    if (!isId(id)) throw new EdgeError('not-found')
    const { repository, vaults } = this.#options
    const locator = await repository.locate(type, id)
    const name = { author: locator.author, handle: locator.handle, version: versionOf(locator, version) }
    try {
      const body = await (await vaults.get(locator.vault)).proofOf(name)
      return { status: 200, headers: { 'content-type': PROOF_TYPE }, body }
    } catch (error) {
      throw refused(error)
    }
  }
}

const versionOf = (locator: Locator, asked: string | undefined): number => {
  if (asked === undefined) return locator.version
  if (!/^[1-9]\d{0,9}$/.test(asked)) throw new EdgeError('not-found')
  return Number(asked)
}

/** Beside FHIR's own routes, since the answer is no resource: no Bundle can hold it. */
export const addProofRoutes = (server: Server, door: Handling, proofs: Proofs): void => {
  for (const url of [`${BASE}/:type/:id/$scelle-proof`, `${BASE}/:type/:id/_history/:version/$scelle-proof`]) {
    server.route({
      policy: 'signed', method: 'GET', url,
      handler: (request) => {
        const { accept: _, ...headers } = request.headers
        const { type = '', id = '', version } = request.params
        return door.serve({ ...request, headers }, (call) => proofs.of(call, { type, id, version }))
      },
    })
  }
}
