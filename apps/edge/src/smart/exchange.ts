/**
 * Token exchange (RFC 8693) to narrower tokens, and to nothing else: same application, same key, same session, fewer
 * scopes, no later end. Who stole a token and is an application here too has neither its key nor its name.
 */
import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider'
import validateDpop, { checkDpopReplay } from 'oidc-provider/lib/helpers/validate_dpop.js'
import type { Accounts } from './accounts.ts'
import { EXCHANGE } from './applications.ts'
import { covers, parseScope, type Scope } from './scopes.ts'

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const PARAMETERS = ['subject_token', 'subject_token_type', 'requested_token_type', 'scope']

type Held = InstanceType<Provider['AccessToken']> | InstanceType<Provider['ClientCredentials']>

interface ExchangeOptions {
  readonly accounts: Accounts
  readonly now: () => number
}

export const registerExchange = (provider: Provider, options: ExchangeOptions): void => {
  provider.registerGrantType(EXCHANGE, (ctx) => exchange(provider, ctx, options), PARAMETERS)
}

const exchange = async (provider: Provider, ctx: KoaContextWithOIDC, options: ExchangeOptions): Promise<void> => {
  const { client, params = {} } = ctx.oidc
  if (client === undefined) throw new errors.InvalidClient('no application')
  const proof = await validateDpop(provider, ctx)
  if (proof === undefined) throw new errors.InvalidDpopProof('a proof of the key of the token is needed')
  const { subject_token: given, subject_token_type: type, requested_token_type: wanted = ACCESS_TOKEN } = params
  if (type !== ACCESS_TOKEN || wanted !== ACCESS_TOKEN || typeof given !== 'string') {
    throw new errors.InvalidRequest('an access token is exchanged for an access token')
  }
  const held: Held | undefined = await provider.AccessToken.find(given) ?? await provider.ClientCredentials.find(given)
  if (held === undefined || held.clientId !== client.clientId || held.jkt !== proof.thumbprint) {
    throw new errors.InvalidGrant('no such token of this application and key')
  }
  await checkDpopReplay(provider, ctx, proof, client.clientId)
  const session = 'accountId' in held ? held.accountId : undefined
  if (session !== undefined && options.accounts.of(session) === undefined) {
    throw new errors.InvalidGrant('the session is over')
  }
  const scope = narrowed(params['scope'], held.scope ?? '')
  const left = (held.exp ?? 0) - Math.floor(options.now() / 1000)
  const token = issue(provider, held, { client, scope, expiresIn: Math.max(1, left) }, proof.thumbprint)
  ctx.body = {
    access_token: await token.save(), issued_token_type: ACCESS_TOKEN, token_type: 'DPoP',
    expires_in: token.expiration, scope,
  }
}

/** A type, not an interface: the package takes any further members beside these. */
type New = {
  client: NonNullable<KoaContextWithOIDC['oidc']['client']>
  scope: string
  expiresIn: number
}

const issue = (provider: Provider, held: Held, made: New, thumbprint: string): Held => {
  const token: Held = 'accountId' in held && held.accountId !== undefined
    ? new provider.AccessToken({ ...made, accountId: held.accountId, grantId: held.grantId ?? '', gty: EXCHANGE })
    : new provider.ClientCredentials(made)
  token.jkt = thumbprint
  token.aud = held.aud
  return token
}

/** Throws `invalid_scope` for what the token that is given does not cover. */
const narrowed = (asked: unknown, has: string): string => {
  const own = has.split(' ').map(parseScope).filter((scope): scope is Scope => scope !== undefined)
  if (typeof asked !== 'string' || asked === '') throw new errors.InvalidScope('say which scopes are left', '')
  for (const text of asked.split(' ')) {
    const scope = parseScope(text)
    if (scope === undefined || !own.some((wide) => covers(wide, scope))) {
      throw new errors.InvalidScope('an exchange makes narrower tokens only', text)
    }
  }
  return asked
}
