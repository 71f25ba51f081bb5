/** Two vaults of one person: whose word that takes. */
import { decode } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import { Link } from '../standing.ts'
import { equalBytes, toHex } from './bytes.ts'
import { decodeSigned, type PrincipalKeys, requireSuite, verifySigned } from './identity.ts'
import { verifyGenesis } from './vault.ts'

export interface LinkToVerify {
  /** One body, signed by one or both of the vaults' controllers; that of the vault that goes on first. */
  readonly link: readonly Uint8Array[]
  /** Signed geneses: of the vault that goes on, and of the other one. */
  readonly geneses: readonly Uint8Array[]
  /** Verified keys, or undefined where they are not known. */
  readonly keysOf: (principal: Uint8Array) => PrincipalKeys | undefined
}

export interface VerifiedLink {
  /** Statement id of the first signature: what a split names. */
  readonly id: Uint8Array
  readonly link: Link
  /** Of the vault that goes on, and of the other one. */
  readonly controllers: readonly [Uint8Array, Uint8Array]
}

const needKeys = (keysOf: LinkToVerify['keysOf'], principal: Uint8Array): PrincipalKeys => {
  const keys = keysOf(principal)
  if (keys === undefined) throw new SealError('principal-mismatch', 'the keys of a vault\'s controller are missing')
  return keys
}

const controllerOf = async (
  genesis: Uint8Array | undefined, vault: Uint8Array, keysOf: LinkToVerify['keysOf'],
): Promise<Uint8Array> => {
  if (genesis === undefined) throw new SealError('vault-mismatch', 'a link comes with the geneses of both vaults')
  const verified = await verifyGenesis(genesis, needKeys(keysOf, decodeSigned('vault-genesis', genesis).signer))
  if (!equalBytes(verified.vault, vault)) throw new SealError('vault-mismatch', 'a link names another vault')
  return verified.genesis.controller
}

/**
 * A merge takes the controllers of both vaults: otherwise anybody could put a vault of their own beside a patient's. A
 * split takes either one, and names the merge that it ends. Neither gives anybody a right. Throws `vault-mismatch`,
 * `principal-mismatch`, `signature-invalid`.
 */
export const verifyLink = async ({ link: signed, geneses, keysOf }: LinkToVerify): Promise<VerifiedLink> => {
  const statements = await Promise.all(signed.map((one) =>
    verifySigned('link', one, needKeys(keysOf, decodeSigned('link', one).signer))))
  const [first] = statements
  if (first === undefined || statements.some(({ body }) => !equalBytes(body, first.body))) {
    throw new SealError('signature-invalid', 'the signatures of a link are under different words')
  }
  const link = decode(Link, first.body)
  requireSuite(link)
  if (equalBytes(link.vault, link.other)) throw new SealError('vault-mismatch', 'a vault is not linked to itself')
  const controllers = [
    await controllerOf(geneses[0], link.vault, keysOf), await controllerOf(geneses[1], link.other, keysOf),
  ] as const
  const signers = new Set(statements.map(({ signed: { signer } }) => toHex(signer)))
  const merges = link.action === 'merge' && link.previous === undefined &&
    equalBytes(first.signed.signer, controllers[0]) && controllers.every((id) => signers.has(toHex(id)))
  const splits = link.action === 'split' && link.previous !== undefined &&
    controllers.some((id) => signers.has(toHex(id)))
  if (!merges && !splits) {
    throw new SealError('principal-mismatch', 'both vaults\' controllers merge them, and one of them splits them again')
  }
  return { id: first.id, link, controllers }
}
