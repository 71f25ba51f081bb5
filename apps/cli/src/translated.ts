/** The shape of the English texts, in another language: each text there, each function with the same parameters. */
export type Translated<T> = T extends string
  ? string
  : T extends readonly string[]
    ? readonly string[]
    : T extends (...args: infer A) => string
      ? (...args: A) => string
      : { [K in keyof T]: Translated<T[K]> }
