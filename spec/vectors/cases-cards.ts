/** Cards that patients carry: opened, and each with one thing wrong. */
import { sealCard } from '../../packages/seal/src/envelope.ts'
import type { Identity } from '../../packages/seal/src/identity.ts'
import * as seal from '../../packages/seal/src/verify.ts'
import { context, type Golden, nowSeconds } from './golden.ts'
import { bodyOf, changed, stored } from './material.ts'
import type { Vector } from './operations.ts'

const { toHex } = seal
const DAY = 86_400

const SUMMARY = JSON.stringify({
  resourceType: 'Bundle', type: 'document', entry: [
    { resource: { resourceType: 'Composition', status: 'final', title: 'Résumé' } },
    { resource: { resourceType: 'AllergyIntolerance', code: { text: 'Pénicilline' } } },
  ],
})

export const cardCases = async ({ owner, former, writer, team, grantee, made }: Golden): Promise<Vector[]> => {
  const at = nowSeconds()
  const make = async (expires: number, sites: readonly Identity[] = [team]): Promise<Uint8Array> => (await sealCard({
    summary: new TextEncoder().encode(SUMMARY), genesisSigned: made.genesisSigned, issuer: owner, expires,
    emergencyKeys: sites.map(({ keys }) => keys),
  }, context)).bytes
  const card = await make(at + 30 * DAY)
  const other = seal.decode(seal.Card, bodyOf(seal.decode(seal.CardFile, await make(at + 30 * DAY)).card))
  const file = seal.decode(seal.CardFile, card)
  const body = seal.decode(seal.Card, bodyOf(file.card))
  const header = seal.decode(seal.CardHeader, body.header)
  const signed = async (change: Partial<seal.Card>, signer = owner, chain = file.chain): Promise<Uint8Array> =>
    seal.encode(seal.CardFile, { ...file, chain, card: await signer.sign('card', seal.encode(seal.Card, { ...body, ...change })) })
  const headed = (change: Partial<seal.CardHeader>): Promise<Uint8Array> =>
    signed({ header: seal.encode(seal.CardHeader, { ...header, ...change }) })
  const vector = (name: string, bytes: Uint8Array, more: { site?: Identity; at?: number } = {}): Vector => ({
    name, op: 'card', in: { card: toHex(bytes), identity: stored(more.site ?? team), at: more.at ?? at },
  })
  return [
    vector('a card', card),
    vector('a card for two sites', await make(at + DAY, [grantee, team])),
    vector('a card at its last second', card, { at: at + 30 * DAY - 1 }),
    vector('a card that ended', card, { at: at + 30 * DAY }),
    vector('a card a day early', card, { at: at - DAY }),
    vector('a card two days early', card, { at: at - 2 * DAY }),
    vector('a card at another site', card, { site: grantee }),
    vector('a card longer than a year', await headed({ expires: at + 367 * DAY })),
    vector('a card made later', await headed({ expires: header.expires + 1 })),
    vector('a card of another vault', await headed({ vault: owner.id })),
    vector('a card of another issuer', await headed({ issuer: writer.id })),
    vector('a card of another suite', await headed({ suite: 2 })),
    vector('a card of an unknown dictionary', await headed({ dictionary: 2 })),
    vector('a card with another body', await signed({ body: other.body })),
    vector('a card for nobody', await signed({ recipients: [] })),
    vector('a card for one site twice', await signed({ recipients: [body.recipients[0]!, body.recipients[0]!] })),
    vector('a card with its recipient renamed', await signed({ recipients: body.recipients.map((one) => ({ ...one, recipient: grantee.id })) }), { site: grantee }),
    vector('a card under a replaced key', await signed({}, former)),
    vector('a card by another with its keys', await signed({}, writer, [...writer.chain])),
    vector('a card by another', await signed({}, writer)),
    vector('a card with a forged signature', seal.encode(seal.CardFile, { ...file, card: changed(file.card, -1) })),
    vector('a grant in a card\'s place', seal.encode(seal.CardFile, { ...file, card: await owner.sign('grant', bodyOf(file.card)) })),
    vector('a card with a byte more', new Uint8Array([...card, 0])),
    vector('a card cut short', card.subarray(0, -1)),
  ]
}
