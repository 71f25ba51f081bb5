/** What a sign-in for an application rests on beside the passkey page: launches, patients to choose, confirmations. */
import type { Client } from '@scelle/sdk'
import type { Repository } from '../repository.ts'
import type { Search } from '../search.ts'
import type { assembleStaff } from '../staff/assemble.ts'
import type { Directory } from '../store/directory.ts'
import { Launches } from './launches.ts'
import { PatientChoice } from './patient-choice.ts'
import { StepUps } from './step-ups.ts'

export interface AroundSignIn {
  readonly launches: Launches
  readonly choice: PatientChoice
  readonly stepUps: StepUps
}

export interface AroundSignInParts {
  readonly people: Awaited<ReturnType<typeof assembleStaff>>
  readonly client: Client
  readonly repository: Repository
  readonly search: Search
  readonly directory: Directory
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
}

export const aroundSignIn = (
  { people, client, repository, search, directory, now, random }: AroundSignInParts,
): AroundSignIn => ({
  launches: new Launches({ repository, now, random, personIn: (session) => people.staff.of(session)?.id }),
  choice: new PatientChoice({ ...people, search, directory }),
  stepUps: new StepUps({ ...people, repository, client, self: directory.self, now, random }),
})
