/** `npm run drill -- NAME`: prints what a breach costs, and what honest work pays for it. */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { BUDGETS, PERSON_TOTALS } from '@scelle/trustee/meter'
import { curve, curveSvg } from './curve.ts'
import { FIT_SEEDS, judge, JUDGE_SEEDS, type Judged } from './fit.ts'
import { type Friction, perThousand } from './friction.ts'
import { daysForAlarm, limitFor, slowTheft, stoppedFrom, TUNED } from './slow.ts'
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

const frictionRow = ({ workload, table: found }: Judged): string[] => [
  workload.name, String(found.shifts), (found.openings / found.shifts).toFixed(0),
  perThousand(found.stops, found).toFixed(2), perThousand(found.stepUps, found).toFixed(1),
  perThousand(found.colleagues, found).toFixed(1),
  String(boundOf(BUDGETS[workload.role], 1)), String(boundOf(BUDGETS[workload.role], 28)),
]

const FITTED = ['hour', 'shift', 'own', 'month', 'free', 'unexplained'] as const

const fitRow = ({ workload, totals, inSample, outOfSample }: Judged): string[] => {
  const running = PERSON_TOTALS[workload.role as keyof typeof PERSON_TOTALS]
  const rates = (found: Friction): string =>
    `${perThousand(found.stops, found).toFixed(1)} / ${perThousand(found.stepUps, found).toFixed(1)}`
  return [
    workload.name, ...FITTED.map((name) => `${totals[name]} (${running[name]})`), rates(inSample), rates(outOfSample),
  ]
}

const runSlow = ({ words }: Asked): void => {
  const honest = { doctors: 60, years: 5 }
  const limits = TUNED.map((tuned) => limitFor(tuned, { seeds: FIT_SEEDS, ...honest }))
  const days = (found: number): string => (Number.isFinite(found) ? String(found) : words.never)
  const rows = [0.5, 1, 2, 3, 4].map((more) => slowTheft(more, limits, { seeds: JUDGE_SEEDS, doctors: 20 }))
  say(table([[...words.slowHeads], ...rows.map((theft) => [
    String(theft.more), String(theft.month), String(theft.year), days(theft.found), days(theft.foundMostly),
    String(theft.taken), String(theft.takenAtMost),
  ])]))
  const apart = (seeds: readonly string[]): number[] =>
    TUNED.map((tuned, place) => Math.round(daysForAlarm(tuned, limits[place] as number, { seeds, ...honest })))
  say(`\n${words.slow(stoppedFrom(), apart(FIT_SEEDS), apart(JUDGE_SEEDS))}`)
}

const runFriction = (asked: Asked, workloads: readonly Workload[] = WORKLOADS): void => {
  const { words, shifts } = asked
  const judged = workloads.map((workload) => judge(workload, { shifts, progress: progressOf(workload.name) }))
  say(table([[...words.heads], ...judged.map(frictionRow)]))
  say(`\n${words.outOfSample}\n${words.targets}\n`)
  say(table([[...words.fitHeads], ...judged.map(fitRow)]))
  say(`\n${words.fit}\n`)
  runSlow(asked)
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
  'slow': runSlow,
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
