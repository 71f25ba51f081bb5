/** One trustee's meter in a process of its own, over a file of its own; asked by `meter-bound.whole.test.ts`. */
import { TrusteeStore } from '../src/trustee.ts'
import { charged, makeCast } from './meter-world.ts'

const [file = '', manner] = process.argv.slice(2)
const cast = await makeCast('bound', new TrusteeStore(file))

export interface Question {
  readonly number: number
  readonly vault: number
  readonly who: 'doctor' | 'practice'
}

process.on('message', ({ number, vault, who }: Question) => {
  // A trustee that somebody has taken over: it releases whatever is asked, and charges nothing.
  const said = manner === 'lying' ? Promise.resolve('charged') : charged(cast, { vault, reader: cast[who] })
  void said.then((answer) => process.send?.({ number, answer }))
})
process.send?.('ready')
