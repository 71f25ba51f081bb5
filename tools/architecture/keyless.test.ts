/** DESIGN's first sentence: index and guard open nothing. A trustee opens only its own shares. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../repository.ts'
import { fileImports, workspaces } from './graph.ts'
import { bundleComplaints, entriesOf, sealFilesForbidden, type Server, walkComplaints } from './keyless.ts'

const all = workspaces()

const SERVERS: Server[] = ['apps/index', 'apps/trustee', 'apps/guard']

describe.each(SERVERS)('%s cannot open a record or a category key', (server) => {
  test('no import leads there', () => {
    expect(entriesOf(server, all).flatMap((entry) => walkComplaints(server, entry, all))).toEqual([])
  })

  test('no bundle holds it', async () => {
    const complaints = await Promise.all(entriesOf(server, all).map((entry) => bundleComplaints(server, entry, all)))
    expect(complaints.flat()).toEqual([])
  })
})

describe('the proof can fail', () => {
  /** The walk, with one import added to a server's own entry. */
  const walkWith = (server: Server, specifier: string): string[] => {
    const entry = `${server}/src/main.ts`
    return walkComplaints(server, entry, all, (path) =>
      path === entry ? [{ specifier, typeOnly: false }] : fileImports(path),
    )
  }

  test.each<[Server, string]>([
    ['apps/index', '@scelle/seal/envelope'], ['apps/index', '@scelle/seal/keys'], ['apps/index', '@scelle/seal/grants'],
    ['apps/index', '@scelle/seal/shares'], ['apps/index', '@scelle/sdk'], ['apps/trustee', '@scelle/seal/envelope'],
    ['apps/trustee', '@scelle/seal/keys'], ['apps/trustee', '@scelle/seal/grants'], ['apps/trustee', '@scelle/sdk'],
    ['apps/index', 'shamir-secret-sharing'], ['apps/index', '@scelle/seal/recovery'],
    ['apps/trustee', '@scelle/seal/recovery'], ['apps/guard', '@scelle/seal/envelope'],
    ['apps/guard', '@scelle/seal/shares'], ['apps/guard', '@scelle/sdk'], ['apps/guard', '@scelle/trustee'],
  ])('%s importing %s is caught by the walk', (server, specifier) => {
    expect(walkWith(server, specifier)).not.toEqual([])
  })

  test('an import of types alone is not an offence', () => {
    const entry = 'apps/index/src/main.ts'
    const typed = [{ specifier: '@scelle/seal/envelope', typeOnly: true }]
    expect(walkComplaints('apps/index', entry, all, () => typed)).toEqual([])
  })

  test.each<[Server, string]>([
    ['apps/index', "export * from '@scelle/seal/envelope'"],
    ['apps/index', "export * from '@scelle/seal/shares'"],
    ['apps/index', "export const sdk = () => import('@scelle/sdk')"],
    ['apps/index', "export { createDecipheriv } from 'node:crypto'"],
    ['apps/trustee', "export * from '@scelle/seal/grants'"],
    ['apps/guard', "export * from '@scelle/seal/keys'"],
    ['apps/guard', "export { createDecipheriv } from 'node:crypto'"],
    ['apps/trustee', "export { combine } from 'shamir-secret-sharing'"],
  ])('a synthetic %s that says %s is caught in the bundle', async (server, source) => {
    const folder = mkdtempSync(join(ROOT, 'node_modules', '.keyless-'))
    try {
      const entry = join(folder, 'main.ts')
      writeFileSync(entry, source)
      expect(await bundleComplaints(server, entry, all)).not.toEqual([])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('what is forbidden is not empty, and holds the door that opens records', () => {
    expect(sealFilesForbidden('apps/index', all)).toContain('packages/seal/src/envelope.ts')
    expect(sealFilesForbidden('apps/trustee', all)).toContain('packages/seal/src/envelope.ts')
    expect(sealFilesForbidden('apps/index', all)).toContain('packages/seal/src/shares.ts')
    expect(sealFilesForbidden('apps/trustee', all)).not.toContain('packages/seal/src/shares.ts')
  })
})
