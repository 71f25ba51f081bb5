/**
 * What is open, and what is closed to make room. Bounded in charts and in bytes. Room is made so that nobody pushes out
 * others at will: a session that holds its share or more gives up its own charts first, the least recently used first.
 */
export interface Held {
  /** The session it belongs to. */
  readonly owner: string
  readonly vault: string
  /** Vaults whose records it holds too: of patients merged into this one. */
  readonly beside: readonly string[]
  /** No patient's chart: it stays, and does not count. */
  readonly lasting: boolean
  /** About how many bytes of memory closing it gives back. */
  readonly weight: () => number
  /** Forgets the keys; what was opened is wiped as soon as nobody can be reading it. */
  readonly shut: () => void
}

export interface RoomLimits {
  /** Charts open at once. */
  readonly open: number
  /** Charts open at once in one session. */
  readonly perSession: number
  /** Bytes of all open charts together. */
  readonly bytes: number
}

interface Owner<C> {
  readonly charts: Map<string, C>
  weight: number
}

export class OpenCharts<C extends Held> {
  readonly #limits: RoomLimits
  /** Least recently used first. */
  readonly #order = new Set<C>()
  readonly #owners = new Map<string, Owner<C>>()
  readonly #ofVault = new Map<string, Set<C>>()
  /** What each was last found to weigh. */
  readonly #weights = new Map<C, number>()
  #weight = 0

  constructor(limits: RoomLimits) {
    this.#limits = limits
  }

  get count(): number {
    return this.#order.size
  }

  /** Bytes of all patients' charts, about. */
  get weight(): number {
    return this.#weight
  }

  get(owner: string, vault: string): C | undefined {
    return this.#owners.get(owner)?.charts.get(vault)
  }

  has(chart: C): boolean {
    return this.#order.has(chart)
  }

  /** Those that hold records of a vault. */
  ofVault(vault: string): readonly C[] {
    return [...this.#ofVault.get(vault) ?? []]
  }

  ofOwner(owner: string): readonly C[] {
    return [...this.#owners.get(owner)?.charts.values() ?? []]
  }

  all(): readonly C[] {
    return [...this.#order]
  }

  /** Adds one, and makes room for it. False where it is larger than all the room there is: then it is not added. */
  add(chart: C): boolean {
    if (!chart.lasting && chart.weight() > this.#limits.bytes) return false
    const owner = this.#owners.get(chart.owner) ?? { charts: new Map(), weight: 0 }
    this.#owners.set(chart.owner, owner)
    owner.charts.set(chart.vault, chart)
    for (const vault of vaultsOf(chart)) {
      this.#ofVault.set(vault, (this.#ofVault.get(vault) ?? new Set()).add(chart))
    }
    this.#order.add(chart)
    this.weigh(chart)
    return true
  }

  /** It is used now. */
  touch(chart: C): void {
    this.#order.delete(chart)
    this.#order.add(chart)
  }

  /** It may have grown: counts it anew, and makes room where there is too little; of itself in the end. */
  weigh(chart: C): void {
    const owner = this.#owners.get(chart.owner)
    if (owner === undefined || chart.lasting || !this.#order.has(chart)) return
    const now = chart.weight()
    const change = now - (this.#weights.get(chart) ?? 0)
    this.#weights.set(chart, now)
    owner.weight += change
    this.#weight += change
    if (change !== 0) this.#makeRoom(chart, owner)
  }

  close(chart: C): void {
    if (!this.#order.delete(chart)) return
    const owner = this.#owners.get(chart.owner)
    const weight = this.#weights.get(chart) ?? 0
    this.#weights.delete(chart)
    this.#weight -= weight
    owner?.charts.delete(chart.vault)
    if (owner !== undefined) owner.weight -= weight
    if (owner?.charts.size === 0) this.#owners.delete(chart.owner)
    for (const vault of vaultsOf(chart)) {
      const others = this.#ofVault.get(vault)
      others?.delete(chart)
      if (others?.size === 0) this.#ofVault.delete(vault)
    }
    chart.shut()
  }

  #makeRoom(newest: C, owner: Owner<C>): void {
    const { bytes, open, perSession } = this.#limits
    const own = (): number => [...owner.charts.values()].filter(({ lasting }) => !lasting).length
    while (own() > perSession) this.close(this.#ownFirst(newest))
    while (this.#weights.size > open || this.#weight > bytes) this.close(this.#victim(newest, owner))
  }

  #victim(newest: C, owner: Owner<C>): C {
    const share = this.#weight / this.#owners.size
    if (owner.weight >= share && owner.charts.size > 1) return this.#ownFirst(newest)
    return this.#first(newest, ({ owner: other }) => (this.#owners.get(other)?.weight ?? 0) >= share)
  }

  #ownFirst(newest: C): C {
    return this.#first(newest, ({ owner }) => owner === newest.owner)
  }

  /** The least recently used one that fits, or else the newest itself. */
  #first(newest: C, fits: (chart: C) => boolean): C {
    for (const chart of this.#order) if (!chart.lasting && chart !== newest && fits(chart)) return chart
    return newest
  }
}

const vaultsOf = ({ vault, beside }: Held): readonly string[] => [vault, ...beside]
