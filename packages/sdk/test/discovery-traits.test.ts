/** One person, one canonical text, however the name is spelt at the desk; and nothing that is charged in vain. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalTraits, type StrictTraits, type Traits } from '../src/discovery-traits.ts'
import { SdkError } from '../src/errors.ts'

const text = (traits: Traits): string => new TextDecoder().decode(canonicalTraits(traits))
const born: StrictTraits = {
  birthName: 'DE LA FONTAINE', firstName: 'JEAN PIERRE', sex: 'M', birthDate: '1954-07-08', birthPlace: '02168',
}
const ins = (number: string): string => number + String(97n - BigInt(
  number.replace('2A', '19').replace('2B', '18')) % 97n).padStart(2, '0')

describe('strict traits', () => {
  test.each([
    ['De La Fontaine', 'Jean-Pierre'], ['de-la-fontaine', 'jean pierre'], ['  DE  LA FONTAINE ', 'Jean‑Pierre'],
    ['de la Fontaine', 'Jéan-Piérre'], ['De la Fontaine'.normalize('NFD'), 'Jéan Pierre'.normalize('NFD')],
  ])('%s %s', (birthName, firstName) => {
    expect(text({ ...born, birthName, firstName })).toBe('traits|DE LA FONTAINE|JEAN PIERRE|M|1954-07-08|02168')
  })

  test.each([
    ['Lœvenbruck', 'LOEVENBRUCK'], ["L'Hôpital", 'L HOPITAL'], ['L’Hôpital', 'L HOPITAL'], ['Straße', 'STRASSE'],
    ['Łukasz', 'LUKASZ'], ['Nuñez', 'NUNEZ'], ['Ç', 'C'], ['Ørsted', 'ORSTED'], ['ﬁlippi', 'FILIPPI'],
  ])('%s is %s', (birthName, expected) => {
    expect(text({ ...born, birthName })).toContain(`|${expected}|`)
  })

  test.each<[string, Partial<StrictTraits>]>([
    ['no name', { birthName: ' - ' }], ['a separator in a name', { birthName: 'A|B' }], ['digits', { firstName: 'X2' }],
    ['a day that is in no calendar', { birthDate: '1999-02-29' }], ['a month 13', { birthDate: '1999-13-00' }],
    ['another format', { birthDate: '08/07/1954' }], ['a postcode of four digits', { birthPlace: '7500' }],
    ['a department 20', { birthPlace: '2C004' }], ['another sex', { sex: 'X' as 'M' }],
  ])('%s is refused', (_, wrong) => {
    expect(() => text({ ...born, ...wrong })).toThrow(SdkError)
  })

  test('a leap day, an unknown day, and Corsica are accepted', () => {
    for (const birthDate of ['2000-02-29', '1960-05-00', '1960-00-00']) {
      expect(text({ ...born, birthDate, birthPlace: '2a004' })).toContain(`|${birthDate}|2A004`)
    }
  })

  test('what is canonical stays as it is, and nothing of it is in an error', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), (birthName) => {
      let first: string
      try {
        first = text({ ...born, birthName })
      } catch (error) {
        expect(error).toBeInstanceOf(SdkError)
        if (birthName.trim().length > 3) expect((error as Error).message).not.toContain(birthName)
        return
      }
      const [, name] = first.split('|') as [string, string]
      expect(text({ ...born, birthName: name })).toBe(first)
    }))
  })
})

describe('INS', () => {
  test('spaces go, the key is checked, and another issuer is another identity', () => {
    const number = ins('1540702168001')
    expect(text({ ins: number.replace(/(?=..$)/, ' ') })).toBe(`ins|1.2.250.1.213.1.4.8|${number}`)
    expect(text({ ins: number, oid: '1.2.250.1.213.1.4.9' })).not.toBe(text({ ins: number }))
    expect(text({ ins: ins('254072A680012').toLowerCase() })).toContain('254072A680012')
  })

  test('one wrong digit, anywhere, is refused before it costs anything', () => {
    const number = ins('2690575056123')
    for (let place = 0; place < 15; place++) {
      const digit = String((Number(number[place]) + 1) % 10)
      const wrong = number.slice(0, place) + digit + number.slice(place + 1)
      expect(() => text({ ins: wrong })).toThrow(SdkError)
    }
  })

  test('an INS is no strict traits', () => {
    expect(text({ ins: ins('1540702168001') }).split('|')[0]).not.toBe(text(born).split('|')[0])
  })
})
