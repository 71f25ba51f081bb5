/** Content-free by construction: an event's name and fields that are numbers, booleans or words from our own code. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>
export type Log = (event: string, fields?: LogFields) => void

/** One JSON line per event. */
export const lineLog = (write: (line: string) => void, now: () => number): Log => (event, fields = {}) => {
  write(`${JSON.stringify({ time: new Date(now()).toISOString(), event, ...fields })}\n`)
}

/** What an error may say in a log: its class and code. Its message may quote content. */
export const faultFields = (error: unknown): LogFields => {
  const known = error as { name?: unknown; code?: unknown } | null
  return {
    error: typeof known?.name === 'string' ? known.name : 'unknown',
    ...(typeof known?.code === 'string' ? { code: known.code } : {}),
  }
}
