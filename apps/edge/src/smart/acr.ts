/**
 * How strongly somebody signed in (RFC 9470, OpenID Connect Core section 2 `acr`). There are two ways, and both are
 * gestures for a passkey: there is nothing weaker to fall back to.
 */
import { errors } from 'oidc-provider'
import { ACR } from '../labels.ts'

/** The stronger first. */
export const ACR_VALUES = [ACR.stepUp, ACR.passkey] as const
export type Acr = (typeof ACR_VALUES)[number]

/**
 * What an authorization request is to end with, by its `acr_values`, in their order. Throws
 * `unmet_authentication_requirements` where it names nothing that this server has: to answer with less, as OpenID
 * Connect would allow, sends a person through a sign-in after which the application is refused again.
 */
export const acrAsked = (values: unknown): Acr => {
  if (typeof values !== 'string' || values.trim() === '') return ACR.passkey
  const asked = values.split(' ')
  const found = asked.map((each) => ACR_VALUES.find((known) => known === each)).find((each) => each !== undefined)
  if (found !== undefined) return found
  throw new errors.UnmetAuthenticationRequirements(`this server has ${ACR_VALUES.join(' ')}`)
}
