/** What every engine must do: run against each, by a function that opens an empty store. */
import { afterEach, beforeEach, describe } from 'vitest'
import { testEntries } from './store-entries.ts'
import { testNotices } from './store-notices.ts'
import { testRights } from './store-rights.ts'
import { testSignOuts } from './store-sign-outs.ts'
import { type OpenedStore, Suite } from './store-suite.ts'
import { testWraps } from './store-wraps.ts'
import { testWriting } from './store-writing.ts'

export const describeStore = (name: string, open: () => Promise<OpenedStore>): void => {
  describe(`store contract: ${name}`, () => {
    const suite = new Suite()
    beforeEach(async () => suite.start(await open()))
    afterEach(async () => suite.end())
    testWriting(suite)
    testRights(suite)
    testEntries(suite)
    testNotices(suite)
    testWraps(suite)
    testSignOuts(suite)
  })
}
