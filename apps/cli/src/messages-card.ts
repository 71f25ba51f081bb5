/** What `card` and `emergencies` say, in English and French. */
export const CARD_EN = {
  file: 'FILE',
  written: (path: string, until: string) => `Card, good until ${until}: ${path}`,
  codes: (count: number, folder: string) => `${count} QR code${count === 1 ? '' : 's'} to print: ${folder}/card.html`,
  cannotRevoke: 'Who finds it cannot open it; registered emergency sites can, until that day: nobody can revoke it.',
  grantIs: (id: string) => `Sites may open in an emergency from now on. To end that: scelle revoke ${id}`,
  tooLarge: 'This summary does not fit QR codes that somebody would scan. The file holds it.',
  title: 'Emergency summary',
  code: (number: number, count: number) => `Code ${number} of ${count}`,
  howTo: 'Emergency sites read all codes, in any order. Nobody else can open what is in them.',
  noSite: 'This home holds no emergency key, so it opens no cards.',
  unreadable: (path: string) => `${path} is neither a card nor the text of its codes.`,
  missing: (numbers: string) => `Codes of this card are missing: ${numbers}`,
  refused: {
    'card-expired': 'This card is too old.',
    'card-recipient-unknown': 'This card was not made for this emergency site.',
    'frames-mixed': 'These codes are of several cards. Read one card at a time.',
    'frames-corrupt': 'A code of this card was read wrong. Read it again.',
    'bad-input': 'The reason is empty or too long.',
    other: (code: string) => `This card does not hold (${code}). Nothing in it is to be believed.`,
  },
  by: { owner: 'signed by the patient', custody: 'signed by the hospital that keeps the records' },
  shown: (vault: string, by: string, issued: string) => `Card of vault ${vault}…, ${by}, as of ${issued}`,
  kept: (path: string) => `Opened without a network; that is noted in ${path}. Report it: scelle card report`,
  nothingToReport: 'Nothing was opened here without a network that waits to be reported.',
  told: (id: string) => `${id}…  told: the patient and the officers see it`,
  logged: (id: string, problem: string) =>
    `${id}…  the patient sees it; trustees refused (${problem}), officers do not yet`,
  failed: (id: string, problem: string) => `${id}…  not told (${problem}); the note is kept`,
  emergencies: {
    head: ['id', 'when', 'reader', 'vault', 'reviewed', 'reason'],
    none: 'Nobody of this organisation broke the glass.',
    waiting: 'to review',
    reviewed: (when: string) => `yes, ${when}`,
    some: (count: number) => `${count} to review: scelle emergencies review ID`,
    unknown: (id: string) => `No broken glass begins with ${id}, or several do.`,
    done: (id: string) => `Reviewed: ${id}…`,
    seen: 'seen',
  },
} as const

type Translated<T> = T extends string
  ? string
  : T extends readonly string[]
    ? readonly string[]
    : T extends (...args: infer A) => string
      ? (...args: A) => string
      : { [K in keyof T]: Translated<T[K]> }

export const CARD_FR: Translated<typeof CARD_EN> = {
  file: 'FICHIER',
  written: (path, until) => `Carte, valable jusqu'au ${until} : ${path}`,
  codes: (count, folder) => `${count} code${count === 1 ? '' : 's'} QR à imprimer : ${folder}/card.html`,
  cannotRevoke: "Qui la trouve ne peut l'ouvrir ; les sites d'urgence le peuvent jusque-là : nul ne peut la révoquer.",
  grantIs: (id) => `Les sites peuvent désormais ouvrir en urgence. Pour y mettre fin : scelle revoke ${id}`,
  tooLarge: "Ce résumé ne tient pas dans des codes QR que quelqu'un lirait. Le fichier le contient.",
  title: "Résumé d'urgence",
  code: (number, count) => `Code ${number} sur ${count}`,
  howTo: "Les sites d'urgence lisent tous les codes, dans n'importe quel ordre. Personne d'autre ne peut les ouvrir.",
  noSite: "Il n'y a pas ici de clé d'urgence : aucune carte ne s'ouvre.",
  unreadable: (path) => `${path} n'est ni une carte, ni le texte de ses codes.`,
  missing: (numbers) => `Il manque des codes de cette carte : ${numbers}`,
  refused: {
    'card-expired': 'Cette carte est trop ancienne.',
    'card-recipient-unknown': "Cette carte n'est pas faite pour ce site d'urgence.",
    'frames-mixed': 'Ces codes sont de plusieurs cartes. Lisez une carte à la fois.',
    'frames-corrupt': 'Un code de cette carte a été mal lu. Relisez-le.',
    'bad-input': 'Le motif est vide ou trop long.',
    other: (code) => `Cette carte ne tient pas (${code}). Il ne faut rien en croire.`,
  },
  by: { owner: 'signée par le patient', custody: "signée par l'établissement qui garde le dossier" },
  shown: (vault, by, issued) => `Carte du coffre ${vault}…, ${by}, état du ${issued}`,
  kept: (path) => `Ouverte sans réseau ; la trace est dans ${path}. À déclarer : scelle card report`,
  nothingToReport: "Rien de ce qui a été ouvert ici sans réseau n'attend d'être déclaré.",
  told: (id) => `${id}…  déclaré : le patient et les responsables le voient`,
  logged: (id, problem) =>
    `${id}…  le patient le voit ; les dépositaires ont refusé (${problem}), les responsables pas encore`,
  failed: (id, problem) => `${id}…  non déclaré (${problem}) ; la trace est gardée`,
  emergencies: {
    head: ['id', 'quand', 'lecteur', 'coffre', 'examiné', 'motif'],
    none: "Personne de cet établissement n'a brisé la glace.",
    waiting: 'à examiner',
    reviewed: (when) => `oui, ${when}`,
    some: (count) => `${count} à examiner : scelle emergencies review ID`,
    unknown: (id) => `Aucun bris de glace ne commence par ${id}, ou plusieurs.`,
    done: (id) => `Examiné : ${id}…`,
    seen: 'vu',
  },
}
