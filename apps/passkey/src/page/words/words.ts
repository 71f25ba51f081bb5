/** Everything that the page says, in both languages: whoever adds a sentence adds it twice, or the types say so. */
import type { Confirmation, Order, SessionRequest } from '@scelle/seal/verify'
import type { PageLanguage, PageProblem } from '@scelle/wire/passkey-page'
import type { StopCode } from '../asked.ts'

export type Purpose = SessionRequest['purposes'][number]

export interface Said {
  readonly title: string
  readonly lead: string
}

/** Who keeps a part of somebody's secret, and who gets it back. */
export interface GuardianWords {
  readonly people: string
  readonly about: string
  /** Before each step is agreed to. */
  readonly steps: Record<
    'key' | 'name' | 'try' | 'guard' | 'end' | 'object' | 'begin' | 'release' | 'fetch' | 'finish',
    Said & { readonly agree: string; readonly warning?: string }
  >
  /** Of oneself, to be read aloud; of a question, to be written down. */
  readonly digits: Record<'own' | 'ask', Said>
  readonly call: (name: string) => Said
  readonly confirm: (name: string) => Said
  readonly heard: string
  readonly twenty: string
  readonly otherDigits: string
  readonly accept: Said & { readonly agree: string }
  readonly notAll: Said
}

/** This browser's key with a PIN, where an authenticator has no PRF. */
export interface PinWords {
  readonly choose: Said
  readonly enter: Said
  readonly label: string
  readonly again: string
  readonly different: string
  readonly short: string
  readonly wrong: (left: number) => string
  readonly unanswered: string
}

export interface Words {
  readonly language: PageLanguage
  readonly otherLanguage: string
  readonly pageTitle: string
  /** Under every screen: the page's own origin, which people compare. */
  readonly footer: (origin: string) => string
  readonly labels: Record<
    'house' | 'certified' | 'person' | 'application' | 'purposes' | 'until' | 'returnTo' | 'what' | 'reason'
    | 'patients' | 'scope' | 'target' | 'replacement' | 'duty' | 'device' | 'vendor' | 'number' | 'others', string
  >
  readonly actions: Record<
    'signIn' | 'confirm' | 'signOut' | 'enrol' | 'add' | 'remove' | 'recover' | 'decline' | 'cancel' | 'retry' | 'next'
    | 'printSheet' | 'sheetKept' | 'checkSheet' | 'sheetAgain', string
  >
  readonly purposes: Record<Purpose, string>
  readonly confirmations: Record<Confirmation['type'], string>
  readonly duties: Record<NonNullable<Confirmation['duty']>, string>
  readonly orders: Record<Order['action'], string>
  readonly scopes: Record<Order['scope'], string>
  readonly onePatient: string
  readonly manyPatients: string
  readonly allPatients: string
  readonly namedPatients: (count: number) => string
  readonly yes: string
  readonly no: string
  readonly noLimit: string
  readonly signIn: { readonly title: string; readonly lead: (house: string) => string }
  /** A session without any purpose: that it is this person is all that it says. */
  readonly proof: { readonly title: string; readonly lead: (house: string) => string }
  readonly confirm: { readonly title: string; readonly lead: string }
  readonly order: { readonly title: string; readonly lead: string }
  readonly ticket: { readonly title: string; readonly lead: string }
  readonly signOut: { readonly title: string; readonly lead: string }
  readonly enrol: { readonly title: string; readonly lead: string; readonly steps: readonly string[] }
  readonly add: { readonly title: string; readonly lead: string; readonly steps: readonly string[] }
  readonly remove: {
    readonly title: string; readonly lead: string; readonly which: string
    readonly passkey: (number: number, ending: string) => string; readonly last: string
  }
  readonly recover: { readonly title: string; readonly lead: string; readonly effect: string }
  readonly sheet: {
    readonly title: string; readonly lead: string; readonly heading: string; readonly use: string
    readonly forAge: string; readonly of: (person: string, house: string, day: string) => string; readonly qr: string
  }
  readonly rehearse: {
    readonly title: string; readonly lead: string; readonly label: string; readonly wrong: string
    readonly typed: (count: number) => string
  }
  readonly touch: Record<'sign' | 'unlock' | 'create' | 'bind', { readonly title: string; readonly lead: string }>
  readonly problems: Record<PageProblem | 'changed', { readonly title: string; readonly lead: string }>
  readonly stops: Record<StopCode, { readonly title: string; readonly lead: string }>
  readonly guardians: GuardianWords
  readonly pin: PinWords
  readonly stopNothingSigned: string
  readonly going: (where: string) => string
  readonly waiting: string
}
