import { frenchDate } from './calendar.ts'
import { NOTE_TEXTS, NOTE_VALUES, RELATIVES, type Theme } from './note-texts.ts'
import type { Prng } from './prng.ts'
import type { Sensitivity } from './systems.ts'

export type { Theme } from './note-texts.ts'

/** A piece of a template: fixed text, or a place that is filled. */
type Piece = string | { readonly name: string } | { readonly male: string; readonly female: string }

/** Themes a comment may have about anybody; HIV is left to people who live with it. */
export const DELICATE: readonly Theme[] =
  ['sexuality', 'religion', 'violence', 'money', 'addiction', 'mind', 'family']

/** The label a delicate note deserves, where HL7 has a code for it. */
export const THEME_LABEL: Readonly<Partial<Record<Theme, Sensitivity>>> =
  { hiv: 'HIV', sexuality: 'SEX', violence: 'SDV', addiction: 'ETH', mind: 'PSY' }

function compile(template: string): Piece[] {
  return template.split(/(\{[^}]*\})/).filter((part) => part !== '').map((part) => {
    if (!part.startsWith('{')) return part
    const inner = part.slice(1, -1)
    const bar = inner.indexOf('|')
    return bar < 0 ? { name: inner } : { male: inner.slice(0, bar), female: inner.slice(bar + 1) }
  })
}

const COMPILED = new Map(Object.entries(NOTE_TEXTS).map(([theme, texts]) => [theme, texts.map(compile)]))

/** Whom a note is about and when it was written. */
export interface NoteContext {
  readonly female: boolean
  readonly day: number
}

/** One note of a theme, in French, with invented people, places, dates and amounts. */
export function note(rng: Prng, theme: Theme, context: NoteContext): string {
  const pieces = rng.pick(COMPILED.get(theme) ?? [])
  const [possessive, relative] = rng.pick(RELATIVES)
  let text = ''
  for (const piece of pieces) {
    if (typeof piece === 'string') text += piece
    else if ('male' in piece) text += context.female ? piece.female : piece.male
    else if (piece.name === 'sa') text += possessive
    else if (piece.name === 'proche') text += relative
    else text += value(rng, piece.name, context)
  }
  return text
}

function value(rng: Prng, name: string, context: NoteContext): string {
  switch (name) {
    case 'date': return frenchDate(context.day - rng.int(0, 160))
    case 'annee': return String(rng.int(2004, 2023))
    case 'heure': return String(rng.int(9, 18))
    case 'petit': return String(rng.int(2, 8))
    case 'numero': return String(rng.int(1000, 99999))
    case 'montant': return String(rng.int(12, 480))
    case 'prenom_meme': return context.female ? 'Ludivine' : 'Thibaud'
    case 'jour': case 'mois': case 'cote': case 'prenom': case 'famille': case 'lieu': case 'asso': case 'langue':
      return rng.pick<string>(NOTE_VALUES[name])
    default: throw new RangeError(`the note templates know no value named ${name}`)
  }
}
