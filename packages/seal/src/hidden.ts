/** Secrets that ride on objects which end up in logs: there for whoever names them, and in no dump. */

/** What Node's `util.inspect` and `console.log` ask an object for. In browsers nobody asks; nothing is enumerable. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/**
 * `shown` with the properties of `hidden` beside it: read by name as any other, but not enumerable, so that they are in
 * no copy by spreading, no JSON and no dump.
 */
export const withHidden = <Shown extends object, Hidden extends object>(
  shown: Shown, hidden: Hidden,
): Shown & Hidden => {
  const whole = { ...shown }
  for (const [name, value] of Object.entries(hidden)) Object.defineProperty(whole, name, { get: () => value })
  Object.defineProperty(whole, INSPECT, { value: () => ({ ...shown }) })
  Object.defineProperty(whole, 'toJSON', { value: () => ({ ...shown }) })
  return whole as Shown & Hidden
}
