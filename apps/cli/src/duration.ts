/** `12h`, `7d`: how long from now, in milliseconds. */
import { CommandError } from './errors.ts'
import { MESSAGES, type Language } from './messages.ts'

const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000, y: 31_557_600_000 }

export const parseDuration = (text: string, language: Language): number => {
  const [, count, unit] = /^(\d{1,4})([mhdy])$/.exec(text) ?? []
  const ms = Number(count) * (UNITS[unit ?? ''] ?? Number.NaN)
  if (!(ms > 0)) throw new CommandError('usage', MESSAGES[language].badDuration)
  return ms
}
