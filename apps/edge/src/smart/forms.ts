/**
 * What this edge asks of a person between an application and the passkey page: their name, a patient, a reason. Plain
 * forms: no script, nothing fetched, no password. Everything that somebody else wrote is escaped.
 */
import { createHash } from 'node:crypto'
import { EDGE_LIMITS } from '../limits.ts'
import type { PatientRow } from './patient-choice.ts'
import { escaped, type Language } from './pages.ts'

/** Black on white but for the border of what is refused; what has the focus shows it. */
const STYLE = 'body{font:1.125rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem;'
  + 'color:#1a1a1a;background:#fff}label,legend{font-weight:600}label.row{display:block;font-weight:400;'
  + 'padding:.75rem .5rem;border-bottom:1px solid #767676}fieldset{border:0;margin:1.5rem 0 0;padding:0}'
  + 'input[type=text],textarea{display:block;box-sizing:border-box;width:100%;font:inherit;padding:.5rem;'
  + 'border:1px solid #595959}button{font:inherit;min-height:2.75rem;padding:.25rem 1.25rem;margin:1rem .5rem 0 0}'
  + ':focus-visible{outline:3px solid #1a1a1a;outline-offset:2px}[role=alert]{border-left:.5rem solid #b00020;'
  + 'padding-left:.75rem}'

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

/**
 * A form comes to this edge and nowhere else. Browsers hold what it is redirected to against that as well, however far:
 * so no form is answered by a redirection (`onwardPage`).
 */
export const FORM_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; frame-ancestors 'none'; `
    + "base-uri 'none'; form-action 'self'",
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'x-frame-options': 'DENY',
} as const

const TEXTS = {
  fr: {
    name: {
      title: 'Qui se connecte ?', lead: (to: string) => `Pour ouvrir ${to}, dites votre nom, tel que la maison le `
        + 'connaît. Votre clé d’accès sera demandée ensuite ; aucun mot de passe ne l’est jamais.',
      label: 'Votre nom', submit: 'Continuer', empty: 'Écrivez votre nom.',
    },
    patient: {
      title: 'Pour quel patient ?', lead: (to: string) => `${to} ne verra que ce patient.`,
      search: 'Chercher par nom', find: 'Chercher', choose: 'Choisir ce patient', legend: 'Patients',
      nobody: 'Personne de ce nom dans cette maison.', expected: 'Aucun patient n’est attendu de vous : cherchez-le.',
      more: 'Il y en a d’autres : précisez le nom.', born: 'né(e) le',
    },
    reason: {
      title: 'Pourquoi continuer ?', lead: (to: string) => `${to} demande une confirmation. Le motif est signé par `
        + 'votre clé d’accès et conservé.',
      label: 'Motif', submit: 'Continuer vers la page des clés', empty: 'Donnez un motif, en quelques mots.',
    },
    cancel: 'Abandonner', onward: 'Continuer',
    sex: { male: 'masculin', female: 'féminin', other: 'autre', unknown: '' },
  },
  en: {
    name: {
      title: 'Who signs in?', lead: (to: string) => `To open ${to}, give your name as this organisation knows it. `
        + 'Your passkey is asked for next; a password never is.',
      label: 'Your name', submit: 'Continue', empty: 'Write your name.',
    },
    patient: {
      title: 'For which patient?', lead: (to: string) => `${to} will see this patient alone.`,
      search: 'Search by name', find: 'Search', choose: 'Choose this patient', legend: 'Patients',
      nobody: 'Nobody of that name in this organisation.', expected: 'No patient is expected by you: search.',
      more: 'There are more: be more precise.', born: 'born',
    },
    reason: {
      title: 'Why go on?', lead: (to: string) => `${to} asks for a confirmation. The reason is signed by your passkey `
        + 'and kept.',
      label: 'Reason', submit: 'Continue to the passkey page', empty: 'Give a reason, in a few words.',
    },
    cancel: 'Give up', onward: 'Continue',
    sex: { male: 'male', female: 'female', other: 'other', unknown: '' },
  },
} as const

export interface Form {
  readonly language: Language
  /** Path of the interaction, without a slash at its end. */
  readonly path: string
  /** What the form brings back. */
  readonly form: string
  /** Name of the application. */
  readonly application: string
  /** What was wrong with the last one. */
  readonly problem?: string | undefined
}

interface Shown {
  readonly title: string
  readonly lead: string
  readonly content: string
}

const document = ({ language, path, form, problem }: Form, { title, lead, content }: Shown): string => {
  const alert = problem === undefined ? '' : `<p role="alert">${escaped(problem)}</p>`
  return `<!doctype html><html lang="${language}"><head><meta charset="utf-8">`
    + '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
    + `<title>${title}</title><style>${STYLE}</style></head><body><main><h1>${title}</h1><p>${escaped(lead)}</p>`
    + `${alert}${content}<form method="post" action="${path}/cancel">${hidden(form)}`
    + `<button>${TEXTS[language].cancel}</button></form></main></body></html>`
}

const hidden = (form: string): string => `<input type="hidden" name="form" value="${escaped(form)}">`

/** `typed`: what an application expects, or what was refused. */
export const namePage = (asked: Form, typed: string): string => {
  const { title, lead, label, submit } = TEXTS[asked.language].name
  return document(asked, {
    title, lead: lead(asked.application),
    content: `<form method="post" action="${asked.path}/name">${hidden(asked.form)}<label for="name">${label}</label>`
      + `<input type="text" id="name" name="name" required autofocus autocomplete="username" spellcheck="false" `
      + `maxlength="${EDGE_LIMITS.nameText}" value="${escaped(typed)}"><button>${submit}</button></form>`,
  })
}

export interface Choice {
  readonly rows: readonly PatientRow[]
  readonly isMore: boolean
  /** What was searched for; empty where these are the patients whom the person is expected to see. */
  readonly name: string
}

export const patientPage = (asked: Form, { rows, isMore, name }: Choice): string => {
  const { patient, sex } = TEXTS[asked.language]
  const row = ({ reference, name: called, birthDate, gender }: PatientRow): string => {
    const rest = [birthDate === undefined ? '' : `${patient.born} ${birthDate}`, sex[gender ?? 'unknown']]
    const text = [called, ...rest].filter((each) => each !== '').join(', ')
    return `<label class="row"><input type="radio" name="patient" required value="${escaped(reference)}"> `
      + `${escaped(text)}</label>`
  }
  const nobody = name === '' ? patient.expected : patient.nobody
  const list = rows.length === 0 ? `<p role="status">${asked.problem === undefined ? nobody : ''}</p>`
    : `<form method="post" action="${asked.path}/patient">${hidden(asked.form)}<fieldset><legend>${patient.legend}`
      + `</legend>${rows.map(row).join('')}</fieldset>${isMore ? `<p>${patient.more}</p>` : ''}`
      + `<button>${patient.choose}</button></form>`
  const search = `<form method="post" action="${asked.path}/search" role="search">${hidden(asked.form)}`
    + `<label for="name">${patient.search}</label><input type="text" id="name" name="name" required autocomplete="off" `
    + `spellcheck="false" maxlength="${EDGE_LIMITS.nameText}" value="${escaped(name)}"><button>${patient.find}`
    + '</button></form>'
  return document(asked, {
    title: patient.title, lead: patient.lead(asked.application), content: `${search}${list}`,
  })
}

export const reasonPage = (asked: Form): string => {
  const { title, lead, label, submit } = TEXTS[asked.language].reason
  return document(asked, {
    title, lead: lead(asked.application),
    content: `<form method="post" action="${asked.path}/reason">${hidden(asked.form)}`
      + `<label for="reason">${label}</label><textarea id="reason" name="reason" rows="3" required autofocus `
      + `minlength="3" maxlength="${EDGE_LIMITS.reasonLength}"></textarea><button>${submit}</button></form>`,
  })
}

/** Goes on by itself, and by hand where a browser was told not to. */
export const onwardPage = (language: Language, address: string): string => {
  const { onward } = TEXTS[language]
  return `<!doctype html><html lang="${language}"><head><meta charset="utf-8"><title>${onward}</title>`
    + `<meta http-equiv="refresh" content="0;url=${escaped(address)}"><style>${STYLE}</style></head>`
    + `<body><main><h1>${onward}</h1><p><a href="${escaped(address)}">${onward}</a></p></main></body></html>`
}

export const nameMissing = (language: Language): string => TEXTS[language].name.empty
export const reasonMissing = (language: Language): string => TEXTS[language].reason.empty
