/** What the page believes without being told: which registers say who a house is, and where the page itself stands. */
import { fromHex } from '@scelle/seal/verify'

export interface Constellation {
  /** The page's own origin, as browsers write it: the one that key records name. */
  readonly origin: string
  readonly rpId: string
  /** Principal id of the index whose network sessions are for. */
  readonly index: Uint8Array
  /** Principal ids of the registers whose word about a house's name counts. */
  readonly registers: readonly Uint8Array[]
  /** Principal ids of the trustees, who hold parts of what guardians guard. None: nobody names guardians here. */
  readonly trustees: readonly Uint8Array[]
}

/** The file `constellation.json`: ids in hex. */
export interface ConstellationFile {
  readonly origin: string
  readonly rpId: string
  readonly index: string
  readonly registers: readonly string[]
  /** All three of them, or absent. */
  readonly trustees?: readonly string[]
}

const idOf = (hex: string): Uint8Array => {
  const id = fromHex(hex)
  if (id?.length !== 32) throw new Error('constellation.json: a principal id has 64 lower-case hexadecimal digits')
  return id
}

/** Throws an Error that names the field: the build reads the file as well, so no page is made with a wrong one. */
export const readConstellation = (
  { origin, rpId, index, registers, trustees = [] }: ConstellationFile,
): Constellation => {
  const { hostname, origin: exact } = new URL(origin)
  if (exact !== origin) throw new Error('constellation.json: origin is scheme, host and port, nothing else')
  if (hostname !== rpId && !hostname.endsWith(`.${rpId}`)) {
    throw new Error('constellation.json: rpId is the host of the origin, or a domain that the host is in')
  }
  if (![0, 3].includes(new Set(trustees).size) || ![0, 3].includes(trustees.length)) {
    throw new Error('constellation.json: trustees are three different ones')
  }
  return { origin, rpId, index: idOf(index), registers: registers.map(idOf), trustees: trustees.map(idOf) }
}
