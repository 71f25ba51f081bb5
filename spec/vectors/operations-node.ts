/** What trustees alone do, on Node: not among what browsers run. */
import { Journal } from '../../apps/trustee/src/meter/journal.ts'
import { importIdentity } from '../../packages/seal/src/identity.ts'
import { hex, OPERATIONS, plain } from './operations.ts'

export const ALL_OPERATIONS: typeof OPERATIONS = {
  ...OPERATIONS,
  charge: async ({ charge, access, identity }) => plain(new Journal(await importIdentity(hex(identity))).open(hex(charge), hex(access))),
}
