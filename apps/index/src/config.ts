/** The index's configuration file. Paths are relative to its folder. */
import { authorities, databaseUrl, filePath, listenAddress, peers, principalIds, settings } from '@scelle/wire/config'

export const configSchema = settings({
  listen: listenAddress,
  /** The index's own identity, as `exportIdentity` writes it. */
  identity: filePath,
  /** Directory of database, blobs and cursor secret. */
  data: filePath,
  /** PostgreSQL instead of the embedded engine. Blobs stay in `data`, which all processes of one index then share. */
  database: databaseUrl,
  /** Organisations that may create vaults in custody and deposit into them. */
  admitted: principalIds,
  /** The trustees and their base URLs: they cosign the log. */
  trustees: peers,
  authorities,
})
