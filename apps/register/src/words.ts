/** What people read at the desk, in both languages: whoever adds a sentence adds it twice, or the types say so. */
import type { PageLanguage } from '@scelle/wire/passkey-page'

export interface Words {
  readonly title: string
  readonly asks: (house: string) => string
  readonly steps: string
  readonly begin: string
  readonly chooseTitle: string
  readonly chooseLead: string
  readonly provider: string
  readonly wallet: string
  readonly walletTitle: string
  readonly walletLead: string
  readonly walletOpen: string
  readonly doneTitle: string
  readonly doneLead: string
  readonly doneNext: string
  readonly refusedTitle: string
  readonly refusedLead: string
}

export const WORDS: Readonly<Record<PageLanguage, Words>> = {
  fr: {
    title: 'Inscription au registre',
    asks: (house) => `${house} vous envoie ici pour que le registre atteste votre exercice.`,
    steps: 'Vous confirmez d’abord avec votre clé d’accès, puis vous montrez votre titre.',
    begin: 'Continuer avec ma clé d’accès',
    chooseTitle: 'Montrez votre titre',
    chooseLead: 'Votre établissement apprend votre rôle, jamais votre numéro.',
    provider: 'Pro Santé Connect',
    wallet: 'Mon portefeuille numérique, sur cet appareil',
    walletTitle: 'Ouvrez votre portefeuille',
    walletLead: 'Sur cet appareil : une réponse venue d’un autre n’est pas prise en compte.',
    walletOpen: 'Ouvrir le portefeuille',
    doneTitle: 'Votre portefeuille a répondu',
    doneLead: 'Revenez dans cette fenêtre et terminez.',
    doneNext: 'Terminer',
    refusedTitle: 'Inscription interrompue',
    refusedLead: 'Rien n’a été attesté. Recommencez depuis votre établissement.',
  },
  en: {
    title: 'Enrolment in the register',
    asks: (house) => `${house} sends you here, so that the register says what your practice is.`,
    steps: 'You confirm with your passkey first, then you show your credential.',
    begin: 'Continue with my passkey',
    chooseTitle: 'Show your credential',
    chooseLead: 'Your organisation learns your role, and never your number.',
    provider: 'Pro Santé Connect',
    wallet: 'My digital wallet, on this device',
    walletTitle: 'Open your wallet',
    walletLead: 'On this device: the answer of another one is not taken.',
    walletOpen: 'Open the wallet',
    doneTitle: 'Your wallet has answered',
    doneLead: 'Come back to this window and finish.',
    doneNext: 'Finish',
    refusedTitle: 'Enrolment interrupted',
    refusedLead: 'Nothing was signed. Begin again at your organisation.',
  },
}

/** The language of a browser: French, or English where it asks for it. */
export const languageOf = (header: string | undefined): PageLanguage => (/^\s*en\b/i.test(header ?? '') ? 'en' : 'fr')
