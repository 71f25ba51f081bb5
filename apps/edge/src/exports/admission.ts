import { EdgeError } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'

/**
 * Asked before the first chart of an export is opened, with the number of patients it would open. The meter's place:
 * today a limit of this edge, which a compromised edge does not keep. Throws `too-costly`.
 */
export const admitExport = (patients: number): void => {
  if (patients > EDGE_LIMITS.exportPatients) {
    throw new EdgeError('too-costly', `an export may open ${EDGE_LIMITS.exportPatients} charts: export a Group`)
  }
}
