/** What a caller gives a search besides the query. */
export interface ParseOptions {
  /** Base URLs (no trailing slash) that are this server: absolute references under them mean its own resources. */
  bases?: readonly string[]
  /** Parameters the caller handles itself (a paging cursor, an access token…): skipped here. */
  handled?: readonly string[]
  /** `Prefer: handling=lenient`: parameters that are not supported are skipped and named in `ignored`. */
  lenient?: boolean
  /** Makes quantities of different units comparable. Without it only the same unit is. */
  units?: Units
  /** Milliseconds since 1970, for `ap` of dates. Pages of one result are asked with the same one. */
  now?: number
  /** Answers `:in`, `:not-in`, `:below` and `:above` of tokens; without it they are refused. */
  valueSets?: ValueSets
}

/** Units of measure (UCUM), behind an interface because the tables are large: the caller loads them when it likes. */
export interface Units {
  /** What a code measures, and how a value of it becomes one of the base units; undefined if it cannot be compared. */
  canonical: (code: string) => CanonicalUnit | undefined
}

export interface CanonicalUnit {
  /** Equal for all units that can be compared. */
  dimension: string
  /** Ascending: the order of values is kept. */
  toBase: (value: number) => number
}

/** Terminology at hand; each answer is undefined where it is not loaded. */
export interface ValueSets {
  /** All codes of a value set, by its canonical URL. */
  expand: (url: string) => readonly Coded[] | undefined
  /** The code and everything under it. */
  below?: (system: string, code: string) => readonly Coded[] | undefined
  /** The code and everything above it. */
  above?: (system: string, code: string) => readonly Coded[] | undefined
}

export interface Coded {
  system?: string
  code: string
}
