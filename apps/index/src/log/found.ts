/**
 * What was brought back for a lost leaf. Whoever brings it is not believed: the statement is taken where the leaf's
 * entry, which the tree of a cosigned checkpoint holds, commits to it under the salt that came along.
 */
import type { Identity } from '@scelle/seal/identity'
import {
  Access, bytes, controlSubject, decode, decodeSigned, Denial, encode, equalBytes, field, FORMAT_LIMITS,
  followingSalt, type Kind, KeyRecord, Manifest, Notice, optional, Position, Positions, Release, Revocation, SealError,
  Signed, SignOut, Software, statementId, struct, uint, type Value, verifySigned,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import { entryOf } from '@scelle/wire/log'
import { CommitSubmission, type LogRestore, type LogStatements } from '@scelle/wire/messages'
import type { FoundLeaf, LostLeaves } from '../lost-leaves.ts'
import { positionSigner } from '../positions.ts'
import type { StoredPosition, StoredStatement } from '../store.ts'

const statement = bytes(1, FORMAT_LIMITS.statement)

/** The statement of a leaf, its position, and what its effect needs beside. */
export const Found = struct({
  statement: field(0, statement),
  salt: field(1, bytes(16)),
  /** Seconds since 1970 UTC. */
  time: field(2, uint()),
  keyVersion: field(3, uint()),
  signature: field(4, bytes(0, 64)),
  /** Of a commit: the encoded `CommitSubmission`. */
  submission: optional(5, bytes(1, WIRE_LIMITS.requestBody)),
  /** Of a denial: the access that was refused. */
  access: optional(6, statement),
})
export type Found = Value<typeof Found>

export const placeOf = (leaf: number, { salt, time, keyVersion, signature }: Found): StoredPosition => ({
  sequence: leaf + 1, time, salt, keyVersion, signature,
})

export const storedStatement = ({ statement: signed }: Found): StoredStatement => {
  const subject = controlSubject(signed)
  return { id: statementId(signed), bytes: signed, ...(subject === undefined ? {} : { subject }) }
}

/** When a statement was made, by its own word: nearest to when it was taken, where nobody has the index's. */
const TIMES: Partial<Record<Kind, (body: Uint8Array) => number>> = {
  'key-record': (body) => decode(KeyRecord, body).time,
  manifest: (body) => decode(Manifest, body).time,
  revocation: (body) => decode(Revocation, body).time,
  notice: (body) => decode(Notice, body).time,
  'sign-out': (body) => decode(SignOut, body).before,
  software: (body) => decode(Software, body).time,
  access: (body) => decode(Access, body).time,
  release: (body) => decode(Release, body).time,
  denial: (body) => decode(Denial, body).time,
}

const refused = (message: string): SealError => new SealError('release-mismatch', message)

/** The leaf that commits to a statement under a salt. Throws `release-mismatch` where no lost one does. */
const leafFor = async (lost: LostLeaves, signed: Uint8Array, salt: Uint8Array): Promise<number> => {
  const leaf = await lost.leafOf(entryOf(signed, salt))
  if (leaf === undefined) throw refused('no leaf that is missing holds this statement under this salt')
  return leaf
}

type Item = LogRestore['items'][number]

interface Word extends Pick<Found, 'salt' | 'time' | 'keyVersion' | 'signature'> {
  readonly sequence: number
}

/** What the index once signed about the statement. Throws SealError where it did not. */
const wordAbout = async (word: Uint8Array, id: Uint8Array, { keys }: Identity): Promise<Word> => {
  const { kind } = decode(Signed, word)
  if (kind === 'position') {
    const { body } = await verifySigned('position', word, keys)
    const { sequence, time, salt, statement: about, index } = decode(Position, body)
    if (salt === undefined || !equalBytes(index, keys.id) || !equalBytes(about, id)) {
      throw refused('the position is about another statement')
    }
    const { keyVersion, signature } = decodeSigned('position', word)
    return { sequence, time, salt, keyVersion, signature }
  }
  const { body } = await verifySigned('positions', word, keys)
  const { held, index } = decode(Positions, body)
  const found = held.find((one) => equalBytes(one.statement, id))
  if (found?.salt === undefined || !equalBytes(index, keys.id)) {
    throw refused('the positions are about other statements')
  }
  return { sequence: found.sequence, time: found.time, salt: found.salt, keyVersion: 0, signature: new Uint8Array(0) }
}

export interface Finder {
  readonly identity: Identity
  readonly lost: LostLeaves
}

/** What an item brings back: one leaf, or two. Empty where nothing of it is missing. Throws SealError, Problem. */
export const foundIn = async (item: Item, { identity, lost }: Finder): Promise<FoundLeaf[]> => {
  const signed = item.statement ?? item.submission?.commit
  if (signed === undefined || (item.statement !== undefined && item.submission !== undefined)) {
    throw new Problem('bad-request', 'An item brings back one statement, or one commit.')
  }
  const { sequence, ...place } = await wordAbout(item.word, statementId(signed), identity)
  const { from, to } = await lost.range()
  if (sequence <= from) return []
  if (sequence > to) throw new Problem('not-found', 'No trustee has cosigned this leaf.')
  const leaf = await leafFor(lost, signed, place.salt)
  if (leaf !== sequence - 1) throw refused('the statement is at another leaf')
  if (decode(Signed, signed).kind === 'commit' && item.submission === undefined) {
    throw new Problem('bad-request', 'A commit comes back as it was submitted.')
  }
  const submission = item.submission === undefined ? {} : { submission: encode(CommitSubmission, item.submission) }
  const first = { leaf, content: encode(Found, { statement: signed, ...place, ...submission }) }
  if (item.along === undefined) return [first]
  const salt = followingSalt(place.salt)
  return [first, await ownFound({ signed: item.along, salt, time: place.time }, { identity, lost })]
}

/** A statement whose position nobody has: the index signs it anew, for the same leaf and salt. */
const ownFound = async (
  of: { signed: Uint8Array; salt: Uint8Array; time: number; access?: Uint8Array | undefined },
  { identity, lost }: Finder,
): Promise<FoundLeaf> => {
  const { signed, salt, time, access } = of
  const leaf = await leafFor(lost, signed, salt)
  const sign = positionSigner(identity, () => time * 1000)
  const { keyVersion, signature } = await sign(statementId(signed), leaf + 1, salt)
  return {
    leaf,
    content: encode(Found, {
      statement: signed, salt, time, keyVersion, signature, ...(access === undefined ? {} : { access }),
    }),
  }
}

/** What a trustee brings back. Throws SealError where it is not what the log holds. */
export const foundByTrustee = async (
  { statement: signed, salt, access }: LogStatements['leaves'][number], finder: Finder,
): Promise<FoundLeaf> => {
  const { kind, body } = decode(Signed, signed)
  const time = TIMES[kind]?.(body)
  if (time === undefined) throw refused(`a trustee does not know the ${kind}s of a log`)
  return ownFound({ signed, salt, time, access }, finder)
}
