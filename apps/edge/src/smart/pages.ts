/** The page of a sign-in that ended in nothing, in two languages. Pages that ask something: `forms.ts`. */
import type { KoaContextWithOIDC } from 'oidc-provider'

const TEXTS = {
  fr: {
    title: 'Connexion interrompue',
    advice: 'Revenez à votre application et connectez-vous de nouveau. Rien n’a été ouvert.',
    again: 'Recommencer',
  },
  en: {
    title: 'Sign-in interrupted',
    advice: 'Go back to your application and sign in again. Nothing was opened.',
    again: 'Begin again',
  },
} as const

export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** The language of a browser: French, or English where it asks for it. */
export const languageOf = (header: string | undefined): Language =>
  (/^\s*en\b/i.test(header ?? '') ? 'en' : 'fr')

export type Language = 'fr' | 'en'

/** A page without scripts, styles or anything fetched. `again`: the path under which this sign-in begins anew. */
export const page = (language: Language, problem: string, again?: string): string => {
  const { title, advice, again: link } = TEXTS[language]
  const anew = again === undefined ? '' : `<p><a href="${escaped(again)}">${link}</a></p>`
  return `<!doctype html><html lang="${language}"><head><meta charset="utf-8"><title>${title}</title></head>`
    + `<body><h1>${title}</h1><p>${advice}</p>${anew}<p><code>${escaped(problem)}</code></p></body></html>`
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
