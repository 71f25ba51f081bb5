/**
 * Control leaves: statements that a trustee knows before it cosigns the tree that holds them, so that what the log says
 * about keys, revocations and epochs counts wherever that tree is relied on. The index hands them over and is not
 * believed: what it hands over must be what the leaf commits to.
 */
import {
  controlSubject, decode, decodeSigned, Denial, ed25519Verify, equalBytes, KeyRecord, LogEntry, logEntry, Manifest,
  Revocation, SealError, Signed, SignOut, signatureInput, statementId, toHex, ZERO32,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import type { LogPush } from '@scelle/wire/messages'
import type { LoggedKey, LoggedManifest, LoggedSignOut, MirrorLeaf, MirrorStore } from './mirror-store.ts'

const refused = (leaf: number, what: string): Problem => new Problem('bad-statement', `leaf ${leaf}: ${what}`)

/** Runs a check whose failure is about one leaf. */
const about = <T>(leaf: number, check: () => T): T => {
  try {
    return check()
  } catch (error) {
    if (error instanceof SealError) throw refused(leaf, `${error.code}: ${error.message}`)
    throw error
  }
}

/** The denial and the access that it is about: of those that are no control leaves, nothing else is taken. */
const requireDenial = (statement: Uint8Array, access: Uint8Array | undefined, leaf: number): Uint8Array => {
  const { kind, body } = decode(Signed, statement)
  if (kind !== 'denial' || access === undefined) throw refused(leaf, 'it is no control leaf')
  if (!equalBytes(decode(Denial, body).access, statementId(access))) throw refused(leaf, 'it denied another access')
  return access
}

/**
 * A labelled leaf comes with the statement that it commits to, under its salt and label, and a denial with the access
 * that it is about; any other comes alone, so that nobody makes a trustee keep statements that are not the log's.
 * Throws `bad-statement`.
 */
export const checkLeaf = (
  { entry, statement, salt, access }: LogPush['leaves'][number], leaf: number,
): MirrorLeaf => about(leaf, () => {
  const { subject } = decode(LogEntry, entry)
  if (subject === undefined && statement === undefined && salt === undefined && access === undefined) return { entry }
  if (statement === undefined || salt === undefined) throw refused(leaf, 'its statement is missing')
  const made = logEntry({ salt, statement: statementId(statement), subject: controlSubject(statement) })
  if (!equalBytes(made, entry)) throw refused(leaf, 'it does not commit to its statement, or not under its label')
  if (subject !== undefined) return { entry, control: { statement, salt } }
  return { entry, denial: { statement, salt, access: requireDenial(statement, access, leaf) } }
})

export interface ControlLeaf {
  readonly leaf: number
  readonly statement: Uint8Array
}

/** The key that signed for a principal when the log came to a leaf: by what it says of it up to there. */
export type KeyAt = (principal: Uint8Array, leaf: number) => LoggedKey | undefined

/** What a run of control leaves changes: computed before anything is stored. */
export interface ControlEffects {
  readonly keys: ReadonlyMap<string, LoggedKey & { principal: Uint8Array }>
  readonly revocations: readonly { grant: Uint8Array; leaf: number }[]
  readonly signOuts: readonly LoggedSignOut[]
  readonly manifests: ReadonlyMap<string, LoggedManifest & { vault: Uint8Array; custodian: Uint8Array }>
  /** Read and applied by `notices.ts`, beside these. */
  readonly notices: readonly ControlLeaf[]
  readonly keyAt: KeyAt
}

interface Run {
  readonly store: MirrorStore
  readonly keys: Map<string, LoggedKey & { principal: Uint8Array }>
  readonly revocations: { grant: Uint8Array; leaf: number }[]
  readonly signOuts: LoggedSignOut[]
  readonly manifests: Map<string, LoggedManifest & { vault: Uint8Array; custodian: Uint8Array }>
  readonly notices: ControlLeaf[]
  /** Every key record of the run, in order. */
  readonly records: { readonly principal: string; readonly leaf: number; readonly key: LoggedKey }[]
}

/** A principal's next key: signed by the one before, which the log holds. A second successor of one key is a fork. */
const keyRecord = (run: Run, { leaf, statement }: ControlLeaf): void => {
  const signed = decodeSigned('key-record', statement)
  const record = decode(KeyRecord, signed.body)
  const first = equalBytes(signed.signer, ZERO32)
  const principal = first ? statementId(statement) : signed.signer
  const known = run.keys.get(toHex(principal)) ?? run.store.loggedKey(principal)
  const follows = first
    ? known === undefined && record.version === 0 && record.previous === undefined && signed.keyVersion === 0
    : known !== undefined && record.version === known.version + 1 && signed.keyVersion === known.version &&
      record.previous !== undefined && equalBytes(record.previous, known.record)
  if (!follows) throw refused(leaf, 'a key record does not follow the one before it in the log')
  const input = signatureInput('key-record', signed.signer, signed.keyVersion, signed.body)
  if (!ed25519Verify(known?.signingKey ?? record.signingKey, input, signed.signature)) {
    throw refused(leaf, 'a key record is not signed by its predecessor')
  }
  const key = { version: record.version, record: statementId(statement), signingKey: record.signingKey }
  run.keys.set(toHex(principal), { principal, ...key })
  run.records.push({ principal: toHex(principal), leaf, key })
}

/** Whether its signer may revoke is decided where the grant's chain is shown: a stranger's ends nothing there. */
const revocation = (run: Run, { leaf, statement }: ControlLeaf): void => {
  const { grant } = decode(Revocation, decodeSigned('revocation', statement).body)
  run.revocations.push({ grant, leaf })
}

/** The index checked who signed it, and is believed: see `isSignedOut`. */
const signOut = (run: Run, { leaf, statement }: ControlLeaf): void => {
  const { principal, before, session } = decode(SignOut, decodeSigned('sign-out', statement).body)
  run.signOuts.push({ principal, leaf, before, ...(session === undefined ? {} : { session }) })
}

const manifest = (run: Run, { leaf, statement }: ControlLeaf): void => {
  const { vault, custodian, version, previous } = decode(Manifest, decodeSigned('manifest', statement).body)
  const name = `${toHex(vault)}/${toHex(custodian)}`
  const known = run.manifests.get(name) ?? run.store.loggedManifest(vault, custodian)
  const follows = known === undefined
    ? version === 2
    : version === known.version + 1 && previous !== undefined && equalBytes(previous, known.manifest)
  if (!follows) throw refused(leaf, 'a manifest does not follow the one before it in the log')
  run.manifests.set(name, { vault, custodian, version, manifest: statementId(statement) })
}

/** Works out what control leaves, in the log's order, change. Throws `bad-statement` naming the leaf. */
export const controlEffects = (leaves: readonly ControlLeaf[], store: MirrorStore): ControlEffects => {
  const run: Run = {
    store, keys: new Map(), revocations: [], signOuts: [], manifests: new Map(), notices: [], records: [],
  }
  for (const leaf of leaves) {
    const { kind } = about(leaf.leaf, () => decode(Signed, leaf.statement))
    if (kind === 'key-record') keyRecord(run, leaf)
    else if (kind === 'revocation') revocation(run, leaf)
    else if (kind === 'sign-out') signOut(run, leaf)
    else if (kind === 'manifest') manifest(run, leaf)
    else if (kind === 'notice') run.notices.push(leaf)
    // What a log lost, or somebody released, is for people to read: no trustee decides anything by it.
    else if (kind !== 'successor' && kind !== 'software') throw refused(leaf.leaf, `a ${kind} is no control leaf`)
  }
  const keyAt: KeyAt = (principal, before) =>
    run.records.findLast((one) => one.leaf < before && one.principal === toHex(principal))?.key ??
    store.loggedKey(principal)
  return { ...run, keyAt }
}

/** To be called within the transaction that keeps the cosigned size. */
export const applyEffects = (
  { keys, revocations, signOuts, manifests }: ControlEffects, store: MirrorStore,
): void => {
  for (const { principal, ...key } of keys.values()) store.keepLoggedKey(principal, key)
  for (const { grant, leaf } of revocations) store.keepLoggedRevocation(grant, leaf)
  for (const one of signOuts) store.keepSignOut(one)
  for (const { vault, custodian, ...known } of manifests.values()) store.keepLoggedManifest(vault, custodian, known)
}
