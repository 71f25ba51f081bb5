/** A refusal of the twin itself. */
export class TwinError extends Error {
  readonly code: 'not-found' | 'not-supported' | 'business-rule' | 'too-costly' | 'value'
  readonly status: number

  constructor(status: number, code: TwinError['code'], message: string) {
    super(message)
    this.name = 'TwinError'
    this.code = code
    this.status = status
  }
}
