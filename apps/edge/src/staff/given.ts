/** What the operations of people take: each throws `bad-value` with the name of the parameter. */
import { fromHex } from '@scelle/sdk'
import { EdgeError } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'

export const statementIn = (given: ReadonlyMap<string, string>, name = 'statement'): Uint8Array => {
  const text = given.get(name) ?? ''
  if (!/^[\w+/=-]{8,16384}$/.test(text)) throw new EdgeError('bad-value', 'expected a signed statement in base64', name)
  return new Uint8Array(Buffer.from(text, 'base64'))
}

/** Where the passkey page posts its answer, and in which language it speaks. */
export const pageIn = (
  given: ReadonlyMap<string, string>,
): { readonly returnTo: string; readonly language: string } => {
  const returnTo = given.get('return') ?? ''
  if (!/^https?:\/\/[^\s#]{1,2000}$/.test(returnTo)) throw new EdgeError('bad-value', 'expected an address', 'return')
  return { returnTo, language: given.get('language') ?? 'fr' }
}

export const instantIn = (given: ReadonlyMap<string, string>, name: string, otherwise?: number): number => {
  const text = given.get(name)
  const time = text === undefined ? otherwise : Date.parse(text)
  if (time === undefined || Number.isNaN(time)) throw new EdgeError('bad-value', 'expected an instant', name)
  return time
}

export const personIn = (given: ReadonlyMap<string, string>, name: string): string => {
  const id = given.get(name) ?? ''
  if (fromHex(id)?.length !== 32) throw new EdgeError('bad-value', 'expected a principal\'s id, 64 hex digits', name)
  return id
}

/** The id of a statement or vault: 64 hex digits. */
export const vaultIn = (given: ReadonlyMap<string, string>, name = 'vault'): string => {
  const id = given.get(name) ?? ''
  if (!/^[0-9a-f]{64}$/.test(id)) throw new EdgeError('bad-value', 'expected 64 lower-case hex digits', name)
  return id
}

export const reasonIn = (given: ReadonlyMap<string, string>): string => {
  const reason = (given.get('reason') ?? '').trim()
  if (reason.length < 3 || reason.length > EDGE_LIMITS.reasonLength) {
    throw new EdgeError('bad-value', 'expected a reason, in words', 'reason')
  }
  return reason
}
