/** The index's signed word that it holds a statement: made once, stored as its varying part, rebuilt byte for byte. */
import type { Identity } from '@scelle/seal/identity'
import { encode, Position, Positions, Signed, signatureInput, SUITE } from '@scelle/seal/verify'
import type { Place, PositionSigner, StoredPosition } from './store.ts'

const bodyOf = (index: Uint8Array, statement: Uint8Array, at: { sequence: number; time: number }): Uint8Array =>
  encode(Position, { suite: SUITE, index, statement, sequence: at.sequence, time: at.time })

export const positionSigner = (
  identity: Identity, now: () => number,
): PositionSigner => async (statement, sequence) => {
  const time = Math.floor(now() / 1000)
  const keyVersion = identity.keys.current.version
  const body = bodyOf(identity.id, statement, { sequence, time })
  return {
    sequence, time, keyVersion,
    signature: await identity.signRaw(signatureInput('position', identity.id, keyVersion, body)),
  }
}

/** The signed position of a statement, as every party verifies it. */
export const positionStatement = (index: Uint8Array, statement: Uint8Array, position: StoredPosition): Uint8Array =>
  encode(Signed, {
    kind: 'position',
    body: bodyOf(index, statement, position),
    signer: index,
    keyVersion: position.keyVersion,
    signature: position.signature,
  })

/** A statement that the index holds, and where. */
export interface Held {
  readonly statement: Uint8Array
  readonly place: Place
}

/** One signed word about all commits that one request brought: signed when it is answered, not stored. */
export const positionsStatement = (identity: Identity, held: readonly Held[]): Promise<Uint8Array> =>
  identity.sign('positions', encode(Positions, {
    suite: SUITE,
    index: identity.id,
    held: held.map(({ statement, place: { sequence, time } }) => ({ statement, sequence, time })),
  }))
