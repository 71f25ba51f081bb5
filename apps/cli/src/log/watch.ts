/** Principals whose key records are watched: whoever makes another key for one of them makes a leaf with its label. */
import { readdir } from 'node:fs/promises'
import { importIdentity, type Identity } from '@scelle/seal/identity'
import {
  controlSubject, decode, equalBytes, fromHex, leafSubject, SealError, toHex,
} from '@scelle/seal/verify'
import { signRequest } from '@scelle/wire/http'
import { entryOf } from '@scelle/wire/log'
import { KeyPlaces } from '@scelle/wire/messages'
import { CommandError } from '../errors.ts'
import { PARTIES } from '../home.ts'
import type { Io } from '../io.ts'
import { CLI_LIMITS } from '../limits.ts'
import { MESSAGES } from '../messages.ts'
import type { LabelledLeaf } from './scan.ts'

export interface Watched {
  /** In hex. */
  readonly id: string
  readonly label: string
  /** Absent for principals that are not of this home. */
  readonly identity?: Identity | undefined
}

const labelOf = (id: Uint8Array): string => toHex(leafSubject(id))

/** Everybody whose keys are in this home, and everybody that is named. */
export const watchedIn = async (io: Io, named: readonly string[]): Promise<Watched[]> => {
  const people = await readdir(io.home.path('people')).catch(() => [])
  const folders = [...PARTIES, 'cli', ...people.map((name) => `people/${name}`)]
  const watched: Watched[] = []
  for (const folder of folders) {
    const stored = await io.home.read(folder, 'identity')
    if (stored === undefined) continue
    const identity = await importIdentity(stored)
    watched.push({ id: toHex(identity.id), label: labelOf(identity.id), identity })
  }
  for (const text of named) {
    const id = fromHex(text)
    if (id?.length !== 32) throw new CommandError('usage', MESSAGES[io.language].unknownOption(text))
    if (!watched.some((known) => known.id === text)) watched.push({ id: text, label: labelOf(id) })
  }
  return watched
}

/** `@scelle/index` hands a principal the places of its own key records: salts, without which leaves say nothing. */
export type PlacesOf = (identity: Identity) => Promise<KeyPlaces>

export const placesAt = (base: string, io: Pick<Io, 'now' | 'random'>): PlacesOf => async (identity) => {
  const url = `${base}/v1/principals/${toHex(identity.id)}/places`
  const headers = await signRequest({ method: 'GET', url, identity, now: io.now, random: io.random })
  const answer = await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(CLI_LIMITS.logTime) })
  return answer.status === 200 ? decode(KeyPlaces, new Uint8Array(await answer.arrayBuffer())) : []
}

/**
 * Whether the leaf is one of the principal's own key records. Places come from the index and need not be believed:
 * with a salt that is not the leaf's, none of the records gives that leaf.
 */
const isOwn = (leaf: LabelledLeaf, chain: readonly Uint8Array[], places: KeyPlaces): boolean => {
  const place = places.find(({ sequence }) => sequence === leaf.leaf + 1)
  return place !== undefined && chain.some((record) =>
    controlSubject(record) !== undefined && equalBytes(entryOf(record, place.salt), leaf.entry))
}

/** The leaves among these that are not key records which this home knows to be the principal's own. */
export const notOwn = async (
  { identity }: Watched, leaves: readonly LabelledLeaf[], places: PlacesOf,
): Promise<LabelledLeaf[]> => {
  if (identity === undefined || leaves.length === 0) return [...leaves]
  const told = await places(identity).catch((error: unknown) => {
    if (error instanceof SealError || error instanceof TypeError || error instanceof DOMException) return []
    throw error
  })
  return leaves.filter((leaf) => !isOwn(leaf, identity.chain, told))
}
