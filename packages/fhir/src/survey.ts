import { shapeOf } from './definitions.ts'
import type { Shape, Slot } from './definitions.ts'
import { LABEL_EXTENSIONS, NAMED_THINGS, holdsText, isFreeString, isLongLabel, isSentence,
  isWrittenNarrative } from './free-text.ts'

type Json = Record<string, unknown>

/** What the category rules look at, gathered in one walk. */
export interface Survey {
  type: string
  /** Every coding in the resource, contained resources included, as `system|code`. */
  codings: string[]
  /** Codings of the top-level `category` element. */
  categories: string[]
  /** `meta.security` of the resource and of all it holds. */
  security: string[]
  /** FHIRPath-like place of the first free text; undefined if none. */
  freeText: string | undefined
}

/** Surveys a validated resource; members outside the definitions are ignored. */
export function survey(resource: { resourceType: string }): Survey {
  const result: Survey = { type: resource.resourceType, codings: [], categories: [], security: [], freeText: undefined }
  surveyResource(resource, result)
  return result
}

function surveyResource(value: Json, result: Survey): void {
  const type = String(value['resourceType'])
  const shape = shapeOf(type)
  if (!shape) return
  if (type === 'Binary' && holdsText(value['contentType'])) note(result, 'Binary.data')
  surveyObject(value, shape, '', result)
}

function surveyObject(value: Json, shape: Shape, holder: string, result: Survey): void {
  if (shape.name === 'Coding') return surveyCoding(value, holder, result)
  if (shape.name === 'CodeableConcept') surveyConcept(value, holder, result)
  if (shape.name === 'Narrative' && isWrittenNarrative(value['status'])) note(result, 'Narrative.div')
  if (shape.name === 'Attachment') surveyAttachment(value, result)
  for (const key of Object.keys(value)) {
    const companion = key.charCodeAt(0) === 0x5f
    const slot = shape.slots.get(companion ? key.slice(1) : key)
    if (!slot) continue
    const member = `${shape.name}.${key}`
    const content = value[key]
    if (!Array.isArray(content)) surveyValue(content, slot, companion, member, value, result)
    else for (const item of content as unknown[]) surveyValue(item, slot, companion, member, value, result)
  }
}

function surveyValue(
  value: unknown,
  slot: Slot,
  companion: boolean,
  member: string,
  parent: Json,
  result: Survey,
): void {
  if (typeof value === 'string') {
    if (result.freeText === undefined && slot.type !== 'xhtml' && isFree(value, member, slot, parent)) note(result,
      member)
    if (slot.type === 'code') result.codings.push(`|${value}`)
  } else if (typeof value === 'object' && value !== null) {
    if (slot.kind === 'resource') return surveyResource(value as Json, result)
    const shape = companion ? shapeOf('Element') : slot.shape
    if (shape) surveyObject(value as Json, shape, member, result)
  }
}

function isFree(value: string, member: string, slot: Slot, parent: Json): boolean {
  if (member === 'CodeableConcept.text') return false // judged whole, in surveyConcept
  // Judged by content type where there is one; in an extension nobody says what it is.
  if (slot.type === 'base64Binary') return member === 'Extension.valueBase64Binary'
  if (member.startsWith('Extension.value') && LABEL_EXTENSIONS.has(String(parent['url']))) return isLongLabel(value)
  return isFreeString(value, member, slot.type)
}

function surveyCoding(value: Json, holder: string, result: Survey): void {
  const { system, code, display } = value
  const key = codingKey(system, code)
  if (holder === 'Meta.security') result.security.push(key)
  else if (typeof code === 'string') result.codings.push(key)
  // A display is its code's name; without a code it is just text.
  if (typeof display !== 'string') return
  if (display.includes('\n') || display.length > 255 || (code === undefined && isSentence(display))) {
    note(result, 'Coding.display')
  }
}

function codingKey(system: unknown, code: unknown): string {
  return `${typeof system === 'string' ? system : ''}|${typeof code === 'string' ? code : ''}`
}

function surveyConcept(value: Json, holder: string, result: Survey): void {
  const coding = Array.isArray(value['coding']) ? (value['coding'] as Json[]) : []
  if (holder === `${result.type}.category`) {
    for (const { system, code } of coding) result.categories.push(codingKey(system, code))
  }
  const { text } = value
  if (typeof text !== 'string') return
  const coded = coding.some((each) => each['code'] !== undefined) || NAMED_THINGS.has(holder)
  if (coded ? isLongLabel(text) : isSentence(text)) note(result, `${holder}.text`)
}

function surveyAttachment(value: Json, result: Survey): void {
  const inline = value['data'] !== undefined || (typeof value['url'] === 'string' && /^data:/i.test(value['url']))
  if (inline && holdsText(value['contentType'])) note(result, 'Attachment.data')
}

function note(result: Survey, place: string): void {
  result.freeText ??= place
}
