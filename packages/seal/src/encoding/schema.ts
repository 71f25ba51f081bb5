/** Schemas over deterministic CBOR: a struct is a map with small unsigned keys, ascending, all known. */
import { SealError } from '../errors.ts'
import { Reader, Writer } from './cbor.ts'

/** Writes and reads one kind of value. `name` appears in errors, never the value. */
export interface Codec<T> {
  write(writer: Writer, value: T): void
  read(reader: Reader): T
}

/** The value type of a codec. */
export type Value<C> = C extends Codec<infer T> ? T : never

interface Field<T, Optional extends boolean> {
  readonly key: number
  readonly codec: Codec<T>
  readonly optional: Optional
}

// oxlint-disable-next-line typescript/no-explicit-any -- the map's value types differ; each is recovered by Struct<F>
type Fields = Record<string, Field<any, boolean>>

type Struct<F extends Fields> = {
  [K in keyof F as F[K]['optional'] extends true ? never : K]: F[K] extends Field<infer T, boolean> ? T : never
} & {
  [K in keyof F as F[K]['optional'] extends true ? K : never]?: F[K] extends Field<infer T, boolean> ? T : never
}

/** An unsigned integer, at most `max`. */
export const uint = (max: number = Number.MAX_SAFE_INTEGER): Codec<number> => ({
  write(writer, value) {
    if (value > max) throw new SealError('encoding-out-of-range', `a number is over ${max}`)
    writer.uint(value)
  },
  read(reader) {
    const value = reader.uint()
    if (value > max) throw new SealError('encoding-out-of-range', `a number is over ${max}`)
    return value
  },
})

/** A byte string of `min` to `max` bytes; with one argument, exactly that many. */
export const bytes = (min: number, max: number = min): Codec<Uint8Array> => {
  const check = (value: Uint8Array): Uint8Array => {
    if (value.length < min || value.length > max) {
      throw new SealError('encoding-out-of-range', `a byte string has ${value.length} bytes, ${min} to ${max} allowed`)
    }
    return value
  }
  return {
    write: (writer, value) => writer.bytes(check(value)),
    read: (reader) => check(reader.bytes(max)),
  }
}

/** UTF-8 text of at most `max` bytes. */
export const text = (max: number): Codec<string> => ({
  write: (writer, value) => writer.text(value),
  read: (reader) => reader.text(max),
})

export const bool: Codec<boolean> = {
  write: (writer, value) => writer.bool(value),
  read: (reader) => reader.bool(),
}

/** One of a closed list of names; its place in the list is its number in the encoding. Only ever append. */
export const choice = <const Names extends readonly string[]>(names: Names): Codec<Names[number]> => ({
  write(writer, value) {
    const place = names.indexOf(value)
    if (place < 0) throw new SealError('encoding-out-of-range', `not one of: ${names.join(', ')}`)
    writer.uint(place)
  },
  read(reader) {
    const name = names[reader.uint()]
    if (name === undefined) throw new SealError('encoding-out-of-range', `not one of: ${names.join(', ')}`)
    return name
  },
})

/** A list of at most `max` values. */
export const list = <T>(item: Codec<T>, max: number): Codec<T[]> => ({
  write(writer, values) {
    if (values.length > max) {
      throw new SealError('encoding-out-of-range', `a list has ${values.length} items, ${max} allowed`)
    }
    writer.array(values.length)
    for (const value of values) item.write(writer, value)
  },
  read(reader) {
    const length = reader.array(max)
    const values: T[] = []
    for (let i = 0; i < length; i++) values.push(item.read(reader))
    return values
  },
})

export const field = <T>(key: number, codec: Codec<T>): Field<T, false> => ({ key, codec, optional: false })

export const optional = <T>(key: number, codec: Codec<T>): Field<T, true> => ({ key, codec, optional: true })

/** A map from small numbers to values. Absent optional fields are left out; every other key must be there. */
export const struct = <F extends Fields>(fields: F): Codec<Struct<F>> => {
  const ordered = Object.entries(fields).toSorted(([, a], [, b]) => a.key - b.key)
  const byKey = new Map(ordered.map(([name, f]) => [f.key, { name, ...f }]))
  if (byKey.size !== ordered.length) throw new Error('two fields of a struct have the same key')
  return {
    write(writer, value) {
      const record = value as Record<string, unknown>
      let present = 0
      for (const [name] of ordered) if (record[name] !== undefined) present++
      writer.map(present)
      for (const [name, f] of ordered) {
        if (record[name] === undefined) {
          if (!f.optional) throw new SealError('encoding-missing-field', `field ${name} is missing`)
          continue
        }
        writer.uint(f.key)
        f.codec.write(writer, record[name])
      }
    },
    read(reader) {
      const result: Record<string, unknown> = {}
      const entries = reader.map(ordered.length)
      let last = -1
      for (let i = 0; i < entries; i++) {
        const key = reader.uint()
        if (key <= last) throw new SealError('encoding-not-canonical', 'map keys repeat or are out of order')
        last = key
        const f = byKey.get(key)
        if (f === undefined) throw new SealError('encoding-unknown-field', `field number ${key} is not known here`)
        result[f.name] = f.codec.read(reader)
      }
      for (const [name, f] of ordered) {
        if (!f.optional && result[name] === undefined) {
          throw new SealError('encoding-missing-field', `field ${name} is missing`)
        }
      }
      return result as Struct<F>
    },
  }
}

/** Encodes one value. Throws SealError `encoding-…` when it does not fit the schema. */
export const encode = <T>(codec: Codec<T>, value: T): Uint8Array<ArrayBuffer> => {
  const writer = new Writer()
  codec.write(writer, value)
  return writer.finish()
}

/** Decodes exactly one value. Throws SealError `encoding-…` on anything but the one right encoding. */
export const decode = <T>(codec: Codec<T>, encoded: Uint8Array): T => {
  const reader = new Reader(encoded)
  const value = codec.read(reader)
  reader.end()
  return value
}
