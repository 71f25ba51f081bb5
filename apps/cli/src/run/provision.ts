/** First start: every party draws its own keys, and gets a configuration that names the others by their ids. */
import { toHex } from '@scelle/seal/verify'
import { type Home, type Installation, PARTIES, type Party, portOf, urlOf } from '../home.ts'
import type { Io } from '../io.ts'
import { identityIn } from './identities.ts'
import { EMERGENCY, enrol, HOSPITAL, STATUS } from './register.ts'

const KIND = {
  'index': 'index', 'trustee-1': 'trustee', 'trustee-2': 'trustee', 'trustee-3': 'trustee', 'edge': 'organisation',
} as const

const listen = (installation: Installation, party: Party) => ({ host: '127.0.0.1', port: portOf(installation, party) })

const trusteeParties = PARTIES.filter((party) => party.startsWith('trustee'))

/** The configuration file of each party; `apps/<party>/README.md` explains the fields. */
export const configurations = (
  home: Home, installation: Installation, { register, emergency }: { register: string; emergency: string },
  applicationChain: readonly Uint8Array[],
): Record<Party, unknown> => {
  const { ids } = installation
  const own = (party: Party) => ({
    listen: listen(installation, party), identity: home.path(party, 'identity'), data: home.path(party, 'data'),
  })
  const index = { url: urlOf(installation, 'index'), id: ids.index }
  const trustees = trusteeParties.map((party) => ({ url: urlOf(installation, party), id: ids[party] }))
  const trustee = (party: Party) => ({
    ...own(party), index, peers: trustees.filter(({ id }) => id !== ids[party]), issuers: [register],
    emergencyKeys: [emergency],
  })
  return {
    'index': { ...own('index'), admitted: [ids.edge], trustees },
    'trustee-1': trustee('trustee-1'),
    'trustee-2': trustee('trustee-2'),
    'trustee-3': trustee('trustee-3'),
    'edge': {
      ...own('edge'),
      index,
      trustees,
      organisation: { name: HOSPITAL },
      emergencyKeys: [emergency],
      standing: { statuses: [home.path(...STATUS)] },
      did: { folder: home.path('did', 'public') },
      applications: [{
        id: installation.application,
        name: 'scelle',
        rights: ['read', 'write', 'search', 'share'],
        keys: applicationChain.map(toHex),
      }],
    },
  }
}

/** Makes what is missing; keeps what is there. */
export const provision = async (io: Io, firstPort: number): Promise<Installation> => {
  const { home } = io
  const known = await home.installation()
  const application = await identityIn(home, 'cli', 'machine', io)
  const ids = {} as Record<Party, string>
  for (const party of PARTIES) ids[party] = toHex((await identityIn(home, party, KIND[party], io)).id)
  const installation: Installation = known ?? { version: 1, firstPort, ids, application: toHex(application.id) }
  const register = await enrol(io, installation)
  const emergency = toHex((await identityIn(home, EMERGENCY, 'organisation', io)).id)
  const configured = configurations(home, installation, { register, emergency }, application.chain)
  for (const [party, configuration] of Object.entries(configured)) {
    await home.folder(party, 'data')
    await home.write(`${JSON.stringify(configuration, null, 2)}\n`, party, 'config.json')
  }
  if (known === undefined) await home.write(`${JSON.stringify(installation, null, 2)}\n`, 'installation.json')
  return installation
}
