/** What a trustee is sent: the leaves that it lacks, and with the last of them the checkpoint to cosign. */
import { formatAddCheckpoint } from '@scelle/log'
import { encode } from '@scelle/seal/verify'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import { LogPush } from '@scelle/wire/messages'
import { INDEX_LIMITS } from '../limits.ts'
import type { StoredLeaf } from '../log-store.ts'
import type { PublishedLog } from './published.ts'
import type { Target } from './rounds.ts'

/** What a trustee has, by its own word. */
export interface Standing {
  readonly mirrored: number
  readonly cosigned: number
}

export interface Push {
  readonly body: Uint8Array
  /** Whether it asks for a cosignature. */
  readonly asks: boolean
}

const pushed = ({ entry, control, denial }: StoredLeaf): LogPush['leaves'][number] => ({ entry, ...control, ...denial })

/** As many as fit one request: statements of control leaves can be long. */
const fitting = (leaves: readonly StoredLeaf[]): readonly StoredLeaf[] => {
  let bytes = 0
  const end = leaves.findIndex(({ control, denial }) => {
    bytes += (control?.statement.length ?? 0) + (denial?.statement.length ?? 0) + (denial?.access.length ?? 0)
    return bytes > INDEX_LIMITS.pushBytes
  })
  return end < 0 ? leaves : leaves.slice(0, Math.max(1, end))
}

/** Trustees that keep up are sent the same, so what was made last is kept. */
export class Pushes {
  /** Asks for nothing but what a trustee has. */
  readonly probe: Uint8Array
  readonly #published: PublishedLog
  readonly #keys: readonly Uint8Array[]
  #last: { readonly name: string; readonly push: Promise<Push> } | undefined

  /** `keys`: the index's own key chain. */
  constructor(published: PublishedLog, keys: readonly Uint8Array[]) {
    this.#published = published
    this.#keys = keys
    this.probe = encode(LogPush, { from: 0, leaves: [], keys: [...keys] })
  }

  next(standing: Standing, target: Target): Promise<Push> {
    const name = `${standing.mirrored}/${standing.cosigned}/${target.size}`
    if (this.#last?.name === name) return this.#last.push
    const push = this.#make(standing, target)
    this.#last = { name, push }
    return push
  }

  async #make({ mirrored, cosigned }: Standing, target: Target): Promise<Push> {
    const to = Math.min(target.size, mirrored + WIRE_LIMITS.logPush)
    const leaves = mirrored < to ? fitting(await this.#published.recent.read(mirrored, to)) : []
    const asks = mirrored + leaves.length >= target.size
    const message: LogPush = { from: mirrored, leaves: leaves.map(pushed), keys: [...this.#keys] }
    if (!asks) return { body: encode(LogPush, message), asks }
    const proof = await this.#published.consistency(cosigned, target.size)
    const request = formatAddCheckpoint({ old: cosigned, proof, checkpoint: target.note })
    return { body: encode(LogPush, { ...message, request }), asks }
  }
}
