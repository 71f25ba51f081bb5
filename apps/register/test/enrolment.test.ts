/** People enrol at the desk, by provider and by wallet; each way of enrolling as somebody else, by its name. */
import { toHex } from '@scelle/sdk'
import { renewPerson } from '@scelle/seal/persons'
import { Browser, DESK, RETURN } from '@scelle/testing/desk'
import { SoftwareAuthenticator } from '@scelle/testing/authenticator'
import { keyPair, ProfessionalIssuer, Wallet } from '@scelle/testing/professionals'
import { Register } from '@scelle/testing/register'
import { readAnswer, readAsk, writeAnswer } from '@scelle/wire/passkey-page'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DESK_LIMITS } from '../src/desk.ts'
import { createWorld, KIT, NUMBER, statusIn, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld('enrolment at the desk', KIT)
})
afterAll(() => world.close())

const meter = (number = NUMBER): string => toHex(world.constellation.register.meterOf(number))

/** Proven in a browser of their own, before the choice. */
const begun = async (name: string) => {
  const one = await world.somebody(name)
  const url = await world.scene.sent(world.chu.identity, one.id)
  const browser = new Browser(world.constellation)
  const chosen = await world.scene.proven(browser, url, one)
  return { one, url, browser, chosen }
}

describe('somebody whom a house sends', () => {
  test('agrees by passkey, signs in at the provider, and has a status of that house', async () => {
    const { one, url, browser, chosen } = await begun('by provider')
    expect([chosen.status, chosen.text]).toEqual([200, expect.stringContaining('Pro Santé Connect')])
    const done = await world.scene.byProvider(browser, url)
    expect([done.status, done.location]).toEqual([303, RETURN])
    const status = await world.status(one)
    expect(status).toMatchObject({ role: 'gp', subject: one.id, organisation: world.chu.identity.id })
    expect([toHex(status?.meter ?? new Uint8Array()), status?.ownKey, status?.stepUp]).toEqual([meter(), undefined,
      undefined])
  })

  test('shows a wallet\'s credential instead, and is counted as the same person', async () => {
    const { one } = await world.enrolled('by wallet')
    expect(toHex((await world.status(one))?.meter ?? new Uint8Array())).toBe(meter())
  })

  test('is told who asks before anything else, in words', async () => {
    const one = await world.somebody('reader')
    const page = await new Browser(world.constellation).send('GET', await world.scene.sent(world.chu.identity, one.id))
    expect(page.text).toContain('<h1>Inscription au registre</h1><p>CHU vous envoie ici')
  })

  test('has a status that ends in days, and never after the credential', async () => {
    const { one } = await world.enrolled('by the clock')
    const now = world.constellation.now() / 1000
    const { expires = 0, notBefore = 0 } = (await world.status(one)) ?? {}
    expect([expires - Math.floor(now), notBefore <= now]).toEqual([DESK_LIMITS.status, true])
  })
})

describe('no status is put on', () => {
  test('a stranger\'s principal: the passkey of another one proves nothing', async () => {
    const [victim, mallory] = [await world.somebody('victim'), await world.somebody('mallory')]
    const url = await world.scene.sent(world.chu.identity, victim.id)
    const browser = new Browser(world.constellation)
    const answer = await world.scene.proven(browser, url, mallory)
    expect([answer.status, answer.text]).toEqual([403, expect.stringContaining('passkey-refused')])
    expect((await world.scene.byProvider(browser, url)).status).toBe(403)
    expect(await world.status(victim)).toBeUndefined()
  })

  test('a principal whose passkey can leave its device', async () => {
    const synced = await world.somebody('synced', { deviceBound: false })
    const url = await world.scene.sent(world.chu.identity, synced.id)
    expect((await world.scene.proven(new Browser(world.constellation), url, synced)).text).toContain('passkey-refused')
  })

  test('a principal by a passkey that was lost', async () => {
    const one = await world.somebody('lost')
    const random = world.constellation.random('lost')
    const next = new SoftwareAuthenticator({ random })
    const chain = await renewPerson(one.chain, { ...one.keys, passkeys: [next.passkey] },
      { now: world.constellation.now, random })
    await world.chu.people.register(chain)
    await world.advance(3_000)
    const url = await world.scene.sent(world.chu.identity, one.id)
    expect((await world.scene.proven(new Browser(world.constellation), url, one)).text).toContain('passkey-refused')
    const again = await world.scene.sent(world.chu.identity, one.id)
    expect((await world.scene.proven(new Browser(world.constellation), again, { passkey: next })).status).toBe(200)
  })

  test('a principal that nobody registered', async () => {
    const url = await world.scene.sent(world.chu.identity, new Uint8Array(32).fill(9))
    expect((await new Browser(world.constellation).send('POST', `${url}/begin`)).text).toContain('passkey-refused')
  })

  test('somebody without their gesture: the credential\'s step is closed before', async () => {
    const one = await world.somebody('no gesture')
    const url = await world.scene.sent(world.chu.identity, one.id)
    const browser = new Browser(world.constellation)
    await browser.send('POST', `${url}/begin`)
    for (const [method, path] of [['POST', 'provider'], ['POST', 'wallet'], ['GET', 'choose']] as const) {
      expect((await browser.send(method, `${url}/${path}`)).text, path).toContain('other-browser')
    }
  })

  test('a passkey\'s agreement that was given to another enrolment of the same person', async () => {
    const one = await world.somebody('twice sent')
    const [first, second] = [
      await world.scene.sent(world.chu.identity, one.id), await world.scene.sent(world.chu.identity, one.id),
    ]
    const browser = new Browser(world.constellation)
    const { location } = await browser.send('POST', `${first}/begin`)
    const { answer } = await world.scene.answered(location, one.passkey)
    // Whoever carries the answer over can change all of it but what the passkey signed.
    const begins = await new Browser(world.constellation).send('POST', `${second}/begin`)
    const { request: { state } } = await readAsk(begins.location.slice(begins.location.indexOf('#') + 1))
    const carried = writeAnswer({ state, signed: readAnswer(answer).signed ?? new Uint8Array() })
    const other = await browser.send('POST', `${second}/answer`, { answer: carried }, true)
    expect([other.status, other.text]).toEqual([403, expect.stringContaining('passkey-refused')])
    expect((await browser.send('POST', `${first}/answer`, { answer }, true)).status, 'where it was asked').toBe(303)
    expect((await browser.send('POST', `${first}/answer`, { answer }, true)).text, 'again').toContain('enrolment-over')
  })

  test('somebody who is sent an attacker\'s link, nor the attacker by their gesture', async () => {
    const victim = await world.somebody('sent a link')
    const url = await world.scene.sent(world.chu.identity, victim.id)
    const [attacker, theirs] = [new Browser(world.constellation), new Browser(world.constellation)]
    const { location } = await attacker.send('POST', `${url}/begin`)
    const { answer } = await world.scene.answered(location, victim.passkey)
    const posted = await theirs.send('POST', `${url}/answer`, { answer }, true)
    expect((await theirs.send('GET', posted.location)).text, 'in the victim\'s browser').toContain('other-browser')
    expect((await attacker.send('POST', `${url}/provider`)).text, 'in the attacker\'s').toContain('other-browser')
  })
})

describe('no meter id is taken', () => {
  test('from an answer of the provider that another browser brings', async () => {
    const [victim, mallory] = [await begun('victim of an answer'), await begun('brings an answer')]
    const asked = await victim.browser.send('POST', `${victim.url}/provider`)
    const back = await (world.scene.provider?.signIn(asked.location) ?? '')
    expect((await mallory.browser.send('GET', back)).text).toContain('request-unknown')
    expect((await victim.browser.send('GET', back)).text, 'used up').toContain('request-unknown')
  })

  test('from a sign-in below eidas1 and eidas2', async () => {
    const { url, browser, one } = await begun('weak')
    const { provider } = world.scene
    if (provider === undefined) throw new Error('no provider')
    provider.acr = 'urn:mace:incommon:iap:silver'
    const done = await world.scene.byProvider(browser, url)
    provider.acr = 'eidas1'
    expect(done.text).toContain('acr-refused')
    expect(await world.status(one)).toBeUndefined()
  })

  test('from a sign-in of somebody who practises elsewhere, or whose profession has no role', async () => {
    const { provider } = world.scene
    if (provider === undefined) throw new Error('no provider')
    for (const [account, code] of [
      [{ ...KIT, number: '899700000009', organisation: { id: 'R9', name: 'Clinique' } }, 'not-of-house'],
      [{ ...KIT, number: '899700000001', profession: '70' }, 'role-unmapped'],
    ] as const) {
      const { url, browser } = await begun(code)
      provider.account = account
      const done = await world.scene.byProvider(browser, url)
      provider.account = KIT
      expect(done.text).toContain(code)
    }
  })

  test('from a copy of a credential, by another one\'s key', async () => {
    const { one, url, browser } = await begun('robbed')
    const { credential } = await world.credential(one)
    const thief = new Wallet(await keyPair(), world.constellation.now)
    const done = await world.scene.byWallet(browser, url, thief, credential)
    expect([done.status, done.text]).toEqual([403, expect.stringContaining('signature-invalid')])
    expect(await world.status(one)).toBeUndefined()
  })

  test('from a presentation that is sent again, to another request, or for another verifier', async () => {
    const { one, url, browser } = await begun('replayed')
    const { credential } = await world.credential(one)
    const request = await world.scene.walletAsked(browser, url)
    const answer = await world.scene.walletAnswer(one.wallet, request, credential)
    expect((await world.scene.walletPosts(answer)).status).toBe(200)
    expect((await world.scene.walletPosts(answer)).text, 'again').toContain('request-unknown')
    const state = (jwt: string): string =>
      (JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as { state: string }).state
    const moved = new URLSearchParams(answer)
    moved.set('state', state(await world.scene.walletAsked(browser, url)))
    expect((await world.scene.walletPosts(moved.toString())).text, 'another nonce').toContain('nonce-mismatch')
    const other = await world.scene.walletAsked(browser, url)
    const { nonce } = JSON.parse(Buffer.from(other.split('.')[1] ?? '', 'base64url').toString()) as { nonce: string }
    const shown = await one.wallet.present(credential, {
      audience: 'decentralized_identifier:did:web:evil.example', nonce, claims: ['role', 'meter', 'organisation'],
    })
    const form = new URLSearchParams({ state: state(other), vp_token: JSON.stringify({ professional: [shown] }) })
    expect((await world.scene.walletPosts(form.toString())).text, 'another verifier').toContain('audience-mismatch')
  })

  test('from the right wallet in another browser', async () => {
    const [victim, mallory] = [await begun('phished'), await begun('phisher')]
    const { credential } = await world.credential(victim.one)
    // The attacker has the victim's wallet answer the attacker's request.
    const request = await world.scene.walletAsked(mallory.browser, mallory.url)
    const { code } = await world.scene.walletPosts(
      await world.scene.walletAnswer(victim.one.wallet, request, credential))
    const theirs = await victim.browser.send('POST', `${DESK}/wallet/collect`, { code })
    expect(theirs.text, 'where the wallet opened it').toContain('request-unknown')
    const attackers = await mallory.browser.send('POST', `${DESK}/wallet/collect`, { code })
    expect(attackers.text, 'used up').toContain('request-unknown')
    expect(await world.status(mallory.one)).toBeUndefined()
  })

  test('from an issuer that is not listed, though it calls itself so', async () => {
    const { one, url, browser } = await begun('forged')
    const context = { now: world.constellation.now, random: world.constellation.random('forger') }
    const forger = await ProfessionalIssuer.create(await Register.create(context), context)
    const { credential } = await forger.issue({
      number: NUMBER, role: 'gp', organisation: world.chu.identity.id, holder: one.wallet.key.publicJwk,
    })
    expect((await world.scene.byWallet(browser, url, one.wallet, credential)).text).toContain('signature-invalid')
  })

  test('from a credential of a practice at another house, or that was taken back', async () => {
    const elsewhere = await begun('elsewhere')
    const other = await world.credential(elsewhere.one, world.clinic)
    const shown = await world.scene.byWallet(
      elsewhere.browser, elsewhere.url, elsewhere.one.wallet, other.credential)
    expect(shown.text).toContain('not-of-house')
    const gone = await begun('taken back')
    const { credential, index } = await world.credential(gone.one)
    world.scene.issuer.revoke(index)
    await world.advance(6_000)
    expect((await world.scene.byWallet(gone.browser, gone.url, gone.one.wallet, credential)).text).toContain('revoked')
  })
})

describe('one person', () => {
  test('on two principals has one meter id, so one budget', async () => {
    const [one, other] = [await world.enrolled('first device'), await world.enrolled('second device')]
    const [first, second] = [await world.status(one.one), await world.status(other.one)]
    expect(toHex(first?.meter ?? new Uint8Array())).toBe(toHex(second?.meter ?? new Uint8Array(1)))
  })

  test('does not go on under a colleague\'s number once the own budget is spent', async () => {
    const { one } = await world.enrolled('spent')
    const colleague = await world.credential(one, world.chu, '899700000077')
    const url = await world.scene.sent(world.chu.identity, one.id)
    const browser = new Browser(world.constellation)
    await world.scene.proven(browser, url, one)
    const done = await world.scene.byWallet(browser, url, one.wallet, colleague.credential)
    expect([done.status, done.text]).toEqual([403, expect.stringContaining('other-person')])
    expect(toHex((await world.status(one))?.meter ?? new Uint8Array())).toBe(meter())
  })
})

describe('houses', () => {
  test('are told of their own people alone, and enrol nobody of another one\'s', async () => {
    const { one } = await world.enrolled('of the CHU')
    expect(await world.scene.statusOf(world.clinic.identity, one.id)).toBeUndefined()
    const url = await world.scene.sent(world.clinic.identity, one.id)
    const browser = new Browser(world.constellation)
    await world.scene.proven(browser, url, one)
    const { credential } = await world.credential(one, world.clinic)
    expect((await world.scene.byWallet(browser, url, one.wallet, credential)).text).toContain('other-house')
    expect(await world.scene.left(world.clinic.identity, one.id)).toBe(403)
  })

  test('that are not listed are nobody, operators enrol nobody, and no answer goes to an unsafe address', async () => {
    const stranger = await world.constellation.client('organisation')
    await world.advance(3_000)
    const one = await world.somebody('anybody')
    await expect(world.scene.sent(stranger.identity, one.id)).rejects.toThrow('401')
    await expect(world.scene.sent(world.operator.identity, one.id)).rejects.toThrow('403')
    for (const address of ['http://ward.example/back', 'https://user@ward.example/', 'javascript:alert(1)']) {
      await expect(world.scene.sent(world.chu.identity, one.id, address), address).rejects.toThrow('403')
    }
  })
})

test('an enrolment is over after ten minutes, and with the process', async () => {
  const late = await begun('late')
  await world.advance(DESK_LIMITS.enrolmentTime)
  expect((await world.scene.byProvider(late.browser, late.url)).text).toContain('enrolment-over')
  const restarted = await begun('restarted')
  await world.scene.party.restart()
  expect((await world.scene.byProvider(restarted.browser, restarted.url)).text).toContain('enrolment-over')
  const { one } = await world.enrolled('after the restart')
  expect(await world.status(one)).toBeDefined()
})

test('a status is what the register signed, and trustees\' rules read it', async () => {
  const { one } = await world.enrolled('read')
  const signed = await world.scene.statusOf(world.chu.identity, one.id)
  const known = await world.chu.statements.status(signed ?? new Uint8Array())
  expect(known).toMatchObject({ issuer: toHex(world.constellation.register.id), role: 'gp' })
  expect(statusIn(signed ?? new Uint8Array()).name).toBeUndefined()
})
