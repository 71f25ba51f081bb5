/**
 * A trustee that somebody has taken over: it has its real identity, cosigns and tells like the honest ones, and gives
 * its share of whatever anybody asks for. It counts nothing, refuses nothing, and has no word about it.
 */
import { CourierKeys, openShare, sealRelease } from '@scelle/seal/shares'
import {
  Access, capsuleHeaderHash, decode, decodeSigned, encapsulationId, encode, equalBytes, statementId, toHex,
  VaultGenesis,
} from '@scelle/seal/verify'
import { ReleaseAnswer, ReleaseRequest } from '@scelle/wire/messages'
import type { Constellation, NetworkAnswer, PartyHandle } from './constellation.ts'

const releaseOf = async ({ identity }: PartyHandle, body: Uint8Array): Promise<Uint8Array> => {
  const { access: signed, genesis, capsules, encapsulations } = decode(ReleaseRequest, body)
  const { oneTimeKey } = decode(Access, decodeSigned('access', signed).body)
  const { trustees } = decode(VaultGenesis, decodeSigned('vault-genesis', genesis).body)
  const index = trustees.findIndex((id) => equalBytes(id, identity.id))
  const couriers = new CourierKeys(identity)
  const named = new Map(encapsulations.map((bytes) => [toHex(encapsulationId(bytes)), bytes]))
  const shares = await Promise.all(capsules.map(async ({ header: headerBytes, share: seal }) => {
    const courierKey = await couriers.of(named.get(toHex(seal.encapsulation)) as Uint8Array)
    const share = await openShare({ headerBytes, seal, index, courierKey })
    return { headerHash: capsuleHeaderHash(headerBytes), share }
  }))
  const accessId = statementId(signed)
  const { enc, sealed } = await sealRelease({ accessId, trustee: identity.id, oneTimeKey, shares })
  return encode(ReleaseAnswer, { trustee: identity.id, access: accessId, enc, sealed })
}

/** From now on that trustee lies; the answer ends it. Its process goes on, and never hears of what it released. */
export const lyingTrustee = ({ network }: Pick<Constellation, 'network'>, trustee: PartyHandle): (() => void) =>
  network.add({
    host: trustee.host, method: 'POST', target: /^\/v1\/releases$/,
    effect: {
      kind: 'replace',
      handle: async ({ body }): Promise<NetworkAnswer> => ({
        status: 200, headers: { 'content-type': 'application/cbor' },
        body: await releaseOf(trustee, body ?? new Uint8Array(0)),
      }),
    },
  })
