/** The desk's few pages: headings, sentences and buttons, without styles, and without a script but for one. */
import type { PageLanguage } from '@scelle/wire/passkey-page'
import type { Enrolment } from './enrolments.ts'
import { WORDS } from './words.ts'

export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  // Forms lead on to the passkey page, the identity provider and the house, each named by a redirect.
  'content-security-policy': "default-src 'none'; script-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
    + 'form-action \'self\' https: http://localhost:* http://127.0.0.1:*',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
} as const

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const page = (language: PageLanguage, title: string, sentences: readonly string[], rest: string, head = ''): string =>
  `<!doctype html><html lang="${language}"><head><meta charset="utf-8"><title>${escaped(title)}</title>`
  + `<meta name="viewport" content="width=device-width">${head}</head><body><main><h1>${escaped(title)}</h1>`
  + `${sentences.map((sentence) => `<p>${escaped(sentence)}</p>`).join('')}${rest}</main></body></html>`

/** One thing that can be done, by keyboard too. */
const button = (action: string, label: string): string =>
  `<form method="post" action="${escaped(action)}"><p><button>${escaped(label)}</button></p></form>`

export const firstPage = ({ id, house, language }: Pick<Enrolment, 'id' | 'house' | 'language'>): string => {
  const { title, asks, steps, begin } = WORDS[language]
  return page(language, title, [asks(house.name), steps], button(`/enrolment/${id}/begin`, begin))
}

export const choosePage = (
  { id, language }: Pick<Enrolment, 'id' | 'language'>, ways: { readonly provider: boolean; readonly wallet: boolean },
): string => {
  const { chooseTitle, chooseLead, provider, wallet } = WORDS[language]
  return page(language, chooseTitle, [chooseLead],
    (ways.provider ? button(`/enrolment/${id}/provider`, provider) : '')
    + (ways.wallet ? button(`/enrolment/${id}/wallet`, wallet) : ''))
}

/** `address`: of the wallet, with what it is to fetch. */
export const walletPage = (language: PageLanguage, address: string): string => {
  const { walletTitle, walletLead, walletOpen } = WORDS[language]
  return page(language, walletTitle, [walletLead], `<p><a href="${escaped(address)}">${escaped(walletOpen)}</a></p>`)
}

export const COLLECT_SCRIPT = '/wallet/done.js'

/** The code is behind the `#`, which no server is sent: the script puts it into the form. */
export const collectPage = (language: PageLanguage): string => {
  const { doneTitle, doneLead, doneNext } = WORDS[language]
  return page(language, doneTitle, [doneLead],
    '<form method="post" action="/wallet/collect"><input type="hidden" name="code">'
    + `<p><button>${escaped(doneNext)}</button></p></form>`, `<script type="module" src="${COLLECT_SCRIPT}"></script>`)
}

/** Also taken out of the address: what stays there is kept in the browser's history. */
export const SCRIPT = `const code = new URLSearchParams(location.hash.slice(1)).get('response_code') ?? ''
document.querySelector('input[name=code]').value = code
history.replaceState(null, '', location.pathname)
`

export const refusedPage = (language: PageLanguage, words: string, code: string): string => {
  const { refusedTitle, refusedLead } = WORDS[language]
  return page(language, refusedTitle, [refusedLead], `<p lang="en"><code>${escaped(code)}</code> ${escaped(words)}</p>`)
}
