/** Nodes and holders as processes, and requests to them over loopback. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportIdentity, type Identity } from '@scelle/seal/identity'
import { encode, toHex } from '@scelle/seal/verify'
import { signRequest } from '@scelle/wire/http'
import { ReleaseRequest } from '@scelle/wire/messages'
import type { World } from './world.ts'

export interface Started {
  readonly url: string
  readonly child: ChildProcess
  readonly kill: () => Promise<void>
}

/** In one folder: the trustee's identity, its socket, its file. */
export class Processes {
  readonly socket: string
  readonly path: string
  readonly #world: World
  readonly #identity: string
  readonly #started: Started[] = []

  constructor(world: World, folder: string) {
    this.#world = world
    this.socket = join(folder, 'nodes.sock')
    this.path = join(folder, 'trustee.sqlite')
    this.#identity = join(folder, 'identity')
    writeFileSync(this.#identity, exportIdentity(world.trustees[0] as Identity))
    chmodSync(folder, 0o700)
  }

  node(): Promise<Started> {
    return this.#start('node', this.socket)
  }

  nodes(count: number): Promise<Started[]> {
    return Promise.all(Array.from({ length: count }, () => this.node()))
  }

  /** `keeps`: it dies once so many releases are on disk; never where absent. */
  holder(keeps = 0): Promise<Started> {
    const { index, register } = this.#world
    return this.#start('holder', this.socket, this.path, toHex(index.id), toHex(register.id), String(keeps))
  }

  async end(): Promise<void> {
    for (const { kill } of this.#started) await kill()
  }

  async #start(...rest: readonly string[]): Promise<Started> {
    const args = [this.#identity, String(this.#world.clock.now()), ...rest]
    const child = fork(new URL('nodes-child.ts', import.meta.url), args, { execArgv: [] })
    const url = await new Promise<string>((resolve, reject) => {
      child.once('exit', () => reject(new Error('it ended before it was ready')))
      child.once('message', (message) => resolve(message as unknown as string))
    })
    const kill = async (): Promise<void> => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    }
    const started = { url, child, kill }
    this.#started.push(started)
    return started
  }
}

export interface Said {
  /** 0 where nobody answered. */
  readonly status: number
  readonly bytes: Uint8Array
  readonly code: unknown
}

/** A request to be sent, signed for one address: many are signed before the first is sent. */
export const signed = async (
  { clock }: World, request: ReleaseRequest, reader: Identity, base: string,
): Promise<() => Promise<Said>> => {
  const body = encode(ReleaseRequest, request)
  const url = `${base}/v1/releases`
  const target = { method: 'POST', url, body, identity: reader }
  const headers = await signRequest({ ...target, now: clock.now, random: clock.random })
  return async () => {
    try {
      const answer = await fetch(url, { method: 'POST', headers, body })
      const bytes = new Uint8Array(await answer.arrayBuffer())
      const code = answer.ok ? undefined : (JSON.parse(Buffer.from(bytes).toString()) as { code: string }).code
      return { status: answer.status, bytes, code }
    } catch {
      return { status: 0, bytes: new Uint8Array(0), code: undefined }
    }
  }
}
