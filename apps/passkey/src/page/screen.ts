/**
 * What stands on the page. Text comes from houses and people: it is only ever set as text, never as markup, and nothing
 * here builds any.
 */
import { otherLanguage, wordsIn } from './words/languages.ts'
import type { Words } from './words/words.ts'
import type { PageLanguage } from '@scelle/wire/passkey-page'

export interface Fact {
  readonly label: string
  readonly value: string
  /** Small, below the value. */
  readonly note?: string
}

export interface Screen<Action extends string> {
  readonly title: string
  readonly lead: string
  readonly tone?: 'ask' | 'wait' | 'stop' | 'done'
  readonly facts?: readonly Fact[]
  readonly steps?: readonly string[]
  readonly warning?: string
  /** What a screen has of its own: a sheet, a field. */
  readonly content?: readonly Node[]
  /** The first is the one meant. */
  readonly actions: readonly { readonly name: Action; readonly label: string }[]
}

type Attributes = Readonly<Record<string, string>>

export const element = (name: string, attributes: Attributes, ...inside: readonly (Node | string)[]): HTMLElement => {
  const made = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value)
  made.append(...inside)
  return made
}

const factOf = ({ label, value, note }: Fact): HTMLElement =>
  element('div', { class: 'fact' },
    element('dt', {}, label),
    element('dd', {}, value, ...(note === undefined ? [] : [element('small', {}, note)])))

const partsOf = <Action extends string>(screen: Screen<Action>, chosen: (action: Action) => void): HTMLElement[] => {
  const { title, lead, facts = [], steps = [], warning, content = [], actions } = screen
  return [
    element('h1', { tabindex: '-1' }, title),
    element('p', { class: 'lead' }, lead),
    ...(facts.length === 0 ? [] : [element('dl', {}, ...facts.map(factOf))]),
    ...(steps.length === 0 ? [] : [element('ol', {}, ...steps.map((step) => element('li', {}, step)))]),
    ...(warning === undefined ? [] : [element('p', { class: 'warning', role: 'alert' }, warning)]),
    ...(content.length === 0 ? [] : [element('div', { class: 'content' }, ...content)]),
    ...(actions.length === 0 ? [] : [element('div', { class: 'actions' }, ...actions.map(({ name, label }, at) => {
      const button = element('button', { type: 'button', name, class: at === 0 ? 'meant' : 'other' }, label)
      button.addEventListener('click', () => {
        chosen(name)
      })
      return button
    }))]),
  ]
}

const byId = (id: string): HTMLElement => {
  const found = document.querySelector<HTMLElement>(`#${id}`)
  if (found === null) throw new Error(`index.html has no #${id}`)
  return found
}

/** The one place of the page that changes, in the language that the person reads. */
export class Stage {
  #language: PageLanguage
  readonly #origin: string
  #draw: () => void = () => undefined

  constructor(language: PageLanguage, origin: string) {
    this.#language = language
    this.#origin = origin
    byId('language').addEventListener('click', () => {
      this.language = otherLanguage(this.#language)
    })
    this.#frame()
  }

  get words(): Words {
    return wordsIn(this.#language)
  }

  set language(language: PageLanguage) {
    this.#language = language
    this.#frame()
    this.#draw()
  }

  /** Shows a screen until one of its actions is chosen. Drawn anew, in the other language, when that is asked for. */
  choose<Action extends string>(screen: (words: Words) => Screen<Action>): Promise<Action> {
    return new Promise((resolve) => {
      this.#show(() => screen(this.words), resolve)
    })
  }

  /** Shows a screen that waits for something else than the person's choice. */
  show(screen: (words: Words) => Screen<never>): void {
    this.#show(() => screen(this.words), () => undefined)
  }

  #show<Action extends string>(screen: () => Screen<Action>, chosen: (action: Action) => void): void {
    this.#draw = () => {
      const drawn = screen()
      const main = byId('screen')
      main.dataset['tone'] = drawn.tone ?? 'ask'
      main.replaceChildren(...partsOf(drawn, chosen))
      // Who cannot see the page hears what it says now; the keyboard goes on from there.
      byId('announced').textContent = `${drawn.title}. ${drawn.lead}`
      main.querySelector('h1')?.focus()
    }
    this.#draw()
  }

  #frame(): void {
    const { words } = this
    document.documentElement.lang = words.language
    document.title = words.pageTitle
    const toggle = byId('language')
    toggle.textContent = words.otherLanguage
    toggle.lang = otherLanguage(words.language)
    byId('footer').textContent = words.footer(this.#origin)
  }
}
