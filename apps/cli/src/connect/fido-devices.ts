/**
 * Security keys that are plugged into this machine, as Linux tells any user in plain files: each HID device below
 * `/sys/class/hidraw`, with its report descriptor. Nothing is opened or sent; what is on a key stays there.
 */
import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'

/** Where Linux has them. Other systems have no such files: docs/recipes.md. */
export const HIDRAW = '/sys/class/hidraw'

/** FIDO alliance's usage page (CTAP 2.2 section 11.2.8.1). */
const FIDO = 0xf1d0
/** HID 1.11 section 6.2.2: a short item's size by its two low bits, the item of a usage page, and a long item. */
const SIZES = [0, 1, 2, 4] as const
const USAGE_PAGE = 0x04
const LONG = 0xfe

/** Whether a report descriptor has a collection of FIDO's usage page. Hostile bytes are none. */
export const isFido = (descriptor: Uint8Array): boolean => {
  for (let at = 0; at < descriptor.length;) {
    const prefix = descriptor[at] ?? 0
    if (prefix === LONG) {
      at += 3 + (descriptor[at + 1] ?? 0)
      continue
    }
    const size = SIZES[prefix & 3] ?? 0
    const value = descriptor.subarray(at + 1, at + 1 + size).reduceRight((sum, byte) => sum * 256 + byte, 0)
    if ((prefix & 0xfc) === USAGE_PAGE && value === FIDO) return true
    at += 1 + size
  }
  return false
}

/** Undefined where it was pulled between two looks at it. */
const lookAt = <T>(look: () => T): T | undefined => {
  try {
    return look()
  } catch {
    return undefined
  }
}

/**
 * Reads the folder anew each time. A device is known by where its link leads: the kernel counts on with every plug, so
 * a key that was pulled and put back between two looks is another one.
 */
export class FidoDevices {
  readonly #folder: string
  readonly #known = new Map<string, boolean>()

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Whether this machine tells at all. */
  get isTold(): boolean {
    return lookAt(() => readdirSync(this.#folder)) !== undefined
  }

  /** Security keys that are there now. */
  now(): ReadonlySet<string> {
    const places = (lookAt(() => readdirSync(this.#folder)) ?? []).flatMap((name) =>
      lookAt(() => realpathSync(join(this.#folder, name, 'device'))) ?? [])
    for (const old of this.#known.keys()) if (!places.includes(old)) this.#known.delete(old)
    return new Set(places.filter((place) => this.#isKey(place)))
  }

  #isKey(place: string): boolean {
    const known = this.#known.get(place)
    if (known !== undefined) return known
    const descriptor = lookAt(() => readFileSync(join(place, 'report_descriptor')))
    if (descriptor === undefined) return false
    const isKey = isFido(descriptor)
    this.#known.set(place, isKey)
    return isKey
  }
}
