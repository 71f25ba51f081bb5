/** What an audit finds: the first place where what is stored is not what was signed, or does not follow from it. */
import { LogError } from '@scelle/log'
import { SealError } from '@scelle/seal/verify'

export interface FaultPlace {
  readonly table: string
  /** Which row, in words: `sequence 17`. */
  readonly row: string
  readonly field: string
}

export class AuditFault extends Error {
  readonly place: FaultPlace
  constructor(place: FaultPlace, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'AuditFault'
    this.place = place
  }
}

/** Ids in faults: enough of them to find the row. */
export const shortName = (id: Uint8Array): string => Buffer.from(id.subarray(0, 8)).toString('hex')

/** Runs a check; what a rule of the format refuses there is a fault of that place. */
export const inPlace = async <T>(place: FaultPlace, check: () => T | Promise<T>): Promise<T> => {
  try {
    return await check()
  } catch (cause) {
    if (cause instanceof SealError || cause instanceof LogError) throw new AuditFault(place, cause.message, { cause })
    throw cause
  }
}

export const requireThat: (holds: boolean, place: FaultPlace, message: string) => asserts holds = (
  holds, place, message,
) => {
  if (!holds) throw new AuditFault(place, message)
}

type Value = Uint8Array | number | string | boolean | undefined

const differenceOf = (stored: Value, expected: Value): string | undefined => {
  if (stored instanceof Uint8Array && expected instanceof Uint8Array) {
    const length = Math.min(stored.length, expected.length)
    for (let i = 0; i < length; i++) if (stored[i] !== expected[i]) return `octet ${i} is another than it must be`
    return stored.length === expected.length ? undefined : `${stored.length} octets, ${expected.length} expected`
  }
  return stored === expected ? undefined : `another value than what follows from the statements`
}

/** Compares a stored row with what it must be, field by field. */
export const requireRow = <R extends { readonly [K in keyof R]: Value }>(
  place: Omit<FaultPlace, 'field'>, stored: R | undefined, expected: R,
): void => {
  if (stored === undefined) throw new AuditFault({ ...place, field: '-' }, 'the row is missing')
  for (const [field, value] of Object.entries<Value>(expected)) {
    const difference = differenceOf(stored[field as keyof R], value)
    if (difference !== undefined) throw new AuditFault({ ...place, field }, difference)
  }
}
