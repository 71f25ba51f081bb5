/**
 * The thread that prepares transactions. It gets text and rules, and gives back text: it holds no key, opens no file
 * and no connection. What it was sent is overwritten before it answers.
 */
import { randomUUID } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import type { RuleTable } from '@scelle/fhir/categories'
import { installDefinitions } from '@scelle/fhir/validate'
import { type Preparation, prepareTransaction, type ToPrepare } from './prepare.ts'

export interface Job extends ToPrepare {
  readonly job: number
}

/** Without a job: it is ready for some. */
export interface Done {
  readonly job?: number
  readonly preparation?: Preparation
}

const { rules } = workerData as { rules: RuleTable }
installDefinitions()

const preparationOf = (asked: ToPrepare): Preparation => {
  try {
    return prepareTransaction(asked, { rules, newId: randomUUID })
  } catch {
    // Whoever asked finds the same fault, and words it.
    return undefined
  } finally {
    asked.body.fill(0)
  }
}

const port = parentPort
const answer = (done: Done, handed: ArrayBuffer[] = []): void => port?.postMessage(done, handed)

port?.on('message', ({ job, ...asked }: Job) => {
  const preparation = preparationOf(asked)
  answer({ job, preparation }, preparation !== undefined && 'texts' in preparation ? [preparation.texts.buffer] : [])
})
answer({})
