/** What the edge shows of its organisation to trustees, and what that is worth. */
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { statusFiles } from '../src/standing/status-files.ts'
import { createWorld, issueOf, type Reply, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

const codeOf = (reply: Reply): string | undefined => issueOf(reply).details?.coding?.[0]?.code

/** Opens charts one after another; the first that is refused, or how many there were. */
const opened = async (world: World, patients: number): Promise<number> => {
  for (let place = 0; place < patients; place++) {
    await world.app.put(`Patient/p${place}`, patient(`p${place}`))
    await world.app.put(`Observation/${place}`, { ...glucose(`p${place}`, 5), id: String(place) })
    await world.app.post('$scelle-logout', { resourceType: 'Parameters' })
    if ((await world.app.get(`Observation/${place}`)).status !== 200) return place
  }
  return patients
}

test('what the register says of the organisation bounds it; without a status it is one that nobody knows', async () => {
  const registered = { role: 'hospital', patientsPerDay: 3 } as const
  const unknown = await createWorld({ seed: 'unregistered', name: 'unknown' })
  const hospital = await createWorld({ seed: 'registered', name: 'hospital', registered })
  try {
    expect(await opened(unknown, 5)).toBe(5)
    // 3 at each trustee, the organisation's own vault among them; two of three answer.
    const bound = await opened(hospital, 6)
    expect([1, 2, 3, 4]).toContain(bound)
    const refused = await hospital.app.get(`Observation/${bound}`)
    expect(refused.headers.get('scelle-meter')).toMatch(/^day=([1-4])\/[23], unexplained=\d+\/\d+, near$/)
    expect([refused.status, ['budget-spent', 'locked']]).toEqual([403, expect.arrayContaining([codeOf(refused)])])
    expect(issueOf(refused).details?.text).toMatch(/verrou|atteint/)
  } finally {
    await unknown.close()
    await hospital.close()
  }
})

test('a status that a register renewed is shown from then on; one that is being replaced, as it was', () => {
  const folder = mkdtempSync(join(tmpdir(), 'scelle-status-'))
  const path = join(folder, 'status')
  try {
    writeFileSync(path, 'first')
    const statuses = statusFiles([path])
    const told = (): string[] => statuses().map((bytes) => Buffer.from(bytes).toString())
    expect(told()).toEqual(['first'])
    writeFileSync(path, 'second')
    utimesSync(path, 1, 1)
    expect(told()).toEqual(['second'])
    rmSync(path)
    expect(told()).toEqual(['second'])
    expect(() => statusFiles([join(folder, 'none')])).toThrow('ENOENT')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
