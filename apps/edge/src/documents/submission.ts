/** Provide Document Bundle (IHE MHD ITI-65): a transaction that says by its profile that it is one. */
import { createHash } from 'node:crypto'
import type { Bundle, Resource } from '@medplum/fhirtypes'
import { provideLevel, provideTransaction } from '@scelle/fhir/mhd'
import { validateResource } from '@scelle/fhir/validate'

/** The transaction to carry out; any other Bundle as it is. @throws FhirError where a submission is none */
export const asSubmitted = (bundle: Bundle, base: string): Bundle => {
  const level = provideLevel(bundle)
  if (level === undefined) return bundle
  return provideTransaction(validateResource(bundle) as Bundle, level, { sha1, bases: [base] })
}

interface Beside {
  readonly kind: string
  readonly resource?: Resource
}

/** The patient to whom the metadata beside a document, in the same transaction, says that it belongs. */
export const subjectNaming = (document: string, beside: readonly Beside[]): string | undefined => {
  for (const { resource } of beside) {
    if (resource?.resourceType !== 'DocumentReference') continue
    if (resource.content.some(({ attachment }) => attachment.url === document)) return resource.subject?.reference
  }
  return undefined
}

const sha1 = (base64: string): string =>
  createHash('sha1').update(Buffer.from(base64, 'base64')).digest('base64')
