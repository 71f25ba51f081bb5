/** What of `@lhncbc/ucum-lhc`, which brings no types, is used here. */
declare module '@lhncbc/ucum-lhc' {
  interface BaseUnits {
    status: string
    magnitude?: number
    /** Base unit → exponent. */
    unitToExp?: Record<string, number>
    fromUnitIsSpecial?: boolean
  }
  interface Unit {
    getProperty: (name: 'moleExp_') => number
  }
  interface Utils {
    convertToBaseUnits: (code: string, value: number) => BaseUnits
    getSpecifiedUnit: (code: string, operation: 'validate') => { unit: Unit | null }
  }
  const ucum: { UcumLhcUtils: { getInstance: () => Utils } }
  export default ucum
}
