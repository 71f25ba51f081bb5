/** Grants with a ticket, standing ones, strict categories, and what each legal basis carries: valid, and wrong in one thing. */
import { createGrant, createRevocation } from '../../packages/seal/src/grants.ts'
import * as seal from '../../packages/seal/src/verify.ts'
import { context, type Golden, nowSeconds } from './golden.ts'
import { bodyOf, chainOf } from './material.ts'
import type { Vector } from './operations.ts'

const { toHex, RIGHTS } = seal
const TICKET = seal.sha256(seal.u32(1))
const OTHER = seal.sha256(seal.u32(2))

type Change = Partial<Omit<seal.Grant, 'suite' | 'salt'>>
type Made = Awaited<ReturnType<typeof createGrant>>

export const grantFieldCases = async ({ owner, grantee, team, root, child, made, second }: Golden): Promise<Vector[]> => {
  const at = nowSeconds()
  const { suite: _, salt: __, ...rootFields } = root.grant
  const { suite: ___, salt: ____, parent: _____, ...childFields } = child.grant
  const from = { secrets: second.secrets, manifestVersion: 2 }
  const first = (change: Change): Promise<Made> =>
    createGrant({ ...from, signer: owner, grantee: grantee.keys, grant: { ...rootFields, ...change } }, context)
  const below = (parent: Made, change: Change): Promise<Made> =>
    createGrant({ ...from, signer: grantee, grantee: team.keys, grant: { ...childFields, parent: parent.id, ...change } }, context)
  const chainCase = (name: string, chain: readonly Made[], purpose: string): Vector => ({
    name, op: 'grant-chain', in: {
      chain: chain.map(({ grantSigned }) => toHex(grantSigned)), vault: toHex(made.vault), custodian: toHex(owner.id), keys: [owner, grantee, team].map(chainOf), at,
      reader: toHex(chain.at(-1)!.grant.grantee), categories: [], rights: RIGHTS.read, purpose,
    },
  })
  const two = async (name: string, parent: Change, change: Change, purpose = 'treatment'): Promise<Vector> => {
    const above = await first(parent)
    return chainCase(name, [above, await below(above, change)], purpose)
  }
  const alone = async (name: string, change: Change, purpose = 'treatment'): Promise<Vector> => chainCase(name, [await first(change)], purpose)
  const strict = rootFields.categories
  const care = { basis: 'care-team', standing: true } as const
  const duty: Change = { basis: 'legal-duty', purposes: ['legal'], rights: RIGHTS.read | RIGHTS.shareOn }
  const officer: Change = { basis: 'legal-duty', purposes: ['legal'], rights: RIGHTS.read }
  const keeper = await first(duty)
  const kept = await below(keeper, officer)
  const bodies = [keeper, kept].map(({ grantSigned }) => toHex(bodyOf(grantSigned)))
  const ids = [keeper, kept].map(({ id }) => toHex(id))
  const ended = async (grant: Made, signer: typeof owner): Promise<string> =>
    toHex((await createRevocation({ vault: made.vault, grant: grant.id, signer }, context)).signed)
  const all = await first({ ticket: TICKET, standing: true, strict })
  const sample = bodyOf(all.grantSigned)
  return [
    { name: 'a Grant with every field', op: 'decode', in: { struct: 'Grant', bytes: toHex(sample) } },
    { name: 'a Grant that says it is standing with a number', op: 'decode', in: { struct: 'Grant', bytes: toHex(sample).replace('0ff510', '0f0110') } },
    await two('child under its parent\'s ticket', { ticket: TICKET }, { ticket: TICKET }),
    await two('child under a ticket, its parent under none', {}, { ticket: TICKET }),
    await two('child that leaves the ticket', { ticket: TICKET }, {}),
    await two('child under another ticket', { ticket: TICKET }, { ticket: OTHER }),
    await two('standing child of a standing grant', { standing: true }, { standing: true }),
    await two('standing child of another grant', {}, { standing: true }),
    await two('child of a standing grant that is good without a fact', { standing: true }, {}),
    await two('child of a standing grant that says false', { standing: true }, { standing: false }),
    await two('child that says what is strict', { strict }, { strict: strict.slice(0, 1) }),
    await two('child that leaves out what is strict', { strict }, {}),
    await two('child without the categories that are strict', { strict: strict.slice(1) }, {}),
    await two('care team on duty', { ...care, rights: RIGHTS.read | RIGHTS.shareOn }, care),
    await alone('care team', care),
    await alone('care team without a fact', { basis: 'care-team' }),
    await alone('care team that does research', { ...care, purposes: ['treatment', 'research'] }),
    await alone('vital interest', { basis: 'vital-interest' }),
    await alone('consent to the purpose of a legal duty', { purposes: ['treatment', 'legal'] }),
    await alone('keeper', duty, 'legal'),
    chainCase('keeper and its officer', [keeper, kept], 'legal'),
    await alone('keeper that treats', { ...duty, purposes: ['treatment', 'legal'] }, 'legal'),
    await alone('keeper that writes', { ...duty, rights: RIGHTS.read | RIGHTS.write }, 'legal'),
    await alone('keeper on a fact', { ...duty, standing: true }, 'legal'),
    await alone('keeper under a ticket', { ...duty, ticket: TICKET }, 'legal'),
    { name: 'keeper\'s right ended by the owner', op: 'revocation', in: { signed: await ended(keeper, owner), revoker: chainOf(owner), grants: bodies.slice(0, 1), ids: ids.slice(0, 1) } },
    { name: 'keeper\'s right given up by the keeper', op: 'revocation', in: { signed: await ended(keeper, grantee), revoker: chainOf(grantee), grants: bodies.slice(0, 1), ids: ids.slice(0, 1) } },
    { name: 'officer\'s right ended by the owner', op: 'revocation', in: { signed: await ended(kept, owner), revoker: chainOf(owner), grants: bodies, ids } },
    { name: 'officer\'s right ended by the keeper', op: 'revocation', in: { signed: await ended(kept, grantee), revoker: chainOf(grantee), grants: bodies, ids } },
  ]
}
