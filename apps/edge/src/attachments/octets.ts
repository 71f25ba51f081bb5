/**
 * What the JSON of a Binary says of its octets, where these are a record of their own: which record, how many, and
 * their digests. It stands in an extension of `meta`, where a Binary can have one, and only this edge puts it there.
 */
import type { Binary, Extension, Resource } from '@medplum/fhirtypes'
import { createHash } from 'node:crypto'

export interface Octets {
  /** Hex id of the record that holds them; absent where they are in the JSON itself. */
  readonly record?: string
  readonly length: number
  /** Hex. */
  readonly sha256: string
  /** Hex: `Attachment.hash` is one. */
  readonly sha1: string
}

const URL = 'https://scelle.health/fhir/octets'

const part = (url: string, value: Omit<Extension, 'url'>): Extension => ({ url, ...value })

/** A Binary whose octets are another record. */
export const binaryOf = (id: string, contentType: string, context: string, octets: Octets): Binary => ({
  resourceType: 'Binary',
  id,
  meta: {
    extension: [{
      url: URL,
      extension: [
        part('record', { valueId: octets.record ?? '' }),
        part('length', { valueDecimal: octets.length }),
        part('sha256', { valueId: octets.sha256 }),
        part('sha1', { valueId: octets.sha1 }),
      ],
    }],
  },
  contentType,
  securityContext: { reference: context },
})

const extensionOf = (resource: Resource): Extension | undefined =>
  resource.meta?.extension?.find(({ url }) => url === URL)

/** True where a resource says that its octets are elsewhere, rightly or not. */
export const claimsOctets = (resource: Resource): boolean => extensionOf(resource) !== undefined

const hex = (value: string | undefined, length: number): value is string =>
  value !== undefined && value.length === length && /^[0-9a-f]+$/.test(value)

/** The octets that a Binary names. Its author may be anybody, so whatever is not in this very form is not there. */
export const octetsNamedIn = (resource: Resource): (Octets & { readonly record: string }) | undefined => {
  if (resource.resourceType !== 'Binary') return undefined
  const parts = extensionOf(resource)?.extension
  const of = (name: string): Extension | undefined => parts?.find(({ url }) => url === name)
  const record = of('record')?.valueId
  const length = of('length')?.valueDecimal
  const sha256 = of('sha256')?.valueId
  const sha1 = of('sha1')?.valueId
  const fits = resource.data === undefined && hex(record, 32) && hex(sha256, 64) && hex(sha1, 40)
  return fits && Number.isSafeInteger(Number(length)) && Number(length) >= 0
    ? { record, length: Number(length), sha256, sha1 } : undefined
}

/** Octets that are in the JSON of a Binary. */
export const dataOf = (binary: Binary): Buffer => Buffer.from(binary.data ?? '', 'base64')

export const measured = (bytes: Uint8Array): Octets => ({
  length: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
  sha1: createHash('sha1').update(bytes).digest('hex'),
})

/** What is known of a Binary's octets by the Binary itself. */
export const octetsOf = (resource: Resource): Octets | undefined => {
  if (resource.resourceType !== 'Binary') return undefined
  return octetsNamedIn(resource) ?? (claimsOctets(resource) ? undefined : measured(dataOf(resource)))
}
