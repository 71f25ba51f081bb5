/** A register, houses, and what they ask of the page. */
import { randomBytes } from 'node:crypto'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { requestSession } from '@scelle/seal/persons'
import {
  Confirmation, encode, type PrincipalKeys, sha256, Status, SUITE, toHex, verifyKeyChain,
} from '@scelle/seal/verify'
import { askPage, type KeptWrap, pageAddress, type PageRequest, type PageTask } from '@scelle/wire/passkey-page'
import type { ConstellationFile } from '../src/page/constellation.ts'

export const context = {
  now: () => Date.now(),
  random: (length: number) => new Uint8Array(randomBytes(length)),
}

export const now = (): number => Math.floor(context.now() / 1000)

export interface House {
  readonly identity: Identity
  /** Signed by the register. */
  readonly status: Uint8Array
  readonly register: Identity
  /** X-Wing public key that it made for its person, which these tests never open anything with. */
  readonly sealingKey: Uint8Array
}

export const INDEX = sha256(new TextEncoder().encode('the index of these tests'))

export const statusOf = async (
  register: Identity, subject: Uint8Array, fields: Partial<Status> = {},
): Promise<Uint8Array> => register.sign('status', encode(Status, {
  suite: SUITE, subject, role: 'hospital', meter: subject, notBefore: now() - 60, expires: now() + 86_400,
  salt: context.random(16), name: 'CHU de Bellerive', ...fields,
}))

export const newHouse = async (register: Identity, fields: Partial<Status> = {}): Promise<House> => {
  const identity = await createIdentity('organisation', context)
  const { keys } = await createIdentity('person', context)
  return {
    identity, register, status: await statusOf(register, identity.id, fields), sealingKey: keys.current.sealingKey,
  }
}

export const constellationOf = (origin: string, ...registers: readonly Identity[]): ConstellationFile => ({
  origin, rpId: new URL(origin).hostname, index: toHex(INDEX), registers: registers.map(({ id }) => toHex(id)),
})

/** The page's answer as its house keeps it. */
export interface Person {
  readonly chain: readonly Uint8Array[]
  readonly wraps: readonly KeptWrap[]
}

export type Asking = Partial<Omit<PageRequest, 'suite' | 'task'>>

/** The encoded request, signed by the house. */
export const askAs = (house: House, task: PageTask, fields: Asking): Promise<Uint8Array> => askPage(
  { house: [...house.identity.chain], register: [...house.register.chain], status: house.status },
  {
    task, expires: now() + 300, returnTo: 'http://localhost:1/return', state: context.random(16), language: 'fr',
    personName: 'Dr Amina Belkacem', ...fields,
  },
  house.identity.signRaw,
)

export const addressAs = async (page: string, house: House, task: PageTask, fields: Asking): Promise<string> =>
  pageAddress(page, await askAs(house, task, fields))

export const sessionAskedBy = (
  house: House, person: Pick<PrincipalKeys, 'id'>,
  fields: { expires?: number; notBefore?: number; audience?: Uint8Array; purposes?: [] } = {},
): Promise<Uint8Array> => requestSession(house.identity, {
  audience: INDEX, principal: person.id, key: context.random(32), device: context.random(32),
  purposes: ['treatment', 'emergency'], notBefore: now(), expires: now() + 8 * 3600, ...fields,
}, context)

export const stepUpOf = (
  house: House, person: Pick<PrincipalKeys, 'id'>, fields: Partial<Confirmation> = {},
): Uint8Array => encode(Confirmation, {
  suite: SUITE, type: 'step-up', reader: person.id, organisation: house.identity.id,
  reason: 'Garde de nuit, service plein', time: now(), nonce: context.random(16), ...fields,
})

export const keysOf = (person: Pick<Person, 'chain'>): Promise<PrincipalKeys> => verifyKeyChain(person.chain)
