/** One HTTP/1.1 connection that sends prepared bytes and counts answers: a client that costs the machine little. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Received {
  readonly status: number
  /** Bytes of the body. */
  readonly size: number
  /** Where it was asked for, and of every refusal. */
  readonly body: Buffer | undefined
}

interface Waiting {
  readonly keep: boolean
  readonly resolve: (received: Received) => void
  readonly reject: (error: Error) => void
}

const END_OF_HEAD = Buffer.from('\r\n\r\n')

export class HttpConnection {
  readonly #socket: Socket
  #waiting: Waiting | undefined
  #pieces: Buffer[] = []
  #size = 0
  /** Of the answer under way, once its head is here. */
  #head: { status: number; start: number; end: number } | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (piece) => this.#take(piece))
    const fail = (): void => this.#waiting?.reject(new Error('the server closed the connection'))
    socket.on('close', fail)
    socket.on('error', fail)
  }

  static async open(url: string): Promise<HttpConnection> {
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    await once(socket, 'connect')
    return new HttpConnection(socket)
  }

  /** One request at a time. `keep`: the answer's body is wanted. */
  send(request: Uint8Array, keep = false): Promise<Received> {
    return new Promise((resolve, reject) => {
      this.#waiting = { keep, resolve, reject }
      this.#socket.write(request)
    })
  }

  close(): void {
    this.#waiting = undefined
    this.#socket.destroy()
  }

  #take(piece: Buffer): void {
    this.#pieces.push(piece)
    this.#size += piece.length
    this.#head ??= this.#readHead()
    if (this.#head === undefined || this.#size < this.#head.end) return
    const { status, start, end } = this.#head
    const keep = this.#waiting?.keep === true || status >= 300
    const body = keep ? Buffer.concat(this.#pieces).subarray(start, end) : undefined
    const waiting = this.#waiting
    this.#pieces = []
    this.#size = 0
    this.#head = undefined
    this.#waiting = undefined
    waiting?.resolve({ status, size: end - start, body })
  }

  #readHead(): { status: number; start: number; end: number } | undefined {
    const bytes = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces)
    const at = bytes.indexOf(END_OF_HEAD)
    if (at < 0) return undefined
    const head = bytes.toString('latin1', 0, at)
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
    if (length === undefined && !/^HTTP\/1\.1 (204|304)/.test(head))
      throw new Error('an answer without content-length')
    const start = at + END_OF_HEAD.length
    return { status: Number(head.slice(9, 12)), start, end: start + Number(length ?? 0) }
  }
}
