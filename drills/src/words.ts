/** What drills say, in English and French. */
export const WORDS = {
  en: {
    usage: `npm run drill -- NAME [--lang en|fr] [--seed WORD] [--shifts N] [--accounts N] [--svg FILE]
  friction          how often honest work is stopped or asked to confirm, by role, beside what a thief gets
  slow              one to four patients a day more than a doctor opens: what stops or finds it
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
    outOfSample: 'The budgets that trustees have, judged on seeds 46 to 65: 5 % more patients, another share '
      + 'unexplained, 2 % merged records, 2 % newborns.',
    fitHeads: [
      'fitted (table)', 'hour', 'shift', 'own, day', 'own, 30 days', 'free', 'unexplained', 'seeds 1-5', 'seeds 46-65',
    ],
    fit: 'Fitted: 1.25 times what one shift in a thousand is above (free: in a hundred), in the work of seeds 1 to 5;\n'
      + 'beside it the number that trustees have. Seeds: stops / step-ups in 1,000 shifts under the fitted budget.',
    slowHeads: [
      'more a day', 'in 28 days', 'in a year', 'found after days', 'of 9 in 10', 'taken by then', 'taken at most',
    ],
    slow: (from: number, fit: readonly number[], other: readonly number[]) =>
      `The month's bound stops more than ${from} a day. What is below, two charts find, which lock nobody: a CUSUM of\n`
      + `negative binomials, on those whom nobody outside the house explains. Days are days of work, a year has 250.\n`
      + `Days of honest work for each false alarm: ${fit.join(' and ')} on seeds 1 to 5, which set the limits; `
      + `${other.join(' and ')} on seeds 46 to 65.`,
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
  slow              un à quatre patients par jour de plus qu'un médecin n'en ouvre : ce qui l'arrête ou le trouve
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
    outOfSample: 'Les budgets des dépositaires, jugés sur les graines 46 à 65 : 5 % de patients en plus, autre '
      + 'part inexpliquée, 2 % de dossiers fusionnés, 2 % de nouveau-nés.',
    fitHeads: [
      'ajusté (table)', 'heure', 'garde', 'par jour', 'en 30 jours', 'libres', 'inexpliqués', 'graines 1-5',
      'graines 46-65',
    ],
    fit: 'Ajusté : 1,25 fois ce que dépasse une garde sur mille (libres : sur cent), graines 1 à 5 ;\n'
      + 'à côté, le nombre des dépositaires. Graines : arrêts / confirmations pour 1 000 gardes sous ce budget.',
    slowHeads: [
      'de plus par jour', 'en 28 jours', 'en un an', 'trouvé en jours', '9 sur 10', 'pris alors', 'pris au plus',
    ],
    slow: (from: number, fit: readonly number[], other: readonly number[]) =>
      `La borne du mois arrête plus de ${from} par jour. En dessous, deux courbes le trouvent, qui ne verrouillent\n`
      + `personne : un CUSUM de binomiales négatives, sur ceux que nul hors de la maison n'explique. Les jours sont\n`
      + `ouvrés, 250 par an. Jours de travail honnête par fausse alerte : ${fit.join(' et ')} sur les graines 1 à 5, `
      + `qui ont fixé les seuils ; ${other.join(' et ')} sur les graines 46 à 65.`,
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
