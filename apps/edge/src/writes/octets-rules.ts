/** What a Binary may say of octets that are a record of their own: what this edge stored, and nothing else. */
import type { Resource } from '@medplum/fhirtypes'
import { claimsOctets, dataOf, measured, type Octets, octetsNamedIn } from '../attachments/octets.ts'
import type { Locator } from '../entry.ts'
import { EdgeError } from '../errors.ts'
import type { PlannedWrite } from './unit.ts'

/** Octets that go with a Binary: few in `content`, many sealed and uploaded already. */
export interface NewOctets {
  readonly facts: Octets & { readonly record: string }
  /** Where they were, or will be, sealed: the Binary must go to the same place. */
  readonly category: string
  /** Hex. */
  readonly handle: string
  readonly content: Uint8Array
  readonly sealed?: NonNullable<PlannedWrite['octets']>['sealed']
}

/**
 * What the octets of a Binary are. Its JSON alone cannot name other ones than it had: nobody else's record becomes part
 * of it. Throws `business-rule`.
 */
export const octetsFor = (
  resource: Resource, given: NewOctets | undefined, current: Locator | undefined,
): Octets | undefined => {
  if (resource.resourceType !== 'Binary') return undefined
  if (given !== undefined) return given.facts
  if (!claimsOctets(resource)) return measured(dataOf(resource))
  const named = octetsNamedIn(resource)
  const had = current?.deleted === false ? current.octets : undefined
  const isSame = named !== undefined && had?.record === named.record && had.length === named.length
    && had.sha256 === named.sha256 && had.sha1 === named.sha1
  if (!isSame || resource.data !== undefined) {
    throw new EdgeError('business-rule', 'this server says where the octets of a Binary are: send them as the body',
      'Binary.meta.extension')
  }
  return had
}

/** Octets cannot follow a Binary to another category: whoever sees one of the two must see both. */
export const requireSamePlace = (
  octets: Octets | undefined, given: NewOctets | undefined, category: string, current: Locator | undefined,
): void => {
  if (octets?.record === undefined) return
  if (given !== undefined && given.category !== category) throw new EdgeError('conflict')
  if (given === undefined && current?.category !== category) {
    throw new EdgeError('business-rule', 'this moves the Binary to another category: send its octets again with it')
  }
}

/** The record of the octets beside that of their Binary. */
export const octetsWrite = (binary: Locator, { facts, handle, content, sealed }: NewOctets): PlannedWrite => ({
  locator: { ...binary, handle, version: 1, digest: '' },
  content,
  octets: { record: facts.record, ...(sealed === undefined ? {} : { sealed }) },
})
