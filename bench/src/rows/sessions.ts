/** What people's sessions cost: each verified by itself, and as a part of opening a chart. */
import type { Resource } from '@medplum/fhirtypes'
import type { Client, Vault } from '@scelle/sdk'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { createPerson, requestSession, sealingKeyOf, unsignedSession } from '@scelle/seal/persons'
import {
  concatBytes, decodeSigned, es256Verify, fromHex, requireLive, sha256, verifyKeyChain, verifySession,
} from '@scelle/seal/verify'
import { SoftwareAuthenticator } from '@scelle/testing/authenticator'
import { median, ms, quantile, type Row, sideBySide } from '../measure.ts'
import { Parties, TRUSTEES } from '../parties.ts'
import { itemOf, newClient, newVault, RECORD_CATEGORIES, writeAll } from '../sdk.ts'
import { context, resourcesOf } from '../sealing.ts'

const AT_ONCE = 200
const RECORDS = 200
const TIMES = 60
const WARM = 8
const HOUR = 3600

const person = async (algorithm: 'ES256' | 'EdDSA') => {
  const authenticator = new SoftwareAuthenticator({ random: context.random, algorithm })
  const sealing = context.random(32)
  const keys = { signing: context.random(32), sealingKey: sealingKeyOf(sealing), passkeys: [authenticator.passkey] }
  const chain = [await createPerson(keys, context)]
  return { authenticator, sealing, chain, keys: await verifyKeyChain(chain) }
}

const verified = async (algorithm: 'ES256' | 'EdDSA'): Promise<Row> => {
  const house = await createIdentity('organisation', context)
  const { authenticator, keys } = await person(algorithm)
  const now = Math.floor(context.now() / 1000)
  const audience = context.random(32)
  const request = await requestSession(house, {
    audience, principal: keys.id, key: context.random(32), device: context.random(32), purposes: ['treatment'],
    notBefore: now, expires: now + HOUR,
  }, context)
  const signed = authenticator.sign(unsignedSession(request, keys))
  const { signature, assertion } = decodeSigned('session', signed)
  if (assertion === undefined) throw new Error('a session without an assertion')
  const message = concatBytes(assertion.authenticatorData, sha256(assertion.clientData))
  const { ours, theirs, ratio } = await sideBySide(AT_ONCE, async () => {
    for (let i = 0; i < AT_ONCE; i++) {
      requireLive(await verifySession(signed, { person: keys, house: house.keys }), { audience, now, skew: 60 })
    }
  }, () => {
    for (let i = 0; i < AT_ONCE; i++) es256Verify(authenticator.passkey.publicKey, message, signature)
  })
  return {
    what: `verify a session of a passkey, ${algorithm}, the house's request in it`, perCapsule: '',
    reached: `${Math.round(ours).toLocaleString('en-GB')}/s`, target: '',
    beside: algorithm === 'ES256'
      ? `one bare ECDSA P-256 verification ${Math.round(theirs).toLocaleString('en-GB')}/s: ${ratio.toFixed(2)} x`
      : 'two Ed25519 verifications and their parsing',
  }
}

interface Reader {
  readonly vault: Vault
  readonly times: number[]
}

/** Somebody of the house as it acts for them: in a passkey's session, or by a key of their own on the disk. */
const readerOf = async (parties: Parties, own: Client, vault: Vault, inSession: boolean): Promise<Reader> => {
  const { client: house } = parties
  const { authenticator, sealing, chain, keys } = await person('ES256')
  const bare = inSession ? undefined : await createIdentity('person', context)
  const subject = bare?.id ?? keys.id
  if (bare === undefined) await own.people.register(chain)
  else await connected(parties, bare)
  const until = context.now() + HOUR * 1000
  await vault.share({ basis: 'consent', to: subject, categories: RECORD_CATEGORIES, until, depth: 0 })
  const acting = async (): Promise<Identity> => {
    const key = context.random(32)
    const unsigned = await own.people.ask({ chain, key, device: context.random(32), purposes: ['treatment'], until })
    return own.people.hold({ chain, key, signed: authenticator.sign(unsigned), sealing: [sealing] })
  }
  const client = await connected(parties, bare ?? await acting(), [
    await parties.enrol({ subject, role: 'specialist', organisation: house.id, ownKey: !inSession }),
    await parties.enrol({ subject: house.id, role: 'hospital', patientsPerDay: 1_000_000 }),
  ])
  return { vault: await client.vault(vault.id), times: [] }
}

const connected = (parties: Parties, identity: Identity, statuses: readonly Uint8Array[] = []): Promise<Client> =>
  newClient({
    index: parties.url('index'), trustees: TRUSTEES.map((one) => parties.url(one)),
    standing: { show: () => ({ statuses }) },
  }, identity)

/** The same chart, by one in a session and by one with a key, in turn. */
const opened = async (parties: Parties): Promise<Row> => {
  const own = await connected(parties, parties.client)
  const id = await newVault(own)
  const items = (resourcesOf('bench', RECORDS) as Resource[]).map((resource) => itemOf(resource, 'laboratory'))
  await writeAll(own, new Map([[id, items]]))
  const vault = await own.vault(fromHex(id) as Uint8Array)
  const readers = [await readerOf(parties, own, vault, true), await readerOf(parties, own, vault, false)]
  for (let i = 0; i < TIMES + WARM; i++) {
    for (const { vault: seen, times } of readers) {
      const started = performance.now()
      const chart = await seen.open({ purpose: 'treatment', categories: ['laboratory'] })
      const took = performance.now() - started
      if (chart.opened().length < RECORDS) throw new Error('the chart did not open')
      chart.close()
      if (i >= WARM) times.push(took)
    }
  }
  const [session, key] = readers.map(({ times }) => times) as [number[], number[]]
  const more = median(session) - median(key)
  return {
    what: `open a chart of ${RECORDS} records in a passkey's session`, perCapsule: `${RECORDS}.0`,
    reached: `p50 ${ms(median(session))}, p99 ${ms(quantile(session, 0.99))}`, target: '',
    beside: `by a key on the disk p50 ${ms(median(key))}: authentication is ${ms(more)}, ` +
      `${(100 * more / median(session)).toFixed(1)} % of it`,
  }
}

export const sessionRows = async (profiles?: string): Promise<Row[]> => {
  const parties = await Parties.start({ parties: ['index', ...TRUSTEES], profiles })
  try {
    return [await verified('ES256'), await verified('EdDSA'), await opened(parties)]
  } finally {
    await parties.close()
  }
}
