/**
 * This browser's own key, where an authenticator has no PRF: it makes the same 32 bytes each time, and no script gets
 * the key itself. On the disk it is all the same, so it takes a PIN beside it, which trustees count the tries of.
 *
 * A second key lives for one PIN, from one visit of the page to the next: what the house carries in between is sealed
 * under it. It is gone once it was used, or with the next visit: whoever takes the device later, and has all that the
 * house ever carried, has no answered PIN.
 */
import { deviceInput } from '@scelle/seal/recovery'
import { SealError } from '@scelle/seal/verify'

export interface KeyStore {
  readonly get: (name: string) => Promise<CryptoKey | undefined>
  readonly put: (name: string, key: CryptoKey) => Promise<void>
  readonly drop: (name: string) => Promise<void>
}

export interface Device {
  /** 32 bytes that this browser's key makes, made where there is none. */
  readonly secret: () => Promise<Uint8Array>
  /** For one visit to the next. */
  readonly seal: (plain: Uint8Array) => Promise<Uint8Array>
  /** Once. Throws SealError `wrap-invalid`. */
  readonly open: (sealed: Uint8Array) => Promise<Uint8Array>
  /** Of a PIN that was typed and never answered. */
  readonly forget: () => Promise<void>
}

const OWN = 'device'
const ONCE = 'once'
const NONCE = 12

const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)

export const deviceWith = (keys: KeyStore, random: (length: number) => Uint8Array): Device => ({
  secret: async () => {
    let key = await keys.get(OWN)
    if (key === undefined) {
      key = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256', length: 256 }, false, ['sign'])
      await keys.put(OWN, key)
    }
    return new Uint8Array(await crypto.subtle.sign('HMAC', key, own(deviceInput())))
  },
  seal: async (plain) => {
    const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
    await keys.put(ONCE, key)
    const iv = own(random(NONCE))
    const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, own(plain)))
    return new Uint8Array([...iv, ...sealed])
  },
  open: async (sealed) => {
    const key = await keys.get(ONCE)
    await keys.drop(ONCE)
    const [iv, rest] = [own(sealed.subarray(0, NONCE)), own(sealed.subarray(NONCE))]
    const opened = key === undefined ? undefined
      : await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, rest).catch(() => undefined)
    if (opened === undefined) {
      throw new SealError('wrap-invalid', 'this answers another PIN than the one that was typed last; type it again')
    }
    return new Uint8Array(opened)
  },
  forget: () => keys.drop(ONCE),
})

const STORE = 'keys'

const done = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => {
  request.addEventListener('success', () => resolve(request.result))
  request.addEventListener('error', () => reject(request.error ?? new Error('the browser\'s database failed')))
})

/** Nothing is made before something is put: who uses a passkey alone leaves no database behind. */
export const browserKeys = (database: string): KeyStore => {
  const within = async <T>(
    mode: 'readonly' | 'readwrite', work: (store: IDBObjectStore) => IDBRequest<T>,
  ): Promise<T> => {
    const request = indexedDB.open(database, 1)
    request.addEventListener('upgradeneeded', () => request.result.createObjectStore(STORE))
    const db = await done(request)
    try {
      return await done(work(db.transaction(STORE, mode, { durability: 'strict' }).objectStore(STORE)))
    } finally {
      db.close()
    }
  }
  const isThere = async (): Promise<boolean> =>
    (await indexedDB.databases()).some(({ name }) => name === database)
  return {
    get: async (name) => {
      const found: unknown = await isThere() ? await within('readonly', (store) => store.get(name)) : undefined
      return found instanceof CryptoKey ? found : undefined
    },
    put: async (name, key) => {
      await within('readwrite', (store) => store.put(key, name))
    },
    drop: async (name) => {
      if (await isThere()) await within('readwrite', (store) => store.delete(name))
    },
  }
}
