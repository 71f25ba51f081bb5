/** Everything that can be wrong with a log's words, by name. The union is closed: callers may switch over it. */
export type LogErrorCode =
  | 'note-malformed'
  | 'signature-invalid'
  | 'key-malformed'
  | 'checkpoint-malformed'
  | 'checkpoint-unsigned'
  | 'origin-unknown'
  | 'cosignatures-insufficient'
  | 'proof-malformed'
  | 'inclusion-invalid'
  | 'consistency-invalid'
  | 'tile-malformed'
  | 'tile-mismatch'
  | 'entry-mismatch'
  | 'size-invalid'

/** A log's word was refused. `code` says which rule it broke, `message` what it was; neither holds content. */
export class LogError extends Error {
  readonly code: LogErrorCode
  constructor(code: LogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'LogError'
    this.code = code
  }
}
