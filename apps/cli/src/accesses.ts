/** `scelle accesses`: who opened a patient's records, when and why, with what the log proves; and what does not fit. */
import { type EdgeClient, jsonOf } from './edge-client.ts'
import { CommandError, EXIT } from './errors.ts'
import { type Installation, PARTIES } from './home.ts'
import type { Io } from './io.ts'
import { MESSAGES } from './messages.ts'
import { patientIdOf } from './open.ts'
import { keepProofs } from './proof.ts'
import { table } from './table.ts'

interface Part {
  readonly name: string
  readonly valueString?: string
  readonly valueInstant?: string
  readonly valueCode?: string
  readonly valueBase64Binary?: string
  readonly part?: readonly Part[]
}

interface Answer {
  readonly resourceType: string
  readonly parameter?: readonly Part[]
  readonly issue?: readonly { readonly diagnostics?: string }[]
}

const textsIn = (part: Part, name: string): string[] =>
  (part.part ?? []).filter((each) => each.name === name)
    .flatMap(({ valueString, valueInstant, valueCode }) => valueString ?? valueInstant ?? valueCode ?? [])

const textIn = (part: Part, name: string): string => textsIn(part, name)[0] ?? ''

/** A party of this installation by its name, anybody else by the beginning of its id. */
const namer = (installation: Installation): ((id: string) => string) => {
  const names = new Map(PARTIES.map((party) => [installation.ids[party], party as string]))
  return (id) => names.get(id) ?? `${id.slice(0, 12)}…`
}

/** An opening without a network is told when that was, and by what reason. */
const whyOf = (io: Io, access: Part): string => {
  const offline = (access.part ?? []).find(({ name }) => name === 'offline')
  const purpose = textIn(access, 'purpose')
  return offline === undefined ? purpose : MESSAGES[io.language].openings.offline(
    purpose, textIn(offline, 'time').slice(0, 16).replace('T', ' '), textIn(offline, 'reason'))
}

const rowOf = (io: Io, access: Part, name: (id: string) => string): string[] => {
  const { openings } = MESSAGES[io.language]
  const refusals = (access.part ?? []).filter((each) => each.name === 'refusal')
  const released = textsIn(access, 'releasedBy')
  const outcome = released.length === 0 && refusals.length > 0
    ? openings.refused(refusals.map((each) => `${name(textIn(each, 'by'))}: ${textIn(each, 'problem')}`).join(', '))
    : released.length === 0 ? openings.unreleased : openings.released(released.map(name).join(', '))
  const who = [name(textIn(access, 'reader')), textIn(access, 'person')].filter((each) => each !== '').join(' / ')
  const isProven = (access.part ?? []).some((each) => each.name === 'receipt')
  return [
    textIn(access, 'time').slice(0, 16).replace('T', ' '), who, whyOf(io, access),
    textsIn(access, 'category').join(','), outcome, isProven ? openings.proven : openings.unproven,
  ]
}

const sentenceOf = (io: Io, finding: Part, name: (id: string) => string): string => {
  const { findings } = MESSAGES[io.language]
  const code = textIn(finding, 'code')
  const told = Object.hasOwn(findings, code) ? findings[code as keyof typeof findings] : findings.unknown
  const released = textsIn(finding, 'releasedBy').map(name).join(', ')
  return told(name(textIn(finding, 'who')), textIn(finding, 'access').slice(0, 12), released)
}

/** Exit status 1 where anybody has something to explain. `--json`: one line for each access and each finding. */
export const accesses = async (
  io: Io, edge: EdgeClient, installation: Installation,
  asked: { patient: string; json: boolean; receipts?: string | undefined },
): Promise<number> => {
  const messages = MESSAGES[io.language]
  const patient = patientIdOf(asked.patient)
  const answer = await edge('GET', `/fhir/Patient/${encodeURIComponent(patient)}/$scelle-accesses`, {
    headers: { accept: 'application/fhir+json' },
  })
  if (answer.status === 404) throw new CommandError('failed', messages.noPatient(patient))
  const body = jsonOf<Answer>(answer)
  if (answer.status !== 200) {
    throw new CommandError('failed', messages.failed(body.issue?.[0]?.diagnostics ?? String(answer.status)))
  }
  const parts = body.parameter ?? []
  const findings = parts.filter((part) => part.name === 'finding')
  if (asked.receipts !== undefined) await keepProofs(io, asked.receipts, parts.flatMap(proofIn))
  const status = findings.length === 0 ? EXIT.done : EXIT.partly
  if (asked.json) {
    for (const part of parts) io.out(JSON.stringify(plain(part)))
    return status
  }
  const name = namer(installation)
  const rows = parts.filter((part) => part.name === 'access').map((part) => rowOf(io, part, name))
  for (const line of rows.length === 0 ? [messages.openings.none] : table([messages.openings.head, ...rows])) {
    io.out(line)
  }
  io.out('')
  for (const line of findings.length === 0 ? [messages.openings.agreed] : findings.map((each) =>
    sentenceOf(io, each, name))) {
    io.out(line)
  }
  return status
}

const proofIn = (access: Part): { time: string; statement: string; file: Uint8Array }[] =>
  (access.part ?? []).filter(({ name }) => name === 'proof').map(({ valueBase64Binary = '' }) => ({
    time: textIn(access, 'time'), statement: textIn(access, 'statement'),
    file: new Uint8Array(Buffer.from(valueBase64Binary, 'base64')),
  }))

/** Without FHIR's wrapping: `{"is": "access", "reader": "…", "category": ["…"]}`. */
const plain = (part: Part): Record<string, unknown> => {
  const told: Record<string, unknown> = { is: part.name }
  for (const each of part.part ?? []) {
    const value = each.part === undefined
      ? each.valueString ?? each.valueInstant ?? each.valueCode ?? each.valueBase64Binary
      : plain(each)
    if (!REPEATED.has(each.name)) told[each.name] = value
    else told[each.name] = [...((told[each.name] as unknown[] | undefined) ?? []), value]
  }
  return told
}

const REPEATED: ReadonlySet<string> = new Set(['category', 'grant', 'releasedBy', 'refusal'])
