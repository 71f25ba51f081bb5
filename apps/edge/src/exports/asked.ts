/** What a bulk export is asked for (Bulk Data Access 2.0, kick-off). */
import { isResourceType } from '@scelle/fhir/validate'
import type { Call } from '../call.ts'
import { operationParameters } from '../documents/parameters.ts'
import { EdgeError } from '../errors.ts'
import { header } from '../negotiation.ts'
import { sinceIn } from '../paging-query.ts'

export interface ExportAsked {
  readonly since: number
  /** Absent: every type. */
  readonly types: ReadonlySet<string> | undefined
}

const FORMATS: ReadonlySet<string> = new Set(['application/fhir+ndjson', 'application/ndjson', 'ndjson'])

/** @throws EdgeError `bad-request`, `bad-value`, `not-supported` */
export const exportAsked = (call: Call): ExportAsked => {
  const wishes = (header(call.headers, 'prefer') ?? '').split(/[,;]/).map((part) => part.trim().toLowerCase())
  if (!wishes.includes('respond-async')) {
    throw new EdgeError('bad-request', 'an export is answered later: send Prefer: respond-async', 'Prefer')
  }
  const given = operationParameters(call, ['_outputFormat', '_since', '_type'])
  const format = given.get('_outputFormat')?.replaceAll(' ', '+')
  if (format !== undefined && !FORMATS.has(format)) {
    throw new EdgeError('bad-value', 'expected application/fhir+ndjson', '_outputFormat')
  }
  const types = given.get('_type')?.split(',')
  if (types !== undefined && !types.every(isExported)) {
    throw new EdgeError('bad-value', 'expected resource types; a Binary is read by its own address', '_type')
  }
  return { since: sinceIn(given), types: types && new Set(types) }
}

/** Documents of any size stay where they are: what refers to them says where. */
export const isExported = (type: string): boolean => type !== 'Binary' && isResourceType(type)
