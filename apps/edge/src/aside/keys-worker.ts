/** The thread that draws category keys ahead. It gets a number, gives back keys, and keeps none of them. */
import { randomBytes } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import { drawCategoryKey } from '@scelle/sdk'
import { KEY } from './key-places.ts'

const drawn = (count: number): Uint8Array<ArrayBuffer> => {
  const keys = new Uint8Array(count * (KEY.secret + KEY.publicKey))
  for (let at = 0; at < keys.length; at += KEY.secret + KEY.publicKey) {
    const { secret, publicKey } = drawCategoryKey({ random: (length) => new Uint8Array(randomBytes(length)) })
    keys.set(secret, at)
    keys.set(publicKey, at + KEY.secret)
    secret.fill(0)
  }
  return keys
}

const port = parentPort
const answer = (keys: Uint8Array<ArrayBuffer>): void => port?.postMessage(keys, [keys.buffer])
port?.on('message', (count: number) => answer(drawn(count)))
