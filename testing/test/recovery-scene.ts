/** Somebody who enrols, three guardians, and what tests of recovery look at. */
import {
  answerAsGuardian, GuardianRecovery, openPacket, RootKeeper, type RecoveryOptions, type WrapAbout, WrapOpener,
} from '@scelle/sdk/recovery'
import { exportIdentity, type Identity, importIdentity } from '@scelle/seal/identity'
import { memoryState } from '@scelle/sdk'
import { toHex } from '@scelle/seal/verify'
import type { Constellation } from '../src/constellation.ts'

/** Of a device that has nothing yet. */
export const optionsOf = (world: Constellation, name: string): RecoveryOptions => {
  const { identity: _, standing: __, ...options } = world.options(world.register.identity, memoryState())
  return { ...options, context: { now: world.now, random: world.random(`recovery/${name}`) } }
}

export interface Person {
  readonly keeper: RootKeeper
  /** What its passkey's PRF answers: as in a browser, always the same. */
  readonly prf: Uint8Array
  readonly passkey: WrapAbout
}

/** With one passkey. */
export const personIn = async (world: Constellation, name: string): Promise<Person> => {
  const random = world.random(`person/${name}`)
  const keeper = await RootKeeper.open(optionsOf(world, name))
  const person = { keeper, prf: random(32), passkey: { place: random(16), name: 'téléphone' } }
  await keeper.addPasskey(person.prf, person.passkey)
  return person
}

export interface Guardians {
  readonly identities: readonly Identity[]
  readonly packets: readonly Uint8Array[]
  readonly locator: Uint8Array
}

export const threeGuardians = async (world: Constellation): Promise<Identity[]> => {
  const identities = [await world.identity('person'), await world.identity('person'), await world.identity('person')]
  for (const identity of identities) await world.client(identity, { standing: { show: () => ({}) } })
  return identities
}

export const guard = async (world: Constellation, { keeper }: Pick<Person, 'keeper'>): Promise<Guardians> => {
  const identities = await threeGuardians(world)
  const made = await keeper.addGuardians({
    guardians: identities.map(({ id }) => id), about: 'Jeanne Leroy', name: 'famille',
  })
  return { identities, ...made }
}

/** A guardian that compared the digits. */
export const answerOf = async (
  { identities, packets }: Guardians, which: number, ask: Uint8Array,
): Promise<Uint8Array> => {
  const guardian = identities[which] as Identity
  return answerAsGuardian(ask, await openPacket(packets[which] as Uint8Array, guardian), guardian)
}

/** A new device that two guardians answered, and that is on record. */
export const startedBy = async (
  world: Constellation, guardians: Guardians, which: readonly number[], name: string,
): Promise<GuardianRecovery> => {
  const recovery = await GuardianRecovery.begin(optionsOf(world, name))
  for (const one of which) await recovery.hear(await answerOf(guardians, one, recovery.ask))
  await recovery.start()
  await cosigned(world)
  return recovery
}

/** Something else goes on record, so that every trustee has cosigned what came before, and of late. */
export const cosigned = async (world: Constellation): Promise<void> => {
  const client = await world.client('person', { standing: { show: () => ({}) } })
  await client.log.checkpoint('final')
}

export const openerOf = (world: Constellation, name: string): Promise<WrapOpener> =>
  WrapOpener.connect(optionsOf(world, name))

/** The server's code, or the client's. */
export const problemOf = (work: Promise<unknown>): Promise<string> => work.then(
  () => 'done',
  (error: unknown) => {
    const { problem, code } = error as { problem?: string; code?: string }
    return problem ?? code ?? String(error)
  },
)

export const hex = (bytes: Uint8Array): string => toHex(bytes)

/** The index learns of further key records of somebody, who signs with the same key under each. */
export const registerChain = async (
  world: Constellation, identity: Identity, chain: readonly Uint8Array[],
): Promise<void> => {
  const secrets = chain.flatMap(() => identity.secrets)
  await world.client(await importIdentity(exportIdentity({ chain, secrets })), { standing: { show: () => ({}) } })
}
