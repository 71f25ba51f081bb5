/** What a manifest changes. */
import { controlSubject, type Manifest } from '@scelle/seal/verify'
import type { ManifestOperation } from './store.ts'

/** `bytes`: the signed manifest, whose statement id is `id`. */
export const manifestOperation = (bytes: Uint8Array, manifest: Manifest, id: Uint8Array): ManifestOperation => ({
  kind: 'manifest',
  statement: { id, bytes, subject: controlSubject(bytes) },
  vault: manifest.vault,
  custodian: manifest.custodian,
  version: manifest.version,
  previous: manifest.previous,
  categories: manifest.categories.map(({ category, epoch, strict, accessLog = false }) => ({
    category, epoch, strict, accessLog,
  })),
})
