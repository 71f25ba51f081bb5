import type { GuardianWords, PinWords } from './words.ts'

export const guardiansFr: GuardianWords = {
  people: 'Gardiens',
  about: 'Pour',
  steps: {
    key: {
      title: 'Vos chiffres de gardien',
      lead: 'Quelqu’un veut vous confier une part de son secours. Vous lui lirez vingt chiffres, de vive voix.',
      agree: 'Voir mes chiffres',
    },
    name: {
      title: 'Nommer vos trois gardiens',
      lead: 'Si vous perdez vos clés et votre feuille, deux d’entre eux vous rendent l’accès, après trois jours. '
        + 'Appelez-les maintenant, l’un après l’autre.',
      agree: 'Commencer',
    },
    try: {
      title: 'Vérifier vos gardiens',
      lead: 'Chacun a dû ouvrir sa part. Votre clé le vérifie : l’établissement ne peut pas le dire à leur place.',
      agree: 'Vérifier',
    },
    guard: {
      title: 'Garder une part pour quelqu’un ?',
      lead: 'Votre part seule n’ouvre rien. Elle servira si cette personne perd toutes ses clés.',
      agree: 'Ouvrir la part',
    },
    end: {
      title: 'Mettre fin à vos gardiens ?',
      lead: 'Leurs parts ne vaudront plus rien, pour toujours. Vous pourrez en nommer trois autres.',
      agree: 'Mettre fin',
    },
    object: {
      title: 'Arrêter cette reprise d’accès ?',
      lead: 'Deux de vos gardiens ont dit que vous aviez tout perdu. Si ce n’est pas vous, arrêtez-la ici.',
      agree: 'L’arrêter',
    },
    begin: {
      title: 'Reprendre l’accès avec vos gardiens',
      lead: 'Il vous faut une nouvelle clé de sécurité, puis deux de vos gardiens au téléphone, puis trois jours.',
      agree: 'Créer la nouvelle clé',
      warning: 'La demande est inscrite au journal public. Qui a encore une de vos clés peut l’arrêter.',
    },
    release: {
      title: 'Rendre une part ?',
      lead: 'On vous dit que quelqu’un a tout perdu. Appelez cette personne vous-même, au numéro que vous connaissez.',
      agree: 'J’ai la personne en ligne',
      warning: 'Si c’est elle qui vous a appelé, raccrochez et rappelez-la. Ne croyez ni courriel ni message.',
    },
    fetch: {
      title: 'Les trois jours sont passés',
      lead: 'Prenez la clé avec laquelle vous avez commencé : elle demande leurs parts aux tiers de confiance.',
      agree: 'Demander les parts',
    },
    finish: {
      title: 'Vos gardiens ont répondu',
      lead: 'Encore un geste, puis une nouvelle feuille de secours.',
      agree: 'Reprendre l’accès',
      warning: 'Toutes vos anciennes clés cesseront de fonctionner.',
    },
  },
  digits: {
    own: {
      title: 'Lisez ces chiffres',
      lead: 'De vive voix, à la personne qui vous nomme gardien, et depuis cette page seulement.',
    },
    ask: {
      title: 'Notez ces chiffres',
      lead: 'Vos gardiens vous rappelleront et vous les demanderont. Ne les envoyez pas : lisez-les de vive voix.',
    },
  },
  call: (name) => ({
    title: `Appelez ${name}`,
    lead: 'Demandez les vingt chiffres que montre sa page de signature, et tapez-les ici.',
  }),
  confirm: (name) => ({
    title: `Est-ce bien ${name} ?`,
    lead: 'Reconnaissez sa voix, puis demandez les vingt chiffres que cette personne a notés, et tapez-les ici.',
  }),
  heard: 'Chiffres entendus',
  twenty: 'Vingt chiffres ; les espaces ne comptent pas.',
  otherDigits: 'Ce ne sont pas les mêmes chiffres. Faites-les relire ; s’ils diffèrent encore, abandonnez : quelqu’un '
    + 's’est glissé entre vous.',
  accept: {
    title: 'Vous devenez gardien',
    lead: 'La part est bonne. L’établissement la garde, scellée ; seule votre clé l’ouvre.',
    agree: 'Je garde cette part',
  },
  notAll: {
    title: 'Il manque un gardien',
    lead: 'Les trois doivent avoir ouvert leur part. Demandez-leur, puis revenez.',
  },
}

export const pinFr: PinWords = {
  choose: {
    title: 'Choisissez un code pour ce navigateur',
    lead: 'Votre clé ne sait pas protéger votre secret. Ce navigateur le fait à sa place, avec un code : six '
      + 'caractères au moins. Les tiers de confiance comptent les essais, dix et pas plus.',
  },
  enter: {
    title: 'Tapez le code de ce navigateur',
    lead: 'Vous quitterez cette page un instant : deux tiers de confiance répondent, sans voir votre code.',
  },
  label: 'Code',
  again: 'Le même code, encore une fois',
  different: 'Les deux codes diffèrent.',
  short: 'Six caractères au moins, soixante-quatre au plus.',
  wrong: (left) => `Ce n’est pas le code. Essais restants : ${left}.`,
  unanswered: 'Les tiers de confiance n’ont pas répondu, ou trop tard. Tapez le code encore une fois.',
}
