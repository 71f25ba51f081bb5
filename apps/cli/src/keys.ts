/**
 * `scelle keys`: a machine's signing key in a token. Writes the description that servers read in place of an identity
 * file; what it says is public but for the sealing seeds beside it, which open what is sealed to the machine, and sign
 * nothing.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { importIdentity } from '@scelle/seal/identity'
import { createKept, moveToKept } from '@scelle/seal/kept'
import { toHex, verifyKeyChain } from '@scelle/seal/verify'
import { ConfigError } from '@scelle/wire/config'
import { tokenKey } from '@scelle/wire/pkcs11'
import { CommandError, EXIT } from './errors.ts'
import type { Io } from './io.ts'
import { MESSAGES } from './messages.ts'

export interface TokenOptions {
  /** The token's PKCS#11 library. */
  readonly module: string
  readonly token: string
  /** CKA_ID, hexadecimal. */
  readonly key: string
  /** A file with the PIN alone. */
  readonly pin: string
  /** Where the description goes. */
  readonly out: string
  /** An identity file whose principal goes on with the token; a new machine where absent. */
  readonly from?: string | undefined
}

/** Files are new: a machine's key records must not be overwritten by a second call. */
const write = (path: string, content: Uint8Array | string): void =>
  writeFileSync(path, content, { mode: 0o600, flag: 'wx' })

export const keepInToken = async (io: Io, options: TokenOptions): Promise<number> => {
  const { module, token, key: id, pin, out, from } = options
  const messages = MESSAGES[io.language]
  try {
    const key = await tokenKey({ module, token, key: id, pin: readFileSync(pin, 'utf8').trim() })
    const before = from === undefined ? undefined : await importIdentity(new Uint8Array(readFileSync(from)))
    const sealing = io.random(32)
    const chain = before === undefined
      ? [await createKept('machine', key, sealing, io)]
      : await moveToKept(before, key, sealing, io)
    const folder = dirname(resolve(out))
    const seeds = `${basename(out)}.sealing`
    const earlier = (before?.secrets ?? []).flatMap((one) => [...one.sealing])
    write(join(folder, seeds), new Uint8Array([...earlier, ...sealing]))
    write(out, `${JSON.stringify({
      chain: chain.map((record) => Buffer.from(record).toString('base64')), sealing: seeds,
      pkcs11: { module, token, key: id, pin: relative(folder, resolve(pin)) },
    }, undefined, 2)}\n`)
    io.out(messages.keptInToken(toHex((await verifyKeyChain(chain)).id), out))
    return EXIT.done
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new CommandError('failed', messages.tokenFailed, { cause: error })
  }
}
