/** What can be wrong with a request for a population. */
export type PopulationErrorCode = 'seed-empty' | 'size-invalid' | 'date-invalid'

/** The generator refused its parameters; `message` says what to give instead. */
export class PopulationError extends Error {
  readonly code: PopulationErrorCode
  constructor(code: PopulationErrorCode, message: string) {
    super(message)
    this.name = 'PopulationError'
    this.code = code
  }
}
