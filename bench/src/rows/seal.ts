/** Sealing and opening small records on one core, and large bodies beside bare AES-256-GCM and SHA-256. */
import { createCipheriv, createHash, createSecretKey, randomBytes } from 'node:crypto'
import { createCommit, openRecords, sealRecords, type SealedRecord, type OpenCapsule } from '@scelle/seal/envelope'
import { perSecond, rate, type Row, sideBySide, times } from '../measure.ts'
import { type Bench, context, newBench, resourcesOf } from '../sealing.ts'

const RECORDS = 2_400

const itemsOf = (resources: readonly object[]) =>
  resources.map((resource) => ({
    handle: context.random(16),
    version: 1,
    time: 1_768_000_000,
    contentType: 'fhir+json' as const,
    content: JSON.stringify(resource),
  }))

interface Sealed {
  readonly capsule: OpenCapsule
  readonly records: SealedRecord[]
}

/** What a client does: stringify, compress, seal, put into signed commits of one capsule each. */
const sealAll = async (bench: Bench, resources: readonly object[], perCapsule: number): Promise<Sealed[]> => {
  const sealed: Sealed[] = []
  for (let from = 0; from < resources.length; from += perCapsule) {
    const capsule = await bench.capsule()
    const records = await sealRecords(capsule, itemsOf(resources.slice(from, from + perCapsule)), context)
    await createCommit(
      {
        vault: capsule.header.vault,
        custodian: capsule.header.custodian,
        author: bench.writer,
        capsules: [capsule.capsuleBytes],
        records: records.map((record) => ({ ...record, size: record.body.length })),
        linkRecipient: bench.writer.keys,
      },
      bench.courier,
      context,
    )
    sealed.push({ capsule, records })
  }
  return sealed
}

const openAll = async (sealed: readonly Sealed[]): Promise<void> => {
  for (const { capsule, records } of sealed) {
    for (const opened of await openRecords(capsule, records)) {
      if (opened instanceof Error) throw opened
      JSON.parse(Buffer.from(opened.content.buffer, opened.content.byteOffset, opened.content.length).toString('utf8'))
    }
  }
}

/** AES-256-GCM alone over the JSON: what nobody who encrypts can go below. */
const gcmAlone = (resources: readonly object[]) => (): void => {
  const key = createSecretKey(randomBytes(32))
  for (const resource of resources) {
    const cipher = createCipheriv('aes-256-gcm', key, randomBytes(12))
    cipher.update(JSON.stringify(resource), 'utf8')
    cipher.final()
    cipher.getAuthTag()
  }
}

const smallRows = async (bench: Bench, perCapsule: number): Promise<Row[]> => {
  const resources = resourcesOf('bench', RECORDS)
  const bytes = resources.reduce((sum, resource) => sum + JSON.stringify(resource).length, 0)
  const seal = await sideBySide(RECORDS, () => sealAll(bench, resources, perCapsule), gcmAlone(resources))
  const sealed = await sealAll(bench, resources, perCapsule)
  const open = await rate(RECORDS, () => openAll(sealed))
  const size = `${Math.round(bytes / RECORDS)} B`
  return [
    {
      what: `client seal, ${size} resources, share of signature`,
      perCapsule: String(perCapsule),
      reached: perSecond(seal.ours),
      target: '15,000/s',
      beside: `${times(seal.ratio)} of stringify + AES-256-GCM alone (${perSecond(seal.theirs)})`,
    },
    {
      what: `client open + parse, ${size}`,
      perCapsule: String(perCapsule),
      reached: perSecond(open),
      target: '60,000/s',
      beside: '',
    },
  ]
}

const largeRow = async (bench: Bench, size: number): Promise<Row> => {
  const content = randomBytes(size)
  const item = { handle: context.random(16), version: 1, time: 0, contentType: 'octets' as const, content }
  const rounds = Math.min(400, Math.max(4, Math.floor((32 * 1024 * 1024) / size)))
  const ours = async (): Promise<void> => {
    const capsule = await bench.capsule()
    for (let i = 0; i < rounds; i++) await sealRecords(capsule, [item], context)
  }
  const key = createSecretKey(randomBytes(32))
  const theirs = (): void => {
    for (let i = 0; i < rounds; i++) {
      const cipher = createCipheriv('aes-256-gcm', key, randomBytes(12))
      const body = cipher.update(content)
      cipher.final()
      createHash('sha256').update(body).update(cipher.getAuthTag()).digest()
    }
  }
  const { ratio, ours: reached } = await sideBySide((rounds * size) / 1e6, ours, theirs)
  const name = size >= 1 << 20 ? `${size >> 20} MB` : `${size >> 10} kB`
  return {
    what: `seal ${name}`,
    perCapsule: '-',
    reached: `${Math.round(reached)} MB/s`,
    target: '0.60 ×',
    beside: `${times(ratio)} of AES-256-GCM + SHA-256 on the same bytes`,
  }
}

export const sealRows = async (): Promise<Row[]> => {
  const bench = await newBench()
  return [
    ...(await smallRows(bench, 24)),
    ...(await smallRows(bench, 400)),
    await largeRow(bench, 64 * 1024),
    await largeRow(bench, 8 * 1024 * 1024),
  ]
}
