/**
 * Proofs by the vectors of transparency-dev's merkle library, valid and corrupted. Its subtree vectors (of a draft for
 * Merkle tree certificates) are not run: no proof of ours is of a subtree, so nothing here could read them. Of the rest
 * one asks for a refusal that c2sp.org/tlog-witness asks us not to make, from size 0 to another: it is refused here for
 * its second root, which is no hash, and `proofs.test.ts` shows that the empty tree is the beginning of every tree.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LogError, verifyConsistency, verifyInclusion } from '@scelle/log'
import { describe, expect, test } from 'vitest'

const folder = join(process.env['SCELLE_SHARED'] ?? '', 'vectors/rfc6962-merkle/testdata')
const there = existsSync(folder)
if (!there) console.warn('vectors of RFC 6962 trees are absent (SCELLE_SHARED): their tests are skipped')

interface Vector {
  readonly name: string
  readonly proof: readonly string[] | null
  readonly wantErr: boolean
  readonly [field: string]: unknown
}

const vectors = (kind: string): Vector[] =>
  (there ? readdirSync(join(folder, kind), { recursive: true, encoding: 'utf8' }) : [])
    .filter((file) => file.endsWith('.json'))
    .toSorted()
    .map((name) => ({ ...(JSON.parse(readFileSync(join(folder, kind, name), 'utf8')) as Vector), name }))

const bytes = (text: unknown): Uint8Array => new Uint8Array(Buffer.from((text as string | null) ?? '', 'base64'))
const proofOf = ({ proof }: Vector): Uint8Array[] => (proof ?? []).map(bytes)

const CHECKS: Record<string, (vector: Vector) => void> = {
  inclusion: (vector) => {
    const place = { index: Number(vector['leafIdx']), size: Number(vector['treeSize']), root: bytes(vector['root']) }
    verifyInclusion(bytes(vector['leafHash']), place, proofOf(vector))
  },
  consistency: (vector) => {
    const tree = (which: 1 | 2): { size: number; root: Uint8Array } => ({
      size: Number(vector[`size${which}`]), root: bytes(vector[`root${which}`]),
    })
    verifyConsistency(tree(1), tree(2), proofOf(vector))
  },
}

const holds = (check: () => void): boolean => {
  try {
    check()
    return true
  } catch (error) {
    if (error instanceof LogError) return false
    throw error
  }
}

describe.skipIf(!there).each([['inclusion', 40, 1], ['consistency', 49, 2]] as const)('%s', (kind, count, valid) => {
  const all = vectors(kind)

  test(`there are ${count} vectors, ${valid} of them valid`, () => {
    expect(all).toHaveLength(count)
    expect(all.filter(({ wantErr }) => !wantErr)).toHaveLength(valid)
  })

  test.each(all.map((vector) => [vector.name, vector] as const))('%s', (_, vector) => {
    expect(holds(() => CHECKS[kind]?.(vector))).toBe(!vector.wantErr)
  })
})
