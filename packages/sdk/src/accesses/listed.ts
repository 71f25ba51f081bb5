/** Accesses to one part as the index lists them: each verified, with the index's word where its log has it. */
import {
  Access, decode, decodeSigned, Denial, equalBytes, SealError, statementId, toHex,
  verifyAccess, verifyPosition, verifySigned,
} from '@scelle/seal/verify'
import { AccessList } from '@scelle/wire/messages'
import type { Connection } from '../connection.ts'
import { SdkError } from '../errors.ts'
import { type Place, placeOf } from '../log/places.ts'
import type { Part, VaultView } from '../vault-view.ts'

/** A reader's signed word that it opens something. Ids are lower-case hex. */
export interface SignedAccess {
  /** Statement id. */
  readonly statement: string
  readonly signed: Uint8Array
  readonly access: Access
}

export interface ListedAccess extends SignedAccess {
  /** Code of the refusal, where the index refused it. */
  readonly refused: string | undefined
  /** Of the access, or of the word that it was refused. */
  readonly place: Place
}

/** Whose list it is: which part of which vault. */
export interface ListedPart {
  readonly view: VaultView
  readonly part: Part
}

/**
 * Checks an access that somebody else lists. Throws SealError `signature-invalid`, `principal-mismatch`, and
 * `vault-mismatch` where it is about another part.
 */
export const checkAccess = async (
  connection: Connection, { view, part }: ListedPart, signed: Uint8Array,
): Promise<SignedAccess> => {
  const statement = decodeSigned('access', signed)
  const { body } = statement
  const { vault, custodian } = decode(Access, body)
  if (!equalBytes(vault, view.vault) || !equalBytes(custodian, part.custodian.keys.id)) {
    throw new SealError('vault-mismatch', 'an access to another part of a vault is listed')
  }
  const { access } = await verifyAccess(signed, await connection.acting(statement), 'listed')
  return { statement: toHex(statementId(signed)), signed, access }
}

/** Checks a server's word that it refused an access. Throws SealError. */
export const checkDenial = async (
  connection: Connection, denialSigned: Uint8Array, from: { server: Uint8Array; access: SignedAccess },
): Promise<Denial> => {
  const { keyVersion } = decodeSigned('denial', denialSigned)
  const { keys } = await connection.directory.of(from.server, keyVersion)
  const denial = decode(Denial, (await verifySigned('denial', denialSigned, keys)).body)
  const fits =
    equalBytes(denial.server, from.server) &&
    equalBytes(denial.vault, from.access.access.vault) &&
    equalBytes(denial.reader, from.access.access.reader) &&
    toHex(denial.access) === from.access.statement
  if (!fits) throw new SealError('release-mismatch', 'a word about a refusal is about another access')
  return denial
}

type Row = AccessList[number]

const check = async (connection: Connection, of: ListedPart, row: Row): Promise<ListedAccess> => {
  const access = await checkAccess(connection, of, row.access)
  const denial = row.denial === undefined
    ? undefined
    : await checkDenial(connection, row.denial, { server: connection.index.id, access })
  const statement = statementId(row.denial ?? row.access)
  const place = placeOf(await verifyPosition(row.position, connection.index, statement))
  return { ...access, refused: denial?.problem, place }
}

/** All of them, oldest first. Throws SealError for whatever does not hold, SdkError `answer-invalid`. */
export const listedAccesses = async (
  connection: Connection, of: ListedPart, signal?: AbortSignal,
): Promise<ListedAccess[]> => {
  const found: ListedAccess[] = []
  for (let after = 0; ;) {
    const answer = await connection.askIndex({
      method: 'GET',
      path: `/v1/vaults/${toHex(of.view.vault)}/accesses`,
      query: { custodian: toHex(of.part.custodian.keys.id), after: String(after) },
      signal,
    })
    const page = decode(AccessList, answer)
    for (const row of page) {
      const listed = await check(connection, of, row)
      if (listed.place.sequence <= after) {
        throw new SdkError('answer-invalid', 'the index lists accesses in another order than that of its log')
      }
      after = listed.place.sequence
      found.push(listed)
    }
    // A page may be as short as the index likes; the last one is empty.
    if (page.length === 0) return found
  }
}
