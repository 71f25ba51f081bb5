/** Vital interest, and which of its categories open without a colleague: `summary` narrows on the way down, like all the others. */
import { createGrant } from '../../packages/seal/src/grants.ts'
import * as seal from '../../packages/seal/src/verify.ts'
import { context, type Golden, nowSeconds } from './golden.ts'
import { bodyOf, chainOf } from './material.ts'
import { type Vector } from './operations.ts'

const { toHex, RIGHTS } = seal
type Change = Partial<Omit<seal.Grant, 'suite' | 'salt'>>

export const summaryCases = async ({ owner, grantee, team, root, child, made, second }: Golden): Promise<Vector[]> => {
  const from = { secrets: second.secrets, manifestVersion: 2 }
  const [one, two] = root.grant.categories as [Uint8Array, Uint8Array]
  const { suite: _, salt: __, patientsPerDay: ___, ...rootFields } = root.grant
  const { suite: ____, salt: _____, parent: ______, patientsPerDay: _______, ...childFields } = child.grant
  const vital: Change = { basis: 'vital-interest', purposes: ['emergency'], rights: RIGHTS.read | RIGHTS.shareOn, categories: [one, two] }
  const above = (change: Change) => createGrant({ ...from, signer: owner, grantee: grantee.keys, grant: { ...rootFields, ...vital, ...change } }, context)
  const below = (parent: Uint8Array, change: Change) =>
    createGrant({ ...from, signer: grantee, grantee: team.keys, grant: { ...childFields, ...vital, rights: RIGHTS.read, parent, ...change } }, context)
  const chain = async (name: string, first: Change, next?: Change): Promise<Vector> => {
    const parent = await above(first)
    const grants = next === undefined ? [parent] : [parent, await below(parent.id, next)]
    return {
      name: `vital interest: ${name}`, op: 'grant-chain', in: {
        chain: grants.map(({ grantSigned }) => toHex(grantSigned)), vault: toHex(made.vault), custodian: toHex(owner.id), keys: [owner, grantee, team].map(chainOf),
        at: nowSeconds(), reader: toHex(grants.at(-1)!.grant.grantee), categories: [], rights: RIGHTS.read, purpose: 'emergency',
      },
    }
  }
  const all = bodyOf((await above({ summary: [one], strict: [two] })).grantSigned)
  const listed = toHex(bodyOf((await above({ summary: Array.from({ length: 32 }, () => one) })).grantSigned))
  return [
    { name: 'a Grant with a summary', op: 'decode', in: { struct: 'Grant', bytes: toHex(all) } },
    { name: 'a Grant with a summary of 33 categories', op: 'decode', in: { struct: 'Grant', bytes: `${listed.replace('119820', '119821')}50${toHex(one)}` } },
    { name: 'a Grant whose summary is no list', op: 'decode', in: { struct: 'Grant', bytes: toHex(all).replace('1181', '1141') } },
    await chain('alone', {}),
    await chain('with a summary', { summary: [one] }),
    await chain('child with the same summary', { summary: [one] }, { summary: [one] }),
    await chain('child with a smaller summary', { summary: [one, two] }, { summary: [two] }),
    await chain('child without a summary', { summary: [one] }, {}),
    await chain('child with a larger summary', { summary: [one] }, { summary: [one, two] }),
    await chain('child with a summary, its parent without', {}, { summary: [one] }),
    await chain('for treatment', { purposes: ['emergency', 'treatment'] }),
    await chain('that writes', { rights: RIGHTS.read | RIGHTS.write }),
    await chain('on a fact', { standing: true }),
    await chain('under a ticket', { ticket: seal.sha256(seal.u32(1)) }),
  ]
}
