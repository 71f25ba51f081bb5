/** What `scelle did` says, in English and French. */
import type { Translated } from './translated.ts'

type Action = 'rotate' | 'compromise' | 'move' | 'deactivate'

/** Refusals by their code; for any other one, the detail alone. */
const FOUND_EN: Readonly<Record<string, string>> = {
  'fetch-failed': 'Its host does not answer with what was expected',
  'log-unreachable': 'The public log cannot be read, so nobody knows whether the principal names it back',
  'address-refused': 'It leads to an address that is not fetched',
  'too-large': 'Its files are over the limit',
  'encoding-invalid': 'Its files are no JSON',
  'did-invalid': 'This is no did:webvh of the accepted form, or the log served there is another one\'s',
  'did-log-invalid': 'Its log does not follow did:webvh 1.0',
  'did-scid-mismatch': 'ANOTHER\'S LOG: the identifier is not the hash of the first entry',
  'did-chain-broken': 'BROKEN LOG: an entry does not follow from the one before it',
  'did-key-unauthorised': 'FORGED ENTRY: signed by a key that was not authorised for it, or by none',
  'did-prerotation-broken': 'FORGED ENTRY: it uses keys that the entry before did not commit to',
  'did-witness-missing': 'Too few witnesses approved an entry',
  'did-unprotected': 'It commits to no next keys: whoever steals its key takes it over',
  'did-deactivated': 'Given up by its organisation: it stands for nobody any more',
  'did-rolled-back': 'ROLLED BACK: the log is shorter than when it was seen before',
  'did-forked': 'REWRITTEN: the log contradicts what was seen of it before',
  'did-moved': 'It moved more often than is followed',
  'did-web-mismatch': 'SWAPPED: did.json says something else than the log',
  'principal-missing': 'Its document does not name exactly one principal',
  'not-linked': 'NOT NAMED BACK: the principal does not say on public record that this name is its own',
  'principal-changed': 'ANOTHER PRINCIPAL than before: if you know why, say --accept',
}

const FOUND_FR: Readonly<Record<string, string>> = {
  'fetch-failed': 'Son hôte ne répond pas ce qui était attendu',
  'log-unreachable': 'Le journal public ne peut être lu : nul ne sait si le titulaire le nomme en retour',
  'address-refused': "Il mène à une adresse qui n'est pas suivie",
  'too-large': 'Ses fichiers dépassent la limite',
  'encoding-invalid': 'Ses fichiers ne sont pas du JSON',
  'did-invalid': "Ce n'est pas un did:webvh de la forme admise, ou le journal servi là est celui d'un autre",
  'did-log-invalid': 'Son journal ne suit pas did:webvh 1.0',
  'did-scid-mismatch': "JOURNAL D'UN AUTRE : l'identifiant n'est pas l'empreinte de la première entrée",
  'did-chain-broken': 'JOURNAL ROMPU : une entrée ne suit pas la précédente',
  'did-key-unauthorised': "ENTRÉE FORGÉE : signée par une clé qui n'y était pas autorisée, ou par aucune",
  'did-prerotation-broken': "ENTRÉE FORGÉE : ses clés ne sont pas celles que l'entrée précédente annonçait",
  'did-witness-missing': 'Trop peu de témoins ont approuvé une entrée',
  'did-unprotected': "Il n'annonce pas de clés suivantes : qui vole sa clé le prend",
  'did-deactivated': 'Abandonné par son établissement : il ne désigne plus personne',
  'did-rolled-back': "RECUL : le journal est plus court que lorsqu'il a été vu",
  'did-forked': 'RÉÉCRIT : le journal contredit ce qui en a été vu',
  'did-moved': "Il a déménagé plus souvent qu'on ne le suit",
  'did-web-mismatch': 'ÉCHANGÉ : did.json dit autre chose que le journal',
  'principal-missing': 'Son document ne nomme pas exactement un titulaire',
  'not-linked': 'PAS NOMMÉ EN RETOUR : le titulaire ne dit pas au journal public que ce nom est le sien',
  'principal-changed': 'UN AUTRE TITULAIRE : si vous savez pourquoi, dites --accept',
}

const CHANGED_EN: Readonly<Record<Action, readonly string[]>> = {
  rotate: ['The key that signed is used up, and its file removed.'],
  compromise: [
    'Both keys of before are out: no entry by either is valid after this one, so whoever has them adds nothing.',
    'Until now such a thief, with the host as well, could have added an entry of its own; whoever saw that one, and '
      + 'sees yours, is alarmed. It could not change what was seen, nor sign anything as the organisation: that takes '
      + 'the principal\'s key.',
  ],
  move: ['The key that signed is used up, and its file removed.'],
  deactivate: ['No entry follows. Leave the files where they are: they say that the name was given up.'],
}

const CHANGED_FR: Readonly<Record<Action, readonly string[]>> = {
  rotate: ['La clé qui a signé a servi, et son fichier est supprimé.'],
  compromise: [
    "Les deux clés d'avant sont hors jeu : aucune entrée de l'une ou de l'autre ne vaut après celle-ci.",
    "Jusqu'ici, un tel voleur, maître aussi de l'hôte, aurait pu ajouter une entrée ; qui l'a vue, et voit la vôtre, "
      + "est alarmé. Il ne pouvait ni changer ce qui a été vu, ni signer au nom de l'établissement : il y faut la clé "
      + 'du titulaire.',
  ],
  move: ['La clé qui a signé a servi, et son fichier est supprimé.'],
  deactivate: ['Aucune entrée ne suivra. Laissez les fichiers en place : ils disent que le nom est abandonné.'],
}

export const DID_EN = {
  none: 'There is no name here yet: scelle did create DOMAIN',
  there: (folder: string) => `There is a name in ${folder} already.`,
  noDomain: (domain: string) => `This is no public host, with a port or path if need be: ${domain}`,
  noName: (name: string) =>
    `This is neither a did:webvh, a did:web, an https address nor a folder with did.jsonl: ${name}`,
  noResolve: (text: string) =>
    `--resolve is HOST=https://ADDRESS, or HOST=http://127.0.0.1:PORT on this machine: ${text}`,
  noIdentity: 'Say whose name it is: --identity FILE, the organisation\'s.',
  noKey: (folders: string) => `No key that the last entry commits to is in ${folders}. Bring it: --keys, --reserve.`,
  keyThere: (path: string) => `${path} is there already. If a run was interrupted, remove it; else keep it safe.`,
  notOwn: 'The document names another principal than this identity. Nothing was signed.',
  ended: 'This name was given up: nothing follows.',
  created: (name: string, principal: string) => `${name}\nstands for principal ${principal}.`,
  published: (folder: string) => `To be served as /.well-known/ (or the name's path): ${folder}`,
  keysIn: (next: string, reserve: string) =>
    `The key for the next entry is in ${next}, the one in reserve in ${reserve}.\n`
    + 'Take both off this machine, to two places: whoever has one, and the host, has the name.',
  toLink: 'Then have the principal name it back: scelle did link',
  toServe: (old: string, name: string) => `Serve the same files at both places: ${old} leads to ${name}.`,
  changed: (action: Action, name: string, version: number) =>
    [`${name}: version ${version}.`, ...CHANGED_EN[action]].join('\n'),
  linked: (name: string, file: string) =>
    `On public record: ${name} is its principal's own. Serve ${file} with the rest.`,
  holds: (name: string, principal: string, versions: number, leaf: number) =>
    `${name}\nstands for principal ${principal}, which names it back (leaf ${leaf}); ${versions} versions.`,
  firstLook: 'This is the first look: what it shows is remembered, and held against what comes.',
  refused: (problem: string, detail: string) => `${FOUND_EN[problem] ?? problem}: ${detail}`,
  vouched: (name: string, file: string) => `The register of this home gives ${name} a status: ${file}`,
  notVouched: 'No status was given.',
} as const

export const DID_FR: Translated<typeof DID_EN> = {
  none: "Il n'y a pas encore de nom ici : scelle did create DOMAINE",
  there: (folder) => `Il y a déjà un nom dans ${folder}.`,
  noDomain: (domain) => `Ce n'est pas un hôte public, avec port ou chemin s'il le faut : ${domain}`,
  noName: (name) => `Ni did:webvh, ni did:web, ni adresse https, ni dossier avec did.jsonl : ${name}`,
  noResolve: (text) =>
    `--resolve : HÔTE=https://ADRESSE, ou HÔTE=http://127.0.0.1:PORT sur cette machine : ${text}`,
  noIdentity: "Dites de qui est le nom : --identity FICHIER, celle de l'établissement.",
  noKey: (folders) => `Aucune clé annoncée par la dernière entrée dans ${folders}. Apportez-la : --keys, --reserve.`,
  keyThere: (path) => `${path} existe déjà. Si une exécution a été interrompue, supprimez-le ; sinon gardez-le.`,
  notOwn: "Le document nomme un autre titulaire que cette identité. Rien n'a été signé.",
  ended: 'Ce nom a été abandonné : rien ne suit.',
  created: (name, principal) => `${name}\ndésigne le titulaire ${principal}.`,
  published: (folder) => `À servir sous /.well-known/ (ou le chemin du nom) : ${folder}`,
  keysIn: (next, reserve) =>
    `La clé de la prochaine entrée est dans ${next}, celle de réserve dans ${reserve}.\n`
    + "Retirez-les de cette machine, en deux lieux : qui en a une, et l'hôte, a le nom.",
  toLink: 'Puis que le titulaire le nomme en retour : scelle did link',
  toServe: (old, name) => `Servez les mêmes fichiers aux deux endroits : ${old} mène à ${name}.`,
  changed: (action, name, version) => [`${name} : version ${version}.`, ...CHANGED_FR[action]].join('\n'),
  linked: (name, file) => `Au journal public : ${name} est bien de son titulaire. Servez ${file} avec le reste.`,
  holds: (name, principal, versions, leaf) =>
    `${name}\ndésigne le titulaire ${principal}, qui le nomme en retour (feuille ${leaf}) ; ${versions} versions.`,
  firstLook: 'Premier regard : ce qui est montré est retenu, et opposé à la suite.',
  refused: (problem, detail) => `${FOUND_FR[problem] ?? problem} : ${detail}`,
  vouched: (name, file) => `Le registre de ce dossier d'état donne un statut à ${name} : ${file}`,
  notVouched: "Aucun statut n'a été donné.",
}
