/**
 * The NIR that an INS matricule carries: 13 characters (sex, year, month, birthplace, order number) and a two-digit
 * key, 97 minus the number modulo 97. Our matricules carry the test OID, so a valid key never claims a real person.
 */

/** Key of a 13-character NIR. In Corsica 2A counts as 19 and 2B as 18. */
export function nirKey(body: string): string {
  const digits = body.replace(/^(\d{5})2A/, '$119').replace(/^(\d{5})2B/, '$118')
  return String(97 - (Number(digits) % 97)).padStart(2, '0')
}

/** Whether a 15-character NIR is well formed and its key right. */
export function nirIsValid(value: string): boolean {
  return /^[12]\d{4}(\d{2}|2[AB])\d{8}$/.test(value) && nirKey(value.slice(0, 13)) === value.slice(13)
}

export interface NirParts {
  readonly sex: 'male' | 'female'
  readonly year: number
  readonly month: number
  /** INSEE code of the commune, or 99 and the country: five characters. */
  readonly birthplace: string
  /** Order in the commune's register of that month, 1 to 999. */
  readonly order: number
}

/** The 15 characters of a NIR, key included. */
export function nir(parts: NirParts): string {
  const pad = (value: number, width: number): string => String(value).padStart(width, '0')
  const body = `${parts.sex === 'male' ? '1' : '2'}${pad(parts.year % 100, 2)}${pad(parts.month, 2)}${
    parts.birthplace}${pad(parts.order, 3)}`
  return body + nirKey(body)
}
