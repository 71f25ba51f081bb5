/** A trustee that is killed once an answer, or a cosignature, is on disk and before it is sent: durability.test.ts. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { importIdentity } from '@scelle/seal/identity'
import { createTrustee, TrusteeStore } from '../src/trustee.ts'

class DyingStore extends TrusteeStore {
  override keepRelease(...kept: Parameters<TrusteeStore['keepRelease']>): Uint8Array {
    const answer = super.keepRelease(...kept)
    process.kill(process.pid, 'SIGKILL')
    return answer
  }
}

/** As above, for the transaction that keeps what was cosigned. */
const dieCosigning = ({ log }: TrusteeStore): void => {
  const transaction = log.transaction.bind(log)
  log.transaction = (work) => {
    const result = transaction(work)
    if (log.cosigned() !== undefined) process.kill(process.pid, 'SIGKILL')
    return result
  }
}

const [identityPath = '', storePath = '', indexId = '', time = '', register = ''] = process.argv.slice(2)
const store = new DyingStore(storePath)
dieCosigning(store)
const trustee = createTrustee({
  identity: await importIdentity(new Uint8Array(readFileSync(identityPath))),
  store,
  index: { id: indexId, url: 'http://index.test' },
  issuers: [register],
  context: { now: () => Number(time), random: (length) => new Uint8Array(randomBytes(length)) },
  log: () => undefined,
})
const { url } = await trustee.listen({ host: '127.0.0.1', port: 0 })
process.stdout.write(`${url}\n`)
