/** A folder as Linux has it under `/sys/class/hidraw`: links to devices that come and go. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Report descriptors: of a security key as Yubico's is, of a keyboard, of a key that also types. */
export const DESCRIPTORS = {
  key: '06d0f10901a1010920150026ff007508954081020921150026ff00750895409102c0',
  keyboard: '05010906a101050719e029e71500250175019508810295017508810195057501050819012905910295017503910195067508',
  both: '05010906a101050719e029e7c006d0f10901a1010920c0',
} as const

export interface Plugged {
  readonly pull: () => Promise<void>
}

export class FakeBus {
  readonly #root: string
  #plugs = 0

  private constructor(root: string) {
    this.#root = root
  }

  static async make(): Promise<FakeBus> {
    const root = await mkdtemp(join(tmpdir(), 'scelle-hidraw-'))
    await mkdir(join(root, 'class'))
    return new FakeBus(root)
  }

  get folder(): string {
    return join(this.#root, 'class')
  }

  /** As `name`, the lowest number that is free in a kernel; the device's own place counts on with every plug. */
  async plug(kind: keyof typeof DESCRIPTORS, name: string): Promise<Plugged> {
    const place = join(this.#root, `0003:1050:0407.${(++this.#plugs).toString(16).padStart(4, '0').toUpperCase()}`)
    const entry = join(this.folder, name)
    await mkdir(place)
    await writeFile(join(place, 'report_descriptor'), Buffer.from(DESCRIPTORS[kind], 'hex'))
    await mkdir(entry)
    await symlink(place, join(entry, 'device'))
    return {
      pull: async () => {
        await rm(entry, { recursive: true })
        await rm(place, { recursive: true })
      },
    }
  }

  close(): Promise<void> {
    return rm(this.#root, { recursive: true })
  }
}
