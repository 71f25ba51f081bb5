/** The index's signed word that it holds a statement: made once, stored as its varying part, rebuilt byte for byte. */
import type { Identity } from '@scelle/seal/identity'
import { encode, Position, Positions, Signed, signatureInput, SUITE } from '@scelle/seal/verify'
import type { Place, PositionSigner, StoredPosition } from './store.ts'

const bodyOf = (
  index: Uint8Array, statement: Uint8Array, at: { sequence: number; time: number; salt: Uint8Array },
): Uint8Array =>
  encode(Position, { suite: SUITE, index, statement, sequence: at.sequence, time: at.time, salt: at.salt })

export const positionSigner = (
  identity: Identity, now: () => number,
): PositionSigner => async (statement, sequence, salt) => {
  const time = Math.floor(now() / 1000)
  const keyVersion = identity.keys.current.version
  const body = bodyOf(identity.id, statement, { sequence, time, salt })
  return {
    sequence, time, salt, keyVersion,
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
  readonly place: Place & { readonly salt: Uint8Array }
}

/** One signed word about all commits that one request brought: signed when it is answered, not stored. */
export const positionsStatement = (identity: Identity, held: readonly Held[]): Promise<Uint8Array> =>
  identity.sign('positions', encode(Positions, {
    suite: SUITE,
    index: identity.id,
    held: held.map(({ statement, place: { sequence, time, salt } }) => ({ statement, sequence, time, salt })),
  }))
