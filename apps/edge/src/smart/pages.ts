/** The few sentences that a person may read here, in two languages: no page of this edge asks anybody for anything. */
import type { KoaContextWithOIDC } from 'oidc-provider'

const TEXTS = {
  fr: {
    title: 'Connexion interrompue',
    advice: 'Revenez à votre application et connectez-vous de nouveau. Rien n’a été ouvert.',
  },
  en: {
    title: 'Sign-in interrupted',
    advice: 'Go back to your application and sign in again. Nothing was opened.',
  },
} as const

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** The language of a browser: French, or English where it asks for it. */
export const languageOf = (header: string | undefined): 'fr' | 'en' =>
  (/^\s*en\b/i.test(header ?? '') ? 'en' : 'fr')

/** A page without scripts, styles or anything fetched. */
export const page = (language: 'fr' | 'en', problem: string): string => {
  const { title, advice } = TEXTS[language]
  return `<!doctype html><html lang="${language}"><head><meta charset="utf-8"><title>${title}</title></head>`
    + `<body><h1>${title}</h1><p>${advice}</p><p><code>${escaped(problem)}</code></p></body></html>`
}

export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; form-action 'none'; base-uri 'none'",
  'referrer-policy': 'no-referrer',
} as const

export const explain = (ctx: KoaContextWithOIDC, error: string, detail: string | undefined): void => {
  for (const [name, value] of Object.entries(PAGE_HEADERS)) ctx.set(name, value)
  ctx.body = page(languageOf(ctx.get('accept-language')), detail === undefined ? error : `${error}: ${detail}`)
}
