/** What drills say, in English and French. */
export const WORDS = {
  en: {
    usage: `npm run drill -- NAME [--lang en|fr] [--seed WORD] [--shifts N] [--accounts N] [--svg FILE]
  friction          how often honest work is stopped or asked to confirm, by role, beside what a thief gets
  stolen-accounts   the breach of 2025 again: 1,500 doctors' accounts with their keys
  vendor            all of them on one vendor's servers
  curve             what cannot be had at once: loss against friction
  emergency-night   an emergency department's night`,
    unknown: (what: string) => `There is no drill "${what}".`,
    heads: [
      'role', 'shifts', 'patients/shift', 'stops/1,000', 'step-ups/1,000', 'colleagues/1,000', 'thief 24 h',
      'thief 28 d',
    ],
    targets: 'To reach: at most 0.5 stops and 10 step-ups in 1,000 shifts.',
    outOfSample:
      'Not the shifts that budgets were set with: other seeds, 5 % more patients, another share unexplained.',
    theft: ['days', 'second key', 'colleague', 'agenda', 'doctor works', 'most', 'mean', 'of all', 'noticed on day'],
    bound: (day: number, month: number) =>
      `By arithmetic no account loses more than ${day} patients in 24 h and ${month} in 28 days, `
      + 'whoever asks which two trustees.',
    total: (day: string, month: string) =>
      `All 1,500 accounts: ${day} of 15,000,000 patients in 24 h, ${month} in 28 days.`,
    reach: 'To reach: at most 0.5 % in 24 h, 3 % in 28 days.',
    yes: 'yes', no: 'no', never: '-',
    vendor: (usual: number, lost: number, locked: boolean) =>
      `${usual} patients a day are usual that nobody outside the vendor explains. ${lost} more left before `
      + (locked
        ? 'the vendor was locked: then nobody of its 1,500 practices opens anything until officers clear it.'
        : 'the day was over.'),
    curveHeads: [
      'patients present', 'own a day', 'own in 30 days', 'stops/1,000', 'step-ups/1,000', 'lost in 24 h',
      'lost in 28 d',
    ],
    curve: {
      title: 'How often an honest doctor is stopped, by the share of patients who show that they are there',
      across: 'consultations with the word of the patient\'s device or card',
      up: 'stops in 1,000 shifts of a doctor of 50 patients a day without a secretary',
      line: (day: number, month: number, lostDay: string, lostMonth: string) =>
        `${day} a day, ${month} a month: a thief gets ${lostDay} in 24 h, ${lostMonth} in 28 d`,
    },
    number: 'en-GB',
  },
  fr: {
    usage: `npm run drill -- NOM [--lang en|fr] [--seed MOT] [--shifts N] [--accounts N] [--svg FICHIER]
  friction          combien de fois un travail honnête est arrêté ou doit se confirmer, par rôle, face au voleur
  stolen-accounts   la fuite de 2025 rejouée : 1 500 comptes de médecins avec leurs clés
  vendor            tous chez un même hébergeur
  curve             ce qu'on ne peut avoir à la fois : perte contre gêne
  emergency-night   une nuit aux urgences`,
    unknown: (what: string) => `Il n'y a pas d'exercice « ${what} ».`,
    heads: [
      'rôle', 'gardes', 'patients/garde', 'arrêts/1 000', 'confirmations/1 000', 'collègues/1 000', 'voleur 24 h',
      'voleur 28 j',
    ],
    targets: 'À atteindre : au plus 0,5 arrêt et 10 confirmations pour 1 000 gardes.',
    outOfSample: 'Pas les gardes qui ont servi à fixer les budgets : autres graines, 5 % de patients en plus, '
      + 'autre part inexpliquée.',
    theft: [
      'jours', 'seconde clé', 'collègue', 'agenda', 'médecin actif', 'maximum', 'moyenne', 'du total',
      'remarqué le jour',
    ],
    bound: (day: number, month: number) =>
      `Par simple calcul, aucun compte ne perd plus de ${day} patients en 24 h ni de ${month} en 28 jours, quels que `
      + 'soient les dépositaires sollicités.',
    total: (day: string, month: string) =>
      `Les 1 500 comptes : ${day} des 15 000 000 patients en 24 h, ${month} en 28 jours.`,
    reach: 'À atteindre : au plus 0,5 % en 24 h, 3 % en 28 jours.',
    yes: 'oui', no: 'non', never: '-',
    vendor: (usual: number, lost: number, locked: boolean) =>
      `${usual} patients par jour, que personne hors de l'hébergeur n'explique, sont habituels. ${lost} de plus sont `
      + `sortis avant ${locked
        ? 'le verrouillage de l\'hébergeur : ses 1 500 cabinets n\'ouvrent rien avant sa levée par deux responsables.'
        : 'la fin de la journée.'}`,
    curveHeads: [
      'patients présents', 'par jour', 'en 30 jours', 'arrêts/1 000', 'confirmations/1 000', 'perdus en 24 h',
      'perdus en 28 j',
    ],
    curve: {
      title: 'Combien de fois un médecin honnête est arrêté, selon la part des patients qui attestent leur présence',
      across: 'consultations attestées par l\'appareil ou la carte du patient',
      up: 'arrêts pour 1 000 journées d\'un médecin de 50 patients par jour sans secrétaire',
      line: (day: number, month: number, lostDay: string, lostMonth: string) =>
        `${day} par jour, ${month} par mois : un voleur obtient ${lostDay} en 24 h, ${lostMonth} en 28 j`,
    },
    number: 'fr-FR',
  },
} as const

export type Language = keyof typeof WORDS
