/** A configuration that is unsafe, or that says two things, is refused by the name of what is wrong. */
import { checkConfig } from '@scelle/wire/config'
import { expect, test } from 'vitest'
import { configSchema, requireSafe } from '../src/config.ts'

const id = (end: string): string => `${'ab'.repeat(31)}${end}`
const DID = 'did:web:register.example.org'
const key = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }
const issuer = {
  name: 'https://issuer.example.org', keys: { 1: key }, statusLists: ['https://issuer.example.org/status/'],
}
const provider = {
  issuer: 'https://auth.example.org', clientId: 'desk', secret: 'secret', idTokenAlgorithm: 'ES256', meterKey: 'meter',
}
const houses = [{ id: id('01'), name: 'CHU', places: ['R1'] }]
const good = {
  listen: { port: 0 }, identity: 'identity', data: 'data', index: { id: id('00'), url: 'https://index.example.org' },
  trustees: ['11', '12', '13'].map((end) => ({ id: id(end), url: 'https://trustee.example.org' })),
  name: 'Répertoire', base: 'https://register.example.org', page: 'https://passkey.example.org/', houses,
  provider, issuers: [issuer], wallet: { did: DID, key: 'wallet' },
}

const check = (config: object): string => {
  const checked = checkConfig(config, configSchema, 'register.json')
  requireSafe(checked, 'register.json')
  return checked.base
}

test('a whole one is taken, and one for each way alone', () => {
  const { wallet: _, ...byProvider } = good
  const { provider: __, ...byWallet } = good
  for (const config of [good, byProvider, byWallet]) expect(check(config)).toBe('https://register.example.org')
})

test.each([
  ['nobody could enrol', { ...good, provider: undefined, wallet: undefined }, 'provider, wallet'],
  ['a wallet, and no issuer', { ...good, issuers: [] }, 'issuers'],
  ['a verifier of another host', { ...good, wallet: { did: 'did:web:evil.example', key: 'wallet' } }, 'wallet.did'],
  ['plain HTTP to browsers', { ...good, base: 'http://register.example.org' }, 'base'],
  ['a base with a path', { ...good, base: 'https://register.example.org/desk' }, 'base'],
  ['plain HTTP to the page', { ...good, page: 'http://passkey.example.org/' }, 'page'],
  ['plain HTTP to the provider', { ...good, provider: { ...provider, issuer: 'http://a.example' } }, 'provider.issuer'],
  ['a list in the clear', { ...good, issuers: [{ ...issuer, statusLists: ['http://a.example/'] }] },
    'issuers.0.statusLists'],
  ['an issuer without a list', { ...good, issuers: [{ ...issuer, statusLists: [] }] }, 'issuers.0.statusLists'],
  ['an issuer\'s private key', { ...good, issuers: [{ ...issuer, keys: { 1: { ...key, d: 'd' } } }] },
    'issuers.0.keys'],
  ['two issuers of one name', { ...good, issuers: [issuer, issuer] }, 'a name stands twice'],
  ['a symmetric algorithm', { ...good, provider: { ...provider, idTokenAlgorithm: 'HS256' } },
    'provider.idTokenAlgorithm'],
  ['a lower level of the provider', { ...good, provider: { ...provider, acr: 'low' } }, 'provider.acr'],
  ['one place of two houses', { ...good, houses: [...houses, { id: id('02'), name: 'Clinique', places: ['R1'] }] },
    'a place is of two houses'],
  ['a house twice', { ...good, houses: [...houses, { ...houses[0], places: [] }] }, 'a principal stands twice'],
  ['two trustees', { ...good, trustees: good.trustees.slice(1) }, 'trustees'],
])('%s is refused', (_, config, named) => {
  expect(() => check(config)).toThrow(named)
})
