/** Octets of any size through the sdk: sealed as they come, read at any place, and an index that lies about them. */
import { createHash } from 'node:crypto'
import type { Attachment, Chart, SealedAttachment, Vault } from '@scelle/sdk'
import { toHex } from '@scelle/sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createScene, item, type Scene } from './scene.ts'

let scene: Scene
beforeEach(async () => {
  scene = await createScene('attachments')
})
afterEach(() => scene.world.close())

async function* inPieces(octets: Uint8Array, size = 10_007): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < octets.length; at += size) yield octets.subarray(at, at + size)
}

const sealed = (octets: Uint8Array, vault: Vault = scene.vault): Promise<SealedAttachment> =>
  vault.sealAttachment({
    category: 'summary', handle: scene.world.random(`handle ${octets.length}`)(16), version: 1,
    length: octets.length, source: () => inPieces(octets),
  })

const itemOf = (attachment: SealedAttachment) => {
  const { category, handle, version } = attachment
  return { category, handle, version, content: '', contentType: 'octets' as const, sealed: attachment }
}

const stored = async (octets: Uint8Array): Promise<SealedAttachment> => {
  const attachment = await sealed(octets)
  await scene.vault.write([item('about it'), itemOf(attachment)])
  return attachment
}

const find = async (chart: Chart, { record }: SealedAttachment): Promise<Attachment> =>
  (await chart.attachment(toHex(scene.hospital.identity.id), toHex(record))) as Attachment

const octetsOf = async (attachment: Attachment, start?: number, end?: number): Promise<Buffer> => {
  const pieces: Uint8Array[] = []
  for await (const piece of attachment.range(start, end)) pieces.push(piece)
  return Buffer.concat(pieces)
}

const blobRequests = () => scene.world.network.seen.filter(({ target }) => target.includes('/v1/blobs/'))

describe('an attachment', () => {
  it.each([0, 1, 50_000, 3_300_000])('of %i bytes comes back, whole and in parts', async (length) => {
    const octets = scene.world.random('octets')(length)
    const attachment = await stored(octets)
    const chart = await scene.vault.open()
    expect(chart.opened()).toHaveLength(1)
    const opened = await find(chart, attachment)
    expect(opened).toMatchObject({ length, category: 'summary' })
    expect((await octetsOf(opened)).equals(octets)).toBe(true)
    for (const [start, end] of [[0, 1], [length - 1, length], [16_384, 40_000], [1_048_570, 2_100_000]] as const) {
      const expected = octets.subarray(Math.max(0, start), end)
      if (start < length) expect((await octetsOf(opened, Math.max(0, start), end)).equals(expected)).toBe(true)
    }
  })

  it('is not fetched, and its key not released, before somebody reads it', async () => {
    const attachment = await stored(scene.world.random('octets')(400_000))
    const { network } = scene.world
    network.recording = true
    const chart = await scene.vault.open()
    const accesses = () => network.seen.filter(({ target }) => target === '/v1/accesses').length
    expect(accesses()).toBe(1)
    expect(blobRequests()).toHaveLength(0)
    const opened = await find(chart, attachment)
    await octetsOf(opened, 0, 10)
    expect(accesses()).toBe(2)
    await octetsOf(await find(chart, attachment), 0, 10)
    expect(accesses()).toBe(2)
    expect(await chart.attachment(toHex(scene.hospital.identity.id), '00'.repeat(16))).toBeUndefined()
    expect(await chart.attachment('00'.repeat(32), toHex(attachment.record))).toBeUndefined()
  })

  it('is the same body in both passes: what the index holds is named by its own digest', async () => {
    const { network } = scene.world
    network.recording = true
    const { digest, size } = await sealed(scene.world.random('octets')(1_000_000))
    const [upload] = blobRequests()
    expect(upload?.body).toHaveLength(size)
    expect(createHash('sha256').update(upload?.body ?? '').digest().equals(Buffer.from(digest))).toBe(true)
  })

  it('of another length than announced is refused, and nothing is uploaded', async () => {
    const { network } = scene.world
    network.recording = true
    const octets = scene.world.random('octets')(200_000)
    for (const length of [octets.length - 1, octets.length + 1]) {
      await expect(scene.vault.sealAttachment({
        category: 'summary', handle: scene.world.random('h')(16), version: 1, length, source: () => inPieces(octets),
      })).rejects.toMatchObject({ code: 'record-mismatch' })
    }
    expect(blobRequests()).toHaveLength(0)
  })

  it('can be committed only as what it was sealed as', async () => {
    const attachment = await sealed(scene.world.random('octets')(100_000))
    const right = itemOf(attachment)
    for (const wrong of [
      { ...right, category: 'notes' }, { ...right, version: 2 }, { ...right, content: 'x' },
      { ...right, contentType: 'fhir+json' as const }, { ...right, handle: new Uint8Array(16) },
    ]) await expect(scene.vault.write([wrong])).rejects.toMatchObject({ code: 'bad-input' })
    await expect(scene.vault.write([right])).resolves.toHaveLength(1)
  })

  it('ends with its chart', async () => {
    const attachment = await stored(scene.world.random('octets')(300_000))
    const chart = await scene.vault.open()
    const opened = await find(chart, attachment)
    const reading = opened.range()
    await reading.next()
    chart.close()
    await expect(reading.next()).rejects.toMatchObject({ code: 'chart-closed' })
    await expect(find(chart, attachment)).rejects.toMatchObject({ code: 'chart-closed' })
  })
})

describe('an index that serves another attachment', () => {
  const lieAboutBlobs = (change: (body: Uint8Array, range: string) => Uint8Array): void => {
    scene.world.network.add({
      host: scene.world.index.host, method: 'GET', target: /blobs/,
      effect: {
        kind: 'tamper',
        change: (answer, request) => ({ ...answer, body: change(answer.body, request.headers['range'] ?? '') }),
      },
    })
  }

  it('is noticed before a byte of the changed part is given out', async () => {
    const octets = scene.world.random('octets')(3_000_000)
    const attachment = await stored(octets)
    const chart = await scene.vault.open()
    lieAboutBlobs((body, range) =>
      range.startsWith('bytes=1048576-') ? body.map((byte, i) => (i === 400_000 ? byte ^ 1 : byte)) : body)
    const opened = await find(chart, attachment)
    const given: Uint8Array[] = []
    const reading = (async () => {
      for await (const piece of opened.range()) given.push(piece)
    })()
    await expect(reading).rejects.toMatchObject({ code: 'record-tampered' })
    const length = given.reduce((sum, piece) => sum + piece.length, 0)
    expect(length).toBeLessThan(524_288 * 2 + 500_000)
    expect(Buffer.concat(given).equals(octets.subarray(0, length))).toBe(true)
  })

  it('is noticed at once where the end or the beginning is not its own', async () => {
    const attachment = await stored(scene.world.random('octets')(300_000))
    const chart = await scene.vault.open()
    for (const change of [
      (body: Uint8Array) => body.map((byte, i) => (i === body.length - 1 ? byte ^ 1 : byte)),
      (body: Uint8Array) => body.map((byte, i) => (i === 30 ? byte ^ 1 : byte)),
      (body: Uint8Array) => body.toReversed(),
    ]) {
      lieAboutBlobs(change)
      await expect(find(chart, attachment)).rejects.toMatchObject({ code: 'record-tampered' })
    }
  })

  it('is noticed where it serves less than asked for', async () => {
    const attachment = await stored(scene.world.random('octets')(300_000))
    const chart = await scene.vault.open()
    lieAboutBlobs((body) => body.subarray(1))
    await expect(find(chart, attachment)).rejects.toMatchObject({ code: 'record-truncated' })
  })
})
