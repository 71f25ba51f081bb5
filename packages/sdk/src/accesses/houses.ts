/** Who stands behind a reader, by name: as far as a register that the owner believes signed it. */
import { decode, Signed, toHex, verifySigned } from '@scelle/seal/verify'
import type { Connection } from '../connection.ts'
import type { House } from '../entry-text.ts'

export interface NamedHouse extends House {
  /** Whether one of the client's `registers` says so. Otherwise it is the reader's own claim. */
  readonly proven: boolean
}

const isProven = async (connection: Connection, { status }: House): Promise<boolean> => {
  const { signer, keyVersion } = decode(Signed, status)
  if (!connection.registers.has(toHex(signer))) return false
  try {
    await verifySigned('status', status, (await connection.directory.of(signer, keyVersion)).keys)
    return true
  } catch {
    return false
  }
}

export const namedHouses = (connection: Connection, houses: readonly House[]): Promise<NamedHouse[]> =>
  Promise.all(houses.map(async (house) => ({ ...house, proven: await isProven(connection, house) })))
