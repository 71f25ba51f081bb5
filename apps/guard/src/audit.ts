/**
 * One line for each request that is let through, on the disk before the legacy system sees it: who, by which rule, and
 * when. Never what: a path may hold a patient's number, so the rule's place stands for it. What came of it is in the
 * guard's log, under the same request id.
 */
import { open } from 'node:fs/promises'
import { Problem } from '@scelle/wire/errors'

export interface AuditLine {
  /** ISO 8601, UTC. */
  readonly time: string
  readonly request: string
  readonly method: string
  /** Place in the configuration's `allow`, from 0. */
  readonly rule: number
  readonly kind: 'person' | 'machine'
  /** Principal id in hex. */
  readonly who: string
  readonly role?: string
  /** Name of the session, which each of its requests has. */
  readonly session?: string
}

/** Resolves once the line is kept. Throws `internal` where it cannot be: nobody passes unseen. */
export type Audit = (line: AuditLine) => Promise<void>

interface Waiting {
  readonly text: string
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

/** Lines that wait are written, and forced onto the disk, together. */
export const auditFile = async (path: string): Promise<{ audit: Audit; close: () => Promise<void> }> => {
  const file = await open(path, 'a', 0o600)
  let waiting: Waiting[] = []
  let writing: Promise<void> | undefined
  const write = async (): Promise<void> => {
    while (waiting.length > 0) {
      const now = waiting
      waiting = []
      try {
        await file.appendFile(now.map(({ text }) => text).join(''))
        await file.datasync()
        for (const { done } of now) done()
      } catch (error) {
        for (const { failed } of now) failed(error)
      }
    }
    writing = undefined
  }
  const audit: Audit = (line) => new Promise((done, reject) => {
    const failed = (cause: unknown): void => { reject(new Problem('internal', undefined, { cause })) }
    waiting.push({ text: `${JSON.stringify(line)}\n`, done, failed })
    writing ??= write()
  })
  const close = async (): Promise<void> => {
    await writing
    await file.close()
  }
  return { audit, close }
}
