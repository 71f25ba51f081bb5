/** What searches know of codes beyond what stands in a record. */
import type { ProfileSet } from '@scelle/fhir/profiles'
import type { ValueSets } from '@scelle/fhir/search'

/**
 * Value sets that the loaded packages list whole: of a part of one, a search would find a part. Undefined where no
 * package is loaded.
 */
export const valueSetsOf = (profiles: Pick<ProfileSet, 'codes' | 'isEmpty'>): ValueSets | undefined => {
  if (profiles.isEmpty) return undefined
  return {
    expand: (url) => {
      const list = profiles.codes(url)
      if (list === undefined || !list.whole) return undefined
      return [...list.systems].flatMap(([system, codes]) => [...codes].map((code) => ({ system, code })))
    },
  }
}
