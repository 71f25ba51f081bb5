/** Where everything is kept: SCELLE_HOME. Each party has a folder of its own and reads nothing of another's. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'

/** The parties that `up` runs, in the order in which they start. */
export const PARTIES = ['index', 'trustee-1', 'trustee-2', 'trustee-3', 'edge'] as const
export type Party = (typeof PARTIES)[number]

/** What `up` decided once: ports stay the same, so that addresses in configurations keep meaning something. */
export interface Installation {
  readonly version: 1
  readonly firstPort: number
  readonly ids: Record<Party, string>
  readonly application: string
}

export class Home {
  readonly root: string
  constructor(root: string) {
    this.root = root
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts)
  }

  /** Only the owner of the folder reads it: it holds keys. */
  async folder(...parts: string[]): Promise<string> {
    const path = this.path(...parts)
    await mkdir(path, { recursive: true, mode: 0o700 })
    return path
  }

  /** Undefined where there is no such file. */
  async read(...parts: string[]): Promise<Uint8Array | undefined> {
    try {
      return new Uint8Array(await readFile(this.path(...parts)))
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw cause
    }
  }

  async readJson<T>(...parts: string[]): Promise<T | undefined> {
    const bytes = await this.read(...parts)
    return bytes === undefined ? undefined : (JSON.parse(new TextDecoder().decode(bytes)) as T)
  }

  /** Whole or not at all: written beside, then renamed. */
  async write(content: string | Uint8Array, ...parts: string[]): Promise<string> {
    const path = this.path(...parts)
    await mkdir(join(path, '..'), { recursive: true, mode: 0o700 })
    const beside = `${path}.${randomBytes(6).toString('hex')}`
    await writeFile(beside, content, { mode: 0o600, flush: true })
    await rename(beside, path)
    return path
  }

  async installation(): Promise<Installation | undefined> {
    return this.readJson<Installation>('installation.json')
  }
}

/** Ports follow from the first one: index, trustees 1 to 3, edge, sidecar. */
export const portOf = (installation: Pick<Installation, 'firstPort'>, party: Party | 'sidecar'): number =>
  installation.firstPort + (party === 'sidecar' ? PARTIES.length : PARTIES.indexOf(party))

export const urlOf = (installation: Pick<Installation, 'firstPort'>, party: Party | 'sidecar'): string =>
  `http://127.0.0.1:${portOf(installation, party)}`
