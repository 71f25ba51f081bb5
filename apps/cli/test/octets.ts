/** Octets by the gigabyte, seeded and never stored: what the tests send and compare with. */
import { createCipheriv, createHash, type Hash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { type IncomingMessage, request, type RequestOptions } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const PIECE = 1024 * 1024

/** A seeded stream from any place of it on: AES-CTR over zeros. */
export function* seeded(seed: string, length: number, from = 0): Generator<Buffer> {
  const key = createHash('sha256').update(seed).digest()
  const counter = Buffer.alloc(16)
  counter.writeBigUInt64BE(BigInt(Math.floor(from / 16)), 8)
  const cipher = createCipheriv('aes-256-ctr', key, counter)
  cipher.update(Buffer.alloc(from % 16))
  const zeros = Buffer.alloc(PIECE)
  for (let left = length; left > 0; left -= PIECE) yield cipher.update(zeros.subarray(0, Math.min(PIECE, left)))
}

export const digestOf = (pieces: Iterable<Uint8Array>): Buffer => {
  const hash = createHash('sha256')
  for (const piece of pieces) hash.update(piece)
  return hash.digest()
}

export const sha256Field = (digest: Buffer): string => `sha-256=:${digest.toString('base64')}:`

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** Of the body as it came. */
  readonly digest: Buffer
  readonly length: number
  /** The beginning of the body. */
  readonly text: string
}

const drained = async (message: IncomingMessage): Promise<Pick<Answer, 'digest' | 'length' | 'text'>> => {
  const hash: Hash = createHash('sha256')
  const beginning: Buffer[] = []
  let length = 0
  for await (const piece of message as AsyncIterable<Buffer>) {
    hash.update(piece)
    if (length < 4_096) beginning.push(Buffer.from(piece.subarray(0, 4_096)))
    length += piece.length
  }
  return { digest: hash.digest(), length, text: Buffer.concat(beginning).toString('utf8') }
}

/** One plain HTTP request, its body streamed both ways. */
export const send = async (url: string, options: RequestOptions, body?: Iterable<Uint8Array>): Promise<Answer> => {
  const outgoing = request(url, options)
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve)
    outgoing.once('error', reject)
  })
  if (body === undefined) outgoing.end()
  else pipeline(Readable.from(body, { objectMode: false }), outgoing).catch(() => undefined)
  const message = await answered
  return { status: message.statusCode ?? 0, headers: message.headers, ...(await drained(message)) }
}

/** Resident memory of a process, in MiB. */
const residentOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0') / 1024

/** Processor seconds that a process used: fields 14 and 15 of its stat line, hundredths. */
const processorOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

export interface Watch {
  readonly idle: number
  readonly highest: () => number
  /** Processor seconds since. */
  readonly used: () => number
  readonly stop: () => void
}

/** Watches a process: resident memory now, and at its highest since, in MiB. */
export const watchProcess = (pid: number): Watch => {
  const idle = residentOf(pid)
  const before = processorOf(pid)
  let highest = idle
  const look = (): void => {
    highest = Math.max(highest, residentOf(pid))
  }
  const timer = setInterval(() => {
    if (existsSync(`/proc/${pid}`)) look()
    else clearInterval(timer)
  }, 50)
  return {
    idle,
    highest: () => {
      look()
      return highest
    },
    used: () => processorOf(pid) - before,
    stop: () => clearInterval(timer),
  }
}
