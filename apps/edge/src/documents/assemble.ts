/** Puts the parts of this folder together. */
import type { Client } from '@scelle/sdk'
import type { RuleTable } from '@scelle/fhir/categories'
import type { Language } from '@scelle/fhir/summary'
import type { Charts } from '../charts.ts'
import type { Repository } from '../repository.ts'
import type { Search } from '../search.ts'
import type { Cabinet } from '../store/cabinet.ts'
import type { Directory } from '../store/directory.ts'
import type { VaultShelf } from '../vaults.ts'
import type { Writer } from '../writes/writer.ts'
import { EmergencyCards } from './card.ts'
import { ChartReader } from './chart-reader.ts'
import { Compositions } from './composition.ts'
import type { DocumentDesk } from './desk.ts'
import { idByName } from './names.ts'
import type { DocumentParts } from './routes.ts'
import { Summaries } from './summary.ts'

export interface Around {
  readonly client: Client
  readonly vaults: VaultShelf
  readonly emergencyKeys: readonly string[]
  readonly directory: Directory
  readonly charts: Charts
  readonly repository: Repository
  readonly search: Search
  readonly cabinet: Cabinet
  readonly desk: DocumentDesk
  readonly writer: Writer
  readonly rules: RuleTable
  readonly organisation: string
  readonly language: Language
  readonly now: () => number
  readonly newId: () => string
}

export const assembleDocuments = (around: Around): DocumentParts => {
  const { directory, charts, repository, search, cabinet } = around
  const reader = new ChartReader({ directory, charts, repository })
  const idFor = (name: string): string => idByName(cabinet, name)
  const summaries = new Summaries({ ...around, charts: reader, search, idFor })
  return {
    compositions: new Compositions({ ...around, charts: reader }),
    summaries,
    cards: new EmergencyCards({ ...around, summaries }),
  }
}
