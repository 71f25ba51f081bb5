import { frenchDate } from './calendar.ts'

/** What a letter needs to know. Everything is already text, as a secretary would paste it. */
export interface LetterFacts {
  readonly patient: string
  readonly born: string
  readonly female: boolean
  readonly matricule: string
  readonly author: string
  readonly addressee: string
  readonly day: number
  readonly reason: string
  readonly problems: readonly string[]
  readonly treatment: readonly string[]
  readonly remark: string
}

const list = (items: readonly string[], none: string): string =>
  items.length === 0 ? none : items.map((item) => `- ${item}`).join('\n')

/** A discharge letter in plain text. */
export function dischargeLetter(facts: LetterFacts, stayDays: number): string {
  const e = facts.female ? 'e' : ''
  return `COMPTE RENDU D'HOSPITALISATION
Centre hospitalier de Valmont (établissement de démonstration)

Patient${e} : ${facts.patient}, né${e} le ${facts.born}
Matricule INS (test) : ${facts.matricule}

${facts.addressee},

Votre patient${e} a été hospitalisé${e} du ${frenchDate(facts.day)} au ${frenchDate(facts.day + stayDays)}.
Motif : ${facts.reason}.

Antécédents :
${list(facts.problems, 'Aucun antécédent notable.')}

Évolution : favorable sous traitement, retour à domicile avec ordonnance de sortie.
${facts.remark}

Traitement de sortie :
${list(facts.treatment, 'Pas de traitement de fond.')}

Nous vous prions de croire, ${facts.addressee.toLowerCase()}, à l'assurance de nos salutations confraternelles.
${facts.author}
`
}

/** A letter from a general practitioner to a colleague. */
export function referralLetter(facts: LetterFacts): string {
  const e = facts.female ? 'e' : ''
  return `${facts.author}
Maison de santé des Trois-Ponts (cabinet de démonstration)
Le ${frenchDate(facts.day)}

${facts.addressee},

Je vous adresse ${facts.patient}, né${e} le ${facts.born} (matricule INS de test ${facts.matricule}),
pour avis : ${facts.reason}.

Ses antécédents :
${list(facts.problems, 'Aucun antécédent notable.')}

Son traitement actuel :
${list(facts.treatment, 'Aucun.')}

${facts.remark}
Merci de ce que vous ferez pour ${facts.female ? 'elle' : 'lui'}. Bien confraternellement,
${facts.author}
`
}
