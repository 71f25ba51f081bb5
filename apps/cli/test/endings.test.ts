/** An edge that does not answer when a key is pulled hears of it as soon as it does. */
import { expect, test } from 'vitest'
import { logoutSurely } from '../src/connect/endings.ts'
import type { EdgeClient } from '../src/edge-client.ts'

const answering = (...statuses: readonly (number | undefined)[]): { edge: EdgeClient; asked: string[] } => {
  const asked: string[] = []
  const edge: EdgeClient = async (method, path, options) => {
    const status = statuses[asked.length]
    asked.push(`${method} ${path} ${options?.session ?? 'by its token'}`)
    if (status === undefined) throw new TypeError('fetch failed')
    return { status, headers: new Headers(), body: new Uint8Array() }
  }
  return { edge, asked }
}

const LOGOUT = 'POST /fhir/$scelle-logout'

test('is asked again where nobody answers, or answers that it cannot', async () => {
  const { edge, asked } = answering(undefined, 503, 204, 204)
  await logoutSurely(edge, 'one')
  expect(asked).toEqual([`${LOGOUT} one`, `${LOGOUT} one`, `${LOGOUT} one`])
})

test('is asked once where it says that this session is nobody\'s', async () => {
  const { edge, asked } = answering(401)
  await logoutSurely(edge)
  expect(asked).toEqual([`${LOGOUT} by its token`])
})
