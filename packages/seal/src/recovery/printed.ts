/**
 * On paper: an age identity (X25519), in letters and for a camera. It opens an age file that holds the root, with any
 * age program. The file's recipient is written nowhere, and where the file is stored it is sealed under the identity
 * once more: whoever breaks X25519 one day, and copied what the index stores, has nothing to break.
 */
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { hkdfSha256 } from '#hash'
import type { Context } from '../context.ts'
import { SealError } from '../errors.ts'
import { labelBytes } from '../labels.ts'
import { fromHex, toHex, ZERO32 } from '../verify/bytes.ts'
import type { Wrap } from '../wraps.ts'
import { requireRoot } from './root.ts'
import { contentOf, wrapOf } from './wrap.ts'

const HEADING = 'scelle-root-1 '
const LETTERS = /^AGE-SECRET-KEY-1[AC-HJ-NP-Z02-9]{58}$/

const wrong = (): SealError =>
  new SealError('printed-invalid', 'these are not the letters of a recovery sheet, or one of them is wrong')

/** A new identity. The library draws it. */
export const newPrinted = (): Promise<string> => generateX25519Identity()

/** As it stands on the sheet: in groups that are read aloud. */
export const printedGroups = (identity: string): string[] => {
  const letters = identity.replaceAll('-', '')
  return letters.match(/.{1,6}/g) ?? []
}

/**
 * What somebody typed or scanned, as age writes it: capitals, without spaces; the hyphens may be there or not. Throws
 * `printed-invalid`: the letters carry a checksum.
 */
export const readPrinted = async (typed: string): Promise<string> => {
  const letters = typed.replaceAll(/[\s-]/g, '').toUpperCase()
  const identity = letters.replace(/^AGESECRETKEY1/, 'AGE-SECRET-KEY-1')
  if (!LETTERS.test(identity)) throw wrong()
  try {
    await identityToRecipient(identity)
  } catch {
    // Its message may hold the letters.
    throw wrong()
  }
  return identity
}

/** The secret of its wrap's place. */
export const printedSecret = (identity: string): Uint8Array =>
  hkdfSha256(new TextEncoder().encode(identity), ZERO32, labelBytes('wrapSecrets'), 32)

/** The age file by itself: to be kept wherever its owner likes. */
export const printedFile = async (root: Uint8Array, identity: string): Promise<Uint8Array> => {
  const encrypter = new Encrypter()
  encrypter.addRecipient(await identityToRecipient(identity))
  return encrypter.encrypt(`${HEADING}${toHex(root)}\n`)
}

/** What age prints of the file: the root. Throws `printed-invalid`. */
export const rootInText = (text: string): Uint8Array => {
  const root = text.startsWith(HEADING) ? fromHex(text.slice(HEADING.length).trimEnd()) : undefined
  if (root?.length !== 32) throw new SealError('printed-invalid', 'this age file holds no root')
  return root
}

/** Throws `printed-invalid` where it is another sheet's file. */
export const openPrintedFile = async (file: Uint8Array, identity: string): Promise<Uint8Array> => {
  const decrypter = new Decrypter()
  decrypter.addIdentity(identity)
  let text: string
  try {
    text = await decrypter.decrypt(file, 'text')
  } catch {
    throw new SealError('printed-invalid', 'the age file is of another sheet, or was changed')
  }
  return rootInText(text)
}

export const wrapByPrinted = async (root: Uint8Array, identity: string, context: Context): Promise<Wrap> =>
  ({ ...wrapOf('printed', root, context), file: await printedFile(root, identity) })

/** Throws `wrap-invalid`, `printed-invalid`, `root-mismatch`. */
export const rootByPrinted = async (wrap: Wrap, identity: string): Promise<Uint8Array> =>
  requireRoot(await openPrintedFile(contentOf(wrap, 'printed', 'file'), identity), wrap)
