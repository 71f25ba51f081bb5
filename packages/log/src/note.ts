/** Signed notes, c2sp.org/signed-note: a text, an empty line, signature lines. */
import { sha256 } from '#sha256'
import { fromBase64, fromUtf8, joinBytes, toBase64, utf8 } from './bytes.ts'
import { LogError } from './errors.ts'
import { LOG_LIMITS } from './limits.ts'

/** Checks an Ed25519 signature, RFC 8032. Handed in: this room brings no signature primitive. */
export type VerifyEd25519 = (
  key: Uint8Array, message: Uint8Array, signature: Uint8Array,
) => boolean | Promise<boolean>

/** Makes a bare 64-byte Ed25519 signature. */
export type SignEd25519 = (message: Uint8Array) => Promise<Uint8Array>

/** What a signature is of: the note's text itself, or a timestamped cosignature of a checkpoint. */
export const ALGORITHMS = { ed25519: 1, cosignature: 4 } as const
export type Algorithm = keyof typeof ALGORITHMS

/** Who may sign: a name, and a 32-byte Ed25519 key for one algorithm. */
export interface NoteKey {
  readonly name: string
  readonly algorithm: Algorithm
  readonly key: Uint8Array
}

export interface NoteSignature {
  readonly name: string
  /** 4 bytes. */
  readonly keyId: Uint8Array
  readonly signature: Uint8Array
}

export interface Note {
  /** Ends in a newline, which is part of what is signed. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

// oxlint-disable-next-line no-control-regex -- the standard forbids these characters
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/u

/** Whether a line holds what no line of a note may: a control character, or a newline. */
export const hasControl = (line: string): boolean => line.includes('\n') || CONTROL.test(line)

const NAME = /^[^\p{White_Space}+]+$/u

export const isKeyName = (name: string): boolean => NAME.test(name) && !hasControl(name)

/** `SHA-256(name ‖ "\n" ‖ algorithm ‖ key)`, its first four bytes. */
export const keyId = ({ name, algorithm, key }: NoteKey): Uint8Array =>
  sha256(joinBytes(utf8(`${name}\n`), Uint8Array.of(ALGORITHMS[algorithm]), key)).slice(0, 4)

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** A key as `name+id+base64`, c2sp.org/signed-note, Verifier keys. */
export const formatKey = (key: NoteKey): string =>
  `${key.name}+${hex(keyId(key))}+${toBase64(joinBytes(Uint8Array.of(ALGORITHMS[key.algorithm]), key.key))}`

/** Reads {@link formatKey}'s form. Throws `key-malformed`. */
export const parseKey = (text: string): NoteKey => {
  const [, name = '', id = '', material = ''] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) ?? []
  const bytes = fromBase64(material, 'key-malformed')
  const algorithm = Object.entries(ALGORITHMS).find(([, value]) => value === bytes[0])?.[0] as Algorithm | undefined
  if (!isKeyName(name) || algorithm === undefined || bytes.length !== 33) {
    throw new LogError('key-malformed', 'this is not a verifier key of a kind that is known here')
  }
  const key: NoteKey = { name, algorithm, key: bytes.slice(1) }
  if (hex(keyId(key)) !== id) throw new LogError('key-malformed', 'the id of a verifier key is not its own')
  return key
}

const parseSignature = (line: string): NoteSignature => {
  const [, name = '', encoded = ''] = /^\u2014 ([^ ]+) ([^ ]+)$/u.exec(line) ?? []
  const bytes = isKeyName(name) ? fromBase64(encoded, 'note-malformed') : new Uint8Array(0)
  if (bytes.length < 5) throw new LogError('note-malformed', 'a signature line is not one')
  return { name, keyId: bytes.slice(0, 4), signature: bytes.slice(4) }
}

/** Throws `note-malformed` where the name is none, which could be read as more lines than one. */
export const formatSignature = ({ name, keyId: id, signature }: NoteSignature): string => {
  if (!isKeyName(name) || id.length !== 4) throw new LogError('note-malformed', 'a signature line needs a key name')
  return `\u2014 ${name} ${toBase64(joinBytes(id, signature))}\n`
}

/** Signature lines, each ending in a newline: what a witness answers. Throws `note-malformed`. */
export const parseSignatures = (text: string): NoteSignature[] => {
  if (!text.endsWith('\n')) throw new LogError('note-malformed', 'a signature line ends in a newline')
  const lines = text.slice(0, -1).split('\n')
  if (CONTROL.test(text)) throw new LogError('note-malformed', 'a note has no control characters')
  if (lines.length > LOG_LIMITS.signatures) throw new LogError('note-malformed', 'a note has too many signatures')
  return lines.map(parseSignature)
}

/** Throws `note-malformed`. The signatures are not checked yet. */
export const parseNote = (bytes: Uint8Array): Note => {
  if (bytes.length > LOG_LIMITS.note) throw new LogError('note-malformed', 'a note is too long')
  const whole = fromUtf8(bytes, 'note-malformed')
  const gap = whole.lastIndexOf('\n\n')
  if (gap < 0 || CONTROL.test(whole)) throw new LogError('note-malformed', 'a note is a text and its signature lines')
  return { text: whole.slice(0, gap + 1), signatures: parseSignatures(whole.slice(gap + 2)) }
}

/** Throws `note-malformed` where nobody signed, or the text is none that a note can hold. */
export const formatNote = ({ text, signatures }: Note): Uint8Array => {
  if (!text.endsWith('\n') || CONTROL.test(text) || signatures.length === 0) {
    throw new LogError('note-malformed', 'a note is a text that ends in a newline, and its signatures')
  }
  return utf8(`${text}\n${signatures.map(formatSignature).join('')}`)
}

/** Signs the text itself, under an `ed25519` key. */
export const signNote = async (text: string, key: NoteKey, sign: SignEd25519): Promise<NoteSignature> => ({
  name: key.name, keyId: keyId(key), signature: await sign(utf8(text)),
})

/** Length of a time before a cosignature's 64 bytes. */
const TIMED = 72

/** What a cosignature of a time covers: c2sp.org/tlog-cosignature, version 1. */
const cosigned = (text: string, time: number): Uint8Array => utf8(`cosignature/v1\ntime ${time}\n${text}`)

/** Signs a checkpoint's text at a time (seconds since 1970 UTC), under a `cosignature` key. Throws `note-malformed`. */
export const cosignNote = async (
  text: string, time: number, key: NoteKey, sign: SignEd25519,
): Promise<NoteSignature> => {
  if (!Number.isSafeInteger(time) || time < 0) throw new LogError('note-malformed', 'a cosignature has a time')
  const stamp = new Uint8Array(8)
  new DataView(stamp.buffer).setBigUint64(0, BigInt(time))
  return { name: key.name, keyId: keyId(key), signature: joinBytes(stamp, await sign(cosigned(text, time))) }
}

/** The time of a cosignature, whose signature is not checked. Undefined where it is none, or beyond what counts. */
const timeOf = (signature: Uint8Array): number | undefined => {
  if (signature.length !== TIMED) return undefined
  const time = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0)
  return time > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(time)
}

/** A signature that holds. `time` where it is a cosignature: seconds since 1970 UTC. */
export interface HeldSignature {
  readonly key: NoteKey
  readonly time: number | undefined
}

const holds = async (
  text: string, key: NoteKey, { signature }: NoteSignature, verify: VerifyEd25519,
): Promise<HeldSignature | undefined> => {
  if (key.algorithm === 'ed25519') {
    const good = signature.length === 64 && (await verify(key.key, utf8(text), signature))
    return good ? { key, time: undefined } : undefined
  }
  const time = timeOf(signature)
  if (time === undefined) return undefined
  return (await verify(key.key, cosigned(text, time), signature.slice(8))) ? { key, time } : undefined
}

/** A key's name and id as they stand in a signature line: what tells apart whose a line is. */
const lineOf = (name: string, id: Uint8Array): string => `${name}+${hex(id)}`

/**
 * Which of these keys signed the note; each at most once, and of several lines under one name and id the first. Lines
 * of keys that are not given are ignored, whatever is in them. Throws `signature-invalid` where a line under a given
 * key's name and id holds under none of them: the standard has a note refused whole that carries a false signature of a
 * known key. An id has four bytes, so a principal can make a second key with the id of its first: a line that holds
 * under one of the two is no false one, or it could have every note refused that others rely on.
 */
export const heldSignatures = async (
  note: Note, keys: readonly NoteKey[], verify: VerifyEd25519,
): Promise<HeldSignature[]> => {
  const held: HeldSignature[] = []
  const named = Map.groupBy(keys, (key) => lineOf(key.name, keyId(key)))
  for (const line of note.signatures) {
    const claim = lineOf(line.name, line.keyId)
    const candidates = named.get(claim) ?? []
    named.delete(claim)
    const found: HeldSignature[] = []
    for (const key of candidates) {
      const one = await holds(note.text, key, line, verify)
      if (one !== undefined) found.push(one)
    }
    if (candidates.length > 0 && found.length === 0) {
      throw new LogError('signature-invalid', `the signature of ${line.name} does not hold`)
    }
    held.push(...found)
  }
  return held
}
