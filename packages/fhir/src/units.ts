/**
 * UCUM units for the search of quantities, by the library of the U.S. National Library of Medicine. Loaded when asked
 * for: its tables take some 12 MB, which an edge without such a search need not hold.
 * @module
 */
import type { CanonicalUnit, Units } from './search/options.ts'
import { LIMITS } from './limits.ts'

export type { CanonicalUnit, Units } from './search/options.ts'

interface Base {
  magnitude: number
  dimension: string
}

type Convert = (code: string, value: number) => Base | undefined

/** One instance serves a process: it keeps what each code means, and nothing of any record. */
export async function loadUnits(): Promise<Units> {
  const { default: ucum } = await import('@lhncbc/ucum-lhc')
  const library = ucum.UcumLhcUtils.getInstance()
  const convert: Convert = (code, value) => {
    try {
      const { status, magnitude, unitToExp = {} } = quietly(() => library.convertToBaseUnits(code, value))
      if (status !== 'succeeded' || magnitude === undefined || !Number.isFinite(magnitude)) return undefined
      // To UCUM a mole is a number like others: by it alone, cells per litre would compare with moles of glucose.
      const moles = quietly(() => library.getSpecifiedUnit(code, 'validate').unit?.getProperty('moleExp_') ?? 0)
      const exponents = Object.entries(unitToExp).map(([unit, exponent]) => `${unit}${exponent}`).toSorted()
      return { magnitude, dimension: [moles, ...exponents].join(' ') }
    } catch {
      return undefined // the library stumbles over codes such as `constructor`: no unit
    }
  }
  return unitsOf(convert)
}

/**
 * The library prints what it cannot read, as it came: a stranger's text from a query or a record, in the log of whoever
 * searches. It works synchronously, so nobody else's lines are lost.
 */
function quietly<T>(work: () => T): T {
  const output = globalThis['console']
  const { log } = output
  output.log = () => undefined
  try {
    return work()
  } finally {
    output.log = log
  }
}

function unitsOf(convert: Convert): Units {
  const known = new Map<string, CanonicalUnit | undefined>()
  return {
    canonical: (code) => {
      if (known.has(code)) return known.get(code)
      const unit = code.length <= LIMITS.unitLength ? canonicalOf(code, convert) : undefined
      // Codes come from records and queries: the table must not grow with them.
      if (known.size >= LIMITS.units) known.clear()
      known.set(code, unit)
      return unit
    },
  }
}

function canonicalOf(code: string, convert: Convert): CanonicalUnit | undefined {
  const [nought, one, two] = [0, 1, 2].map((value) => convert(code, value)?.magnitude)
  const dimension = convert(code, 1)?.dimension
  if (dimension === undefined || nought === undefined || one === undefined || two === undefined) return undefined
  if (!(one < two)) return undefined // pH and its like run backwards
  if (nought === 0 && Math.abs(two - 2 * one) <= 1e-9 * two) return { dimension, toBase: (value) => value * one }
  return { dimension, toBase: (value) => convert(code, value)?.magnitude ?? Number.NaN }
}
