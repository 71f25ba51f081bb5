/** A TCP proxy before a database server that cuts a connection at a chosen message, or lets nobody through. */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'

/** `before`: the server never sees it. `after`: it does, and its answer is lost. */
export type Cut = 'before' | 'after'

export class CuttingProxy {
  readonly #server: Server
  readonly #target: URL
  readonly #open = new Set<Socket>()
  #armed: { readonly text: string; readonly cut: Cut; readonly forAll: boolean } | undefined
  /** Nobody is let through. */
  refusing = false
  /** How often it has cut. */
  cuts = 0

  private constructor(target: URL) {
    this.#target = target
    this.#server = createServer((client) => this.#join(client))
  }

  static async before(url: string): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(new URL(url))
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get url(): string {
    const url = new URL(this.#target)
    url.host = `127.0.0.1:${(this.#server.address() as { port: number }).port}`
    return url.href
  }

  /** Cuts once, at the first message that holds this text; `forAll`: all other connections too, and no new ones. */
  arm(text: string, cut: Cut, forAll = false): void {
    this.#armed = { text, cut, forAll }
  }

  async close(): Promise<void> {
    this.#server.close()
    for (const socket of this.#open) socket.destroy()
    await once(this.#server, 'close')
  }

  #join(client: Socket): void {
    if (this.refusing) return void client.destroy()
    const server = connect(Number(this.#target.port), this.#target.hostname)
    this.#open.add(client)
    for (const socket of [client, server]) socket.on('error', () => undefined)
    server.pipe(client)
    client.on('data', (chunk) => this.#forward(chunk, client, server))
    client.on('close', () => {
      this.#open.delete(client)
      server.end()
    })
    server.on('close', () => client.destroy())
  }

  #forward(chunk: Buffer, client: Socket, server: Socket): void {
    const at = this.#armed === undefined ? -1 : chunk.indexOf(this.#armed.text)
    if (this.#armed === undefined || at === -1) return void server.write(chunk)
    const { cut, forAll } = this.#armed
    this.#armed = undefined
    this.refusing = forAll
    for (const other of forAll ? this.#open : []) other.destroy()
    this.cuts++
    client.removeAllListeners('data')
    server.unpipe(client)
    client.destroy()
    // The server reads to the end what was sent, and then that there is no more.
    server.end(cut === 'after' ? chunk : chunk.subarray(0, at))
  }
}
