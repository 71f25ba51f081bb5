/**
 * Decimals keep their digits: 5.0 mmol/L was measured to a tenth, 5 was not, and R4 asks servers to keep the difference
 * (datatypes.html#decimal). JavaScript's numbers do not, so the text that was sent is remembered beside the object that
 * holds the number, and written again as it was. Costs nothing where no number of a text needs it.
 */

/**
 * A number whose text JavaScript may write otherwise: trailing zeros, exponents, more digits than a double has. Without
 * two ways to match the same digits: the text is a stranger's.
 */
const SUSPECT = /[:[,]\s*-?(?:\d+\.\d*0|\d[\d.]*[eE]|[\d.]{16})/

type Holder = object

const texts = new WeakMap<Holder, Map<string, string>>()

interface Source {
  readonly source?: string
}

/** Before the digits of a marked number: what follows stood in the text as a number. */
const MARK = '\u0000'

/** `value`, for whose objects the digits are remembered that its JSON text has and JavaScript would lose. */
export const withDecimals = <T>(text: string, value: T): T => {
  if (SUSPECT.test(text)) follow(JSON.parse(marked(text)), value)
  return value
}

const EACH_SUSPECT = new RegExp(SUSPECT, 'g')
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/** Valid JSON text with its suspect numbers as marked strings: parsing that costs a tenth of a reviver with sources. */
const marked = (text: string): string => {
  const strings = new Strings(text)
  let result = ''
  let copied = 0
  for (const { 0: found, index } of text.matchAll(EACH_SUSPECT)) {
    if (strings.contain(index)) continue
    const start = index + found.search(/[-\d]/)
    NUMBER.lastIndex = start
    const [digits = ''] = NUMBER.exec(text) ?? []
    result += `${text.slice(copied, start)}"\\u0000${digits}"`
    copied = start + digits.length
  }
  return result + text.slice(copied)
}

/** The strings of a valid JSON text, gone through once from its start: places are asked for in their order. */
class Strings {
  readonly #text: string
  #quote: number
  #end = 0

  constructor(text: string) {
    this.#text = text
    this.#quote = text.indexOf('"')
  }

  contain(place: number): boolean {
    while (this.#end <= place && this.#quote >= 0 && this.#quote <= place) {
      this.#end = this.#endOf(this.#quote)
      this.#quote = this.#text.indexOf('"', this.#end)
    }
    return this.#end > place
  }

  #endOf(quote: number): number {
    for (let at = this.#text.indexOf('"', quote + 1); ; at = this.#text.indexOf('"', at + 1)) {
      if (at < 0) return this.#text.length
      let escapes = 0
      while (this.#text.charCodeAt(at - 1 - escapes) === BACKSLASH) escapes++
      if (escapes % 2 === 0) return at + 1
    }
  }
}

const BACKSLASH = 0x5c

const follow = (exact: unknown, value: unknown): void => {
  if (typeof exact !== 'object' || exact === null || typeof value !== 'object' || value === null) return
  for (const [name, member] of Object.entries(exact)) {
    const beside = (value as Record<string, unknown>)[name]
    if (typeof member === 'object') follow(member, beside)
    // A string of the text may look marked; what stands beside it then is that string.
    else if (typeof member === 'string' && typeof beside === 'number' && member.startsWith(MARK)) {
      const digits = member.slice(MARK.length)
      if (digits === String(beside)) continue
      const known = texts.get(value) ?? new Map<string, string>()
      texts.set(value, known.set(name, digits))
    }
  }
}

/** The digits that a number of an object was sent with, where JavaScript would write others. */
export const digitsOf = (holder: Holder, name: string): string | undefined => texts.get(holder)?.get(name)

/** JSON text in which remembered digits stand as they were sent. `JSON.stringify` where there are none. */
export const exactJson = (value: object): string => {
  if (!hasDecimals(value)) return JSON.stringify(value)
  return JSON.stringify(value, function exact(this: Holder, name: string, member: unknown): unknown {
    const text = typeof member === 'number' ? texts.get(this)?.get(name) : undefined
    return text !== undefined && Number(text) === member ? rawJson(text) : member
  })
}

const hasDecimals = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null) return false
  if (texts.has(value)) return true
  for (const member of Object.values(value)) if (typeof member === 'object' && hasDecimals(member)) return true
  return false
}

/** What a JSON text says, for taking parts out and writing them again: numbers are not numbers but their digits. */
export const withDigits = (text: string): unknown =>
  JSON.parse(text, ((_key: string, member: unknown, { source }: Source) =>
    typeof member === 'number' && source !== undefined ? rawJson(source) : member
  ) as (key: string, member: unknown) => unknown)

/** The same JSON text with spaces and lines: every number keeps its own digits. */
export const indentedJson = (text: string): string => JSON.stringify(withDigits(text), undefined, 2)

/** ECMAScript's own, which TypeScript's library does not list yet. */
const rawJson = (text: string): unknown => (JSON as unknown as { rawJSON: (text: string) => unknown }).rawJSON(text)
