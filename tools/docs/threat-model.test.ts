/**
 * docs/threat-model.md and SECURITY.md say only what can be checked: tests that exist, kinds of enforcement we know.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readText, ROOT } from '../repository.ts'

const KINDS = ['cryptography', 'two parties', 'one server', 'client', 'procedure']

type Rule = { rule: string; kind: string; shownBy: string }

/** The rows of the table whose heading row starts with `rule`. */
const rulesOf = (markdown: string): Rule[] => {
  const lines = markdown.split('\n')
  const start = lines.indexOf('| rule | enforced by | shown by |')
  const end = lines.findIndex((line, at) => at > start && !line.startsWith('|'))
  return lines.slice(start + 2, end).map((line) => {
    const [rule = '', kind = '', shownBy = ''] = line.split('|').slice(1, -1).map((cell) => cell.trim())
    return { rule, kind, shownBy }
  })
}

const rules = rulesOf(readText('docs/threat-model.md'))

describe('the threat model', () => {
  test('has rules', () => {
    expect(rules.length).toBeGreaterThan(15)
  })

  test.each(rules)('$rule', ({ kind, shownBy }) => {
    expect(KINDS).toContain(kind)
    if (shownBy === 'not yet') return
    const tests = [...shownBy.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')
    expect(tests, 'a test file, or "not yet"').not.toEqual([])
    for (const path of tests) {
      expect(path).toMatch(/\.test\.ts$/)
      expect(existsSync(join(ROOT, path)), `${path} exists`).toBe(true)
    }
  })

  test('says what is absent, and what is not protected', () => {
    const text = readText('docs/threat-model.md')
    const [, section = ''] = /## 6\.(.*?)## 7\./s.exec(text) ?? []
    for (const absent of ['a house without people', 'own device', 'discovery at the edge', 'own client', 'drain']) {
      expect(section).toContain(absent)
    }
    expect(text).toContain('Not protected')
  })
})

test('SECURITY.md says how to tell us, what we rely on and what is no vulnerability', () => {
  const text = readText('SECURITY.md')
  for (const heading of ['Telling us', 'What we rely on', 'What is not considered a vulnerability']) {
    expect(text).toContain(`## ${heading}`)
  }
})
