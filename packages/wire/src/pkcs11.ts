/**
 * An Ed25519 key in a PKCS#11 token (OASIS PKCS#11 3.0, mechanism CKM_EDDSA): it signs there, and is never here. For
 * machines, which write and pass on. The token's own library is called through `koffi`, which is loaded only where a
 * configuration names a token; calls take the time that the device takes, and nothing else goes on meanwhile.
 */
import type { KeptKey } from '@scelle/seal/kept'
import type Koffi from 'koffi'
import { ConfigError } from './config.ts'
import { PKCS11_LIMITS } from './limits.ts'

export interface TokenKey {
  /** Path of the token's PKCS#11 library. */
  readonly module: string
  /** Label of the token. */
  readonly token: string
  /** CKA_ID of the key, hexadecimal. */
  readonly key: string
  readonly pin: string
}

/** Names of the standard's header, with its values. */
const CK = {
  OK: 0, ALREADY_INITIALIZED: 0x191, ALREADY_LOGGED_IN: 0x100, SERIAL_SESSION: 4, USER: 1, CLASS: 0, PRIVATE_KEY: 3,
  PUBLIC_KEY: 2, ID: 0x102, EC_POINT: 0x181, EDDSA: 0x1057,
} as const

const failed = (): ConfigError =>
  new ConfigError('token-failed', 'the token does not answer as it should: look at its library, label, key id and PIN')

/** What a function takes, as koffi names it. */
type Type = string | ReturnType<typeof Koffi.struct> | ReturnType<typeof Koffi.inout>

type Call = (...values: unknown[]) => number

/** The functions of a library that are used, as the standard declares them. */
const load = async (path: string) => {
  const { default: koffi } = await import('koffi').catch((cause: unknown) => {
    throw new ConfigError('token-failed', 'keys in tokens take the optional package koffi: install it', { cause })
  })
  try {
    const library = koffi.load(path)
    const ulong = 'unsigned long'
    const number = koffi.inout(koffi.pointer(ulong))
    const attribute = koffi.pointer(koffi.struct({ type: ulong, value: 'void *', length: ulong }))
    const mechanism = koffi.pointer(koffi.struct({ mechanism: ulong, parameter: 'void *', length: ulong }))
    const call = (name: string, ...types: Type[]): Call =>
      library.func(name, ulong, types) as Call
    return {
      initialize: call('C_Initialize', 'void *'),
      slots: call('C_GetSlotList', 'uint8_t', koffi.out('unsigned long *'), number),
      tokenInfo: call('C_GetTokenInfo', ulong, 'uint8_t *'),
      openSession: call('C_OpenSession', ulong, ulong, 'void *', 'void *', number),
      login: call('C_Login', ulong, ulong, 'uint8_t *', ulong),
      findInit: call('C_FindObjectsInit', ulong, attribute, ulong),
      find: call('C_FindObjects', ulong, number, ulong, number),
      findFinal: call('C_FindObjectsFinal', ulong),
      attributes: call('C_GetAttributeValue', ulong, ulong, koffi.inout(attribute), ulong),
      signInit: call('C_SignInit', ulong, mechanism, ulong),
      sign: call('C_Sign', ulong, 'uint8_t *', ulong, 'uint8_t *', number),
    }
  } catch (cause) {
    throw new ConfigError('token-failed', 'the token\'s library cannot be loaded', { cause })
  }
}

type Library = Awaited<ReturnType<typeof load>>

/** A number that a function fills in. */
const filled = (work: (out: [number]) => number, allowed: readonly number[] = [CK.OK], start = 0): number => {
  const out: [number] = [start]
  if (!allowed.includes(work(out))) throw failed()
  return out[0]
}

const requireOk = (result: number, ...also: number[]): void => {
  if (result !== CK.OK && !also.includes(result)) throw failed()
}

/** The slot that holds the token of this label, which the standard pads with spaces to 32 characters. */
const slotOf = (library: Library, label: string): number => {
  const count = filled((out) => library.slots(1, null, out))
  const slots: number[] = Array.from({ length: Math.min(count, PKCS11_LIMITS.slots) }, () => 0)
  requireOk(library.slots(1, slots, [slots.length]))
  const slot = slots.find((one) => {
    const info = new Uint8Array(PKCS11_LIMITS.tokenInfo)
    return library.tokenInfo(one, info) === CK.OK && Buffer.from(info.subarray(0, 32)).toString().trimEnd() === label
  })
  if (slot === undefined) throw failed()
  return slot
}

const ulongBytes = (value: number): Uint8Array => {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true)
  return bytes
}

const objectOf = (library: Library, session: number, kind: number, id: Uint8Array): number => {
  const template = [
    { type: CK.CLASS, value: ulongBytes(kind), length: 8 }, { type: CK.ID, value: id, length: id.length },
  ]
  requireOk(library.findInit(session, template, template.length))
  const handle: [number] = [0]
  const found = filled((out) => library.find(session, handle, 1, out))
  requireOk(library.findFinal(session))
  if (found !== 1) throw failed()
  return handle[0]
}

/** The point of the public key: 32 bytes, in a DER OCTET STRING or, by older libraries, bare. */
const pointOf = (library: Library, session: number, object: number): Uint8Array => {
  const value = new Uint8Array(PKCS11_LIMITS.point)
  const read = [{ type: CK.EC_POINT, value, length: value.length }]
  requireOk(library.attributes(session, object, read, 1))
  const length = read[0]?.length ?? 0
  if (length === 34 && value[0] === 4 && value[1] === 32) return value.slice(2, 34)
  if (length === 32) return value.slice(0, 32)
  throw failed()
}

/** The key in a token. Throws ConfigError `token-failed` where there is none, or the PIN is wrong. */
export const tokenKey = async ({ module, token, key, pin }: TokenKey): Promise<KeptKey> => {
  const library = await load(module)
  requireOk(library.initialize(null), CK.ALREADY_INITIALIZED)
  const slot = slotOf(library, token)
  const session = filled((out) => library.openSession(slot, CK.SERIAL_SESSION, null, null, out))
  const secret = new TextEncoder().encode(pin)
  requireOk(library.login(session, CK.USER, secret, secret.length), CK.ALREADY_LOGGED_IN)
  const id = new Uint8Array(Buffer.from(key, 'hex'))
  const object = objectOf(library, session, CK.PRIVATE_KEY, id)
  return {
    publicKey: pointOf(library, session, objectOf(library, session, CK.PUBLIC_KEY, id)),
    sign: async (message) => {
      requireOk(library.signInit(session, { mechanism: CK.EDDSA, parameter: null, length: 0 }, object))
      const signature = new Uint8Array(64)
      const length = filled((out) => library.sign(session, message, message.length, signature, out), [CK.OK], 64)
      if (length !== 64) throw failed()
      return signature
    },
  }
}
