/** What grants of one's own need and the package's types leave out; its documentation names this very file. */
declare module 'oidc-provider/lib/helpers/validate_dpop.js' {
  import type Provider from 'oidc-provider'
  import type { KoaContextWithOIDC } from 'oidc-provider'

  interface Proof {
    readonly thumbprint: string
    readonly jti: string
  }

  /** Undefined without a proof. Throws `invalid_dpop_proof`, `use_dpop_nonce`. */
  export default function validateDpop(provider: Provider, ctx: KoaContextWithOIDC): Promise<Proof | undefined>
  /** Throws `invalid_grant` for a proof that was used. */
  export function checkDpopReplay(
    provider: Provider, ctx: KoaContextWithOIDC, proof: Proof, clientId: string,
  ): Promise<void>
}
