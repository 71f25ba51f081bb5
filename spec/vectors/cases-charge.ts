/** What a trustee charged, in its word, sealed to itself: it opens for that trustee, in that word, and nowhere else. */
import { Journal } from '../../apps/trustee/src/meter/journal.ts'
import { createIdentity, rotateIdentity } from '../../packages/seal/src/identity.ts'
import * as seal from '../../packages/seal/src/verify.ts'
import { context, nowSeconds } from './golden.ts'
import { changed, stored } from './material.ts'
import { type Vector } from './operations.ts'

const { toHex } = seal
const hash = (place: number): Uint8Array => seal.sha256(seal.u32(place))

export const chargeCases = async (): Promise<Vector[]> => {
  const former = await createIdentity('trustee', context)
  const trustee = await rotateIdentity(former, context)
  const other = await createIdentity('trustee', context)
  const access = hash(1)
  const entry = {
    serial: 12, vault: hash(2), time: nowSeconds(), counted: [{ meter: hash(3), measures: 0b1111 }, { meter: new Uint8Array(32), measures: 0b100 }],
    used: [{ statement: hash(4), colleague: true }],
  }
  const sealed = new Journal(trustee).seal(entry, access, context.random)
  const of = (name: string, charge: Uint8Array, change: object = {}): Vector =>
    ({ name, op: 'charge', in: { charge: toHex(charge), access: toHex(access), identity: stored(trustee), ...change } })
  return [
    of('a charge', sealed),
    of('a charge that was sealed before its trustee replaced its key', new Journal(former).seal(entry, access, context.random)),
    of('a charge in the word about another access', sealed, { access: toHex(hash(5)) }),
    of('a charge of another trustee', sealed, { identity: stored(other) }),
    of('a charge with its nonce changed', changed(sealed, 0)),
    of('a charge with its content changed', changed(sealed, 20)),
    of('a charge with its tag changed', changed(sealed, -1)),
    of('a charge cut short', sealed.slice(0, -1)),
    of('a charge too short for a tag', sealed.slice(0, 20)),
  ]
}
