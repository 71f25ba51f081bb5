/** Two samples, one question: could they be drawn from one distribution? */

/** Abramowitz and Stegun 7.1.26: the error function, to 1.5e-7. */
const erf = (x: number): number => {
  const t = 1 / (1 + 0.3275911 * Math.abs(x))
  const sum = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
  const value = 1 - sum * Math.exp(-x * x)
  return x < 0 ? -value : value
}

/**
 * Mann-Whitney U with mid-ranks for ties, two-sided, by the normal approximation with its correction for ties and for
 * continuity: good from about 10 values a sample on. Answers p.
 */
export const mannWhitney = (a: readonly number[], b: readonly number[]): number => {
  const all = [...a.map((value) => ({ value, mine: true })), ...b.map((value) => ({ value, mine: false }))]
    .toSorted((one, other) => one.value - other.value)
  let ranks = 0
  let ties = 0
  for (let from = 0; from < all.length;) {
    let to = from
    while (to < all.length && all[to]?.value === all[from]?.value) to++
    const count = to - from
    ties += count ** 3 - count
    for (let at = from; at < to; at++) if (all[at]?.mine === true) ranks += (from + 1 + to) / 2
    from = to
  }
  const [n, m] = [a.length, b.length]
  const u = ranks - (n * (n + 1)) / 2
  const total = n + m
  const variance = ((n * m) / 12) * (total + 1 - ties / (total * (total - 1)))
  if (variance === 0) return 1
  const z = Math.max(Math.abs(u - (n * m) / 2) - 0.5, 0) / Math.sqrt(variance)
  return 1 - erf(z / Math.SQRT2)
}
