/** Professionals for demonstrations and tests: who says what they are, how they show it, and where they sign in. */
export { type Issued, type IssuedTo, ProfessionalIssuer, type StatusServer } from './professionals/issuer.ts'
export { digestOf, hide, type KeyPair, keyPair, sdJwt, signToken } from './professionals/tokens.ts'
export { Wallet } from './professionals/wallet.ts'
export { type Account, IdentityProvider } from './professionals/identity-provider.ts'
