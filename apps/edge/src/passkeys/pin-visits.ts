/**
 * A PIN on the passkey page takes two visits: the page has no network, so this house takes the blinded point to the
 * trustees, who count, and brings their answers back. It sees neither the PIN nor what it evaluates to, and has no try.
 */
import type { Client } from '@scelle/sdk'
import type { KeptWrap, PageAnswer, PinAsked } from '@scelle/wire/passkey-page'
import { EdgeError } from '../errors.ts'

type Recoveries = Client['recoveries']

const NEEDED = 2

/** Which trustees a page may deal a PIN to, or ask: for whoever enrols, or has a browser's key. */
export const pinIn = async (
  { trustees }: Recoveries, wraps: readonly KeptWrap[] | undefined,
): Promise<{ readonly pin?: PinAsked }> => {
  if (wraps !== undefined && !wraps.some(({ device }) => device === true)) return {}
  const met = await trustees()
  return met.length === 3 ? { pin: { trustees: met } } : {}
}

/** What goes back to the page. Throws `forbidden` where tries are spent, `index-unavailable`. */
export const pinHeard = async (
  { evaluations, trustees }: Recoveries, { state, calls }: NonNullable<PageAnswer['pin']>,
): Promise<PinAsked> => {
  const { answers, locked } = await evaluations(calls)
  if (answers.length >= NEEDED) return { trustees: await trustees(), state, heard: [...answers] }
  if (locked >= NEEDED) {
    throw new EdgeError('forbidden', 'the tries of this PIN are spent: use the sheet, or your guardians')
  }
  throw new EdgeError('index-unavailable', 'two trustees have to answer for a PIN: begin again')
}
