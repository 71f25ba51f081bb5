/** The page's program. Another request on the same page, by its address alone, is another visit. */
import file from '#constellation' with { type: 'json' }
import { readConstellation } from './constellation.ts'
import { browserContext } from '../platform.ts'
import { visit } from './visitor.ts'

globalThis.addEventListener('hashchange', () => {
  location.reload()
})
await visit(readConstellation(file), browserContext)
