/** Every route of index, trustee and register stands in spec/protocol.md with who may call it, and no other one. */
import { describe, expect, test } from 'vitest'
import { readText, repositoryFiles } from './repository.ts'

interface RouteSaid { readonly route: string; readonly open: boolean }

const LITERAL = /method: '(?<method>[A-Z]+)'(?<between>[^{}]*?)url: '(?<url>[^']+)'(?<after>[^{}]{0,120})/g
/** `apps/index/src/routes/log.ts` has a shorter way for what everybody may get. */
const SHORT = /^ {2}get\('(?<url>[^']+)'/gm

const normal = (method: string, url: string): string =>
  `${method} ${url.replaceAll(/:(\w+)|\{[^}]+\}/g, '{}').replace(/\?.*/, '')}`

const sourcesOf = (app: string): string[] =>
  repositoryFiles().filter((path) => path.startsWith(`apps/${app}/src/`) && path.endsWith('.ts'))

const routesIn = (text: string): RouteSaid[] => [
  ...[...text.matchAll(LITERAL)].map(({ groups: { method = '', url = '', between = '', after = '' } = {} }) =>
    ({ route: normal(method, url), open: `${between}${after}`.includes("policy: 'public'") })),
  ...[...text.matchAll(SHORT)].map(({ groups: { url = '' } = {} }) => ({ route: normal('GET', url), open: true })),
]

/** Of every server: `packages/wire/src/server.ts`. Health is in the text, not in the tables. */
const EVERYWHERE: RouteSaid = { route: 'GET /v1/self', open: true }

const inCode = (app: string): RouteSaid[] =>
  [EVERYWHERE, ...sourcesOf(app).flatMap((path) => routesIn(readText(path)))]

const inDocument = (heading: string): RouteSaid[] => {
  const [, after = ''] = readText('spec/protocol.md').split(`\n## ${heading}\n`)
  const [section = ''] = after.split(/\n## /)
  return section.split('\n').filter((line) => line.startsWith('| `')).flatMap((line) => {
    const [, routes = '', , who = ''] = line.split('|')
    return [...routes.matchAll(/`([A-Z]+) ([^`]+)`/g)].map(([, method = '', url = '']) =>
      ({ route: normal(method, url), open: /unsigned|anyone/.test(who) }))
  })
}

const sorted = (routes: readonly RouteSaid[]): RouteSaid[] =>
  routes.toSorted((one, other) => one.route.localeCompare(other.route))

describe.each([['index', 'Index'], ['trustee', 'Trustee'], ['register', 'Register']])('%s', (app, heading) => {
  test('code and document have the same routes, and open to anybody are the same', () => {
    expect(sorted(inDocument(heading))).toEqual(sorted(inCode(app)))
  })

  test('no route is written in a way that this test does not read', () => {
    for (const path of sourcesOf(app)) {
      const text = readText(path)
      const urls = [...text.matchAll(/\burl: '\//g)].length + [...text.matchAll(SHORT)].length
      expect(routesIn(text).length, path).toBe(urls)
    }
  })
})

test('finds a route that nobody described', () => {
  const text = "server.route({\n  method: 'POST',\n  url: '/v1/new/:thing',\n  policy: 'public',\n})"
  expect(routesIn(text)).toEqual([{ route: 'POST /v1/new/{}', open: true }])
  expect(inDocument('Trustee').map(({ route }) => route)).not.toContain('POST /v1/new/{}')
})
