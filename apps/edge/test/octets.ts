/** What the tests of Binary share: sending octets, and asking for them. */
import { createHash } from 'node:crypto'
import type { Application } from './harness.ts'

export interface Got {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Buffer
}

export type Fields = Record<string, string>

export const ask = async (
  app: Application, method: string, path: string, headers: Fields = {}, raw?: Uint8Array,
): Promise<Got> => {
  const answer = await app.fetch(method, path, { headers, ...(raw === undefined ? {} : { raw }) })
  return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) }
}

export const OF_P = { 'content-type': 'application/dicom', 'x-security-context': 'Patient/p' }

/** What an OperationOutcome says: status, type, diagnostics. */
export const refusalIn = ({ status, bytes }: Got): string => {
  const outcome = JSON.parse(bytes.toString()) as { issue: { code: string; diagnostics: string }[] }
  return `${status} ${outcome.issue[0]?.code} ${outcome.issue[0]?.diagnostics}`
}

/** Path below the base of what a `Location` names, without its version. */
export const placeIn = ({ headers }: Pick<Got, 'headers'>): string =>
  /\/fhir\/(.+?)(?:\/_history\/\d+)?$/.exec(headers.get('location') ?? '')?.[1] ?? ''

export const sha256 = (bytes: Uint8Array): string =>
  `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`
