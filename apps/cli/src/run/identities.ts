import { createIdentity, exportIdentity, importIdentity, type Identity } from '@scelle/seal/identity'
import type { Home } from '../home.ts'
import type { Io } from '../io.ts'

/** The identity kept in a folder, made on first use. */
export const identityIn = async (
  home: Home, folder: string, kind: 'person' | 'organisation' | 'machine' | 'trustee' | 'index', io: Io,
): Promise<Identity> => {
  const stored = await home.read(folder, 'identity')
  if (stored !== undefined) return importIdentity(stored)
  const identity = await createIdentity(kind, io)
  await home.folder(folder)
  await home.write(exportIdentity(identity), folder, 'identity')
  return identity
}
