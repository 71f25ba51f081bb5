/** Whoever asks under an access token: an application, in one session, with a token's scopes. */
import type { Right } from '../call.ts'
import type { Permit } from './permit.ts'

export class Holder {
  /** As a signer's id stands in a call: never one, and the same for each request of the application. */
  readonly principal: string
  readonly session: string
  readonly rights: ReadonlySet<Right>
  readonly permit: Permit

  constructor(fields: Pick<Holder, 'principal' | 'session' | 'rights' | 'permit'>) {
    this.principal = fields.principal
    this.session = fields.session
    this.rights = fields.rights
    this.permit = fields.permit
  }
}
