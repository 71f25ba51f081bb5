/**
 * The French national health identity (INS) in a Patient: matricule, OID, and how far the identity is to be trusted.
 * A status says what the software that wrote it claims; whoever else reads it decides whether to believe it.
 */
import type { Extension, Identifier, Patient } from '@medplum/fhirtypes'
import type { Finding } from '../outcomes.ts'
import { EXTENSIONS, INS_OIDS, oidOf, STATUS_RNIV, STATUS_V2 } from './codes.ts'
import type { InsKind } from './codes.ts'

/** RNIV, EXI SI 07: retrieved from INSi or not, times checked against an identity document or not. */
export type IdentityStatus = 'provisional' | 'retrieved' | 'validated' | 'qualified'

export interface Ins {
  oid: string
  kind: InsKind
  /** Without spaces, upper case. */
  matricule: string
}

export interface Identity {
  status: IdentityStatus
  /** Marked as fictitious, doubtful, in collision or out of use: it names nobody outside, whatever its status. */
  doubtful: boolean
  /** Those in use, each once. */
  ins: readonly Ins[]
}

export function identityOf(patient: Patient): Identity {
  const ins = insesOf(patient)
  const extensions = (patient.extension ?? []).filter(({ url }) => url === EXTENSIONS.identityReliability)
  const statuses = extensions.flatMap((extension) => partsOf(extension, 'identityStatus'))
    .map((part) => statusOf(part.valueCoding?.system, part.valueCoding?.code, ins.length > 0))
  return {
    status: statuses.reduce<IdentityStatus | undefined>((least, each) =>
      (least === undefined || RANK[each] < RANK[least] ? each : least), undefined) ?? 'provisional',
    doubtful: extensions.some(isDoubtful),
    ins,
  }
}

/** Where two are claimed, the lesser one counts. `retrieved` and `validated` each lack what the other has. */
const RANK: Readonly<Record<IdentityStatus, number>> = { provisional: 0, retrieved: 1, validated: 1, qualified: 2 }

const RNIV: ReadonlyMap<string, IdentityStatus> = new Map([
  ['PROV', 'provisional'], ['RECUP', 'retrieved'], ['VALI', 'validated'], ['QUAL', 'qualified'],
])

/**
 * In table 0445 `VALI` only says that a document was checked. That INSi confirmed the identity shows there by the INS
 * itself, which may be kept as such only when INSi gave it: so VALI with an INS is qualified, PROV with one retrieved.
 * The newer code system speaks for itself: VALI stays validated, INS or not. A code of neither is provisional.
 */
function statusOf(system: string | undefined, code: string | undefined, hasIns: boolean): IdentityStatus {
  if (system === STATUS_RNIV) return RNIV.get(code ?? '') ?? 'provisional'
  if (system !== STATUS_V2) return 'provisional'
  if (code === 'VALI') return hasIns ? 'qualified' : 'validated'
  return code === 'PROV' && hasIns ? 'retrieved' : 'provisional'
}

const DOUBTS: ReadonlySet<string> = new Set(['DOUT', 'FICT', 'COLP', 'COLA', 'COLV', 'DESA'])

function isDoubtful(extension: Extension): boolean {
  const codings = [
    ...partsOf(extension, 'identityStatus').map((part) => part.valueCoding),
    ...partsOf(extension, 'comment')
      .flatMap((part) => [part.valueCoding, ...(part.valueCodeableConcept?.coding ?? [])]),
  ]
  return codings.some((coding) => DOUBTS.has(coding?.code ?? ''))
}

function partsOf(extension: Extension, url: string): Extension[] {
  return (extension.extension ?? []).filter((part) => part.url === url)
}

function insesOf(patient: Patient): Ins[] {
  const found = new Map<string, Ins>()
  for (const identifier of patient.identifier ?? []) {
    const ins = identifier.use === 'old' ? undefined : insIn(identifier)
    if (ins) found.set(`${ins.oid}|${ins.matricule}`, ins)
  }
  return [...found.values()]
}

/** The INS that an identifier is; undefined for any other identifier, or one without value. */
export function insIn(identifier: Identifier): Ins | undefined {
  const oid = oidOf(identifier.system)
  const kind = oid === undefined ? undefined : INS_OIDS.get(oid)
  const matricule = (identifier.value ?? '').replaceAll(/\s/g, '').toUpperCase()
  return oid === undefined || kind === undefined || matricule === '' ? undefined : { oid, kind, matricule }
}

/** Sex, year, month, department (2A and 2B for Corsica), commune, order, key. */
const MATRICULE = /^([1-478]\d{4}(?:\d{2}|2[AB])\d{6})(\d{2})$/

/** The key is 97 less the remainder of the thirteen digits by 97, with 2A read as 19 and 2B as 18. */
export function isKeyRight(matricule: string): boolean {
  const [, body, key] = MATRICULE.exec(matricule) ?? []
  if (body === undefined || key === undefined) return false
  const digits = body.replace('2A', '19').replace('2B', '18')
  return 97 - (Number(digits) % 97) === Number(key)
}

/** What is wrong with an INS. Test OIDs carry invented numbers, most of them with a wrong key: a warning only. */
export function findingsOfIns(ins: Ins): Finding[] {
  if (isKeyRight(ins.matricule)) return []
  const severity = ins.kind === 'test' ? 'warning' : 'error'
  const diagnostics = 'the matricule is not thirteen characters and their key'
  return [{ severity, code: 'value', diagnostics, expression: 'Patient.identifier' }]
}
