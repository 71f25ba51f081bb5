/**
 * What an entry about an access says. It is a FHIR R4 AuditEvent, so that whoever reads charts reads these too; the
 * signed access stands in it, so that whoever has the entry can check the access against the log and needs to believe
 * nobody. An application may word entries better than the plain one here: see `Options.entryText`.
 */
import { type Access, statementId, toHex } from '@scelle/seal/verify'

/** On whose behalf a chart is opened, as far as the application knows. It is sealed into the patient's access log. */
export interface AccessAbout {
  /** Name of the organisation that answers for it. */
  readonly organisation?: string
  /** Whoever reads, as the application names its people to the organisation: opaque to everybody else. */
  readonly person?: string
  /** Hex id of the application that asked. */
  readonly application?: string
  /** Reference of the patient in the organisation's records: `Patient/…`. */
  readonly patient?: string
}

/** Ids are lower-case hex. */
export interface AccessFacts extends AccessAbout {
  /** The access's own id, 16 bytes. */
  readonly access: string
  /** The signed statement, and its id. */
  readonly signed: Uint8Array
  readonly statement: string
  readonly vault: string
  /** Whose records are opened: where the data comes from. */
  readonly custodian: string
  readonly reader: string
  readonly index: string
  /** Grants from the custodian's to the reader's; empty where the custodian itself reads. */
  readonly chain: readonly string[]
  /** Codes of what is opened. */
  readonly categories: readonly string[]
  readonly capsules: number
  readonly purpose: Access['purpose']
  /** Milliseconds since 1970. */
  readonly time: number
}

export type EntryText = (facts: AccessFacts) => string

/** `entity.detail.type` of the signed access, in `valueBase64Binary`. */
export const ACCESS_DETAIL = 'access-statement'

/** Code system of purposes as accesses name them. */
const PURPOSE = 'urn:scelle:purpose'

const coding = (system: string, code: string): Record<string, string> => ({ system, code })
const named = (value: string): object => ({ identifier: { system: 'urn:scelle:principal', value } })

const base64 = (bytes: Uint8Array): string => {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}

/** The least that an AuditEvent about an access can say: for applications that know no more. */
export const plainEntry: EntryText = (facts) => JSON.stringify({
  resourceType: 'AuditEvent',
  id: facts.access,
  type: coding('http://terminology.hl7.org/CodeSystem/audit-event-type', 'rest'),
  subtype: [coding('http://hl7.org/fhir/restful-interaction', 'read')],
  action: 'R',
  recorded: new Date(facts.time).toISOString(),
  outcome: '0',
  purposeOfEvent: [{ coding: [coding(PURPOSE, facts.purpose)] }],
  agent: [{ who: named(facts.reader), requestor: true }],
  source: { observer: named(facts.reader) },
  entity: [{
    what: { identifier: { system: 'urn:scelle:vault', value: facts.vault } },
    detail: [
      ...facts.categories.map((valueString) => ({ type: 'category', valueString })),
      { type: ACCESS_DETAIL, valueBase64Binary: base64(facts.signed) },
    ],
  }],
})

/** What an entry tells, in this library's words or in an application's. Its author chose all of it. */
export interface AccessNote {
  /** Id of the one signed access that it holds, lower-case hex. */
  readonly statement: string
  readonly signed: Uint8Array
  readonly purpose: string | undefined
  /** Codes. */
  readonly categories: readonly string[]
  readonly person: string | undefined
  readonly organisation: string | undefined
}

interface Coded { readonly coding?: readonly { readonly system?: unknown; readonly code?: unknown }[] }

interface Told {
  readonly resourceType?: unknown
  readonly purposeOfEvent?: readonly Coded[]
  readonly agent?: readonly {
    readonly type?: Coded
    readonly who?: { readonly display?: unknown; readonly identifier?: { readonly value?: unknown } }
  }[]
  readonly entity?: readonly {
    readonly detail?: readonly { type?: unknown; valueString?: unknown; valueBase64Binary?: unknown }[]
  }[]
}

const textIn = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

const read = (told: Told): AccessNote | undefined => {
  const details = (told.entity ?? []).flatMap(({ detail }) => detail ?? [])
  const [access, ...more] = details.filter(({ type }) => type === ACCESS_DETAIL)
  if (told.resourceType !== 'AuditEvent' || access === undefined || more.length > 0) return undefined
  const signed = Uint8Array.from(atob(String(access.valueBase64Binary)), (letter) => letter.charCodeAt(0))
  const agent = (code: string) => told.agent?.find(({ type }) => type?.coding?.some((one) => one.code === code))
  const purposes = (told.purposeOfEvent ?? []).flatMap((concept) => concept.coding ?? [])
  return {
    statement: toHex(statementId(signed)),
    signed,
    purpose: textIn(purposes.find(({ system }) => system === PURPOSE)?.code),
    categories: details.flatMap(({ type, valueString }) => (type === 'category' ? (textIn(valueString) ?? []) : [])),
    person: textIn(agent('IRCP')?.who?.identifier?.value),
    organisation: textIn(agent('PROV')?.who?.display),
  }
}

/** Reads an entry; undefined where it is none: no AuditEvent, or none with one signed access. */
export const noteOf = (content: Uint8Array): AccessNote | undefined => {
  try {
    return read(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content)) as Told)
  } catch {
    return undefined
  }
}
