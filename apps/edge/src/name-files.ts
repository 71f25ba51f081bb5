/**
 * The files of the organisation's name on the web, as `scelle did` writes them: for anybody, since they prove
 * themselves. Four names in one folder, and nothing else of the disk: no name is made of what a request says, and a
 * link that stands there for a file is not followed.
 */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem } from '@scelle/wire/errors'
import type { Answer, Server } from '@scelle/wire/server'
import { EDGE_LIMITS } from './limits.ts'

/** Media types: did:webvh 1.0 section 3.6.1 for the log, DID Core section 6.2 for the document. */
const FILES = {
  'did.jsonl': 'text/jsonl',
  'did.json': 'application/did+json',
  'did-witness.json': 'application/json',
  'scelle-release': 'application/cbor',
} as const

export interface NameOptions {
  readonly folder: string
  /** Where the name has its files, without a slash at the end; a name that moved has them at each of its places. */
  readonly paths?: readonly string[] | undefined
}

const WELL_KNOWN = '/.well-known'

/** Read for each request: what was given up or rotated a moment ago must not be told as it was. */
const octetsOf = async (path: string): Promise<Uint8Array> => {
  // Where the system has no such flag, a link is what its owner made it.
  const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch(() => {
    throw new Problem('not-found')
  })
  try {
    const { size } = await file.stat()
    if (size > EDGE_LIMITS.nameFile) throw new Problem('not-found')
    return new Uint8Array(await file.readFile())
  } catch (error) {
    throw error instanceof Problem ? error : new Problem('not-found')
  } finally {
    await file.close()
  }
}

export const addNameFiles = (server: Server, { folder, paths = [WELL_KNOWN] }: NameOptions): void => {
  for (const path of paths) {
    for (const [file, type] of Object.entries(FILES)) {
      server.route({
        policy: 'public', method: 'GET', url: `${path}/${file}`,
        handler: async (): Promise<Answer> => ({
          body: await octetsOf(join(folder, file)),
          // Resolvers run in browsers too, and nobody is signed in here.
          headers: { 'content-type': type, 'access-control-allow-origin': '*' },
        }),
      })
    }
  }
}
