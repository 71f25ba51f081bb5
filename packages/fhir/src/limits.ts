/** Every limit of this room. Sizes in UTF-16 code units of JSON text unless a name says otherwise. */
export const LIMITS = {
  /** JSON text of one resource (16 Mi): above it, attachments belong in Binary and blobs. */
  resourceText: 16 * 1024 * 1024,
  /** JSON text of one Bundle (256 Mi): a whole synthetic life is 30 Mi. */
  bundleText: 256 * 1024 * 1024,
  /** Nesting of objects and arrays: real resources stay under 20, contained and Bundle included. */
  depth: 64,
  /** One FHIR string (R4 datatypes, string: "SHALL NOT exceed 1MB"). */
  stringLength: 1024 * 1024,
  /** Issues reported for one resource; the rest is summed up in a last issue. */
  issues: 100,
  /** Entries of one transaction or batch Bundle. */
  bundleEntries: 20_000,
  /** Length of a raw search query. */
  queryLength: 16 * 1024,
  /** Search parameters in one query. */
  searchParameters: 64,
  /** Comma-separated values of one search parameter. */
  searchValues: 500,
  /** Longest UCUM code looked at; the longest in use are under 40. */
  unitLength: 80,
  /** UCUM codes whose meaning is remembered. */
  units: 2000,
  /** Chains and `_has` inside each other. */
  chainDepth: 5,
  /** Codes that the value sets of one query may stand for, together. */
  searchCodes: 100_000,
  /** Criteria that the chains of one query may branch into: one for every type a reference may name. */
  chainBranches: 500,
  /** `_include` and `_revinclude` of one query. */
  includes: 32,
  /** Resources that the includes of one page may add. */
  included: 10_000,
  /** Elements named by `_elements`. */
  elements: 100,
  /** A list of candidates longer than this share of a type (one in four) is not worth sorting: the type is walked. */
  scanShare: 4,
  /**
   * Values under one key that a new one is compared with, to share it. Whoever writes a resource of a hundred thousand
   * codes that differ in their system alone must not make every one compare with all others.
   */
  termsCompared: 32,
  /** Sort keys of one query. */
  sortKeys: 8,
  /** Largest `_count`. */
  pageMax: 1000,
  /** Page size where `_count` is absent. */
  pageDefault: 50,
  /** Longest string still a label, not free text (the longest SNOMED term in use here is under this). */
  label: 160,
  /** Names, numbers or telephones of one patient that are compared with another's. */
  comparedValues: 20,
  /** Rules of one site's category table. */
  rules: 2000,
  /** Definitions (profiles, extensions, value sets, code systems) of all packages together. */
  definitions: 20_000,
  /** Elements of one profile, and length of an element's id or path. */
  profileElements: 5_000,
  elementId: 2_000,
  /** Profiles on which one rests, and value sets one inside the other. */
  profileDerivations: 16,
  /** Codes of one value set; beyond, it counts as not listed. */
  valueSetCodes: 100_000,
  /** Comparisons of a value with an element of a profile, for one resource: an IPS of 100 kB takes about 20,000. */
  profileSteps: 1_000_000,
  /** Resources inside each other's verdicts, where one refers to the next: real documents stay under 10. */
  profileNesting: 50,
  /** Matchers of one category rule. */
  ruleMatchers: 500,
  /** Entries of one section of a patient summary; the rest is counted. */
  summarySection: 200,
  /** Resources of one patient summary, those that its entries refer to included. */
  summaryEntries: 3_000,
} as const
