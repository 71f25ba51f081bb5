/**
 * `node SOCKET` a node, or `holder SOCKET STORE INDEX REGISTER KEEPS` a trustee with a door for nodes that is killed
 * once that many releases are on disk, before the last of them is told. Before these: the identity's file and the time.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { importIdentity } from '@scelle/seal/identity'
import { createNode, createTrustee, TrusteeStore } from '../src/trustee.ts'

const [identityPath = '', time = '', role, socket = '', path = '', indexId = '', register = '', keeps = '0'] =
  process.argv.slice(2)
const identity = await importIdentity(new Uint8Array(readFileSync(identityPath)))
const context = { now: () => Number(time), random: (length: number) => new Uint8Array(randomBytes(length)) }
const listen = { host: '127.0.0.1', port: 0 }

class DyingStore extends TrusteeStore {
  #left = Number(keeps)

  override keepRelease(...kept: Parameters<TrusteeStore['keepRelease']>): Uint8Array {
    const answer = super.keepRelease(...kept)
    if (--this.#left === 0) process.kill(process.pid, 'SIGKILL')
    return answer
  }
}

const start = async (): Promise<string> => {
  const parts = { identity, context, log: () => undefined }
  if (role === 'node') return (await createNode({ ...parts, holder: socket }).listen(listen)).url
  const trustee = createTrustee({
    ...parts, store: new DyingStore(path), index: { id: indexId, url: 'http://127.0.0.1:9' }, issuers: [register],
    timers: { after: () => () => undefined },
  })
  await trustee.serveNodes(socket)
  return (await trustee.listen(listen)).url
}

const url = await start()
process.send?.(url)
