/**
 * The demonstration register: it stands where the state's register of professionals does. Its keys are in the home of
 * `scelle up`, so whoever has that home is whoever they say they are: for trying things out, and for nothing else.
 */
import { connect, fromHex, type Identity, toHex } from '@scelle/sdk'
import { Register } from '@scelle/testing/register'
import { type Home, type Installation, PARTIES, urlOf } from '../home.ts'
import type { Io } from '../io.ts'
import { CLI_LIMITS } from '../limits.ts'
import { identityIn } from './identities.ts'

export const HOSPITAL = 'Centre hospitalier de démonstration'

/** Where the hospital's status is, below the home. */
export const STATUS = ['register', 'hospital.status'] as const

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

/** Trustees are shown the register's keys by whoever reads, who looks them up at the index. */
export const registerAtIndex = async (io: Io, installation: Installation): Promise<void> => {
  const identity: Identity = await identityIn(io.home, 'register', 'organisation', io)
  await connect({
    index: urlOf(installation, 'index'),
    trustees: PARTIES.filter((party) => party.startsWith('trustee')).map((party) => urlOf(installation, party)),
    identity,
    context: io,
    pins: {
      index: installation.ids.index,
      trustees: PARTIES.filter((party) => party.startsWith('trustee')).map((party) => installation.ids[party]),
    },
  })
}
