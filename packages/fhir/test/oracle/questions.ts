/** Random conditions that have something to do with what is there: drawn from the values of a real resource. */
import type { Resource } from '@medplum/fhirtypes'
import { amountsIn, otherUnits } from './amounts.ts'
import { toNumber } from './decimals.ts'
import { type Definition, definitionsOf } from './definitions.ts'
import { type Node, nodesIn, nodesOn } from './extract.ts'
import type { Condition } from './oracle.ts'
import { stringsIn, tokensIn, tokenTextsIn } from './words.ts'

/** A whole number below a bound. */
export type Draw = (bound: number) => number

export interface Question extends Condition {
  /** As it stands in the query, not yet encoded. */
  readonly key: string
  /** What kinds of question it is, for the record. */
  readonly kinds: readonly string[]
}

const escaped = (text: string): string => text.replaceAll(/[\\,|$]/g, String.raw`\$&`)

const UCUM = 'http://unitsofmeasure.org'

const REFUSED: ReadonlySet<string> = new Set(['_text', '_content', '_query', 'near', 'composition', 'message'])

type Value = readonly [modifier: string, value: string, kind: string]

export class Questions {
  readonly #draw: Draw

  constructor(draw: Draw) {
    this.#draw = draw
  }

  one<T>(values: readonly T[]): T | undefined {
    return values[this.#draw(values.length)]
  }

  chance(of: number): boolean {
    return this.#draw(of) === 0
  }

  /** A condition that the resource meets, or nearly; undefined if nothing can be asked. */
  on(resource: Resource, except: ReadonlySet<string> = new Set()): Question | undefined {
    const definitions = definitionsOf(resource.resourceType).filter(({ code, expression }) =>
      !REFUSED.has(code) && !except.has(code) && expression !== '')
    const filled = definitions.filter((definition) => nodesIn(resource, definition.expression).length > 0)
    const definition = this.one(this.chance(12) ? definitions : filled)
    if (definition === undefined) return undefined
    const nodes = nodesIn(resource, definition.expression)
    if (nodes.length === 0 || this.chance(25)) return this.#missing(definition)
    const [modifier, value, kind] = this.#value(resource, definition, nodes) ?? []
    if (value === undefined || modifier === undefined || kind === undefined) return undefined
    const more = this.chance(6) ? this.#value(resource, definition, nodes) : undefined
    const whole = more !== undefined && more[0] === modifier ? `${value},${more[1]}` : value
    const key = `${definition.code}${modifier}`
    const kinds = [kind, ...(whole === value ? [] : ['alternatives'])]
    return this.#question(key, definition.code, modifier.slice(1) || undefined, whole, kinds)
  }

  #question(
    key: string, name: string, modifier: string | undefined, value: string, kinds: readonly string[],
  ): Question {
    return { key, name, modifier, rest: undefined, value, kinds }
  }

  #missing({ code, kind }: Definition): Question | undefined {
    if (kind === 'composite') return undefined
    return this.#question(`${code}:missing`, code, 'missing', this.chance(2) ? 'true' : 'false', [':missing'])
  }

  #value(resource: Resource, definition: Definition, nodes: readonly Node[]): Value | undefined {
    const node = this.one(nodes)
    if (node === undefined) return undefined
    switch (definition.kind) {
      case 'token': return this.#token(node)
      case 'string': return this.#string(node)
      case 'date': return this.#date(node)
      case 'number': return this.#amount(node, false)
      case 'quantity': return this.#amount(node, true)
      case 'reference': return this.#reference(node, definition)
      case 'uri': return this.#uri(node)
      case 'composite': return this.#composite(resource, definition, node)
      case 'special':
      default: return undefined
    }
  }

  #token(node: Node): Value | undefined {
    const text = this.one(tokenTextsIn(node))
    if (text !== undefined && text.trim() !== '' && this.chance(5)) {
      const part = text.slice(0, 1 + this.#draw(text.length)).trim()
      return /[\p{L}\p{N}]/u.test(part) ? [':text', escaped(part), 'token:text'] : undefined
    }
    const token = this.one(tokensIn(node))
    if (token?.code === undefined) return undefined
    const { code, system } = token
    const isConcept = typeof node.data === 'object' && node.type !== 'Identifier' && node.type !== 'ContactPoint'
    const cased = isConcept && this.chance(6) ? code.toUpperCase() : code
    const modifier = this.chance(6) ? ':not' : ''
    const kind = modifier === '' ? 'token' : 'token:not'
    if (system === undefined || this.chance(2)) return [modifier, escaped(cased), kind]
    if (this.chance(8)) return [modifier, `${escaped(system)}|`, kind]
    if (this.chance(12)) return [modifier, `|${escaped(cased)}`, kind]
    return [modifier, `${escaped(system)}|${escaped(cased)}`, kind]
  }

  #string(node: Node): Value | undefined {
    const text = this.one(stringsIn(node))
    if (text === undefined) return undefined
    if (this.chance(4)) return [':exact', escaped(this.chance(4) ? text.toUpperCase() : text), 'string:exact']
    const from = this.chance(2) ? 0 : this.#draw(text.length)
    const part = text.slice(from, from + 1 + this.#draw(6))
    if (!/[\p{L}\p{N}]/u.test(part)) return undefined
    const cased = this.chance(2) ? part.toUpperCase() : part
    const isStart = from === 0 && this.chance(2)
    return isStart ? ['', escaped(cased), 'string'] : [':contains', escaped(cased), 'string:contains']
  }

  #date({ data }: Node): Value | undefined {
    const period = (typeof data === 'object' ? data ?? {} : {}) as { start?: string; end?: string }
    const text = typeof data === 'string' ? data : period.start ?? period.end
    if (typeof text !== 'string') return undefined
    const precise = [text.slice(0, 4), text.slice(0, 7), text.slice(0, 10), text].filter((each) => each !== '')
    const prefix = this.one(['', '', 'eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap']) ?? ''
    return ['', `${prefix}${this.one(precise)}`, `date ${prefix || 'eq'}`]
  }

  #amount(node: Node, isQuantity: boolean): Value | undefined {
    const amount = this.one(amountsIn(node))
    const bound = amount?.low ?? amount?.high
    if (amount === undefined || bound === undefined) return undefined
    const number = toNumber(bound) * (this.one([1, 1, 1, 0.9, 1.1]) ?? 1)
    const other = amount.system === UCUM && this.chance(3) ? this.one(otherUnits(amount.code ?? '')) : undefined
    if (isQuantity && other !== undefined) {
      const prefix = this.one(['', 'ne', 'gt', 'lt', 'ge', 'le', 'ap']) ?? ''
      // Six digits: after a conversion in floating point, later ones tell nothing. Not so small as to take an exponent.
      const converted = Number((number * other[1]).toPrecision(6))
      if (Math.abs(converted) < 1e-6 || Math.abs(converted) > 1e15) return undefined
      const text = String(converted)
      return ['', `${prefix}${text}|${UCUM}|${escaped(other[0])}`, 'quantity other unit']
    }
    const digits = this.one([0, 1, 2, 5]) ?? 2
    const prefix = this.one(['', '', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap']) ?? ''
    const text = `${prefix}${number.toFixed(digits)}`
    const { system, code, unit } = amount
    if (!isQuantity || this.chance(4)) return ['', text, isQuantity ? 'quantity' : 'number']
    if (system !== undefined && code !== undefined && this.chance(2)) {
      return ['', `${text}|${escaped(system)}|${escaped(code)}`, 'quantity unit']
    }
    const named = this.one([code, unit].filter((each) => each !== undefined))
    return named === undefined ? undefined : ['', `${text}||${escaped(named)}`, 'quantity unit']
  }

  #reference({ data }: Node, { targets }: Definition): Value | undefined {
    const text = typeof data === 'string' ? data : (data as { reference?: string }).reference
    const [, type = '', id = ''] = /^([A-Z]\w+)\/([A-Za-z0-9.-]+)$/.exec(text ?? '') ?? []
    if (text === undefined || text.startsWith('#')) return undefined
    if (type === '') return ['', escaped(text), 'reference url']
    if (targets.length > 0 && !targets.includes(type)) return undefined
    if (this.chance(3)) return [`:${type}`, id, 'reference:type']
    return ['', this.chance(2) ? id : `${type}/${id}`, 'reference']
  }

  #uri({ data }: Node): Value | undefined {
    const text = String(data)
    if (this.chance(3)) return [':below', escaped(text.slice(0, 1 + this.#draw(text.length))), 'uri:below']
    return this.chance(3) ? [':above', escaped(`${text}/more`), 'uri:above'] : ['', escaped(text), 'uri']
  }

  #composite(resource: Resource, { components }: Definition, node: Node): Value | undefined {
    const values = components.map(({ expression, definition }) => {
      const inner = this.one(nodesOn(resource, node, expression))
      const value = inner && this.#value(resource, definition, [inner])
      return value?.[0] === '' ? value[1] : undefined
    })
    return values.every((value) => value !== undefined) ? ['', values.join('$'), 'composite'] : undefined
  }
}
