/** `scelle card make`: an emergency summary to carry, as a file and as QR codes. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SealError, toQr } from '@scelle/sdk'
import { encodeQR } from 'qr'
import { type EdgeClient, fhirJson, jsonOf } from '../edge-client.ts'
import { CommandError, EXIT } from '../errors.ts'
import type { Io } from '../io.ts'
import { MESSAGES } from '../messages.ts'
import { patientIdOf } from '../open.ts'

export interface CardRequest {
  readonly patient: string
  readonly file: string
  readonly qr: string | undefined
  /** Milliseconds since 1970. */
  readonly until: number
}

interface Answer {
  readonly parameter?: readonly { readonly name: string; readonly valueBase64Binary?: string; valueString?: string }[]
  readonly issue?: readonly { readonly diagnostics?: string }[]
}

/** Level M: still reads where 15 % of it is damaged. A page that was in a wallet for a year is. */
export const drawCode = (text: string): string =>
  encodeQR(text, 'svg', { ecc: 'medium', encoding: 'alphanumeric', border: 4 })

/** One page: each code with its number in words, so that it can be told over the telephone which one is missing. */
const pageOf = (io: Io, codes: readonly string[]): string => {
  const { card } = MESSAGES[io.language]
  const figures = codes.map((svg, place) => {
    const name = card.code(place + 1, codes.length)
    return `<figure role="img" aria-label="${name}">${svg}<figcaption>${name}</figcaption></figure>`
  })
  return `<!doctype html>
<html lang="${io.language}"><meta charset="utf-8"><title>${card.title}</title>
<style>body{font:12pt sans-serif;color:#000;background:#fff}figure{display:inline-block;width:88mm;margin:2mm;
break-inside:avoid;text-align:center}svg{width:100%}</style>
<h1>${card.title}</h1><p>${card.howTo}</p>
${figures.join('\n')}
</html>
`
}

/** `card.html` to print, each code by itself, and `card.txt`, a code's text a line, for whoever scans nothing. */
const writeCodes = async (io: Io, card: Uint8Array, folder: string): Promise<number> => {
  const { card: messages } = MESSAGES[io.language]
  let texts: string[]
  try {
    texts = toQr(card)
  } catch (error) {
    if (!(error instanceof SealError)) throw error
    throw new CommandError('partly', messages.tooLarge, { cause: error })
  }
  const codes = texts.map(drawCode)
  await mkdir(folder, { recursive: true })
  const digits = String(codes.length).length
  for (const [place, svg] of codes.entries()) {
    await writeFile(join(folder, `card-${String(place + 1).padStart(digits, '0')}.svg`), svg)
  }
  await writeFile(join(folder, 'card.txt'), `${texts.join('\n')}\n`)
  await writeFile(join(folder, 'card.html'), pageOf(io, codes))
  return codes.length
}

export const makeCardFor = async (
  io: Io, edge: EdgeClient, { patient, file, qr, until }: CardRequest,
): Promise<number> => {
  const messages = MESSAGES[io.language]
  const id = patientIdOf(patient)
  const answer = await edge('POST', `/fhir/Patient/${encodeURIComponent(id)}/$scelle-card`, fhirJson({
    resourceType: 'Parameters', parameter: [{ name: 'until', valueInstant: new Date(until).toISOString() }],
  }))
  if (answer.status === 404) throw new CommandError('failed', messages.noPatient(id))
  const { issue, parameter = [] } = jsonOf<Answer>(answer)
  if (answer.status !== 200) {
    throw new CommandError('failed', messages.failed(issue?.[0]?.diagnostics ?? String(answer.status)))
  }
  const card = new Uint8Array(Buffer.from(
    parameter.find(({ name }) => name === 'card')?.valueBase64Binary ?? '', 'base64'))
  await writeFile(file, card)
  io.out(messages.card.written(file, new Date(until).toISOString().slice(0, 10)))
  for (const { name, valueString } of parameter) if (name === 'grant') io.out(messages.card.grantIs(valueString ?? ''))
  if (qr !== undefined) io.out(messages.card.codes(await writeCodes(io, card, qr), qr))
  io.out(messages.card.cannotRevoke)
  return EXIT.done
}
