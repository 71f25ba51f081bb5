/** A transparency log's rules: RFC 6962 and the C2SP formats around it. Pure: no storage, no network, no clock. */
export { LogError, type LogErrorCode } from './errors.ts'
export { LOG_LIMITS } from './limits.ts'
export { fromBase64, toBase64 } from './bytes.ts'
export {
  CompactRange, EMPTY_ROOT, foldNodes, leafHash, nodeHash, perfectNodes, rootOfLeaves, type TreeNode,
} from './tree.ts'
export {
  consistencyProof, inclusionProof, type ReadNodes, rootFromInclusion, rootsFromConsistency, type Tree, treeRoot,
  verifyConsistency, verifyInclusion,
} from './proofs.ts'
export {
  formatBundle, fullTileRoot, newTiles, nodeInTile, parseBundle, parseTilePath, type Tile, tileHashes, tileOf, tilePath,
  tileWidthIn,
} from './tiles.ts'
export { nodesFromTiles, type ReadTile, TileReader } from './tile-reader.ts'
export {
  cosignNote, formatKey, formatNote, formatSignature, heldSignatures, type HeldSignature, isKeyName, keyId, type Note,
  type NoteKey, type NoteSignature, parseKey, parseNote, parseSignatures, signNote, type SignEd25519,
  type VerifyEd25519,
} from './note.ts'
export {
  type Checkpoint, checkpointText, type LogPolicy, parseCheckpoint, type SignedCheckpoint, verifyCheckpoint,
} from './checkpoint.ts'
export { formatProof, type LogProof, parseProof, verifyProof } from './proof-file.ts'
export {
  type AddCheckpoint, decideCosignature, formatAddCheckpoint, parseAddCheckpoint, WITNESS_STATUS, type WitnessDecision,
  type WitnessRefusal,
} from './witness.ts'
