/** `$scelle-accesses`: who opened a patient's records, by every account of it, and who has to explain a difference. */
import type { Parameters, ParametersParameter } from '@medplum/fhirtypes'
import type { AccessFinding, Chart, OpenOptions, ProvenAccess } from '@scelle/sdk'
import { type FhirAnswer, jsonAnswer } from '../answers.ts'
import type { Call } from '../call.ts'
import { EdgeError } from '../errors.ts'
import type { Log } from '../log.ts'
import { openFault } from '../open-fault.ts'
import type { Repository } from '../repository.ts'
import type { VaultShelf } from '../vaults.ts'
import type { Staff } from '../staff/staff.ts'
import { faultOf } from '../writes/faults.ts'
import type { aboutOf } from './facts.ts'

export interface AccessesOptions {
  readonly repository: Pick<Repository, 'vaultOf'>
  readonly vaults: VaultShelf
  /** Hex id of this organisation: it compares the accounts of what it is custodian of. */
  readonly self: string
  readonly about: ReturnType<typeof aboutOf>
  readonly staff: Pick<Staff, 'isKept' | 'need' | 'opener'>
  readonly log: Log
}

const text = (name: string, valueString: string | undefined): ParametersParameter[] =>
  valueString === undefined ? [] : [{ name, valueString }]

const accessPart = (access: ProvenAccess): ParametersParameter => ({
  name: 'access',
  part: [
    ...text('statement', access.statement),
    ...text('reader', access.reader),
    { name: 'time', valueInstant: new Date(access.time).toISOString() },
    ...text('purpose', access.purpose),
    ...access.categories.flatMap((code) => text('category', code)),
    ...access.chain.flatMap((grant) => text('grant', grant)),
    ...text('organisation', access.note?.organisation),
    ...text('person', access.note?.person),
    ...access.houses.map(({ id, name, proven, role }) => ({
      name: 'onBehalf',
      part: [
        ...text('who', id), ...text('role', role), ...text('name', name), { name: 'proven', valueBoolean: proven },
      ],
    })),
    ...(access.offline === undefined ? [] : [{
      name: 'offline',
      part: [
        { name: 'time', valueInstant: new Date(access.offline.time).toISOString() },
        ...text('reason', access.offline.reason), ...text('note', access.offline.note),
      ],
    }]),
    ...access.openedOffline.map((time) => ({
      name: 'openedOffline', valueInstant: new Date(time).toISOString(),
    })),
    ...access.releasedBy.flatMap((trustee) => text('releasedBy', trustee)),
    ...access.refusals.map(({ by, problem }) => ({
      name: 'refusal', part: [...text('by', by), ...text('problem', problem)],
    })),
    ...(access.receipt === undefined
      ? []
      : [{ name: 'receipt', valueBase64Binary: Buffer.from(access.receipt).toString('base64') }]),
    ...(access.proof === undefined
      ? []
      : [{ name: 'proof', valueBase64Binary: Buffer.from(access.proof).toString('base64') }]),
  ],
})

const findingPart = ({ access, code, releasedBy = [], who }: AccessFinding): ParametersParameter => ({
  name: 'finding',
  part: [
    { name: 'code', valueCode: code }, ...text('who', who), ...text('access', access),
    ...releasedBy.flatMap((trustee) => text('releasedBy', trustee)),
  ],
})

export class Accesses {
  readonly #options: AccessesOptions

  constructor(options: AccessesOptions) {
    this.#options = options
  }

  /**
   * `GET Patient/id/$scelle-accesses` → each `access`, oldest first, and each `finding`. Where the house has people, an
   * officer's: the readers' entries are opened in the officer's session.
   */
  async of(call: Call, patient: string): Promise<FhirAnswer> {
    if (call.wishes.query !== '') throw new EdgeError('not-supported', 'this operation takes no parameters')
    const { about, repository, self, staff, vaults } = this.#options
    if (staff.isKept && staff.need(call.session).enrolment.role !== 'officer') {
      throw new EdgeError('forbidden', 'who opened a chart is for an officer of the house to read')
    }
    const vault = await repository.vaultOf(patient)
    const handle = await vaults.get(vault)
    if (!handle.custodians.includes(self)) throw new EdgeError('forbidden')
    try {
      const { accesses, findings } = await handle.accesses({
        custodian: self, about: about(call.session, vault),
        openLog: (options) => this.#opened(call.session, vault, options),
      })
      const parameter = [...accesses.map(accessPart), ...findings.map(findingPart)]
      // FHIR knows no empty lists.
      const told: Parameters = { resourceType: 'Parameters', ...(parameter.length === 0 ? {} : { parameter }) }
      return jsonAnswer(200, told)
    } catch (error) {
      throw error instanceof EdgeError ? error : faultOf(error)
    }
  }

  /** As any opening: what trustees refuse is told as they refuse it. */
  async #opened(session: string, vault: string, options: OpenOptions): Promise<Chart> {
    try {
      return await (await this.#options.staff.opener(session, vault)).open(options)
    } catch (error) {
      throw openFault(error, this.#options.log)
    }
  }
}
