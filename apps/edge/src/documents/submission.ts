/** Provide Document Bundle (IHE MHD ITI-65): a transaction that says by its profile that it is one. */
import { createHash } from 'node:crypto'
import type { Bundle } from '@medplum/fhirtypes'
import { provideLevel, provideTransaction } from '@scelle/fhir/mhd'
import { validateResource } from '@scelle/fhir/validate'

/** The transaction to carry out; any other Bundle as it is. @throws FhirError where a submission is none */
export const asSubmitted = (bundle: Bundle, base: string): Bundle => {
  const level = provideLevel(bundle)
  if (level === undefined) return bundle
  return provideTransaction(validateResource(bundle) as Bundle, level, { sha1, bases: [base] })
}

const sha1 = (base64: string): string =>
  createHash('sha1').update(Buffer.from(base64, 'base64')).digest('base64')
