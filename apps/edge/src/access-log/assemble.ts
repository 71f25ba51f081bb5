import type { Client } from '@scelle/sdk'
import type { ProfileSet } from '@scelle/fhir/profiles'
import type { Charts } from '../charts.ts'
import type { Grants } from '../grants.ts'
import type { Log } from '../log.ts'
import type { Pager } from '../paging.ts'
import type { Persons } from '../persons.ts'
import { Repository } from '../repository.ts'
import { Search } from '../search.ts'
import type { Exposure } from '../staff/exposure.ts'
import type { Staff } from '../staff/staff.ts'
import type { Directory } from '../store/directory.ts'
import { valueSetsOf } from '../terminology.ts'
import type { VaultShelf } from '../vaults.ts'
import { AccessLog } from './access-log.ts'
import type { aboutOf } from './facts.ts'
import { Accesses } from './operation.ts'
import { Receipts } from './receipts.ts'
import type { Register } from './register.ts'

export interface AccessLogParts {
  readonly options: { readonly now: () => number }
  readonly client: Pick<Client, 'log'>
  readonly about: ReturnType<typeof aboutOf>
  readonly register: Register
  readonly vaults: VaultShelf
  readonly accessLogs: Charts
  readonly directory: Directory
  readonly persons: Persons
  readonly grants: Pick<Grants, 'lookOnMiss'>
  readonly profiles: ProfileSet
  readonly exposure: Exposure
  readonly staff: Staff
  readonly log: Log
}

/** Reading and searching as everywhere, over access logs instead of charts. */
export const assembleAccessLog = (
  parts: AccessLogParts, pager: Pager,
): { readonly accessLog: AccessLog; readonly accesses: Accesses } => {
  const { about, client, vaults, directory, persons, grants, register, log, exposure, staff } = parts
  const { accessLogs: charts } = parts
  const repository = new Repository({
    directory, charts, lookForGrants: (session) => grants.lookOnMiss(session), exposure,
  })
  const valueSets = valueSetsOf(parts.profiles)
  const search = new Search({ directory, charts, persons, repository, pager, exposure, valueSets })
  const receipts = new Receipts({ client, vaults, self: directory.self, now: parts.options.now, log })
  return {
    accessLog: new AccessLog({ repository, search, receipts, directory, register }),
    accesses: new Accesses({ repository, vaults, self: directory.self, about, staff, log }),
  }
}
