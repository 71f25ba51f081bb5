/** What a publisher says that it released. Who must publish under an origin is for whoever checks it to know. */
import { decode } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import { Software } from '../sessions.ts'
import { type PrincipalKeys, requireSuite, type VerifiedStatement, verifySigned } from './identity.ts'

/**
 * Checks a release against its publisher's keys: at least one file, each path once. Throws `signature-invalid`,
 * `principal-mismatch`, `suite-unknown`, `encoding-…`.
 */
export const verifySoftware = async (
  signed: Uint8Array, publisher: PrincipalKeys,
): Promise<VerifiedStatement & { readonly software: Software }> => {
  const verified = await verifySigned('software', signed, publisher)
  const software = decode(Software, verified.body)
  requireSuite(software)
  const paths = new Set(software.files.map(({ path }) => path))
  if (paths.size === 0 || paths.size < software.files.length) {
    throw new SealError('encoding-out-of-range', 'a release names at least one file, and each once')
  }
  return { ...verified, software }
}
