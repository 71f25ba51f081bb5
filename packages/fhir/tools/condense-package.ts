/**
 * Condenses the definitions of a FHIR package to what profile validation reads, for tests:
 * `node packages/fhir/tools/condense-package.ts FOLDER OUT.json`, FOLDER being the unpacked `package/` of
 * `npm pack hl7.fhir.uv.ips@2.0.0` (CC0-1.0).
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

type Json = Record<string, unknown>

const [folder = '', out = ''] = process.argv.slice(2)

const HEAD = ['resourceType', 'url', 'version', 'name', 'type', 'kind', 'derivation', 'baseDefinition', 'fhirVersion',
  'content', 'concept', 'compose']
const BINDING = ['strength', 'valueSet']
const ELEMENT = /^(id|path|sliceName|min|max|maxLength|type|slicing|(fixed|pattern|minValue|maxValue)[A-Z].*)$/

const pick = (value: Json, wanted: (member: string) => boolean): Json =>
  Object.fromEntries(Object.entries(value).filter(([member]) => wanted(member)))

const plainType = (type: Json): Json => pick(type, (member) => ['code', 'profile', 'targetProfile'].includes(member))

const element = (each: Json): Json => {
  const kept = pick(each, (member) => ELEMENT.test(member))
  const { type, binding, constraint } = each
  if (Array.isArray(type)) kept['type'] = (type as Json[]).map(plainType)
  if (binding !== undefined) kept['binding'] = pick(binding as Json, (member) => BINDING.includes(member))
  if (Array.isArray(constraint)) {
    kept['constraint'] = (constraint as Json[]).map((rule) =>
      pick(rule, (member) => ['key', 'severity', 'human', 'expression'].includes(member)))
  }
  return kept
}

const codes = (concepts: unknown): unknown => Array.isArray(concepts)
  ? (concepts as Json[]).map(({ code, concept }) => ({ code, ...(concept ? { concept: codes(concept) } : {}) }))
  : undefined

const condensed = (resource: Json): Json => {
  const kept = pick(resource, (member) => HEAD.includes(member))
  const { differential, compose, concept } = resource
  if (concept !== undefined) kept['concept'] = codes(concept)
  if (compose !== undefined) {
    const include = ((compose as Json)['include'] as Json[]).map((each) =>
      ({ ...each, ...(each['concept'] ? { concept: codes(each['concept']) } : {}) }))
    kept['compose'] = { ...(compose as Json), include }
  }
  if (differential !== undefined) {
    kept['differential'] = { element: ((differential as Json)['element'] as Json[]).map(element) }
  }
  return kept
}

const DEFINITION = /^(StructureDefinition|ValueSet|CodeSystem)-.*\.json$/
const resources = readdirSync(folder).filter((name) => DEFINITION.test(name))
  .toSorted().map((name) => condensed(JSON.parse(readFileSync(join(folder, name), 'utf8')) as Json))
const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Json
const lines = resources.map((resource) => JSON.stringify(resource)).join(',\n')
writeFileSync(out, `{"source":${JSON.stringify({ name, version, license })},"resources":[\n${lines}\n]}\n`)
