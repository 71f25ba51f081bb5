/**
 * What an entry about an access says. It is a FHIR R4 AuditEvent, so that whoever reads charts reads these too; the
 * signed access stands in it, so that whoever has the entry can check the access against the log and needs to believe
 * nobody. An application may word entries better than the plain one here: see `Options.entryText`.
 */
import {
  type Access, decode, ORGANISATION_ROLES, type Role, Signed, statementId, Status, toHex,
} from '@scelle/seal/verify'

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
  /** Of an opening that happened before, without a network: the reader's signed note. */
  readonly offline?: Uint8Array
}

/** An organisation or a vendor that the reader acts for, or that the right to read came through. */
export interface House {
  /** Its principal, lower-case hex. */
  readonly id: string
  readonly role: Role
  /** As a register names it. */
  readonly name: string | undefined
  /** The register's signed status: whoever reads the entry can check it. */
  readonly status: Uint8Array
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
  /** Vendors and subcontractors among them: the patient sees them by name. */
  readonly houses?: readonly House[]
  /** Of an access made ahead of time: milliseconds since 1970 until which it is opened without a network. */
  readonly until?: number
  /** Milliseconds since 1970 at which it was opened without a network, told afterwards: say so by `OFFLINE_DETAIL`. */
  readonly openedOffline?: number
}

export type EntryText = (facts: AccessFacts) => string

/** `entity.detail.type` of the signed access, in `valueBase64Binary`. */
export const ACCESS_DETAIL = 'access-statement'

/** `entity.detail.type` of a register's signed status of a house, in `valueBase64Binary`. */
export const STATUS_DETAIL = 'house-status'

/** `entity.detail.type` of a reader's signed note about a card that it opened offline, in `valueBase64Binary`. */
export const OFFLINE_DETAIL = 'card-opening'
/** `entity.detail.type` of the time at which it was opened without a network, in `valueString`, as an instant. */
export const AHEAD_DETAIL = 'opened-offline'

/** `entity.detail.type` of the time until which it may be, likewise. */
const UNTIL_DETAIL = 'released-until'

/** Code system of purposes as accesses name them. */
const PURPOSE = 'urn:scelle:purpose'

const coding = (system: string, code: string): Record<string, string> => ({ system, code })
const named = (value: string): object => ({ identifier: { system: 'urn:scelle:principal', value } })

const instant = (type: string, ms: number | undefined): object[] =>
  ms === undefined ? [] : [{ type, valueString: new Date(ms).toISOString() }]

export const base64 = (bytes: Uint8Array): string => {
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
  agent: [
    { who: named(facts.reader), requestor: true },
    ...(facts.houses ?? []).map(({ id, name }) => ({
      who: { ...named(id), ...(name === undefined ? {} : { display: name }) }, requestor: false,
    })),
  ],
  source: { observer: named(facts.reader) },
  entity: [{
    what: { identifier: { system: 'urn:scelle:vault', value: facts.vault } },
    detail: [
      ...facts.categories.map((valueString) => ({ type: 'category', valueString })),
      { type: ACCESS_DETAIL, valueBase64Binary: base64(facts.signed) },
      ...(facts.offline === undefined ? [] : [{ type: OFFLINE_DETAIL, valueBase64Binary: base64(facts.offline) }]),
      ...instant(UNTIL_DETAIL, facts.until), ...instant(AHEAD_DETAIL, facts.openedOffline),
      ...(facts.houses ?? []).map(({ status }) => ({ type: STATUS_DETAIL, valueBase64Binary: base64(status) })),
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
  /** What the statuses in it say. Whether a register signed them is to be checked. */
  readonly houses: readonly House[]
  /** A signed note about an opening without a network that this one reports. Whose it is has to be checked. */
  readonly offline: Uint8Array | undefined
  /** Milliseconds since 1970: it tells of an opening without a network, of an access that has its own entry. */
  readonly openedOffline: number | undefined
}

/** What a status says of a house; undefined where it is a person's, or none. */
export const houseOf = (status: Uint8Array): House | undefined => {
  const { kind, body } = decode(Signed, status)
  if (kind !== 'status') return undefined
  const { subject, role, name } = decode(Status, body)
  return ORGANISATION_ROLES.some((one) => one === role) ? { id: toHex(subject), role, name, status } : undefined
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

/** Throws where it is no time: then the whole is no entry. */
const timeIn = (value: unknown): number => {
  const time = Date.parse(String(value))
  if (Number.isNaN(time)) throw new TypeError('no time')
  return time
}

const octets = (value: unknown): Uint8Array => Uint8Array.from(atob(String(value)), (letter) => letter.charCodeAt(0))

const read = (told: Told): AccessNote | undefined => {
  const details = (told.entity ?? []).flatMap(({ detail }) => detail ?? [])
  const [access, ...more] = details.filter(({ type }) => type === ACCESS_DETAIL)
  if (told.resourceType !== 'AuditEvent' || access === undefined || more.length > 0) return undefined
  const signed = octets(access.valueBase64Binary)
  const offline = details.find(({ type }) => type === OFFLINE_DETAIL)
  const agent = (code: string) => told.agent?.find(({ type }) => type?.coding?.some((one) => one.code === code))
  const purposes = (told.purposeOfEvent ?? []).flatMap((concept) => concept.coding ?? [])
  const opened = details.find(({ type }) => type === AHEAD_DETAIL)
  return {
    statement: toHex(statementId(signed)),
    signed,
    purpose: textIn(purposes.find(({ system }) => system === PURPOSE)?.code),
    categories: details.flatMap(({ type, valueString }) => (type === 'category' ? (textIn(valueString) ?? []) : [])),
    person: textIn(agent('IRCP')?.who?.identifier?.value),
    organisation: textIn(agent('PROV')?.who?.display),
    houses: details.filter(({ type }) => type === STATUS_DETAIL)
      .flatMap(({ valueBase64Binary }) => houseOf(octets(valueBase64Binary)) ?? []),
    offline: offline === undefined ? undefined : octets(offline.valueBase64Binary),
    openedOffline: opened === undefined ? undefined : timeIn(opened.valueString),
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
