/** The recovery sheet: shown once, printed, and opened off the paper before anything rests on it. */
import { SealError } from '@scelle/seal/verify'
import { encodeQR } from 'qr'
import { rootUnderSheet, type Sheet } from '../root.ts'
import { element, type Screen } from '../screen.ts'
import { dayIn } from '../words/languages.ts'
import type { Words } from '../words/words.ts'
import { Declined, secondsNow, type Visit } from './visit.ts'

const PREFIX = 'AGE-SECRET-KEY-1'
const GROUP = 6
const LETTERS = 58

const SVG = 'http://www.w3.org/2000/svg'

/** Drawn as one path: the page sets no markup, so none of the library's is taken. */
const qrDrawing = (text: string, label: string): SVGElement => {
  const dots = encodeQR(text, 'raw', { ecc: 'medium', border: 2 })
  const drawing = document.createElementNS(SVG, 'svg')
  drawing.setAttribute('viewBox', `0 0 ${dots.length} ${dots.length}`)
  drawing.setAttribute('role', 'img')
  drawing.setAttribute('aria-label', label)
  drawing.setAttribute('class', 'qr')
  const path = document.createElementNS(SVG, 'path')
  path.setAttribute('d', dots.flatMap((row, y) =>
    row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : []))).join(''))
  drawing.append(path)
  return drawing
}

const lettersOf = (identity: string): string => identity.slice(PREFIX.length)

const groupsOf = (letters: string): string[] =>
  Array.from({ length: Math.ceil(letters.length / GROUP) }, (_, at) => letters.slice(at * GROUP, (at + 1) * GROUP))

const sheetShown = ({ identity }: Sheet, words: Words, visit: Visit): Node => {
  const { asked } = visit
  const { sheet } = words
  return element('section', { class: 'sheet', 'aria-label': sheet.heading },
    element('h2', {}, sheet.heading),
    element('p', { class: 'of' }, sheet.of(
      asked.request.personName ?? '', asked.houseName, dayIn(words, secondsNow(visit)))),
    element('div', { class: 'secret' },
      qrDrawing(identity, sheet.qr),
      element('ol', { class: 'groups' }, ...groupsOf(lettersOf(identity)).map((group) => element('li', {}, group)))),
    element('p', {}, sheet.use),
    element('p', { class: 'age' }, `${sheet.forAge} `, element('code', {}, identity)))
}

/** With or without its first, constant letters, in any case, with spaces. */
const typedIdentity = (typed: string): string => {
  const letters = typed.replaceAll(/[\s-]/g, '').toUpperCase()
  return letters.startsWith('AGESECRETKEY1') ? letters : `${PREFIX}${letters}`
}

/**
 * A field for the letters. What is in it is read when the person goes on, and written down nowhere. `before`: what was
 * typed and did not open anything, for one letter to be changed.
 */
const lettersField = (words: Words, before: string | undefined): { nodes: Node[]; value: () => string } => {
  const field = document.createElement('textarea')
  for (const [name, value] of Object.entries({
    id: 'letters', rows: '4', autocomplete: 'off', autocapitalize: 'characters', spellcheck: 'false',
    'aria-describedby': 'typed',
  })) field.setAttribute(name, value)
  field.value = before ?? ''
  const typed = element('p', { id: 'typed', class: 'typed' })
  const count = (): void => {
    const letters = typedIdentity(field.value).replace(/^AGE-?SECRET-?KEY-?1/, '').length
    typed.textContent = words.rehearse.typed(Math.min(letters, LETTERS))
  }
  count()
  field.addEventListener('input', count)
  const complaint = before === undefined
    ? [] : [element('p', { class: 'warning', role: 'alert' }, words.rehearse.wrong)]
  return {
    nodes: [element('label', { for: 'letters' }, words.rehearse.label), field, typed, ...complaint],
    value: () => field.value,
  }
}

type Read = { readonly root: Uint8Array } | { readonly again: true }

/** Asks for the letters until they open one of the wraps. `again`: the sheet is still there to look at. */
export const readSheet = async (
  visit: Visit, from: { wraps: Parameters<typeof rootUnderSheet>[0]; title: (words: Words) => string; again: boolean },
): Promise<Read> => {
  for (let before: string | undefined; ;) {
    let typed: () => string = () => ''
    const action = await visit.stage.choose((words): Screen<'check' | 'again' | 'decline'> => {
      const { nodes, value } = lettersField(words, before)
      typed = value
      const { actions } = words
      return {
        title: from.title(words),
        lead: words.rehearse.lead,
        content: nodes,
        actions: [
          { name: 'check', label: actions.checkSheet },
          ...(from.again ? [{ name: 'again' as const, label: actions.sheetAgain }] : []),
          { name: 'decline', label: actions.cancel },
        ],
      }
    })
    if (action === 'decline') throw new Declined()
    if (action === 'again') return { again: true }
    before = typed()
    try {
      return { root: await rootUnderSheet(from.wraps, typedIdentity(before)) }
    } catch (error) {
      if (!(error instanceof SealError)) throw error
    }
  }
}

/** Shows the sheet, and ends when it was read back off the paper. Throws {@link Declined}. */
export const rehearse = async (visit: Visit, sheet: Sheet): Promise<void> => {
  for (;;) {
    const action = await visit.stage.choose((words): Screen<'kept' | 'print' | 'decline'> => ({
      title: words.sheet.title,
      lead: words.sheet.lead,
      content: [sheetShown(sheet, words, visit)],
      actions: [
        { name: 'print', label: words.actions.printSheet },
        { name: 'kept', label: words.actions.sheetKept },
        { name: 'decline', label: words.actions.cancel },
      ],
    }))
    if (action === 'decline') throw new Declined()
    if (action === 'print') {
      globalThis.print()
      continue
    }
    const read = await readSheet(visit, {
      wraps: [sheet.wrap], title: (words) => words.rehearse.title, again: true,
    })
    if ('root' in read) return
  }
}
