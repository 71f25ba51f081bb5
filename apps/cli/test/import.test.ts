import { mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EdgeClient } from '../src/edge-client.ts'
import { Home } from '../src/home.ts'
import { importPaths } from '../src/import/command.ts'
import { filesUnder } from '../src/import/files.ts'
import { type ImportRequest, requestsIn } from '../src/import/read.ts'
import type { Io } from '../src/io.ts'

let folder = ''
let said: string[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scelle-import-'))
  said = []
})
afterEach(async () => {
  for (const path of [folder, `${folder}-home`]) await rm(path, { recursive: true, force: true })
})

const io = (signal = new AbortController().signal): Io => ({
  home: new Home(`${folder}-home`),
  language: 'en',
  out: (line) => said.push(line),
  terminal: { isTTY: false, columns: 80, write: () => undefined },
  now: () => 0,
  random: (length) => new Uint8Array(length),
  sleep: async () => undefined,
  stopped: signal,
})

interface Entry {
  readonly request: { readonly method: string; readonly url: string }
}

/** An edge that writes everything but what `refuse` names, and can be told to fail. */
const edgeOf = (options: { refuse?: string; failures?: number } = {}) => {
  const written: string[] = []
  let failures = options.failures ?? 0
  const edge: EdgeClient = async (_method, _path, request) => {
    if (failures-- > 0) throw new TypeError('fetch failed')
    const { entry } = JSON.parse(new TextDecoder().decode(request?.body)) as { entry: Entry[] }
    const answers = entry.map(({ request: { url } }) => {
      if (url === options.refuse) {
        const outcome = { issue: [{ diagnostics: 'unknown element', expression: ['Observation.colour'] }] }
        return { response: { status: '400 Bad Request', outcome } }
      }
      written.push(url)
      return { response: { status: '201 Created' } }
    })
    const body = new TextEncoder().encode(JSON.stringify({ resourceType: 'Bundle', entry: answers }))
    return { status: 200, headers: new Headers(), body }
  }
  return { edge, written }
}

const file = (name: string, content: unknown): Promise<void> =>
  writeFile(
    join(folder, name),
    name.endsWith('.gz')
      ? gzipSync(JSON.stringify(content))
      : typeof content === 'string'
        ? content
        : JSON.stringify(content),
  )

const requests = async () => {
  const all = []
  for await (const request of requestsIn(await filesUnder([folder]), () => undefined)) all.push(request)
  return all
}

describe('reading files', () => {
  it('puts what others refer to first, whatever the files are called', async () => {
    await file('AllergyIntolerance-a.json', { resourceType: 'AllergyIntolerance', id: 'a' })
    await file('Patient-p.json', { resourceType: 'Patient', id: 'p' })
    await file('Organization-o.json', { resourceType: 'Organization', id: 'o' })
    const urls = (await requests()).map((request) =>
      (request.bundle['entry'] as Entry[]).map((entry) => entry.request.url),
    )
    expect(urls).toEqual([['Organization/o'], ['Patient/p'], ['AllergyIntolerance/a']])
  })

  it('reads gzip and NDJSON, and keeps the ids that transactions carry', async () => {
    await file('a.json.gz', {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        {
          fullUrl: 'urn:uuid:1',
          resource: { resourceType: 'Patient', id: '1' },
          request: { method: 'POST', url: 'Patient' },
        },
      ],
    })
    await file('b.ndjson', '{"resourceType":"Patient","id":"2"}\n\n{"resourceType":"Patient","id":"3"}\n')
    const all = await requests()
    expect(all.map((request) => request.resources)).toEqual([1, 2])
    expect(all[0]?.bundle).toMatchObject({
      entry: [{ fullUrl: 'urn:uuid:1', request: { method: 'PUT', url: 'Patient/1' } }],
    })
  })
})

const firstUrl = (request: ImportRequest | undefined): string | undefined =>
  (request?.bundle['entry'] as Entry[] | undefined)?.[0]?.request.url

describe('files that are not what they seem', () => {
  const refusedIn = async (): Promise<string[]> => {
    const refused: string[] = []
    const found = await filesUnder([folder])
    for await (const request of requestsIn(found, (path, reason) => refused.push(`${basename(path)}: ${reason}`))) {
      refused.push(...(request.bundle['entry'] as Entry[]).map((entry) => entry.request.url))
    }
    return refused
  }

  it('refuses Latin-1 rather than losing every accent, and goes on with the next file', async () => {
    await writeFile(join(folder, 'a.json'), Buffer.from('{"resourceType":"Patient","id":"Lef\u00e8vre"}', 'latin1'))
    await file('b.json', { resourceType: 'Patient', id: 'b' })
    expect(await refusedIn()).toEqual(['a.json: not UTF-8', 'Patient/b'])
  })

  it('refuses a file that says one thing twice', async () => {
    await file('a.json', '{"resourceType":"AllergyIntolerance","id":"a","criticality":"high","criticality":"low"}')
    expect(await refusedIn()).toEqual(['a.json: not JSON, or a key stands twice in it'])
  })

  it('goes on after truncated gzip, a dangling link and entries that are nothing', async () => {
    await writeFile(join(folder, 'a.json.gz'), gzipSync('{"resourceType":"Patient","id":"a"}').subarray(0, 20))
    await writeFile(join(folder, 'b.ndjson.gz'), gzipSync('{"resourceType":"Patient","id":"a"}').subarray(0, 20))
    await symlink('nowhere', join(folder, 'c.json'))
    await symlink(folder, join(folder, 'loop'))
    await file('d.json', { resourceType: 'Bundle', type: 'collection', entry: [null, 7, { resource: null }] })
    await file('e.json', { resourceType: 'Patient', id: 'e' })
    const unreadable = 'cannot be read: truncated, too large, or gone'
    expect(await refusedIn()).toEqual([`a.json.gz: ${unreadable}`, `b.ndjson.gz: ${unreadable}`, 'Patient/e'])
  })

  it('keeps the digits of decimals, and gives what has no id one from its content', async () => {
    await file('a.json', '{"resourceType":"Observation","valueQuantity":{"value":7.50}}')
    const [request] = await requests()
    expect(JSON.stringify(request?.bundle)).toContain('{"value":7.50}')
    const url = firstUrl(request)
    expect(url).toMatch(/^Observation\/[0-9a-f]{32}$/)
    expect(firstUrl((await requests())[0])).toBe(url)
  })
})

describe('scelle import', () => {
  it('names each refusal with its reason, and says so by its exit status', async () => {
    await file(
      'x.ndjson',
      '{"resourceType":"Observation","id":"1"}\n{"resourceType":"Observation","id":"2"}\nnot json\n',
    )
    const { edge, written } = edgeOf({ refuse: 'Observation/2' })
    expect(await importPaths(io(), edge, 'edge', [folder])).toBe(1)
    expect(written).toEqual(['Observation/1'])
    expect(said.join('\n')).toContain('Observation.colour: unknown element')
    expect(said.join('\n')).toContain('2 resources were refused')
  })

  it('goes on where it stopped: a file that was acknowledged is not sent again', async () => {
    await file('Patient-1.json', { resourceType: 'Patient', id: '1' })
    const first = edgeOf()
    expect(await importPaths(io(), first.edge, 'edge', [folder])).toBe(0)
    await file('Observation-2.json', { resourceType: 'Observation', id: '2' })
    const second = edgeOf()
    await importPaths(io(), second.edge, 'edge', [folder])
    expect(first.written).toEqual(['Patient/1'])
    expect(second.written).toEqual(['Observation/2'])
    const other = edgeOf()
    await importPaths(io(), other.edge, 'another edge', [folder])
    expect(other.written).toHaveLength(2)
  })

  it('waits for an edge that restarts, and loses nothing', async () => {
    await file('Patient-1.json', { resourceType: 'Patient', id: '1' })
    const { edge, written } = edgeOf({ failures: 3 })
    expect(await importPaths(io(), edge, 'edge', [folder])).toBe(0)
    expect(written).toEqual(['Patient/1'])
  })

  it('sends a file again of which something was refused: the site may have changed its rules', async () => {
    await file('x.ndjson', '{"resourceType":"Observation","id":"1"}\n{"resourceType":"Observation","id":"2"}\n')
    expect(await importPaths(io(), edgeOf({ refuse: 'Observation/2' }).edge, 'edge', [folder])).toBe(1)
    const later = edgeOf()
    expect(await importPaths(io(), later.edge, 'edge', [folder])).toBe(0)
    expect(later.written).toEqual(['Observation/1', 'Observation/2'])
  })

  it('does not take a failure of the server for a verdict on the resource', async () => {
    await file('Patient-1.json', { resourceType: 'Patient', id: '1' })
    let calls = 0
    const edge: EdgeClient = async () => {
      const status = calls++ === 0 ? '503 Service Unavailable' : '201 Created'
      const body = JSON.stringify({ resourceType: 'Bundle', entry: [{ response: { status } }] })
      return { status: 200, headers: new Headers(), body: new TextEncoder().encode(body) }
    }
    expect(await importPaths(io(), edge, 'edge', [folder])).toBe(0)
    expect(calls).toBe(2)
  })

  it('remembers a refusal in an earlier batch of a file', async () => {
    const lines = Array.from({ length: 450 }, (_, i) => `{"resourceType":"Observation","id":"${i}"}`)
    await file('x.ndjson', lines.join('\n'))
    expect(await importPaths(io(), edgeOf({ refuse: 'Observation/3' }).edge, 'edge', [folder])).toBe(1)
    const later = edgeOf()
    await importPaths(io(), later.edge, 'edge', [folder])
    expect(later.written).toHaveLength(450)
  })

  it('takes a corrected file of the same size for another one', async () => {
    await file('Patient-1.json', { resourceType: 'Patient', id: '1', gender: 'male' })
    await importPaths(io(), edgeOf().edge, 'edge', [folder])
    await file('Patient-1.json', { resourceType: 'Patient', id: '2', gender: 'male' })
    await utimes(join(folder, 'Patient-1.json'), 1, 1)
    const later = edgeOf()
    await importPaths(io(), later.edge, 'edge', [folder])
    expect(later.written).toEqual(['Patient/2'])
  })

  it('does not mark as done what the edge never acknowledged', async () => {
    await file('Patient-1.json', { resourceType: 'Patient', id: '1' })
    const stop = new AbortController()
    stop.abort()
    await expect(importPaths(io(stop.signal), edgeOf().edge, 'edge', [folder])).rejects.toThrow('stopped')
    const later = edgeOf()
    await importPaths(io(), later.edge, 'edge', [folder])
    expect(later.written).toEqual(['Patient/1'])
  })
})
