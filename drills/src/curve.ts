/**
 * What cannot be had at once: how many files a stolen account costs, against how often an honest doctor is stopped, by
 * the share of patients whose device or card shows that they are there. A thief has no card.
 */
import { type Budget, BUDGETS, each } from '@scelle/trustee/meter'
import { friction, perThousand } from './friction.ts'
import { ACCOUNTS, boundOf, PATIENTS } from './stolen.ts'
import { personOf, type Workload, WORKLOADS } from './workloads.ts'

export interface CurvePoint {
  /** Share of consultations with the patient's own word. */
  readonly present: number
  /** Patients of a day, and of 30, that nobody outside the practice explains: in all, at all trustees. */
  readonly day: number
  readonly month: number
  readonly stops: number
  readonly stepUps: number
  /** Shares of all patients that 1,500 stolen accounts lose in 24 hours and in 28 days. */
  readonly lostDay: number
  readonly lostMonth: number
}

export const PRESENT = [0.5, 0.6, 0.7, 0.8, 0.88, 0.95] as const
export const CAPS = [[30, 180], [50, 300], [75, 600], [100, 1_200]] as const

const budgetOf = (day: number, month: number): Budget => ({
  ...BUDGETS.gp,
  bounds: { ...BUDGETS.gp.bounds, own: { day: each(day), month: each(month) }, unexplained: { day: each(day) } },
  free: each(Math.min(day, 24)),
})

const solo = WORKLOADS.find(({ name }) => name === 'gp-solo') as Workload

/** A doctor of 50 patients a day without a secretary: whoever is not there is explained by a referral, or by nobody. */
export const curve = (
  { seed, shifts, progress }: { seed: string; shifts: number; progress?: (done: number, total: number) => void },
): CurvePoint[] => {
  const points: CurvePoint[] = []
  for (const [day, month] of CAPS) {
    for (const present of PRESENT) {
      const outside = (1 - present) / 2
      const budget = budgetOf(day, month)
      const found = friction({ ...solo, mix: { patient: present, outside, inside: 0 } }, {
        seed: `${seed}/${day}/${present}`, shifts, standing: (draw) => personOf('gp', draw, budget),
      })
      points.push({
        present, day, month, stops: perThousand(found.stops, found), stepUps: perThousand(found.stepUps, found),
        lostDay: (ACCOUNTS * boundOf(budget, 1)) / PATIENTS, lostMonth: (ACCOUNTS * boundOf(budget, 28)) / PATIENTS,
      })
      progress?.(points.length, CAPS.length * PRESENT.length)
    }
  }
  return points
}

const WIDTH = 640
const HEIGHT = 360
const LEFT = 64
const BOTTOM = 300

const x = (present: number): number => LEFT + ((present - 0.5) / 0.45) * (WIDTH - LEFT - 150)
/** Stops in 1,000 shifts, from 0.1 to 1,000, by powers of ten. */
const y = (stops: number): number => BOTTOM - ((Math.log10(Math.max(0.1, stops)) + 1) / 4) * (BOTTOM - 30)

const text = (at: number, line: number, said: string, more = ''): string =>
  `<text x="${at.toFixed(0)}" y="${line.toFixed(0)}"${more}>${said}</text>`

export interface CurveWords {
  readonly title: string
  readonly across: string
  readonly up: string
  readonly line: (day: number, month: number, lostDay: string, lostMonth: string) => string
}

/** As an SVG whose text can be searched and read aloud. */
export const curveSvg = (points: readonly CurvePoint[], words: CurveWords): string => {
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
  const lines = CAPS.map(([day, month], place) => {
    const of = points.filter((point) => point.day === day)
    const last = of.at(-1) as CurvePoint
    const path = of.map(({ present, stops }) => `${x(present).toFixed(0)},${y(stops).toFixed(0)}`).join(' ')
    const dash = ['', '8 4', '3 3', '1 4'][place] ?? ''
    const said = words.line(day, month, percent(last.lostDay), percent(last.lostMonth))
    return `<polyline points="${path}" fill="none" stroke="#0b5" stroke-width="2" stroke-dasharray="${dash}"/>` +
      text(x(0.5) + 4, 34 + place * 16 + 200, said, ' font-size="11"') +
      `<line x1="${x(0.5) - 34}" x2="${x(0.5)}" y1="${230 + place * 16}" y2="${230 + place * 16}" stroke="#0b5" ` +
      `stroke-width="2" stroke-dasharray="${dash}"/>`
  })
  const ticks = [0.1, 1, 10, 100, 1_000].map((stops) =>
    text(LEFT - 8, y(stops) + 4, String(stops), ' text-anchor="end"') +
    `<line x1="${LEFT}" x2="${WIDTH - 150}" y1="${y(stops).toFixed(0)}" y2="${y(stops).toFixed(0)}" stroke="#ccc"/>`)
  const across = PRESENT.map((present) =>
    text(x(present), BOTTOM + 18, `${Math.round(present * 100)} %`, ' text-anchor="middle"'))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" ` +
    `font-family="sans-serif" font-size="12">\n<title>${words.title}</title>\n` +
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>\n${ticks.join('\n')}\n${across.join('\n')}\n` +
    `${text(WIDTH / 2 - 40, BOTTOM + 40, words.across, ' text-anchor="middle"')}\n${text(8, 16, words.up)}\n` +
    `${lines.join('\n')}\n</svg>\n`
}
