/**
 * Narratives as XHTML. Whatever comes from a record is text, escaped here and nowhere else: a writer who may only
 * deposit could otherwise plant script for whoever reads the summary.
 */
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;',
  '\'': '&#39;' }

/** Characters XML 1.0 does not allow, and those that would turn the reading direction of what stands beside. */
// oxlint-disable-next-line no-control-regex
const UNFIT = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\uFFFE\uFFFF\u202A-\u202E\u2066-\u2069]/g

/** XHTML that is ready: made of escaped text and the elements below alone. */
export interface Markup {
  readonly markup: string
}

export function text(value: string): Markup {
  return { markup: value.toWellFormed().replace(UNFIT, ' ').replace(/[&<>"']/g, (each) => ESCAPES[each] ?? '') }
}

type Tag = 'p' | 'ul' | 'li' | 'table' | 'thead' | 'tbody' | 'tr' | 'th' | 'td' | 'h2' | 'b'

export function element(tag: Tag, ...children: readonly (Markup | string)[]): Markup {
  const inner = children.map((child) => (typeof child === 'string' ? text(child) : child).markup).join('')
  return { markup: `<${tag}>${inner}</${tag}>` }
}

/** Rows under headings; columns that are empty in every row are left out. Cells with several lines become lists. */
export function table(headings: readonly string[], rows: readonly (readonly (readonly string[])[])[]): Markup {
  const used = headings.map((_, at) => rows.some((row) => (row[at] ?? []).some((line) => line !== '')))
  const kept = <T>(cells: readonly T[]): T[] => cells.filter((_, at) => used[at] === true)
  const head = element('tr', ...kept(headings).map((each) => element('th', each)))
  const body = rows.map((row) => element('tr', ...kept(row).map((cell) => element('td', ...lines(cell)))))
  return element('table', element('thead', head), element('tbody', ...body))
}

function lines(cell: readonly string[]): (Markup | string)[] {
  const filled = cell.filter((line) => line !== '')
  return filled.length < 2 ? [filled[0] ?? ''] : [element('ul', ...filled.map((line) => element('li', line)))]
}

/** The `div` of a Narrative. */
export function division(language: string, ...children: readonly Markup[]): string {
  const inner = children.map(({ markup }) => markup).join('')
  return `<div xmlns="http://www.w3.org/1999/xhtml" lang="${language}" xml:lang="${language}">${inner}</div>`
}
