import { describe, expect, it } from 'vitest'
import { parseDuration } from '../src/duration.ts'
import { languageOf } from '../src/messages.ts'
import { duration, Progress } from '../src/progress.ts'
import { table } from '../src/table.ts'

describe('progress', () => {
  it('shows share, count, rate and time left', () => {
    let now = 0
    const drawn: string[] = []
    const progress = new Progress(
      { isTTY: true, columns: 200, write: (text) => drawn.push(text) },
      () => now,
      100,
      'fr',
    )
    now = 10_000
    progress.add(25, 500)
    expect(progress.line()).toContain('25 %  500 ressources  50/s  encore 30 s')
    progress.finish()
    expect(drawn.at(-1)).toBe('\n')
  })

  it('never says more than all', () => {
    const progress = new Progress({ isTTY: false, columns: 80, write: () => undefined }, () => 1, 10, 'en')
    progress.add(20, 1)
    expect(progress.line()).toContain('100 %')
  })

  it.each([
    [0, '0 s'],
    [59_400, '59 s'],
    [61_000, '1 min 1 s'],
    [3_661_000, '1 h 1 min'],
  ])('writes %i ms as %s', (ms, text) => {
    expect(duration(ms)).toBe(text)
  })
})

describe('arguments', () => {
  it.each([
    ['90m', 5_400_000],
    ['12h', 43_200_000],
    ['7d', 604_800_000],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text, 'en')).toBe(ms)
  })

  it.each(['', '7', 'd', '-1d', '0d', '7w', '1.5h', '99999d'])('refuses %j', (text) => {
    expect(() => parseDuration(text, 'fr')).toThrow('Une durée')
  })

  it("speaks the language asked for, else the environment's", () => {
    expect(languageOf(undefined, { LANG: 'fr_FR.UTF-8' })).toBe('fr')
    expect(languageOf('en', { LANG: 'fr_FR.UTF-8' })).toBe('en')
    expect(languageOf(undefined, {})).toBe('en')
  })

  it('aligns tables', () => {
    expect(
      table([
        ['a', 'b'],
        ['long', 'c'],
      ]),
    ).toEqual(['a     b', 'long  c'])
  })
})
