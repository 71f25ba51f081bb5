/** The pairs in an answer of `$scelle-duplicates`. */
import type { Parameters } from '@medplum/fhirtypes'

export interface Listed { name: string, patients: string[], kind: string, score: number, reasons: string[] }

export const pairsIn = (body: Parameters): Listed[] => (body.parameter ?? [])
  .filter(({ name }) => name === 'pair').map(({ part = [] }) => ({
    name: part.find(({ name }) => name === 'name')?.valueString ?? '',
    patients: part.flatMap(({ name, valueReference }) => (name === 'patient' ? valueReference?.reference ?? [] : [])),
    kind: part.find(({ name }) => name === 'kind')?.valueCode ?? '',
    score: part.find(({ name }) => name === 'score')?.valueInteger ?? -1,
    reasons: part.filter(({ name }) => name === 'reason').map(({ part: inner = [] }) =>
      inner.map(({ valueCode, valueInteger }) => valueCode ?? valueInteger).join(' ')),
  }))
