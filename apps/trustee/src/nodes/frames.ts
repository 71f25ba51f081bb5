/**
 * Questions and answers over a socket of this host's file system: each with its length, a number, and one octet, the
 * kind of a question or how an answer ended. Who may open the socket is for the folder's mode to say.
 */
import { chmodSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { decode, encode } from '@scelle/seal/verify'
import { isProblemCode, Problem } from '@scelle/wire/errors'
import { problemOf } from '@scelle/wire/server'
import type { Timers } from '@scelle/wire/timers'
import { TRUSTEE_LIMITS } from '../limits.ts'
import { RefusalFrame } from './messages.ts'

interface Frame {
  readonly number: number
  readonly kind: number
  readonly body: Uint8Array
}

const HEAD = 9
const ANSWERED = 0
const REFUSED = 1

const send = (socket: Socket, { number, kind, body }: Frame): void => {
  const head = Buffer.alloc(HEAD)
  head.writeUInt32BE(body.length, 0)
  head.writeUInt32BE(number, 4)
  head.writeUInt8(kind, 8)
  socket.cork()
  socket.write(head)
  socket.write(body)
  socket.uncork()
}

/** Calls `take` with each whole frame. What is over the limit ends the connection. */
const readFrames = (socket: Socket, take: (frame: Frame) => void): void => {
  let parts: Buffer[] = []
  let length = 0
  let needed = HEAD
  socket.on('data', (part: Buffer) => {
    parts.push(part)
    length += part.length
    if (length < needed) return
    let rest = Buffer.concat(parts, length)
    for (;;) {
      needed = HEAD
      if (rest.length < HEAD) break
      const size = rest.readUInt32BE(0)
      if (size > TRUSTEE_LIMITS.nodeFrame) {
        socket.destroy()
        return
      }
      needed = HEAD + size
      if (rest.length < needed) break
      const body = new Uint8Array(rest.subarray(HEAD, needed))
      take({ number: rest.readUInt32BE(4), kind: rest.readUInt8(8), body })
      rest = rest.subarray(needed)
    }
    parts = [rest]
    length = rest.length
  })
}

export type Handle = (kind: number, body: Uint8Array) => Promise<Uint8Array>

const answerTo = async ({ kind, body }: Frame, handle: Handle, fault: (error: unknown) => void): Promise<
  Omit<Frame, 'number'>> => {
  try {
    return { kind: ANSWERED, body: await handle(kind, body) }
  } catch (error) {
    const { code, detail } = problemOf(error)
    if (code === 'internal') fault(error)
    return { kind: REFUSED, body: encode(RefusalFrame, { code, ...(detail === undefined ? {} : { detail }) }) }
  }
}

export interface FrameServer {
  readonly close: () => Promise<void>
}

/** Listens where no other process does: whoever calls has the trustee's file for itself, so a socket there is stale. */
export const serveFrames = async (
  path: string, handle: Handle, fault: (error: unknown) => void,
): Promise<FrameServer> => {
  rmSync(path, { force: true })
  const open = new Set<Socket>()
  const server: Server = createServer((socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => socket.destroy())
    const reply = async (frame: Frame): Promise<void> => {
      const answer = await answerTo(frame, handle, fault)
      if (socket.writable) send(socket, { number: frame.number, ...answer })
    }
    readFrames(socket, (frame) => void reply(frame))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  chmodSync(path, 0o600)
  return {
    close: () => new Promise((resolve) => {
      server.close(() => resolve())
      for (const socket of open) socket.destroy()
    }),
  }
}

interface Waiting {
  readonly resolve: (body: Uint8Array) => void
  readonly reject: (problem: Problem) => void
}

const unreached = (): Problem => new Problem('overloaded', 'This node does not reach the process that charges.')

/** One connection, made when it is needed and again after it broke. */
export class FrameClient {
  readonly #path: string
  readonly #timers: Timers
  readonly #reached: (reached: boolean) => void
  readonly #waiting = new Map<number, Waiting>()
  #socket: Socket | undefined
  #number = 0

  /** `reached`: told when a connection is made, and when it broke. */
  constructor(path: string, timers: Timers, reached: (reached: boolean) => void) {
    this.#path = path
    this.#timers = timers
    this.#reached = reached
  }

  /** Throws the Problem of a refusal, and `overloaded` where nobody answers: what was asked may have been done. */
  ask(kind: number, body: Uint8Array): Promise<Uint8Array> {
    const socket = this.#connected()
    const number = this.#number = (this.#number + 1) % 2 ** 32
    return new Promise((resolve, reject) => {
      const cancel = this.#timers.after(TRUSTEE_LIMITS.nodeTimeout, () => {
        this.#waiting.delete(number)
        reject(unreached())
      })
      this.#waiting.set(number, {
        resolve: (answer) => { cancel(); resolve(answer) }, reject: (error) => { cancel(); reject(error) },
      })
      send(socket, { number, kind, body })
    })
  }

  close(): void {
    this.#socket?.destroy()
  }

  #connected(): Socket {
    if (this.#socket !== undefined) return this.#socket
    const socket = connect(this.#path)
    this.#socket = socket
    let made = false
    socket.on('connect', () => {
      made = true
      this.#reached(true)
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = undefined
      const waiting = [...this.#waiting.values()]
      this.#waiting.clear()
      for (const { reject } of waiting) reject(unreached())
      if (made) this.#reached(false)
    })
    readFrames(socket, ({ number, kind, body }) => {
      const waiting = this.#waiting.get(number)
      this.#waiting.delete(number)
      if (kind === ANSWERED) waiting?.resolve(body)
      else waiting?.reject(refusalIn(body))
    })
    return socket
  }
}

const refusalIn = (body: Uint8Array): Problem => {
  const { code, detail } = decode(RefusalFrame, body)
  return isProblemCode(code) ? new Problem(code, detail) : new Problem('internal')
}
