/** What a broken glass shows: one Bundle, which says of itself what it is, and of which nothing stays here. */
import type { Chart } from '@scelle/sdk'
import { type BundlePart, bundleBytes, type FhirAnswer } from '../answers.ts'
import { copyOf, keyOf } from '../entry.ts'
import { EdgeError } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import { opened } from '../opening.ts'
import { Records } from '../records.ts'
import { outcomeParts } from '../search.ts'

interface OpenedPart {
  readonly chart: Chart
  /** Hex id. */
  readonly custodian: string
}

interface Around {
  /** Hex id of this organisation. */
  readonly self: string
  readonly now: () => number
}

/** That this was an emergency: R4 security-labels.html, `BTG` of v3-ActReason. */
const BROKEN = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'BTG', display: 'break the glass' }

/**
 * Where these resources are said to be: nowhere here (RFC 6761, `.invalid`). Under this edge's own address a name such
 * as `Patient/1` would mean whoever of the house has it, and whoever follows a link would read one patient for another.
 */
const placeOf = (vault: string): string => `https://emergency.invalid/${vault}`

/** Throws EdgeError `chart-too-large`. The charts stay the caller's, to be closed. */
export const emergencyBundle = (
  vault: string, charts: readonly OpenedPart[], until: number, { self, now }: Around,
): FhirAnswer => {
  const records = new Records()
  const custodians = charts.map(({ custodian }) => custodian)
  try {
    let gaps = 0
    for (const { chart } of charts) {
      const news = chart.take()
      gaps += opened(news, records, { vault, self, custodians, known: () => undefined }).hidden
      gaps += chart.problems.filter(({ what }) => what !== 'trustee').length
      for (const { content } of news) content.fill(0)
    }
    if (records.weight > EDGE_LIMITS.bundleAnswers) throw new EdgeError('chart-too-large')
    const parts: BundlePart[] = [...records.at(records.state)].map((entry) => ({
      head: { fullUrl: `${placeOf(vault)}/${keyOf(entry)}`, search: { mode: 'match' } }, resource: copyOf(entry),
    }))
    const head = {
      meta: { lastUpdated: new Date(now()).toISOString(), security: [BROKEN] }, type: 'searchset', total: parts.length,
    }
    return {
      status: 200, headers: { 'scelle-emergency': `until=${new Date(until).toISOString()}` },
      body: bundleBytes(head, [...parts, ...outcomeParts(gaps, undefined)]),
    }
  } finally {
    records.wipe()
  }
}
