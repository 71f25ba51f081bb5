/** Why the edge does not stand on the library's own handlers (docs/decisions/0004-edge-router.md). */
import { FhirRouter, makeSimpleRequest, MemoryRepository } from '@medplum/fhir-router'
import type { Bundle } from '@medplum/fhirtypes'
import { expect, test } from 'vitest'

test.each(['Nonsense', 'AllergyIntolerance?nonsense=1', 'AllergyIntolerance?code:fuzzy=1&date=xx'])(
  'the library alone answers %s with an empty success',
  async (url) => {
    const request = makeSimpleRequest('GET', url)
    const [outcome, bundle] = await new FhirRouter().handleRequest(request, new MemoryRepository())
    expect(outcome.id).toBe('ok')
    expect((bundle as Bundle).total).toBe(0)
  },
)
