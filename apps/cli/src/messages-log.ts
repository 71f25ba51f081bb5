/** What `verify` and `monitor` say, in English and French. */
const short = (id: string | undefined): string => `${(id ?? '').slice(0, 16)}…`

const hours = (seconds: number): string =>
  seconds < 3600 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`

const date = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')

/** What statements are called; whatever is not here, by its kind. */
const KINDS_EN: Readonly<Record<string, string>> = {
  'key-record': 'key record', 'vault-genesis': 'vault', 'access': 'opening', 'denial': 'refusal',
}
const KINDS_FR: Readonly<Record<string, string>> = {
  'key-record': 'cette clé', 'vault-genesis': 'ce coffre', 'manifest': 'ce manifeste', 'commit': 'ce dépôt',
  'grant': 'ce partage', 'grant-keys': 'ces clés de partage', 'revocation': 'cette révocation',
  'access': 'cette ouverture', 'release': 'cette remise de clés', 'denial': 'ce refus',
}

interface Told {
  readonly party?: string | undefined
  readonly leaf?: number | undefined
  readonly sizes?: readonly [number, number] | undefined
  readonly age?: number | undefined
  readonly detail?: string | undefined
}

/** Notices of the log, by what they are about. */
interface Notices {
  readonly order: number
  readonly binding: number
  readonly link: number
  readonly withdrawal: number
}

export const LOG_EN = {
  needPins: 'Say whose log it is: --index ID, and its three trustees: --trustee ID[@URL] three times.',
  needTrustees: 'A log has three trustees: --trustee ID[@URL] three times.',
  needWhere: 'Say where the log is: its address, or a folder with its files.',
  good: (size: number, final: number, age: number) =>
    `The log has ${size} entries and is consistent with all that was seen before. All three trustees cosigned ${final} `
    + `of them, ${hours(age)} ago.`,
  firstLook: 'This is the first look: what it shows is remembered, and held against what comes.',
  reading: (count: number, total: number) => `reading entries: ${count} of ${total}`,
  evidenceIn: (path: string) => `Evidence, which anybody can check with scelle verify --evidence: ${path}`,
  found: {
    'good': () => 'All is well.',
    'fork': ({ sizes, party }: Told) => `TWO HISTORIES: of ${sizes?.[0]} and of ${sizes?.[1]} entries, and neither `
      + 'begins with the other. The index lied.'
      + (party === undefined ? '' : ` Trustee ${short(party)} sees the other.`),
    'rolled-back': ({ sizes }: Told) =>
      `ROLLED BACK: the log had ${sizes?.[0]} entries before, and shows ${sizes?.[1]} now.`,
    'not-valid': ({ party, detail }: Told) =>
      `What ${party === undefined ? 'the log' : `trustee ${short(party)}`} shows is wrong: ${detail}.`,
    'key-changed': ({ party, leaf }: Told) =>
      `KEY CHANGED: entry ${leaf} is a key record for ${short(party)} that is not known here. If nobody made it, its `
      + 'keys are in other hands.',
    'not-proven': ({ detail }: Told) => `This proves nothing: ${detail}.`,
    'lie-proven': ({ detail }: Told) => detail ?? '',
    'evidence-refused': ({ detail }: Told) => `This is no evidence: ${detail}.`,
    'not-stored': ({ detail }: Told) => detail ?? '',
    'not-final': () => 'No checkpoint that all three trustees cosigned is shown.',
    'stale': ({ age, sizes }: Told) =>
      `SILENT: the newest checkpoint that all three trustees cosigned is ${hours(age ?? 0)} old, of ${sizes?.[0]} `
      + 'entries.',
    'unreachable': ({ detail }: Told) => `The log cannot be read: ${detail}.`,
    'trustee-unreachable': ({ party, detail }: Told) => `Trustee ${short(party)} cannot be asked: ${detail}.`,
  },
  proven: (kind: string, leaf: number, size: number, cosigned: number) =>
    `Entry ${leaf} of the log is this ${KINDS_EN[kind] ?? kind}: in the tree of ${size} entries, which ${cosigned} `
    + 'trustees cosigned.',
  provenRecord: (handle: string, version: number, time: number) =>
    `That commit holds the record: resource ${short(handle)}, version ${version}, of about ${date(time)}, `
    + 'by its author.',
  provenAccess: (reader: string, time: number, purpose: string) =>
    `It says that ${short(reader)} opened the records on ${date(time)}, for this purpose: ${purpose}.`,
  released: (publisher: string, file: string) => `On record by publisher ${publisher}. Serve ${file} with the rest.`,
  releaseHolds: (name: string, version: string, time: number, leaf: number) =>
    `It serves ${name} ${version}, as put on record on ${new Date(time * 1000).toISOString()}, leaf ${leaf}.`,
  releaseChanged: (path: string) => `NOT what was put on record: ${path}`,
  releaseElsewhere: (origin: string) => `What it shows was put on record for another origin: ${origin}`,
  noRelease: (origin: string) => `${origin} shows no release.`,
  provenSigner: (signer: string) => `Signed in the name of ${signer}.`,
  visit: (number: string, vendor: string, reader: string, sponsor: string) =>
    `Ticket ${number}: ${short(sponsor)} let the vendor ${short(vendor)} in; ${short(reader)} did it.`,
  visited: (accesses: number, patients: number, named: number) =>
    `${accesses} openings, ${patients} of the ${named} patients that the ticket names. Each is in the log:`,
  visitedAt: (vault: string, time: number, leaf: number) => `  ${date(time)}  vault ${short(vault)}  entry ${leaf}`,
  liar: (role: 'index' | 'trustee', id: string) => `${role === 'index' ? 'The index' : 'The trustee'} is ${id}.`,
  notPinned: 'It is not the one that is pinned here.',
  watching: (where: string, count: number) => `Watching ${where}; key records of ${count} principals.`,
  nothingThere: (where: string) => `There is no index's database in ${where}.`,
  deepGood: (statements: number, vaults: number, records: number) =>
    `All fits: ${statements} statements, ${vaults} vaults, ${records} records, from every octet to the checkpoint.`,
  deepNotices: ({ order, binding, link, withdrawal }: Notices) =>
    `For trustees, sealed: ${order} officers' orders, ${binding} bindings of identities, ${link} links of vaults, `
    + `${withdrawal} withdrawals by registers.`,
  deepLost: (count: number) => `${count} entries of the log wait for their statements: the index was restored.`,
  deepProgress: (what: string, done: number, total: number) => `${what}: ${done} of ${total}`,
  deepFinding: (table: string, row: string, field: string, detail: string) =>
    `The first that does not fit: table ${table}, ${row}, field ${field}: ${detail}.`,
} as const

type Sentences<T> = T extends string
  ? string
  : T extends (...args: infer A) => string ? (...args: A) => string : { readonly [K in keyof T]: Sentences<T[K]> }

export type LogMessages = Sentences<typeof LOG_EN>

export const LOG_FR: LogMessages = {
  needPins: 'Dites de qui est le journal : --index ID, et ses trois dépositaires : --trustee ID[@URL], trois fois.',
  needTrustees: 'Un journal a trois dépositaires : --trustee ID[@URL], trois fois.',
  needWhere: 'Dites où est le journal : son adresse, ou un dossier avec ses fichiers.',
  good: (size, final, age) =>
    `Le journal a ${size} entrées et prolonge tout ce qui a été vu avant. Les trois dépositaires en ont cosigné `
    + `${final}, il y a ${hours(age)}.`,
  firstLook: 'Premier regard : ce qui est montré est retenu, et opposé à la suite.',
  reading: (count, total) => `lecture des entrées : ${count} sur ${total}`,
  evidenceIn: (path) => `Preuve, que chacun peut vérifier avec scelle verify --evidence : ${path}`,
  found: {
    'good': () => 'Tout va bien.',
    'fork': ({ sizes, party }) => `DEUX HISTOIRES : de ${sizes?.[0]} et de ${sizes?.[1]} entrées, dont aucune ne `
      + "prolonge l'autre. L'index a menti."
      + (party === undefined ? '' : ` Le dépositaire ${short(party)} voit l'autre.`),
    'rolled-back': ({ sizes }) =>
      `RECUL : le journal avait ${sizes?.[0]} entrées, et n'en montre plus que ${sizes?.[1]}.`,
    'not-valid': ({ party, detail }) =>
      `Ce que montre ${party === undefined ? 'le journal' : `le dépositaire ${short(party)}`} est faux : ${detail}.`,
    'key-changed': ({ party, leaf }) =>
      `CLÉ CHANGÉE : l'entrée ${leaf} est une clé pour ${short(party)} qui n'est pas connue ici. Si personne ne l'a `
      + "faite, ses clés sont en d'autres mains.",
    'not-proven': ({ detail }) => `Cela ne prouve rien : ${detail}.`,
    'lie-proven': ({ detail }) => detail ?? '',
    'evidence-refused': ({ detail }) => `Ce n'est pas une preuve : ${detail}.`,
    'not-stored': ({ detail }) => detail ?? '',
    'not-final': () => "Aucun point de contrôle cosigné par les trois dépositaires n'est montré.",
    'stale': ({ age, sizes }) =>
      `SILENCE : le dernier point de contrôle cosigné par les trois dépositaires a ${hours(age ?? 0)} `
      + `(${sizes?.[0]} entrées).`,
    'unreachable': ({ detail }) => `Le journal ne peut être lu : ${detail}.`,
    'trustee-unreachable': ({ party, detail }) => `Le dépositaire ${short(party)} ne peut être interrogé : ${detail}.`,
  },
  proven: (kind, leaf, size, cosigned) =>
    `L'entrée ${leaf} du journal est bien ${KINDS_FR[kind] ?? kind} : dans l'arbre de ${size} entrées, cosigné `
    + `par ${cosigned} dépositaires.`,
  provenRecord: (handle, version, time) =>
    `Ce dépôt contient l'enregistrement : ressource ${short(handle)}, version ${version}, du ${date(time)} environ, `
    + 'selon son auteur.',
  provenAccess: (reader, time, purpose) =>
    `Elle dit que ${short(reader)} a ouvert le dossier le ${date(time)}, pour ce motif : ${purpose}.`,
  released: (publisher, file) => `Inscrit par l'éditeur ${publisher}. Servez ${file} avec le reste.`,
  releaseHolds: (name, version, time, leaf) =>
    `Elle sert ${name} ${version}, inscrit le ${new Date(time * 1000).toISOString()}, feuille ${leaf}.`,
  releaseChanged: (path) => `PAS ce qui est inscrit : ${path}`,
  releaseElsewhere: (origin) => `Ce qu'elle montre est inscrit pour une autre origine : ${origin}`,
  noRelease: (origin) => `${origin} ne montre aucune version inscrite.`,
  provenSigner: (signer) => `Signé au nom de ${signer}.`,
  visit: (number, vendor, reader, sponsor) =>
    `Ticket ${number} : ${short(sponsor)} a fait entrer le prestataire ${short(vendor)} ; ${short(reader)} a agi.`,
  visited: (accesses, patients, named) =>
    `${accesses} ouvertures, ${patients} des ${named} patients que nomme le ticket. Chacune est au journal :`,
  visitedAt: (vault, time, leaf) => `  ${date(time)}  coffre ${short(vault)}  entrée ${leaf}`,
  liar: (role, id) => `${role === 'index' ? "L'index" : 'Le dépositaire'} est ${id}.`,
  notPinned: "Ce n'est pas celui qui est épinglé ici.",
  watching: (where, count) => `Surveillance de ${where} ; clés de ${count} titulaires.`,
  nothingThere: (where) => `Il n'y a pas de base d'index dans ${where}.`,
  deepGood: (statements, vaults, records) =>
    `Tout concorde : ${statements} énoncés, ${vaults} coffres, ${records} enregistrements, de chaque octet au point de `
    + 'contrôle.',
  deepNotices: ({ order, binding, link, withdrawal }) =>
    `Pour les dépositaires, scellés : ${order} ordres d'officiers, ${binding} rattachements d'identités, `
    + `${link} rapprochements de coffres, ${withdrawal} retraits par des registres.`,
  deepLost: (count) => `${count} entrées du journal attendent leurs énoncés : l'index a été restauré.`,
  deepProgress: (what, done, total) => `${what} : ${done} sur ${total}`,
  deepFinding: (table, row, field, detail) =>
    `Le premier qui ne concorde pas : table ${table}, ${row}, champ ${field} : ${detail}.`,
}
