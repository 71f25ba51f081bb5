/** What every task works with, and how it asks for a gesture again when one went wrong. */
import type { Context } from '@scelle/seal/verify'
import { SealError } from '@scelle/seal/verify'
import type { PageAnswer, PageCall } from '@scelle/wire/passkey-page'
import type { Asked } from '../asked.ts'
import { CeremonyProblem, type Ceremonies } from '../ceremony.ts'
import type { Device } from '../device.ts'
import type { Fact, Screen, Stage } from '../screen.ts'
import type { Words } from '../words/words.ts'

export interface Visit {
  readonly asked: Asked
  readonly stage: Stage
  readonly ceremonies: Ceremonies
  readonly context: Context
  readonly device: Device
  /** What tells the trustees that a PIN was right, gathered while the root was had: it goes with the answer. */
  readonly known: PageCall[]
}

/** What a task ends with: the fields of the answer beside suite and state. */
export type Outcome = Omit<PageAnswer, 'suite' | 'state'>

/** The person said no, or gave up after something went wrong. */
export class Declined extends Error {
  readonly outcome: Outcome
  constructor(problem: Outcome['problem'] = 'declined') {
    super(problem)
    this.name = 'Declined'
    this.outcome = { problem }
  }
}

/** The page is left for the trustees' answers, and visited once more for the same task. */
export class Interrupted extends Error {
  readonly outcome: Outcome
  constructor(outcome: Outcome) {
    super('the trustees are asked first')
    this.name = 'Interrupted'
    this.outcome = outcome
  }
}

export const secondsNow = ({ context }: Pick<Visit, 'context'>): number => Math.floor(context.now() / 1000)

type Touch = keyof Words['touch']

const problemOf = (error: unknown): keyof Words['problems'] => {
  if (error instanceof CeremonyProblem) return error.problem
  if (error instanceof SealError) return 'changed'
  throw error
}

/** One gesture, as often as the person tries it. Throws {@link Declined}. */
export const gesture = async <T>({ stage }: Visit, touch: Touch, ask: () => Promise<T>): Promise<T> => {
  for (;;) {
    stage.show(({ touch: words }) => ({ ...words[touch], tone: 'wait', actions: [] }))
    let problem: keyof Words['problems']
    try {
      return await ask()
    } catch (error) {
      problem = problemOf(error)
    }
    const action = await stage.choose(({ problems, actions }): Screen<'retry' | 'decline'> => ({
      ...problems[problem],
      tone: 'stop',
      actions: [{ name: 'retry', label: actions.retry }, { name: 'decline', label: actions.decline }],
    }))
    if (action === 'decline') throw new Declined(problem === 'changed' ? 'no-recovery' : problem)
  }
}

/** Shows what is to be agreed to. Throws {@link Declined}. */
export const agree = async (
  { stage }: Visit, screen: (words: Words) => Omit<Screen<never>, 'actions'> & { readonly agree: string },
): Promise<void> => {
  const action = await stage.choose((words): Screen<'agree' | 'decline'> => {
    const { agree: label, ...shown } = screen(words)
    return {
      ...shown, actions: [{ name: 'agree', label }, { name: 'decline', label: words.actions.decline }],
    }
  })
  if (action === 'decline') throw new Declined()
}

/** Who asks, for whom, and where the answer goes. */
export const partiesShown = ({ asked }: Visit, { labels }: Words): { first: Fact[]; last: Fact[] } => {
  const { houseName, request, returnOrigin } = asked
  return {
    first: [
      { label: labels.house, value: houseName, note: labels.certified },
      ...(request.personName === undefined ? [] : [{ label: labels.person, value: request.personName }]),
      ...(request.application === undefined ? [] : [{ label: labels.application, value: request.application }]),
    ],
    last: [{ label: labels.returnTo, value: returnOrigin }],
  }
}
