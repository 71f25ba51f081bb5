/**
 * A custodian gives the patient who claimed what it kept. It believes no single party that somebody is that patient:
 * the identity is one that it knows itself, two trustees say which vault has it now and that the custodian's had it
 * before, and a body that the custodian names has proven the identity to be the claimant's. So neither the index, nor
 * one trustee or two without such a body, has a custodian give its keys to them.
 */
import {
  bytes, decode, decodeSigned, equalBytes, field, FORMAT_LIMITS, IdentityProof, requireSuite, SealError,
  statementId, struct, toHex, verifyGenesis, verifySigned,
} from '@scelle/seal/verify'
import type { Connection } from './connection.ts'
import type { Discovery, Traits } from './discovery.ts'
import { SdkError } from './errors.ts'
import type { ChainedGrant } from './grant-list.ts'
import { givenBefore, HAND_OVER, isHandOverGrant } from './handed-over.ts'
import { type Id, idBytes } from './ids.ts'
import { SDK_LIMITS } from './limits.ts'
import type { Vault } from './vault.ts'

export interface HandOver {
  /** Whose vault it is, as the custodian knows. */
  readonly traits: Traits
  /** What the patient's `claim` answered with. */
  readonly evidence: Uint8Array
  /** Bodies whose proof of an identity the custodian believes. */
  readonly issuers: readonly Id[]
  /** Milliseconds since 1970, until when the patient reads it: twenty years from now where absent. */
  readonly until?: number
}

export interface HandedOver {
  /** The claimant. */
  readonly owner: Uint8Array
  readonly grant: Uint8Array
}

const statement = bytes(1, FORMAT_LIMITS.statement)
/** What a claimant shows a custodian. */
export const ClaimEvidence = struct({ genesis: field(0, statement), proof: field(1, statement) })

const refuse = (what: string, cause?: unknown): never => {
  throw new SdkError('not-claimed', what, { cause })
}

/** Whose the proof says the identity is. That it had not ended when the vault was bound, two trustees have checked. */
const provenSubject = async (
  connection: Connection, proof: Uint8Array, pseudonym: Uint8Array, issuers: readonly Id[],
): Promise<Uint8Array> => {
  const { signer, keyVersion } = decodeSigned('identity-proof', proof)
  const believed = issuers.some((id) => equalBytes(idBytes(id), signer))
  if (!believed) return refuse('the proof is by nobody who is believed here')
  const { keys } = await connection.directory.of(signer, keyVersion)
  const shown = decode(IdentityProof, (await verifySigned('identity-proof', proof, keys)).body)
  requireSuite(shown)
  if (!equalBytes(shown.pseudonym, pseudonym)) return refuse('the proof is of another person than this vault is of')
  return shown.subject
}

/** The claimant's principal id. Throws `not-claimed`. */
const claimantOf = async (
  connection: Connection, discovery: Discovery, kept: Uint8Array, { traits, evidence, issuers }: HandOver,
): Promise<Uint8Array> => {
  const found = await discovery.discover(traits)
  if (found?.before?.some((id) => equalBytes(id, kept)) !== true) {
    return refuse('two trustees do not say that this vault was claimed by whom it is of')
  }
  try {
    const { genesis, proof } = decode(ClaimEvidence, evidence)
    const shown = equalBytes(statementId(genesis), found.vault)
    if (!shown) return refuse('the identity is bound to another vault than shown')
    const subject = await provenSubject(connection, proof, found.pseudonym, issuers)
    const { signer, keyVersion } = decodeSigned('vault-genesis', genesis)
    const { keys } = await connection.directory.of(signer, keyVersion)
    const { mode, controller } = (await verifyGenesis(genesis, keys)).genesis
    const theirs = mode === 'owner' && equalBytes(controller, subject)
    if (!theirs) return refuse('whoever has that vault is not who is proven')
    return controller
  } catch (cause) {
    if (cause instanceof SealError) return refuse('the evidence of the claim does not hold', cause)
    throw cause
  }
}

/** Ends every epoch from before, once; grants from before get no newer keys, whatever else they are good for still. */
const endEpochs = async (connection: Connection, vault: Vault, owner: Uint8Array): Promise<void> => {
  const { memory, identity: { id: custodian } } = connection
  const name = toHex(vault.id)
  const given = await vault.grantsGiven()
  const categories = [...(await vault.categories({ custodian })).values()]
  const earlier = await memory.handedOver(name)
  if (earlier === undefined) {
    const handed = given.some(({ grant }) => isHandOverGrant(grant))
    // Where another device handed over, what was given since goes on.
    const before = handed ? givenBefore(given, custodian) : given
    const others = before.filter(({ grant }) => !equalBytes(grant.grantee, owner)).map(({ id }) => id)
    // Kept first: interrupted after this, no renewal hands the keys of the new epochs to earlier grantees.
    const epochs = categories.map(({ id, epoch }) => ({ category: id, epoch }))
    await memory.keepHandedOver(name, { grants: others, epochs })
  }
  const ended = new Map(earlier?.epochs.map(({ category, epoch }) => [toHex(category), epoch]))
  const due = categories.filter(({ id, epoch }) => earlier === undefined || (ended.get(toHex(id)) ?? -1) >= epoch)
  if (due.length > 0) await vault.rotate(due.map(({ id }) => id))
}

/** In force, on all that there is. */
const isWhole = (
  { grant, revoked, inForce }: ChainedGrant, owner: Uint8Array, categories: readonly Uint8Array[],
): boolean =>
  !revoked && inForce && isHandOverGrant(grant) && equalBytes(grant.grantee, owner) &&
  categories.every((id) => grant.categories.some((one) => equalBytes(one, id)))

/** See `Client.handOver`. */
export const handOver = async (
  connection: Connection, discovery: Discovery, vault: Vault, options: HandOver,
): Promise<HandedOver> => {
  const custodian = connection.identity.id
  const owner = await claimantOf(connection, discovery, vault.id, options)
  const whole = async (): Promise<ChainedGrant | undefined> => {
    const ids = [...(await vault.categories({ custodian })).values()].map(({ id }) => id)
    return (await vault.grantsGiven()).find((one) =>
      equalBytes(one.grant.custodian, custodian) && isWhole(one, owner, ids))
  }
  // It is the last step: where it is done, all others are.
  const given = await whole()
  if (given !== undefined) return { owner, grant: given.id }
  await endEpochs(connection, vault, owner)
  const categories = [...(await vault.categories({ custodian })).keys()]
  const { grant } = await vault.share({
    to: owner, custodian, categories, ...HAND_OVER,
    until: options.until ?? connection.context.now() + SDK_LIMITS.handedOverFor,
  })
  return { owner, grant }
}
