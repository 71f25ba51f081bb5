/** Vaults, manifests and category secrets: for those who hold them. */
export { earlierSecrets, type EpochSecrets } from './keys/epochs.ts'
export {
  ACCESS_LOG,
  type CategoryKey,
  createManifest,
  drawCategoryKey,
  type MadeManifest,
  type NewCategory,
  openManifest,
  requireCategoryKey,
  rotateCategories,
  type Rotation,
} from './keys/manifest.ts'
export { createVault, type MadeVault, type NewVaultFields } from './keys/vault.ts'
