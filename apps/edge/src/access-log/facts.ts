/** What this edge knows of an opening, and how it tells the patient. */
import { accessAudit } from '@scelle/fhir/audit'
import type { AccessAbout, AccessFacts } from '@scelle/sdk'
import type { Sessions } from '../sessions.ts'
import type { Directory } from '../store/directory.ts'

/** The text of an entry in a patient's access log. */
export const entryText = ({ signed, houses, offline, ...facts }: AccessFacts): string =>
  JSON.stringify(accessAudit({
    ...facts,
    signed: Buffer.from(signed).toString('base64'),
    ...(offline === undefined ? {} : { offline: Buffer.from(offline).toString('base64') }),
    houses: houses?.map(({ status, ...house }) => ({ ...house, status: Buffer.from(status).toString('base64') })),
  }))

/**
 * On whose behalf a session opens a vault. A person is told by the name that the application signs for them, which says
 * something to this organisation alone; what the edge does by itself has no session.
 */
export const aboutOf = (
  organisation: string, whoseIs: Sessions['whose'], directory: Pick<Directory, 'vault'>,
) => (session: string, vault: string): AccessAbout => {
  const whose = whoseIs(session)
  const patient = directory.vault(vault)?.patient
  return {
    organisation,
    ...(whose === undefined ? {} : { application: whose.principal }),
    ...(whose === undefined || whose.name === '' ? {} : { person: whose.name }),
    ...(patient === undefined ? {} : { patient }),
  }
}
