/**
 * Where no authenticator has a PRF: a key that the browser makes and does not give out. It makes a MAC, always the same
 * one, so that it plays the part of a PRF. What is not given out to scripts is on the disk all the same: whoever takes
 * the whole profile has it, which is why it takes a PIN beside it.
 */
import { deviceInput } from '@scelle/seal/recovery'
import { SdkError } from '../errors.ts'

const STORE = 'keys'
const NAME = 'recovery'

/** A new key: HMAC-SHA-256, not extractable. */
export const newDeviceKey = (): Promise<CryptoKey> =>
  crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256', length: 256 }, false, ['sign'])

/** What the key makes, 32 bytes. Throws `bad-input` for a key that scripts could take away. */
export const deviceSecret = async (key: CryptoKey): Promise<Uint8Array> => {
  if (key.extractable) throw new SdkError('bad-input', 'a device\'s key must not be extractable')
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, deviceInput() as Uint8Array<ArrayBuffer>))
}

const done = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => {
  request.addEventListener('success', () => resolve(request.result))
  request.addEventListener('error', () => reject(request.error ?? new Error('the browser\'s database failed')))
})

const open = (name: string): Promise<IDBDatabase> => {
  const request = indexedDB.open(name, 1)
  request.addEventListener('upgradeneeded', () => request.result.createObjectStore(STORE))
  return done(request)
}

/** The key that this browser keeps under a name, made where there is none. */
export const keptDeviceKey = async (database: string): Promise<CryptoKey> => {
  const db = await open(database)
  try {
    const found = await done<unknown>(db.transaction(STORE).objectStore(STORE).get(NAME))
    if (found instanceof CryptoKey) return found
    const made = await newDeviceKey()
    // `add` fails where another tab was faster: its key stays.
    await done(db.transaction(STORE, 'readwrite').objectStore(STORE).add(made, NAME)).catch(() => undefined)
    return await done<CryptoKey>(db.transaction(STORE).objectStore(STORE).get(NAME))
  } finally {
    db.close()
  }
}
