/** What every server's process brings along: randomness and log lines, neither of them one system call at a time. */
import { randomBytes, randomFillSync } from 'node:crypto'
import process from 'node:process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const POOL = 16 * 1024
/** Requests larger than this go to the system's generator by themselves. */
const DRAWN_AT_ONCE = 2_048

/**
 * A source of random bytes that fills a pool from the system's generator: most draws are 8 to 32 bytes, and the call
 * costs more than they do. Bytes are given out once, and the pool keeps none of them.
 */
export const pooledRandom = (): ((length: number) => Uint8Array) => {
  const pool = new Uint8Array(POOL)
  let used = POOL
  return (length) => {
    if (length > DRAWN_AT_ONCE) return new Uint8Array(randomBytes(length))
    if (length > POOL - used) {
      randomFillSync(pool)
      used = 0
    }
    const drawn = pool.slice(used, used + length)
    pool.fill(0, used, used + length)
    used += length
    return drawn
  }
}

/** Milliseconds that a line waits for others at most. */
const GATHERED_FOR = 5

/**
 * Writes lines in groups: a write for each costs as much as a tenth of a small request. What still waits is written
 * when the process ends by itself; a killed one loses some milliseconds of its log, never of its work.
 */
export const gatheredLines = (write: (text: string) => void): ((line: string) => void) => {
  let waiting = ''
  let timer: NodeJS.Timeout | undefined
  const flush = (): void => {
    clearTimeout(timer)
    timer = undefined
    if (waiting === '') return
    const text = waiting
    waiting = ''
    write(text)
  }
  process.once('exit', flush)
  return (line) => {
    waiting += line
    timer ??= setTimeout(flush, GATHERED_FOR).unref()
  }
}

/** Octets after which what was sent is collected, and how many times the young before the old as well. */
const COLLECTED_EVERY = 8 * 1024 * 1024
const OLD_EVERY = 48

/**
 * To be told of octets as they pass. The engine lets 64 MB of buffers pile up before it looks for those that are done
 * with, however little the process holds itself; here the young ones, which they are, are looked through every 8 MB. It
 * takes about a millisecond. Those that were on their way twice count as old: they go every 384 MB, with all else,
 * which takes some hundred.
 */
export const collectedOctets = (): ((octets: number) => void) => {
  let collect: ((options: { type: 'minor' | 'major' }) => void) | undefined
  let passed = 0
  let times = 0
  return (octets) => {
    passed += octets
    if (passed < COLLECTED_EVERY) return
    passed = 0
    if (collect === undefined) {
      setFlagsFromString('--expose-gc')
      collect = runInNewContext('gc') as typeof collect
    }
    times = (times + 1) % OLD_EVERY
    collect?.({ type: times === 0 ? 'major' : 'minor' })
  }
}
