/**
 * The demonstration register: it stands where the state's register of professionals does. Its keys are in the home of
 * `scelle up`, so whoever has that home is whoever they say they are: for trying things out, and for nothing else.
 */
import { connect, fromHex, toHex } from '@scelle/sdk'
import type { Role } from '@scelle/seal/verify'
import { Register } from '@scelle/testing/register'
import { type Home, type Installation, PARTIES, urlOf } from '../home.ts'
import type { Io } from '../io.ts'
import { CLI_LIMITS } from '../limits.ts'
import { identityIn } from './identities.ts'

export const HOSPITAL = 'Centre hospitalier de démonstration'

/** Where the hospital's status is, below the home. */
export const STATUS = ['register', 'hospital.status'] as const

/** Where the emergency key is that the demonstration's only emergency site holds. */
export const EMERGENCY = 'emergency'

const keyIn = async (home: Home, io: Pick<Io, 'random'>): Promise<Uint8Array> => {
  const known = await home.read('register', 'key')
  if (known !== undefined) return known
  const key = io.random(32)
  await home.write(key, 'register', 'key')
  return key
}

const registerIn = async (io: Io): Promise<Register> =>
  new Register(await identityIn(io.home, 'register', 'organisation', io), await keyIn(io.home, io), io)

/** Gives the hospital a status, a new one at each start; answers the register's id, hex. */
export const enrol = async (io: Io, { ids }: Installation): Promise<string> => {
  const register = await registerIn(io)
  const status = await register.enrol({
    subject: fromHex(ids.edge) as Uint8Array, role: 'hospital', name: HOSPITAL, emergency: true,
    expires: Math.floor((io.now() + CLI_LIMITS.demoStatus) / 1000),
  })
  await io.home.write(status, ...STATUS)
  return toHex(register.id)
}

/** A status by the register of this home, for a principal that the caller has made sure of. */
export const vouch = async (
  io: Io, said: { subject: Uint8Array; role: Role; name: string; expires: number },
): Promise<Uint8Array> => (await registerIn(io)).enrol(said)

/**
 * A status of somebody of this home, who works at the hospital: what a trustee is shown. A file beside their keys, as
 * a register gave it; else the demonstration register's own word, for a day.
 */
export const statusOf = async (
  io: Io, { ids }: Pick<Installation, 'ids'>, name: string,
  { subject, role, stepUp }: { subject: Uint8Array; role: Role; stepUp?: Uint8Array },
): Promise<Uint8Array[]> => {
  const hospital = await io.home.read(...STATUS)
  const kept = await io.home.read('people', name, 'status')
  const own = kept ?? await (await registerIn(io)).enrol({
    subject, role, organisation: fromHex(ids.edge) as Uint8Array, ...(stepUp === undefined ? {} : { stepUp }),
  })
  return hospital === undefined ? [own] : [own, hospital]
}

/** Trustees are shown the register's keys by whoever reads, who looks them up at the index; sites are given grants. */
export const registerAtIndex = async (io: Io, installation: Installation): Promise<void> => {
  const trustees = PARTIES.filter((party) => party.startsWith('trustee'))
  for (const folder of ['register', EMERGENCY]) {
    await connect({
      index: urlOf(installation, 'index'),
      trustees: trustees.map((party) => urlOf(installation, party)),
      identity: await identityIn(io.home, folder, 'organisation', io),
      context: io,
      pins: { index: installation.ids.index, trustees: trustees.map((party) => installation.ids[party]) },
    })
  }
}
