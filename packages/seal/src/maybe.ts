/**
 * Values that are there at once on Node and promised in browsers. Awaiting each of 100,000 small records would cost
 * more than opening them, so the batch functions chain with these and await once.
 */
export type Maybe<T> = T | Promise<T>

/** `next(value)`, at once if the value is there. */
export const chain = <A, B>(value: Maybe<A>, next: (value: A) => Maybe<B>): Maybe<B> =>
  value instanceof Promise ? value.then(next) : next(value)

/** All values, at once if none is promised. */
export const together = <T>(values: Maybe<T>[]): Maybe<T[]> =>
  values.some((value) => value instanceof Promise) ? Promise.all(values) : (values as T[])
