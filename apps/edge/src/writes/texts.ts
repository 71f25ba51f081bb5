/** A resource as the text that is sealed and served. */
import type { Resource } from '@medplum/fhirtypes'
import { mapReferences, parseReference } from '@scelle/fhir/references'
import { exactJson } from '../decimals.ts'
import { bytesOf } from '../entry.ts'

/**
 * References by this server's own address become relative ones. An address is one of several, and nothing that names
 * its patient by one would be found by `patient=Patient/1`: an empty answer where there is an allergy.
 */
export const ownReferences = (resource: Resource, bases: readonly string[]): Resource =>
  mapReferences(resource, (text) => {
    const base = bases.find((each) => text.startsWith(`${each}/`))
    const local = base === undefined ? '' : text.slice(base.length + 1)
    return parseReference(local).kind === 'literal' ? local : undefined
  })

/** A resource's JSON text under its id, without the two members of `meta` that the server sets. */
export const plainText = (resource: Resource, id: string): string => {
  const { resourceType, id: _id, meta, ...rest } = resource as Resource & Record<string, unknown>
  const { versionId: _version, lastUpdated: _updated, ...kept } = meta ?? {}
  return exactJson({ resourceType, id, ...(Object.keys(kept).length > 0 ? { meta: kept } : {}), ...rest })
}

const HEAD = /^\{"resourceType":"[A-Za-z]+","id":"[A-Za-z0-9\-.]+"/
const META = ',"meta":{'

/** Where version and time go into a plain text, which is ASCII up to there; and whether it has a `meta` of its own. */
export const stampPlace = (plain: string): { readonly head: number; readonly hasMeta: boolean } => {
  const [{ length: head } = ''] = HEAD.exec(plain) ?? []
  return { head, hasMeta: plain.startsWith(META, head) }
}

const stampOf = (hasMeta: boolean, version: number, updated: number): string => {
  const set = `"versionId":"${version}","lastUpdated":"${new Date(updated).toISOString()}"`
  return hasMeta ? `${META}${set},` : `${META}${set}}`
}

/** The JSON text as it is sealed and served: `meta` tells version and time. Put into the text, to serialise once. */
export const stamped = (plain: string, version: number, updated: number): Uint8Array => {
  const { head, hasMeta } = stampPlace(plain)
  const rest = hasMeta ? head + META.length : head
  return bytesOf(`${plain.slice(0, head)}${stampOf(hasMeta, version, updated)}${plain.slice(rest)}`)
}

/** The same, of a plain text that is bytes already. */
export const stampedBytes = (
  { plain, head, hasMeta }: { readonly plain: Uint8Array; readonly head: number; readonly hasMeta: boolean },
  version: number, updated: number,
): Uint8Array => {
  const stamp = stampOf(hasMeta, version, updated)
  const rest = plain.subarray(hasMeta ? head + META.length : head)
  const content = new Uint8Array(head + stamp.length + rest.length)
  content.set(plain.subarray(0, head))
  for (let at = 0; at < stamp.length; at++) content[head + at] = stamp.charCodeAt(at)
  content.set(rest, head + stamp.length)
  return content
}
