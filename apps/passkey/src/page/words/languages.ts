/** Which words are shown, and moments as people of that language say them. */
import type { PageLanguage } from '@scelle/wire/passkey-page'
import { en } from './en.ts'
import { fr } from './fr.ts'
import type { Words } from './words.ts'

const WORDS: Record<PageLanguage, Words> = { fr, en }

export const wordsIn = (language: PageLanguage): Words => WORDS[language]

export const otherLanguage = (language: PageLanguage): PageLanguage => (language === 'fr' ? 'en' : 'fr')

/** A moment as people say it, in their own time zone. `time`: seconds. */
export const momentIn = ({ language }: Words, time: number, now: number): string => {
  const at = new Date(time * 1000)
  const sameDay = at.toDateString() === new Date(now * 1000).toDateString()
  const locale = language === 'fr' ? 'fr-FR' : 'en-GB'
  return at.toLocaleString(locale, sameDay ? { timeStyle: 'short' } : { dateStyle: 'long', timeStyle: 'short' })
}

export const dayIn = ({ language }: Words, time: number): string =>
  new Date(time * 1000).toLocaleDateString(language === 'fr' ? 'fr-FR' : 'en-GB', { dateStyle: 'long' })
