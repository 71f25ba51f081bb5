/** A register's issuer, a professional with a wallet, and a verifier that lists the register. */
import { createIdentity } from '@scelle/seal/identity'
import type { Context } from '@scelle/seal/verify'
import { keyPair, ProfessionalIssuer, Wallet } from '@scelle/testing/professionals'
import { seededRandom } from '@scelle/testing/random'
import { Register } from '@scelle/testing/register'
import { type Expected, PROFESSIONAL_CLAIMS, type Professional, verifyProfessional } from '../src/professional.ts'
import { type Fetch, StatusLists } from '../src/status-list.ts'

/** 2026-11-26. */
export const START = 1_795_000_000_000
export const AUDIENCE = 'https://verifier.example.org'
export const NONCE = 'n-0S6_WzA2Mj'
export const NUMBER = '899700218896'

export interface Scene {
  readonly context: Context
  readonly clock: { now: number }
  readonly issuer: ProfessionalIssuer
  readonly wallet: Wallet
  readonly statuses: StatusLists
  /** What the network answers instead of the issuer's list. */
  readonly network: { answer: Fetch | undefined; requests: number }
  readonly expected: Expected
  verify(presentation: string, changes?: Partial<Expected>): Promise<Professional>
  /** A fresh credential of a physician, shown as asked. */
  present(changes?: { claims?: readonly string[]; audience?: string; nonce?: string }): Promise<string>
}

export const createScene = async (seed: string, algorithm: 'ES256' | 'EdDSA' = 'ES256'): Promise<Scene> => {
  const clock = { now: START }
  const context: Context = { now: () => clock.now, random: seededRandom(seed) }
  const register = new Register(await createIdentity('organisation', context), context.random(32), context)
  const issuer = await ProfessionalIssuer.create(register, context)
  const wallet = new Wallet(await keyPair(algorithm), context.now)
  const network: Scene['network'] = { answer: undefined, requests: 0 }
  const statuses = new StatusLists({
    now: context.now,
    fetch: async (url, init) => {
      network.requests++
      return network.answer?.(url, init) ?? new Response(await issuer.statusToken())
    },
  })
  const expected: Expected = {
    issuers: [issuer.listed], audience: AUDIENCE, nonce: NONCE, statuses, now: context.now,
  }
  return {
    context, clock, issuer, wallet, statuses, network, expected,
    verify: (presentation, changes) => verifyProfessional(presentation, { ...expected, ...changes }),
    present: async ({ claims = PROFESSIONAL_CLAIMS, audience = AUDIENCE, nonce = NONCE } = {}) => {
      const { credential } = await issuer.issue({
        number: NUMBER, role: 'gp', organisation: new Uint8Array(32).fill(7), holder: wallet.key.publicJwk,
      })
      return wallet.present(credential, { claims, audience, nonce })
    },
  }
}
