/** What a resource says of a Binary it points at, held against that Binary: whose it is, how long, and its hash. */
import type { Attachment, Resource } from '@medplum/fhirtypes'
import { EdgeError } from '../errors.ts'
import type { Locator } from '../entry.ts'
import { type Octets, octetsOf } from './octets.ts'

interface Placed {
  readonly attachment: Attachment
  readonly expression: string
}

/** Attachments that point at content, by the types whose purpose they are. */
const attachmentsOf = (resource: Resource): Placed[] => {
  if (resource.resourceType === 'DocumentReference') {
    return resource.content.map(({ attachment }, place) =>
      ({ attachment, expression: `DocumentReference.content[${place}].attachment` }))
  }
  if (resource.resourceType === 'Media') return [{ attachment: resource.content, expression: 'Media.content' }]
  if (resource.resourceType !== 'DiagnosticReport') return []
  return (resource.presentedForm ?? []).map((attachment, place) =>
    ({ attachment, expression: `DiagnosticReport.presentedForm[${place}]` }))
}

const BINARY = /^Binary\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/([1-9]\d{0,9}))?$/

const binaryAt = (url: string | undefined, bases: readonly string[]): { id: string; version?: string } | undefined => {
  const base = bases.find((each) => url?.startsWith(`${each}/`))
  const [, id, version] = BINARY.exec((base === undefined ? url : url?.slice(base.length + 1)) ?? '') ?? []
  return id === undefined ? undefined : { id, ...(version === undefined ? {} : { version }) }
}

/** True where a resource points at that Binary of this server. */
export const pointsAt = (resource: Resource, id: string, bases: readonly string[]): boolean =>
  attachmentsOf(resource).some(({ attachment }) => binaryAt(attachment.url, bases)?.id === id)

/** True where a resource points at any Binary of this server. */
export const pointsAtBinary = (resource: Resource, bases: readonly string[]): boolean =>
  attachmentsOf(resource).some(({ attachment }) => binaryAt(attachment.url, bases) !== undefined)

export interface BinariesKnown {
  /** What the same transaction writes. */
  readonly sibling: (id: string) => Resource | undefined
  readonly locator: (id: string) => Locator | undefined
  readonly isSiblingHere: (sibling: Resource) => boolean
  /** Whether a vault is where the resource itself goes. */
  readonly isHere: (vault: string) => boolean
}

/**
 * Throws `business-rule` where a resource points at a Binary that is another one than it says, or somebody else's: a
 * document whose pages are in the organisation's vault would be outside its patient's grants and outside the meter.
 */
export const checkAttachments = (resource: Resource, bases: readonly string[], known: BinariesKnown): void => {
  for (const { attachment, expression } of attachmentsOf(resource)) {
    const target = binaryAt(attachment.url, bases)
    if (target === undefined) continue
    const sibling = known.sibling(target.id)
    if (sibling !== undefined) {
      if (!known.isSiblingHere(sibling)) throw elsewhere(expression)
      checkFacts(attachment, octetsOf(sibling), expression)
      continue
    }
    const locator = known.locator(target.id)
    if (locator === undefined || locator.deleted) continue
    if (!known.isHere(locator.vault)) throw elsewhere(expression)
    const isCurrent = target.version === undefined || target.version === String(locator.version)
    if (isCurrent) checkFacts(attachment, locator.octets, expression)
  }
}

const elsewhere = (expression: string): EdgeError => new EdgeError('business-rule',
  'the Binary is not in this patient\'s record: create it with securityContext naming the patient', `${expression}.url`)

const checkFacts = ({ size, hash }: Attachment, octets: Octets | undefined, expression: string): void => {
  if (octets === undefined) return
  if (size !== undefined && size !== octets.length) {
    throw new EdgeError('business-rule', 'the size is not that of the Binary', `${expression}.size`)
  }
  if (hash !== undefined && hash !== Buffer.from(octets.sha1, 'hex').toString('base64')) {
    throw new EdgeError('business-rule', 'the hash is not the SHA-1 of the Binary\'s octets', `${expression}.hash`)
  }
}
