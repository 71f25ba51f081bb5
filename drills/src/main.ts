/** `npm run drill -- NAME`: prints what a breach costs, and what honest work pays for it. */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { BUDGETS } from '@scelle/trustee/meter'
import { curve, curveSvg } from './curve.ts'
import { type Friction, friction, outOfSample, perThousand } from './friction.ts'
import { ACCOUNTS, boundOf, PATIENTS, stolen, type Theft } from './stolen.ts'
import { vendorDrill } from './vendor.ts'
import { type Language, WORDS } from './words.ts'
import { type Workload, WORKLOADS } from './workloads.ts'

interface Asked {
  readonly words: (typeof WORDS)[Language]
  readonly seed: string
  readonly shifts: number
  readonly accounts: number
  readonly svg: string | undefined
}

const PROGRESS_AFTER = 1_000

const progressOf = (name: string): ((done: number, total: number) => void) => {
  const began = Date.now()
  return (done, total) => {
    if (!process.stderr.isTTY || Date.now() - began < PROGRESS_AFTER) return
    process.stderr.write(done >= total ? '\r\u001b[K' : `\r\u001b[K${name} ${Math.round((100 * done) / total)} %`)
  }
}

const table = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => row.map((cell, column) => column === 0
    ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)).join('  ').trimEnd()).join('\n')
}

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const frictionRow = (workload: Workload, found: Friction): string[] => [
  workload.name, String(found.shifts), (found.openings / found.shifts).toFixed(0),
  perThousand(found.stops, found).toFixed(2), perThousand(found.stepUps, found).toFixed(1),
  perThousand(found.colleagues, found).toFixed(1),
  String(boundOf(BUDGETS[workload.role], 1)), String(boundOf(BUDGETS[workload.role], 28)),
]

const runFriction = ({ words, seed, shifts }: Asked, workloads: readonly Workload[] = WORKLOADS): void => {
  const rows = workloads.map((workload) => frictionRow(workload, friction(workload, {
    seed: `judged/${seed}`, shifts, ...outOfSample, progress: progressOf(workload.name),
  })))
  say(table([[...words.heads], ...rows]))
  say(`\n${words.outOfSample}\n${words.targets}`)
}

const MEANS = [
  { stepUp: false, colleague: false }, { stepUp: true, colleague: false }, { stepUp: true, colleague: true },
]

const thefts: readonly Theft[] = [1, 28].flatMap((days) => MEANS.flatMap((means) => [false, true].flatMap((agenda) =>
  [false, true].map((works): Theft => ({ days, means, agenda, works, unseen: true })))))

const runStolen = ({ words, seed, accounts }: Asked): void => {
  const percent = (share: number): string => `${(share * 100).toFixed(2)} %`
  const flag = (is: boolean): string => (is ? words.yes : words.no)
  const worst = new Map<number, number>()
  const progress = progressOf('stolen-accounts')
  const rows = thefts.map((theft, place) => {
    const loss = stolen(theft, { seed, accounts })
    progress(place + 1, thefts.length)
    worst.set(theft.days, Math.max(worst.get(theft.days) ?? 0, loss.most))
    return [
      String(theft.days), flag(theft.means.stepUp), flag(theft.means.colleague), flag(theft.agenda), flag(theft.works),
      String(loss.most), loss.mean.toFixed(1), percent((ACCOUNTS * loss.mean) / PATIENTS),
      loss.noticed === undefined ? words.never : String(loss.noticed),
    ]
  })
  say(table([[...words.theft], ...rows]))
  const of = (days: number): string => {
    const lost = ACCOUNTS * (worst.get(days) ?? 0)
    return `${lost.toLocaleString(words.number)} (${percent(lost / PATIENTS)})`
  }
  say(`\n${words.total(of(1), of(28))}\n${words.reach}`)
  say(words.bound(boundOf(BUDGETS.gp, 1), boundOf(BUDGETS.gp, 28)))
}

const runCurve = ({ words, seed, shifts, svg }: Asked): void => {
  const points = curve({ seed, shifts, progress: progressOf('curve') })
  say(table([[...words.curveHeads], ...points.map((point) => [
    `${Math.round(point.present * 100)} %`, String(point.day), String(point.month), point.stops.toFixed(1),
    point.stepUps.toFixed(1), `${(point.lostDay * 100).toFixed(2)} %`, `${(point.lostMonth * 100).toFixed(2)} %`,
  ])]))
  if (svg !== undefined) writeFileSync(svg, curveSvg(points, words.curve))
}

const NIGHT = new Set(['emergency-physician', 'emergency-nurse', 'triage-nurse', 'night-cover', 'registration'])

const DRILLS: Readonly<Record<string, (asked: Asked) => void>> = {
  'friction': (asked) => runFriction(asked),
  'emergency-night': (asked) => runFriction(asked, WORKLOADS.filter(({ name }) => NIGHT.has(name))),
  'stolen-accounts': runStolen,
  'curve': runCurve,
  'vendor': ({ words, seed }) => {
    const { usual, lost, locked } = vendorDrill({ seed, accounts: ACCOUNTS, usual: 3, progress: progressOf('vendor') })
    say(words.vendor(usual, lost, locked))
  },
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    lang: { type: 'string' }, seed: { type: 'string' }, shifts: { type: 'string' }, accounts: { type: 'string' },
    svg: { type: 'string' },
  },
})
const words = WORDS[values.lang === 'fr' ? 'fr' : 'en']
const [name = ''] = positionals
const drill = Object.hasOwn(DRILLS, name) ? DRILLS[name] : undefined
if (drill === undefined) {
  process.stderr.write(`${name === '' ? '' : `${words.unknown(name)}\n`}${words.usage}\n`)
  process.exitCode = 2
} else {
  drill({
    words, seed: values.seed ?? '2025', shifts: Number(values.shifts ?? 1_000), accounts: Number(values.accounts ?? 20),
    svg: values.svg,
  })
}
