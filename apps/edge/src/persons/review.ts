/** The work list of probable duplicates, as FHIR operations: shown page by page, answered by a person. */
import type { ParametersParameter } from '@medplum/fhirtypes'
import { type FhirAnswer, jsonAnswer } from '../answers.ts'
import type { Call } from '../call.ts'
import { EdgeError } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import { splitPair } from '../negotiation.ts'
import { parametersOf } from '../parameters.ts'
import type { Directory } from '../store/directory.ts'
import { type NamedPair, PAIR_STATES, type PairState } from './work-list.ts'

const NAME = /^[0-9a-f]{32}$/

export class DuplicateReview {
  readonly #directory: Directory

  constructor(directory: Directory) {
    this.#directory = directory
  }

  /**
   * `GET $scelle-duplicates`: `state` (open, not-same, merged), `_count`, `after` → `total`, each `pair`, and `next`,
   * which is the `after` of the next page.
   */
  list(call: Call): FhirAnswer {
    const { state, count, after } = pageOf(call.wishes.query)
    const pairs = this.#directory.patients.workList.list(state)
    const start = after === undefined ? 0 : pairs.findIndex(({ name }) => name === after) + 1
    if (after !== undefined && start === 0) {
      throw new EdgeError('cursor-expired', 'that pair is no longer listed: begin again', 'after')
    }
    const page = pairs.slice(start, start + count)
    const last = page.at(-1)
    const next = last === undefined || start + count >= pairs.length ? [] : [{ name: 'next', valueString: last.name }]
    const parameter = [{ name: 'total', valueInteger: pairs.length }, ...page.map(pairPart), ...next]
    return jsonAnswer(200, { resourceType: 'Parameters', parameter })
  }

  /** `POST $scelle-resolve-duplicate`: `pair`, `as` (not-same, or open to ask again) → `state`. */
  resolve(call: Call): FhirAnswer {
    const given = parametersOf(call, { pair: { member: 'valueString' }, as: { member: 'valueCode' } })
    const name = given.get('pair')?.[0]?.valueString ?? ''
    const state = given.get('as')?.[0]?.valueCode
    if (!NAME.test(name)) throw new EdgeError('bad-value', 'expected the name of a pair, as it was listed', 'pair')
    if (state !== 'not-same' && state !== 'open') throw new EdgeError('bad-value', 'expected not-same or open', 'as')
    const pair = this.#directory.patients.workList.named(name)
    if (pair === undefined) throw new EdgeError('not-found', 'there is no such pair', 'pair')
    if (pair.state === 'merged') throw new EdgeError('business-rule', 'these two are merged: undo that first', 'pair')
    this.#directory.answerPair(pair.left, pair.right, state)
    return jsonAnswer(200, { resourceType: 'Parameters', parameter: [{ name: 'state', valueCode: state }] })
  }
}

const pairPart = ({ name, left, right, kind, score, reasons, state }: NamedPair): ParametersParameter => ({
  name: 'pair',
  part: [
    { name: 'name', valueString: name },
    { name: 'patient', valueReference: { reference: left } },
    { name: 'patient', valueReference: { reference: right } },
    { name: 'kind', valueCode: kind },
    { name: 'score', valueInteger: score },
    { name: 'state', valueCode: state },
    ...reasons.map(({ field, finding, points }) => ({
      name: 'reason',
      part: [
        { name: 'field', valueCode: field }, { name: 'finding', valueCode: finding },
        { name: 'points', valueInteger: points },
      ],
    })),
  ],
})

interface Page { readonly state: PairState; readonly count: number; readonly after: string | undefined }

const pageOf = (query: string): Page => {
  const given = new Map<string, string>()
  for (const pair of query === '' ? [] : query.split('&')) {
    const [name, value] = splitPair(pair)
    if (!['state', '_count', 'after'].includes(name)) {
      throw new EdgeError('not-supported', 'a parameter of this request is not supported', 'http.query')
    }
    if (given.has(name)) throw new EdgeError('bad-value', 'given twice', name)
    given.set(name, value)
  }
  const state = PAIR_STATES.find((each) => each === (given.get('state') ?? 'open'))
  if (state === undefined) throw new EdgeError('bad-value', `expected ${PAIR_STATES.join(', ')}`, 'state')
  const count = given.get('_count') ?? String(EDGE_LIMITS.pageDefault)
  if (!/^[1-9]\d{0,8}$/.test(count)) throw new EdgeError('bad-value', 'expected a whole number above 0', '_count')
  const after = given.get('after')
  if (after !== undefined && !NAME.test(after)) throw new EdgeError('bad-value', 'expected what `next` said', 'after')
  return { state, count: Math.min(Number(count), EDGE_LIMITS.pageMax), after }
}
