/**
 * Who somebody is, as one canonical text: whoever writes it the same way finds the same vault. What is refused here
 * would be looked up in vain, and charged.
 */
import { SdkError } from './errors.ts'

/** The national health identifier (INS): 15 digits with their key, and the OID of who gave it out. */
export interface InsTraits {
  /** Fifteen characters, spaces allowed; Corsica's departments are 2A and 2B. */
  readonly ins: string
  /** `1.2.250.1.213.1.4.8` (NIR) unless said otherwise; `…4.9` for a waiting number (NIA). */
  readonly oid?: '1.2.250.1.213.1.4.8' | '1.2.250.1.213.1.4.9'
}

/** The five strict traits of the national identity rules (RNIV), where no INS is known. */
export interface StrictTraits {
  readonly birthName: string
  /** The first given name of the birth record; not the one in use. */
  readonly firstName: string
  readonly sex: 'M' | 'F' | 'I'
  /** `YYYY-MM-DD`; 00 for a month or day that nobody knows. */
  readonly birthDate: string
  /** INSEE's code of the commune, or of the country (99…): five characters. */
  readonly birthPlace: string
}

export type Traits = InsTraits | StrictTraits

const bad = (what: string): SdkError => new SdkError('bad-input', `an identity cannot be looked up: ${what}`)

/** The key is 97 less the number modulo 97; 2A and 2B count as 19 and 18. */
const insOf = ({ ins, oid = '1.2.250.1.213.1.4.8' }: InsTraits): string => {
  const text = ins.replaceAll(/\s/g, '').toUpperCase()
  if (!/^[1-478]\d{4}(\d\d|2[AB])\d{8}$/.test(text)) throw bad('an INS has 15 digits')
  const number = text.slice(0, 13).replace('2A', '19').replace('2B', '18')
  if (97n - BigInt(number) % 97n !== BigInt(text.slice(13))) throw bad('the key of the INS does not fit its number')
  return `ins|${oid}|${text}`
}

/** Letters that no decomposition takes apart. */
const LETTERS: Readonly<Record<string, string>> = {
  Œ: 'OE', Æ: 'AE', Ø: 'O', Ł: 'L', Đ: 'D', Ð: 'D', Þ: 'TH', ẞ: 'SS', ı: 'I',
}

/** Capital A to Z and single spaces: accents go, hyphens and apostrophes are spaces. Throws `bad-input`. */
const nameOf = (name: string, what: string): string => {
  const plain = name.normalize('NFKD').replaceAll(/\p{M}/gu, '').toUpperCase().normalize('NFKD')
    .replaceAll(/[ŒÆØŁĐÐÞẞı]/g, (letter) => LETTERS[letter] as string)
    .replaceAll(/[\p{Pd}'’‘`´ʼ.\s]+/gu, ' ').trim()
  if (!/^[A-Z]+( [A-Z]+)*$/.test(plain) || plain.length > 100) throw bad(`${what} has letters, and no more than 100`)
  return plain
}

const dateOf = (date: string): string => {
  const [, year, month, day] = /^(1[89]\d\d|2[01]\d\d)-(\d\d)-(\d\d)$/.exec(date) ?? []
  if (year === undefined) throw bad('a date of birth is YYYY-MM-DD')
  const known = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  const whole = known.getUTCMonth() === Number(month) - 1 && known.getUTCDate() === Number(day)
  const partly = day === '00' && Number(month) <= 12
  if (!whole && !partly) throw bad('this day is in no calendar')
  return date
}

const placeOf = (place: string): string => {
  const text = place.trim().toUpperCase()
  if (!/^(\d\d|2[AB])\d{3}$/.test(text)) throw bad('a place of birth is an INSEE code of five characters')
  return text
}

/** Throws `bad-input`; nothing of the identity is in the message. */
export const canonicalTraits = (traits: Traits): Uint8Array => new TextEncoder().encode('ins' in traits
  ? insOf(traits)
  : ['traits', nameOf(traits.birthName, 'a birth name'), nameOf(traits.firstName, 'a first name'), sexOf(traits.sex),
    dateOf(traits.birthDate), placeOf(traits.birthPlace)].join('|'))

const sexOf = (sex: string): string => {
  if (!/^[MFI]$/.test(sex)) throw bad('sex is M, F or I')
  return sex
}
