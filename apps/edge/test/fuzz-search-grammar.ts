/** Search parameters between right and wrong, by R4's grammar: chains, reverse chains, includes, prefixes, units. */

/** In every drawn value that a patient's record could hold: no answer to a refused request may repeat it. */
export const CANARY = 'Xanthippe'

const REFERENCES = ['subject', 'patient', 'subject:Patient', 'subject:Group', 'encounter', 'performer:Practitioner',
  'general-practitioner', 'organization', 'has-member', 'focus', 'based-on', 'link', 'nothing', '__proto__', '']
const LEAVES = ['name', 'code', '_id', 'identifier', 'birthdate', 'value-quantity', 'status', 'name:exact', 'code:not',
  'code:text', 'identifier:of-type', 'date', 'url:below', '_lastUpdated', 'code-value-quantity', 'near', '_content',
  'probability', 'name:contains', 'organization.name', 'subject.name', 'constructor', 'name:nonsense', '']
const SOURCES = ['Observation', 'Encounter', 'Condition', 'Patient', 'Organization', 'Practitioner', 'Provenance',
  'Nonsense', '__proto__', '*', '']
const INCLUDED = ['Observation:subject', 'Observation:subject:Patient', 'Observation:subject:Group', 'Observation:*',
  '*', 'Patient:organization', 'Observation:encounter', 'Observation:code', 'Observation', ':', 'Observation:',
  'Nonsense:x', 'Patient:general-practitioner:Practitioner', 'Observation:subject:Patient:x', CANARY, '']
const CONTROLS: readonly (readonly [string, readonly string[]])[] = [
  ['_summary', ['true', 'text', 'data', 'count', 'false', 'x', '']],
  ['_elements', ['status', 'status,code', 'nothing', 'status.x', CANARY, '', ',', 'id,meta,__proto__']],
  ['_total', ['none', 'estimate', 'accurate', 'x']],
  ['_sort', ['date', '-date,code', 'value-quantity', 'code-value-quantity', '_lastUpdated,-_id', '--date', CANARY]],
  ['_count', ['0', '1', '1000000', '-1', '1.5', CANARY]],
  ['_contained', ['true', 'both']], ['_containedType', ['container']], ['_type', ['Patient']],
  ['_filter', ['name eq x', CANARY]], ['_query', ['x']], ['_list', ['x']], ['_text', [CANARY]], ['_profile', ['urn:x']],
]
const PREFIXES = ['', '', 'eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap', 'xx', 'gtgt']
const NUMBERS = ['5', '5.0', '5.40', '-5', '1e2', '1e999', '1e-999', '.5', '5.', '0x10', 'NaN', 'Infinity', '',
  '9'.repeat(400), '5,4', '١']
const UNITS = ['', '|http://unitsofmeasure.org|mmol/L', '|http://unitsofmeasure.org|umol/L', '||mmol/L', '|',
  '||', '|||', '|http://unitsofmeasure.org|', '|urn:x|mmol/L', '|http://unitsofmeasure.org|m'.repeat(2),
  `|http://unitsofmeasure.org|${CANARY}`, '|http://unitsofmeasure.org|((((', '|http://unitsofmeasure.org|10*999999']
const QUANTITIES = ['value-quantity', 'combo-value-quantity', 'component-value-quantity', 'value-quantity:missing']
const COMPOSITES = ['2339-0$5', 'http://loinc.org|2339-0$gt4|http://unitsofmeasure.org|mmol/L', '$', 'a$b$c', 'a$',
  '2339-0\\$5', '$5', `${CANARY}$5`]

type Draw = (bound: number) => number

export class SearchGrammar {
  readonly #draw: Draw

  constructor(draw: Draw) {
    this.#draw = draw
  }

  /** `name=value`, encoded. */
  pair(): string {
    switch (this.#draw(7)) {
      case 0: return this.#text(this.#chain(), this.#value())
      case 1: return this.#text(this.#has(), this.#value())
      case 2: return this.#text(`${this.#one(['_include', '_revinclude'])}${this.#one(['', '', ':iterate', ':recurse',
        ':x'])}`, this.#one(INCLUDED))
      case 3: {
        const [name, values] = this.#one(CONTROLS)
        return this.#text(name, this.#one(values))
      }
      case 4: return this.#text(this.#one(QUANTITIES), this.#amount())
      case 5: return this.#text(this.#one(['code-value-quantity', 'combo-code-value-quantity', 'code-value-string']),
        this.#one(COMPOSITES))
      default: return this.#text(this.#one(LEAVES), this.#value())
    }
  }

  #chain(): string {
    const links = Array.from({ length: 1 + this.#draw(this.#draw(20) === 0 ? 40 : 3) }, () => this.#one(REFERENCES))
    return [...links, this.#one(LEAVES)].join('.')
  }

  #has(): string {
    const links = Array.from({ length: 1 + this.#draw(this.#draw(20) === 0 ? 40 : 2) }, () =>
      `_has:${this.#one(SOURCES)}:${this.#one(REFERENCES).split(':')[0]}`)
    return [...links, this.#draw(8) === 0 ? '' : this.#one(LEAVES)].join(':')
  }

  #amount(): string {
    return `${this.#one(PREFIXES)}${this.#one(NUMBERS)}${this.#one(UNITS)}`
  }

  #value(): string {
    const values = ['x', 'p', 'Patient/p', 'true', 'final', '2024', 'ap2024', `${this.#one(PREFIXES)}2024-02`,
      'http://loinc.org|2339-0', 'a|b|c', CANARY, this.#amount(), 'x,y', '\\', '']
    return this.#one(values)
  }

  #text(name: string, value: string): string {
    return `${encodeURIComponent(name).replaceAll('%3A', ':')}=${encodeURIComponent(value)}`
  }

  #one<T>(values: readonly T[]): T {
    return values[this.#draw(values.length)] as T
  }
}
