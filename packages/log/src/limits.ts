/** Limits of the log's formats. Sizes are bytes unless the name says otherwise. */
export const LOG_LIMITS = {
  /** Hashes in a full tile, entries in a full bundle: c2sp.org/tlog-tiles. */
  tileWidth: 256,
  /** log2 of the above: levels of the tree that one level of tiles spans. */
  tileHeight: 8,
  /** Hashes of a proof: the tree has less than 2^63 leaves. */
  proofHashes: 63,
  /** One entry: its length stands in 16 bits. */
  entry: 65_535,
  /** A signed note with its signatures: sixteen of the longest kinds, 5 kB each in base64, and room to spare. */
  note: 128 * 1024,
  /** Signature lines of one note. */
  signatures: 64,
  /** Extension lines of a checkpoint. */
  extensions: 16,
  /** An `add-checkpoint` request, and a proof file: a note, 63 hashes, and what a proof file carries beside. */
  request: 160 * 1024,
  /** Tiles of leaf hashes that a `TileReader` keeps, 8 kB each; those above them are 256 times fewer, and all kept. */
  recentTiles: 64,
} as const
