/**
 * Padmé (Nikitin et al., PETS 2019, "Reducing Metadata Leakage from Encrypted Files", section 4): lengths keep only as
 * many significant bits as their exponent needs, so that what is left leaks O(log log n) bits for at most 12 % more
 * bytes.
 */
export const padmeLength = (length: number): number => {
  if (length < 2) return length
  const exponent = Math.floor(Math.log2(length))
  const significant = Math.floor(Math.log2(exponent)) + 1
  const step = 2 ** Math.max(0, exponent - significant)
  return Math.ceil(length / step) * step
}
