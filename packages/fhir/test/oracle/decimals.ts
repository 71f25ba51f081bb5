/** Decimal numbers without rounding: a search's precision is in its digits, and a boundary is met exactly or not. */

/** `digits × 10^scale`. */
export interface Decimal {
  readonly digits: bigint
  readonly scale: number
}

const PATTERN = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/

export const decimalOf = (text: string): Decimal | undefined => {
  const parts = PATTERN.exec(text)
  if (parts === null) return undefined
  const [, sign, whole = '', fraction = '', exponent = '0'] = parts
  const digits = BigInt(`${whole}${fraction}`)
  return { digits: sign === '-' ? -digits : digits, scale: Number(exponent) - fraction.length }
}

const at = ({ digits, scale }: Decimal, to: number): bigint => digits * 10n ** BigInt(scale - to)

/** Below 0, 0 or above 0, as `left` is below, at or above `right`. */
export const compare = (left: Decimal, right: Decimal): number => {
  const scale = Math.min(left.scale, right.scale)
  const difference = at(left, scale) - at(right, scale)
  return difference < 0n ? -1 : Number(difference > 0n)
}

export const add = (left: Decimal, right: Decimal): Decimal => {
  const scale = Math.min(left.scale, right.scale)
  return { digits: at(left, scale) + at(right, scale), scale }
}

export const times = (left: Decimal, right: Decimal): Decimal =>
  ({ digits: left.digits * right.digits, scale: left.scale + right.scale })

export const negative = ({ digits, scale }: Decimal): Decimal => ({ digits: -digits, scale })

export const magnitude = (value: Decimal): Decimal => (value.digits < 0n ? negative(value) : value)

/** Half a unit of the last digit given: what 100 or 5.40 leave open on either side. */
export const halfUlp = ({ scale }: Decimal): Decimal => ({ digits: 5n, scale: scale - 1 })

export const toNumber = ({ digits, scale }: Decimal): number => Number(`${digits}e${scale}`)
