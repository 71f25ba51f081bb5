/**
 * An opening of a patient's records as a FHIR R4 AuditEvent: IHE Basic Audit Log Patterns (BALP), Patient Read, with
 * what EHDS Annex II 3.2 asks for: provider, individual, categories, time, origin of the data. It also holds the signed
 * statement by which all this was asked for, so that nobody needs to believe whoever wrote the event.
 * @module
 */
import type {
  AuditEvent, AuditEventAgent, AuditEventEntity, AuditEventEntityDetail, CodeableConcept, Coding,
} from '@medplum/fhirtypes'

/** Ids are lower-case hex. */
export interface AuditFacts {
  /** The access's own id: it becomes the resource's. */
  readonly access: string
  /** The signed access statement, base64, and its statement id. */
  readonly signed: string
  readonly statement: string
  readonly vault: string
  /** Whose records are opened: the origin of the data. */
  readonly custodian: string
  /** The organisation that opens: its principal. */
  readonly reader: string
  /** The index that served the sealed records. */
  readonly index: string
  /** Ids of the grants from the custodian's to the reader's: on whose behalf, link by link. */
  readonly chain: readonly string[]
  /** Codes of the categories opened. */
  readonly categories: readonly string[]
  readonly capsules: number
  /** `treatment`, `emergency`…: one that this file does not know is told as it is. */
  readonly purpose: string
  /** Milliseconds since 1970 UTC. */
  readonly time: number
  readonly organisation?: string | undefined
  /** Whoever reads, as their application names people: opaque to everybody else. Absent: software by itself. */
  readonly person?: string | undefined
  /** The application's principal. */
  readonly application?: string | undefined
  /** Organisations and vendors behind the reader: who they are, and the register's signed word of it, base64. */
  readonly houses?: readonly {
    readonly id: string; readonly role: string; readonly name?: string | undefined; readonly status: string
  }[] | undefined
  /** Of an access made ahead of time: milliseconds since 1970 until which it may be opened without a network. */
  readonly until?: number | undefined
  /** Milliseconds since 1970 at which it was opened so, told afterwards: an event of its own, beside the access's. */
  readonly openedOffline?: number | undefined
  /** The reader's signed note, base64, about a card that it opened without a network. */
  readonly offline?: string | undefined
  /** `Patient/…`; absent where the reader does not know which resource that is: then it is a plain Read. */
  readonly patient?: string | undefined
}

const BALP = 'https://profiles.ihe.net/ITI/BALP'
export const PATIENT_READ = `${BALP}/StructureDefinition/IHE.BasicAudit.PatientRead`
const READ = `${BALP}/StructureDefinition/IHE.BasicAudit.Read`

/** Types of `entity.detail` that hold the signed access, and, once it is served, its proof from the log. */
export const ACCESS_DETAIL = 'access-statement'
export const RECEIPT_DETAIL = 'access-receipt'
/** Of a house's status. */
export const STATUS_DETAIL = 'house-status'
/** Of what was opened without a network: until when it may be, when it was, and a card's note. */
export const UNTIL_DETAIL = 'released-until'
export const AHEAD_DETAIL = 'opened-offline'
export const OFFLINE_DETAIL = 'card-opening'

const PURPOSE_CODES: Readonly<Record<string, string>> = {
  treatment: 'TREAT', emergency: 'ETREAT', administration: 'HOPERAT', 'patient-request': 'PATRQT', legal: 'HLEGAL',
  research: 'HRESCH',
}

const terminology = (name: string, code: string): Coding => ({
  system: `http://terminology.hl7.org/CodeSystem/${name}`, code,
})

const principal = (value: string): NonNullable<AuditEventAgent['who']> => ({
  identifier: { system: 'urn:scelle:principal', value },
})

/** A principal has no address that stays; its id is one that nobody else can have. */
const at = (id: string): NonNullable<AuditEventAgent['network']> => ({
  address: `urn:scelle:principal:${id}`, type: '5',
})

const dicom = (code: string): CodeableConcept => ({
  coding: [{ system: 'http://dicom.nema.org/resources/ontology/DCM', code }],
})

const purposeOf = (purpose: string): CodeableConcept[] => {
  const code = PURPOSE_CODES[purpose]
  const own = { system: 'urn:scelle:purpose', code: purpose }
  return [{ coding: code === undefined ? [own] : [terminology('v3-ActReason', code), own] }]
}

/** Who read, with what, from whom, and on whose behalf. */
function agentsOf(facts: AuditFacts): AuditEventAgent[] {
  const { application, custodian, index, organisation, person, reader } = facts
  const part = (code: string): CodeableConcept => ({ coding: [terminology('v3-ParticipationType', code)] })
  const role: CodeableConcept = { coding: [terminology('v3-RoleClass', 'PROV')] }
  const named = { ...principal(reader), ...(organisation === undefined ? {} : { display: organisation }) }
  const user = person === undefined
    ? []
    : [{
        type: part('IRCP'), requestor: true,
        who: { identifier: { system: `urn:scelle:person:${reader}`, value: person } },
      }]
  const device = application ?? reader
  return [
    { type: dicom('110152'), requestor: false, who: principal(device), network: at(device) },
    { type: dicom('110153'), requestor: false, who: principal(index), network: at(index) },
    ...user,
    { type: role, requestor: person === undefined, who: named },
    { type: part('CST'), requestor: false, who: principal(custodian) },
    ...(facts.houses ?? []).map(({ id, role: of, name }) => ({
      type: { coding: [{ system: 'urn:scelle:role', code: of }] },
      requestor: false,
      who: { ...principal(id), ...(name === undefined ? {} : { display: name }) },
    })),
  ]
}

function entitiesOf(facts: AuditFacts): AuditEventEntity[] {
  const text = (type: string, valueString: string): AuditEventEntityDetail => ({ type, valueString })
  const instant = (type: string, ms: number | undefined): AuditEventEntityDetail[] =>
    (ms === undefined ? [] : [text(type, new Date(ms).toISOString())])
  const subject: AuditEventEntity[] = facts.patient === undefined
    ? []
    : [{ type: terminology('audit-entity-type', '1'), role: terminology('object-role', '1'), what: {
        reference: facts.patient,
      } }]
  return [
    ...subject,
    {
      type: terminology('audit-entity-type', '2'),
      role: terminology('object-role', '4'),
      what: { identifier: { system: 'urn:scelle:vault', value: facts.vault } },
      detail: [
        ...facts.categories.map((code) => text('category', code)),
        text('capsules', String(facts.capsules)),
        ...facts.chain.map((grant) => text('grant', grant)),
      ],
    },
    {
      type: { system: `${BALP}/CodeSystem/BasicAuditEntityType`, code: 'XrequestId' },
      what: { identifier: { system: 'urn:scelle:access', value: facts.statement } },
      detail: [
        { type: ACCESS_DETAIL, valueBase64Binary: facts.signed },
        ...(facts.offline === undefined ? [] : [{ type: OFFLINE_DETAIL, valueBase64Binary: facts.offline }]),
        ...instant(UNTIL_DETAIL, facts.until), ...instant(AHEAD_DETAIL, facts.openedOffline),
        ...(facts.houses ?? []).map(({ status }) => ({ type: STATUS_DETAIL, valueBase64Binary: status })),
      ],
    },
  ]
}

/** The event, without free text: it goes where the category rules put every AuditEvent. */
export const accessAudit = (facts: AuditFacts): AuditEvent => {
  const { access, openedOffline } = facts
  const recorded = new Date(openedOffline ?? facts.time).toISOString()
  return {
    resourceType: 'AuditEvent',
    // Two events of one name would be one to whoever reads them, and the later would hide the other.
    id: openedOffline === undefined ? access : `${access}-${openedOffline}`,
    meta: { versionId: '1', lastUpdated: recorded, profile: [facts.patient === undefined ? READ : PATIENT_READ] },
    type: terminology('audit-event-type', 'rest'),
    subtype: [{ system: 'http://hl7.org/fhir/restful-interaction', code: 'read' }],
    action: 'R',
    recorded,
    outcome: '0',
    purposeOfEvent: purposeOf(facts.purpose),
    agent: agentsOf(facts),
    source: { observer: principal(facts.reader) },
    entity: entitiesOf(facts),
  }
}

/** The event with the proof, base64, that its access is in the log. Whatever its author claimed of one is left out. */
export const withReceipt = (event: AuditEvent, receipt: string | undefined): AuditEvent => ({
  ...event,
  entity: (event.entity ?? []).map((entity) => {
    const kept = (entity.detail ?? []).filter(({ type }) => type !== RECEIPT_DETAIL)
    const proven = receipt !== undefined && kept.some(({ type }) => type === ACCESS_DETAIL)
    const detail = proven ? [...kept, { type: RECEIPT_DETAIL, valueBase64Binary: receipt }] : kept
    const { detail: _, ...rest } = entity
    return detail.length === 0 ? rest : { ...rest, detail }
  }),
})
