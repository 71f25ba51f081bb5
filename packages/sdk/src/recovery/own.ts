/** A person's own principal, which the root makes: as it is by now, with whatever passkeys it has been given since. */
import { ownIdentity } from '@scelle/seal/recovery'
import { decode, toHex } from '@scelle/seal/verify'
import { KeyChain } from '@scelle/wire/messages'
import { Connection, type Options } from '../connection.ts'
import { SdkError } from '../errors.ts'

export type RecoveryOptions = Omit<Options, 'identity'>

const registered = async (connection: Connection): Promise<readonly Uint8Array[]> => {
  try {
    const path = `/v1/principals/${toHex(connection.identity.id)}`
    return decode(KeyChain, await connection.askIndex({ method: 'GET', path }))
  } catch (error) {
    if (error instanceof SdkError && error.problem === 'principal-unknown') return connection.identity.chain
    throw error
  }
}

/** A connection as the person, registered; no request of it can hold the root. */
export const connectOwn = async (options: RecoveryOptions, root: Uint8Array): Promise<Connection> => {
  const first = await ownIdentity(root)
  const asFirst = new Connection({ ...options, identity: first })
  asFirst.transport.unsendable.add(root)
  const connection = new Connection({ ...options, identity: await ownIdentity(root, await registered(asFirst)) })
  connection.transport.unsendable.add(root)
  await connection.meet()
  await connection.register()
  return connection
}
