/**
 * Releases that one trustee alone tells of. An opening takes two, so either the reader asked one and no more, or
 * another one released and keeps it to itself: whoever does that for a thief charges nothing, and its bound is none.
 * One such access shows nothing: trustees are out of reach at times, and a reader can leave one out on purpose. But
 * whoever is missing from all that one reader opened, beside both others in turn, has to explain it. A liar that has
 * words of its own beside blurs that, and uses up its own bound for it.
 */

export interface AloneRelease {
  /** Statement id of the access, hex. */
  readonly access: string
  readonly reader: string
  /** The one that says it released. Hex, as all ids here. */
  readonly releasedBy: string
  /** Trustees by whose own signed word it was neither released nor refused. */
  readonly without: readonly string[]
}

/** What trustees say of one access. */
export interface Told {
  readonly access: string
  readonly reader: string
  readonly releasedBy: readonly string[]
  /** Trustees that refused, by their own word. */
  readonly refusedBy: readonly string[]
}

/**
 * `trustees`: those of the vault that gave a list. One that gave none may hold the second word, and is named for its
 * silence: then nothing is concluded here.
 */
export const aloneReleases = (told: readonly Told[], trustees: readonly string[]): AloneRelease[] =>
  trustees.length < 3 ? [] : told.flatMap(({ access, reader, releasedBy, refusedBy }) => {
    const [first, ...more] = new Set(releasedBy)
    if (first === undefined || more.length > 0) return []
    const without = trustees.filter((one) => one !== first && !refusedBy.includes(one))
    // Both others refused: the reader got one share, and has nothing.
    return without.length === 0 ? [] : [{ access, reader, releasedBy: first, without }]
  })

/**
 * The trustees that are missing from every one of these accesses, which are one reader's to as many vaults as the asker
 * knows of: one where its fellows were each alone at least once, two where only one of them ever was. Empty where
 * nobody is: then it is no single trustee.
 */
export const missingFromAll = (alone: readonly AloneRelease[]): string[] => {
  const [first, ...rest] = alone
  return (first?.without ?? []).filter((one) => rest.every(({ without }) => without.includes(one))).toSorted()
}
