/**
 * The XHTML subset of `Narrative.div` (R4 narrative.html, txt-1 and txt-2). Narratives end in browsers, so a
 * writer who may only deposit could otherwise plant script for whoever reads: this is an allowlist.
 */
const ELEMENTS = new Set([
  'div', 'p', 'span', 'br', 'hr', 'b', 'i', 'em', 'strong', 'small', 'big', 'tt', 'sub', 'sup', 'u', 'abbr', 'acronym',
  'cite', 'code', 'dfn', 'kbd', 'q', 'samp', 'var', 'blockquote', 'pre', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'address',
  'ul', 'ol', 'li', 'dl', 'dt', 'dd', 'table', 'caption', 'colgroup', 'col', 'thead', 'tbody', 'tfoot', 'tr', 'th',
  'td', 'a', 'img', 'bdo', 'del', 'ins',
])

const ATTRIBUTES = new Set([
  'xmlns', 'title', 'style', 'class', 'id', 'xml:id', 'lang', 'xml:lang', 'dir', 'accesskey', 'tabindex', 'align',
  'valign', 'width', 'height', 'border', 'cellpadding', 'cellspacing', 'frame', 'rules', 'summary', 'abbr', 'axis',
  'headers', 'scope', 'rowspan', 'colspan', 'span', 'char', 'charoff', 'cite', 'datetime', 'bgcolor', 'nowrap', 'start',
  'type', 'value', 'compact', 'clear', 'size', 'noshade', 'name', 'href', 'src', 'alt', 'hspace', 'vspace', 'longdesc',
  'target', 'rel', 'rev', 'charset', 'hreflang', 'shape', 'coords', 'color', 'face',
])

const ROOT = /^\s*<div[\s/>]/
const TAG = /<(\/?)([A-Za-z][A-Za-z0-9:]*)((?:\s+[A-Za-z_:][\w:.-]*\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y
const ATTRIBUTE = /([A-Za-z_:][\w:.-]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/g
const SAFE_LINK = /^\s*(https?:|mailto:|tel:|ftp:|urn:|#|\/|\.|[A-Za-z0-9_%-]+([/?#.]|$)|data:image\/(png|gif|jpeg);)/i
/** Style may place and colour, but neither load nor run anything. */
const UNSAFE_STYLE = /url\s*\(|expression\s*\(|@import|behaviou?r\s*:|-moz-binding|\\|&#/i

/** What is wrong with a narrative's XHTML; undefined if nothing. Never repeats its text. */
export function narrativeFault(div: string): string | undefined {
  if (!ROOT.test(div)) return 'the narrative must be one XHTML <div>'
  const open: string[] = []
  let at = div.indexOf('<')
  while (at >= 0) {
    if (div.startsWith('<!--', at)) {
      const end = div.indexOf('-->', at)
      if (end < 0) return 'unterminated comment'
      at = div.indexOf('<', end)
      continue
    }
    TAG.lastIndex = at
    const tag = TAG.exec(div)
    if (!tag) return 'malformed XHTML tag or attribute'
    const fault = tagFault(tag, open)
    if (fault) return fault
    at = div.indexOf('<', TAG.lastIndex)
    if (open.length === 0 && (at >= 0 || NOT_BLANK.test(div.slice(TAG.lastIndex)))) return 'content after the <div>'
  }
  return open.length === 0 ? undefined : 'unclosed XHTML element'
}

const NOT_BLANK = /\S/

function tagFault(tag: RegExpExecArray, open: string[]): string | undefined {
  const [, closing, name = '', attributes = '', empty] = tag
  if (!ELEMENTS.has(name)) return 'XHTML element outside the allowed list'
  if (closing) return open.pop() === name && attributes === '' ? undefined : 'XHTML elements closed out of order'
  if (!empty) open.push(name)
  for (const [, attribute = '', double, single] of attributes.matchAll(ATTRIBUTE)) {
    const value = double ?? single ?? ''
    if (!ATTRIBUTES.has(attribute)) return 'XHTML attribute outside the allowed list'
    const isLink = attribute === 'href' || attribute === 'src' || attribute === 'longdesc' || attribute === 'cite'
    if (isLink && (!SAFE_LINK.test(value) || /&#|\s/.test(value))) return 'XHTML link with an unsafe target'
    if (attribute === 'style' && UNSAFE_STYLE.test(value)) return 'XHTML style that could load or run something'
  }
  return undefined
}
