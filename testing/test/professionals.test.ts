/** One professional's way in: signs in at the profession's provider, gets a credential, shows it, is counted once. */
import { OnRamp } from '@scelle/credentials/on-ramp'
import { PresentationVerifier } from '@scelle/credentials/presentation'
import { StatusLists } from '@scelle/credentials/status-list'
import { createIdentity } from '@scelle/seal/identity'
import { decode, Signed, Status } from '@scelle/seal/verify'
import { type CryptoKey, importJWK } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Account, IdentityProvider, keyPair, ProfessionalIssuer, type StatusServer, Wallet,
} from '../src/professionals.ts'
import { seededRandom } from '../src/random.ts'
import { Register } from '../src/register.ts'

const RETURN = 'https://enrolment.example.org/back'
const SESSION = 'a browser session'
const account: Account = {
  number: '899700366240', givenName: 'KIT', familyName: 'DOC0036624', profession: '10', skill: 'SM59',
  organisation: { id: 'F100001', name: 'CHU' },
}
const context = { now: Date.now, random: seededRandom('professionals') }

let provider: IdentityProvider
let issuer: ProfessionalIssuer
let lists: StatusServer
beforeAll(async () => {
  provider = await IdentityProvider.start(RETURN, account, context.random)
  issuer = await ProfessionalIssuer.create(await Register.create(context), context)
  lists = await issuer.serve()
})
afterAll(async () => {
  await provider.close()
  await lists.close()
})

const signIn = async () => {
  const onRamp = await OnRamp.discover({
    issuer: provider.issuer, clientId: provider.client.id, authentication: { secret: provider.client.secret },
    idTokenAlgorithm: 'RS256', redirectUri: RETURN, fetch, ...context,
  })
  const { url } = await onRamp.begin(SESSION)
  return onRamp.finish(SESSION, await provider.signIn(url))
}

const verifierOf = async () => {
  const key = await keyPair('EdDSA')
  const verifier = new PresentationVerifier({
    did: 'did:web:chu.example.org', responseUri: 'https://chu.example.org/answer', returnTo: RETURN,
    key: { kid: 'did:web:chu.example.org#1', algorithm: 'EdDSA', privateKey: key.privateKey },
    issuers: [issuer.listed], statuses: new StatusLists({ fetch, now: context.now }), ...context,
  })
  return { verifier, publicKey: (await importJWK(key.publicJwk, 'EdDSA')) as CryptoKey }
}

describe('a professional', () => {
  it('is who the register says, at two employers under one meter, until the register takes it back', async () => {
    const { registerNumber: number, practices: [practice] } = await signIn()
    const role = practice?.role ?? 'assistant'
    const wallet = new Wallet(await keyPair(), context.now)
    const { verifier, publicKey } = await verifierOf()
    const show = async (credential: string) => {
      const { request } = await verifier.begin(SESSION)
      const { redirect_uri: redirect } = await verifier.receive(await wallet.answer(request, publicKey, credential))
      return verifier.collect(SESSION, redirect.split('=').at(-1) ?? '')
    }
    const meters = []
    for (const organisation of [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]) {
      const { credential } = await issuer.issue({ number, role, organisation, holder: wallet.key.publicJwk })
      const shown = await show(credential)
      expect(shown).toMatchObject({ role: 'emergency-physician', organisation })
      // At each employer another principal, which nothing links to the first but the register's meter.
      const { id } = await createIdentity('person', context)
      const statement = await issuer.status(id, { number, role, organisation })
      const status = decode(Status, decode(Signed, statement).body)
      expect(status).toMatchObject({ subject: id, role: shown.role, organisation, meter: shown.meter })
      meters.push(Buffer.from(shown.meter).toString('hex'))
    }
    expect(new Set(meters).size).toBe(1)
    const { credential, index } = await issuer.issue({ number, role, holder: wallet.key.publicJwk })
    issuer.revoke(index)
    const asNew = await verifierOf()
    const { request } = await asNew.verifier.begin(SESSION)
    await expect(asNew.verifier.receive(await wallet.answer(request, asNew.publicKey, credential)))
      .rejects.toThrow('The issuer took the credential back')
  })
})
