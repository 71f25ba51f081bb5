/** Timing that survives a noisy machine: rounds, medians, and ratios of things measured side by side. */

/** One line of the report. */
export interface Row {
  readonly what: string
  /** Records in each capsule, where it matters. */
  readonly perCapsule: string
  readonly reached: string
  readonly target: string
  /** The same work without us, measured in this run, and how we compare. */
  readonly beside: string
}

/** Median of the values; NaN for none. */
export const median = (values: readonly number[]): number => quantile(values, 0.5)

export const quantile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** Units of work a second: the median of `rounds` rounds after one that does not count. */
export const rate = async (units: number, work: () => unknown, rounds = 5): Promise<number> => {
  const rates: number[] = []
  for (let round = 0; round <= rounds; round++) {
    const started = performance.now()
    await work()
    if (round > 0) rates.push((units * 1_000) / (performance.now() - started))
  }
  return median(rates)
}

/** Two kinds of work in turn, A B A B, so that a change of the machine's speed hits both. */
export const sideBySide = async (
  units: number,
  ours: () => unknown,
  theirs: () => unknown,
  rounds = 5,
): Promise<{ ours: number; theirs: number; ratio: number }> => {
  const pairs: { ours: number; theirs: number }[] = []
  for (let round = 0; round <= rounds; round++) {
    const pair = { ours: await rate(units, ours, 1), theirs: await rate(units, theirs, 1) }
    if (round > 0) pairs.push(pair)
  }
  return {
    ours: median(pairs.map((pair) => pair.ours)),
    theirs: median(pairs.map((pair) => pair.theirs)),
    ratio: median(pairs.map((pair) => pair.ours / pair.theirs)),
  }
}

/** `clients` loops that each call `work` until the time is over. Rate, median and 99th percentile of one call (ms). */
export const underLoad = async (
  clients: number,
  milliseconds: number,
  work: (call: number) => Promise<unknown>,
): Promise<{ rate: number; p50: number; p99: number }> => {
  const times: number[] = []
  let calls = 0
  const run = async (until: number, keep: boolean): Promise<void> => {
    while (performance.now() < until) {
      const started = performance.now()
      await work(calls++)
      if (keep) times.push(performance.now() - started)
    }
  }
  const round = async (length: number, keep: boolean): Promise<number> => {
    const started = performance.now()
    await Promise.all(Array.from({ length: clients }, () => run(started + length, keep)))
    return performance.now() - started
  }
  await round(milliseconds / 4, false)
  const took = await round(milliseconds, true)
  return { rate: (times.length * 1_000) / took, p50: quantile(times, 0.5), p99: quantile(times, 0.99) }
}

export const perSecond = (value: number): string => `${Math.round(value).toLocaleString('en-GB')}/s`
export const times = (value: number): string => `${value.toFixed(2)} ×`
export const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`
