/** What applications read first: `.well-known/smart-configuration` (SMART App Launch 2.2), and CapabilityStatement. */
import type { CapabilityStatementRestSecurity } from '@medplum/fhirtypes'
import { ACR_VALUES } from './acr.ts'
import { ASSERTION_ALGORITHMS, EXCHANGE } from './applications.ts'
import { PROOF_ALGORITHMS } from './proof.ts'
import { OTHER_SCOPES } from './scopes.ts'

const CAPABILITIES = [
  'launch-ehr', 'launch-standalone', 'client-public', 'client-confidential-asymmetric', 'sso-openid-connect',
  'context-ehr-patient', 'context-standalone-patient',
  'permission-patient', 'permission-user', 'permission-online', 'permission-v2',
] as const

const SCOPES = [...OTHER_SCOPES, 'patient/*.cruds', 'user/*.cruds'] as const

/** `hasSignIn`: people may sign in here; otherwise machines alone. */
export const smartConfiguration = (issuer: string, hasSignIn: boolean): object => ({
  issuer,
  jwks_uri: `${issuer}/oauth/jwks`,
  token_endpoint: `${issuer}/oauth/token`,
  revocation_endpoint: `${issuer}/oauth/revoke`,
  token_endpoint_auth_methods_supported: hasSignIn ? ['private_key_jwt', 'none'] : ['private_key_jwt'],
  token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
  dpop_signing_alg_values_supported: PROOF_ALGORITHMS,
  code_challenge_methods_supported: ['S256'],
  ...(hasSignIn
    ? {
      authorization_endpoint: `${issuer}/oauth/authorize`,
      pushed_authorization_request_endpoint: `${issuer}/oauth/par`,
      require_pushed_authorization_requests: true,
      response_types_supported: ['code'],
      acr_values_supported: ACR_VALUES,
      grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials', EXCHANGE],
      scopes_supported: [...SCOPES, 'system/*.cud'],
      capabilities: CAPABILITIES,
    }
    : {
      grant_types_supported: ['client_credentials', EXCHANGE],
      scopes_supported: ['system/*.cud'],
      capabilities: ['client-confidential-asymmetric', 'permission-v2'],
    }),
})

const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris'

export const smartSecurity = (issuer: string, hasSignIn: boolean): CapabilityStatementRestSecurity => ({
  extension: [{
    url: OAUTH_URIS,
    extension: [
      { url: 'token', valueUri: `${issuer}/oauth/token` },
      ...(hasSignIn ? [{ url: 'authorize', valueUri: `${issuer}/oauth/authorize` }] : []),
      { url: 'revoke', valueUri: `${issuer}/oauth/revoke` },
    ],
  }],
  service: [{
    coding: [{
      system: 'http://terminology.hl7.org/CodeSystem/restful-security-service', code: 'SMART-on-FHIR',
      display: 'SMART-on-FHIR',
    }],
    text: 'SMART App Launch 2.2; access tokens are bound to a key (DPoP, RFC 9449)',
  }],
})
