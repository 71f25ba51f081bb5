/** Everything the command line says, in English and French. A missing sentence is a type error. */
import { CARD_EN, CARD_FR } from './messages-card.ts'
import { DID_EN, DID_FR } from './messages-did.ts'
import { LOG_EN, LOG_FR } from './messages-log.ts'
import type { Translated } from './translated.ts'

export type Language = 'en' | 'fr'

const en = {
  usage: `scelle: health records that the state can index but cannot read

  scelle up [--demo [N]] [--seed TEXT]   start index, three trustees, edge and sidecar; --demo seals N invented patients
  scelle import PATH...                  seal FHIR JSON, NDJSON or gzip files; resumes where it stopped
  scelle open PATIENT [--as NAME] [--json]
                                         show a patient's records; --as opens as somebody it was shared with
  scelle share PATIENT --with NAME --categories A,B [--until 7d] [--rights read,write]
  scelle revoke GRANT                    end a grant, and give what comes after a new key
  scelle connect [--application NAME] [--person NAME]... [--port N] [--smart CLIENT --redirect URL]
                                         a local door that signs requests, for FHIR software as it is;
                                         --person gives each of its users a token and a session of their own
  scelle accesses PATIENT [--json]       who opened these records, when, why; whose account does not fit;
                                         --receipts FOLDER keeps a proof of each opening
  scelle proof PATIENT-OR-REFERENCE [--out FILE]
                                         a file that proves to anybody that a record is in the log: verify --receipt
  scelle card make PATIENT --out FILE [--qr FOLDER] [--until 90d]
                                         an emergency summary to carry, as a file and as QR codes to print
  scelle card show FILE... --as NAME --reason TEXT [--json]
                                         opens one at an emergency site, without a network; says so first
  scelle card report --as NAME           tells patients and officers what NAME opened without a network
  scelle emergencies --as NAME [--json]  for an officer: who broke the glass, when, why, and who looked at it
  scelle emergencies review ID --as NAME [--reason TEXT]
  scelle inspect PATIENT                 what the state sees of this patient's vault
  scelle verify [WHERE]                  is the log the one seen before, and longer; WHERE: its address, or a folder
                                         with its files; --receipt FILE, --evidence FILE, --report FILE
                                         check one file;
                                         --deep DIRECTORY derives all that an index stores anew
  scelle monitor [WHERE] [--once]        follow the log, and raise the alarm; --watch ID adds a principal whose keys to
                                         watch. Both: --index ID --trustee ID[@URL]..., --max-age 1h, --json
  scelle software publish FOLDER --origin ORIGIN --release VERSION
                                         puts what an origin serves on record, as the publisher of this home
  scelle software check ORIGIN --publisher ID
                                         does it serve what was put on record; status 1 where it does not
  scelle status                          who runs, where
  scelle keys --module LIB --token LABEL --key ID --pin FILE --out FILE [--from IDENTITY]
                                         a machine's signing key in a PKCS#11 token
  scelle did create DOMAIN | rotate | compromise | move DOMAIN | deactivate | link
                                         an organisation's name on the web, whose next keys lie elsewhere:
                                         --keys FOLDER, --reserve FOLDER; link: its principal names it back
  scelle did check DID-OR-ADDRESS-OR-FOLDER
                                         whom it stands for, and does that one agree; --resolve HOST=URL
  scelle did vouch DID --role ROLE --name TEXT --out FILE [--until 30d]
                                         a status by this home's register, for whom the name stands

  All state is kept under SCELLE_HOME (default .scelle). --lang fr|en chooses the language.`,
  unknownCommand: (name: string) => `There is no command "${name}".`,
  unknownOption: (detail: string) => `This option does not fit: ${detail}`,
  missingArgument: (name: string) => `${name} is missing.`,
  notRunning: 'Nothing is running here. Start it with: scelle up',
  keptInToken: (id: string, file: string) => `${id}: its key is in the token. Give ${file} where an identity goes.`,
  tokenFailed: 'The token did not answer as it should. Look at module, label, key id and PIN with pkcs11-tool.',
  alreadyRunning: (pid: number) => `Already running (process ${pid}).`,
  portTaken: (port: number) => `Port ${port} is taken. Choose another first port with --port.`,
  starting: (who: string) => `starting ${who}`,
  failedToStart: (who: string, log: string) => `${who} did not start. Its last words are in ${log}`,
  stopped: (who: string, code: string) => `${who} stopped (${code}).`,
  ready: 'Ready.',
  where: (home: string) => `state under ${home}`,
  tryThis: 'Try:',
  stopHint: 'Ctrl-C stops everything.',
  sealing: (count: number) => `Sealing ${count} invented patients`,
  alreadySealed: 'The demonstration patients are sealed already.',
  importing: (count: number) => `Importing ${count} file${count === 1 ? '' : 's'}`,
  imported: (resources: number, seconds: string, rate: number) =>
    `${resources} resources sealed in ${seconds} s (${rate} a second)`,
  skippedFiles: (count: number) => `${count} file${count === 1 ? '' : 's'} had been imported before`,
  refused: (count: number, report: string) =>
    `${count} resource${count === 1 ? ' was' : 's were'} refused. Each reason is in ${report}`,
  nothingToImport: 'There is no FHIR JSON, NDJSON or gzip file there.',
  importStopped: 'The import stopped. Run the same command to go on where it stopped.',
  retrying: (reason: string) => `waiting for the edge (${reason})`,
  remaining: (time: string) => `${time} left`,
  resources: 'resources',
  noPatient: (id: string) => `No patient ${id} is in this edge's care.`,
  noIdentity: (name: string) => `There is no identity "${name}" here.`,
  chartOf: (name: string) => `Chart of ${name}`,
  columnType: 'type',
  columnCount: 'count',
  columnLatest: 'latest',
  columnWhat: 'what',
  shared: (categories: string, name: string, until: string) => `${categories} shared with ${name} until ${until}.`,
  grantIs: (id: string) => `Grant ${id}`,
  revoked: 'Revoked. What was already opened cannot be taken back; what is written from now on has new keys.',
  revokedPending: (count: number) =>
    `${count} trustee${count === 1 ? ' has' : 's have'} not confirmed yet. Run the same command again.`,
  revokedLogged: 'It is in the public log, cosigned by all three trustees: nobody can deny it any more.',
  revokedNotLogged: 'Not all three trustees have cosigned it in the public log yet: it is honoured, and not final.',
  connected: (url: string) => `FHIR R4 for this machine's applications at ${url}`,
  smartKey: (jwk: string) => `Key for the edge's operator to register, with /oauth/callback of this door: ${jwk}`,
  keysWatched: 'Whoever pulls their security key is signed out at once.',
  keysNotWatched: 'This system does not tell here when a security key is pulled: a session without requests ends '
    + 'after 5 minutes.',
  keyPulled: 'A security key was pulled: whoever signed in with it is signed out.',
  tokenIn: (path: string) => `Token (Authorization: Bearer …) in ${path}`,
  stateSees: 'What the state sees of this vault',
  stateDoesNotSee: "It does not see: names, identifiers, categories' names, types, codes, dates of care, any key.",
  seen: {
    mode: 'mode', controller: 'controller', created: 'created', trustees: 'trustees', custodian: 'custodian',
    manifests: 'manifests', commits: 'commits', capsules: 'capsules', records: 'records', categories: 'categories',
    epoch: 'epoch', strict: 'strict', sizes: 'sizes of sealed bodies', newest: 'newest records', grants: 'grants',
    revoked: 'revoked', accesses: 'accesses (who, when, why, how many capsules)',
  },
  proofs: {
    noRecord: (what: string) => `There is no ${what} in this edge's care.`,
    written: (path: string) => `Proof, which anybody can check with scelle verify --receipt: ${path}`,
    kept: (count: number, folder: string) => `${count} proof${count === 1 ? '' : 's'} in ${folder}`,
  },
  openings: {
    head: ['when', 'who', 'why', 'categories', 'outcome', 'log'],
    none: 'Nobody opened these records.',
    agreed: 'All accounts agree: index, trustees, and what the readers wrote.',
    released: (who: string) => `released by ${who}`,
    refused: (by: string) => `refused (${by})`,
    unreleased: 'on record, no release told',
    proven: 'proven',
    unproven: 'not proven',
    offline: (purpose: string, time: string, reason: string) => `${purpose}, without a network on ${time}: ${reason}`,
  },
  findings: {
    'entry-missing': (who: string, access: string, by: string) =>
      `${who} opened these records (access ${access}, released by ${by}) and wrote no entry for the patient.`,
    'entry-garbled': (who: string, access: string) =>
      `${who} wrote an entry that does not open or does not fit${access === '' ? '' : ` (access ${access})`}.`,
    'access-dropped': (who: string, access: string, by: string) =>
      `${who} leaves out access ${access}${by === '' ? '' : `, which ${by} released`}.`,
    'release-unlogged': (who: string, access: string) => `${who} released on access ${access}, which was refused.`,
    'charge-missing': (who: string, access: string) =>
      `${who} released on access ${access} and charged nobody for it: its meter is none.`,
    'trustee-silent': (who: string) => `${who} does not tell what it released, or what it tells does not hold.`,
    'unknown': (who: string, access: string) => `${who} has to explain access ${access}.`,
  },
  badDuration: 'A time is a number and m, h, d or y, as 12h or 7d.',
  badCategories: (known: string) => `Categories are: ${known}`,
  badRights: 'Rights are: read, write, relay, shareOn',
  failed: (detail: string) => `That did not work: ${detail}`,
  card: CARD_EN,
  did: DID_EN,
  log: LOG_EN,
} as const

type Messages = Translated<typeof en>

const fr: Messages = {
  usage: `scelle : des dossiers de santé que l'État peut indexer mais pas lire

  scelle up [--demo [N]] [--seed TEXTE]  démarre index, trois dépositaires, façade et passerelle ;
                                         --demo scelle d'abord N patients inventés
  scelle import CHEMIN...                scelle des fichiers FHIR JSON, NDJSON ou gzip ; reprend où il s'est arrêté
  scelle open PATIENT [--as NOM] [--json]
                                         montre un dossier ; --as l'ouvre comme celui à qui il est partagé
  scelle share PATIENT --with NOM --categories A,B [--until 7d] [--rights read,write]
  scelle revoke PARTAGE                  met fin à un partage, et donne une nouvelle clé à la suite
  scelle connect [--application NOM] [--person NOM]... [--port N] [--smart CLIENT --redirect URL]
                                         une porte locale qui signe les requêtes, pour les logiciels FHIR tels quels ;
                                         --person donne à chacun de ses utilisateurs un jeton et une session à soi
  scelle accesses PATIENT [--json]       qui a ouvert un dossier, quand, pourquoi, et qui doit s'en expliquer ;
                                         --receipts DOSSIER garde une preuve de chaque ouverture
  scelle proof PATIENT-OU-RÉFÉRENCE [--out FICHIER]
                                         un fichier qui prouve à chacun qu'un enregistrement est au journal :
                                         verify --receipt
  scelle card make PATIENT --out FICHIER [--qr DOSSIER] [--until 90d]
                                         un résumé d'urgence à porter sur soi : fichier, et codes QR à imprimer
  scelle card show FICHIER... --as NOM --reason TEXTE [--json]
                                         l'ouvre à un site d'urgence, sans réseau ; en garde d'abord la trace
  scelle card report --as NOM            dit aux patients et au responsable ce que NOM a ouvert sans réseau
  scelle emergencies --as NOM [--json]   pour un responsable : qui a brisé la glace, quand, pourquoi, qui l'a vu
  scelle emergencies review ID --as NOM [--reason TEXTE]
  scelle inspect PATIENT                 ce que l'État voit du coffre de ce patient
  scelle verify [OÙ]                     le journal prolonge-t-il celui déjà vu ; OÙ : son adresse, ou un dossier avec
                                         ses fichiers ; --receipt FICHIER, --evidence FICHIER, --report
                                         FICHIER vérifient un fichier ;
                                         --deep DOSSIER refait tout ce qu'un index conserve
  scelle monitor [OÙ] [--once]           suit le journal et donne l'alarme ; --watch ID : un titulaire dont surveiller
                                         les clés. Les deux : --index ID --trustee ID[@URL]..., --max-age 1h, --json
  scelle software publish DOSSIER --origin ORIGINE --release VERSION
                                         inscrit au journal ce qu'une origine sert, comme éditeur de ce dossier d'état
  scelle software check ORIGINE --publisher ID
                                         sert-elle ce qui est inscrit ; statut 1 sinon
  scelle status                          qui tourne, où
  scelle keys --module LIB --token LABEL --key ID --pin FICHIER --out FICHIER [--from IDENTITÉ]
                                         la clé de signature d'une machine dans un jeton PKCS#11
  scelle did create DOMAINE | rotate | compromise | move DOMAINE | deactivate | link
                                         le nom d'un établissement sur le web, ses clés suivantes gardées ailleurs :
                                         --keys DOSSIER, --reserve DOSSIER ; link : le titulaire le nomme en retour
  scelle did check DID-OU-ADRESSE-OU-DOSSIER
                                         qui il désigne, et si celui-là en convient ; --resolve HÔTE=URL
  scelle did vouch DID --role RÔLE --name TEXTE --out FICHIER [--until 30d]
                                         un statut du registre d'ici, pour qui le nom désigne

  Tout est gardé sous SCELLE_HOME (par défaut .scelle). --lang fr|en choisit la langue.`,
  unknownCommand: (name) => `Il n'y a pas de commande « ${name} ».`,
  unknownOption: (detail) => `Cette option ne convient pas : ${detail}`,
  missingArgument: (name) => `${name} manque.`,
  notRunning: 'Rien ne tourne ici. Démarrez avec : scelle up',
  keptInToken: (id, file) => `${id} : sa clé est dans le jeton. Donnez ${file} là où va une identité.`,
  tokenFailed: 'Le jeton ne répond pas comme il devrait. Vérifiez module, nom, clé et code avec pkcs11-tool.',
  alreadyRunning: (pid) => `Déjà en marche (processus ${pid}).`,
  portTaken: (port) => `Le port ${port} est pris. Choisissez un autre premier port avec --port.`,
  starting: (who) => `démarrage : ${who}`,
  failedToStart: (who, log) => `${who} n'a pas démarré. Ses derniers mots sont dans ${log}`,
  stopped: (who, code) => `${who} s'est arrêté (${code}).`,
  ready: 'Prêt.',
  where: (home) => `état sous ${home}`,
  tryThis: 'Essayez :',
  stopHint: 'Ctrl-C arrête tout.',
  sealing: (count) => `Scellement de ${count} patients inventés`,
  alreadySealed: 'Les patients de démonstration sont déjà scellés.',
  importing: (count) => `Import de ${count} fichier${count === 1 ? '' : 's'}`,
  imported: (resources, seconds, rate) => `${resources} ressources scellées en ${seconds} s (${rate} par seconde)`,
  skippedFiles: (count) =>
    `${count} fichier${count === 1 ? ' avait' : 's avaient'} déjà été importé${count === 1 ? '' : 's'}`,
  refused: (count, report) =>
    `${count} ressource${count === 1 ? ' refusée' : 's refusées'}. Chaque raison est dans ${report}`,
  nothingToImport: "Il n'y a là aucun fichier FHIR JSON, NDJSON ou gzip.",
  importStopped: "L'import s'est arrêté. Relancez la même commande pour continuer.",
  retrying: (reason) => `en attente de la façade (${reason})`,
  remaining: (time) => `encore ${time}`,
  resources: 'ressources',
  noPatient: (id) => `Aucun patient ${id} n'est suivi par cette façade.`,
  noIdentity: (name) => `Il n'y a pas d'identité « ${name} » ici.`,
  chartOf: (name) => `Dossier de ${name}`,
  columnType: 'type',
  columnCount: 'nombre',
  columnLatest: 'dernier',
  columnWhat: 'contenu',
  shared: (categories, name, until) => `${categories} : partagé avec ${name} jusqu'au ${until}.`,
  grantIs: (id) => `Partage ${id}`,
  revoked: "Révoqué. Ce qui a été ouvert ne peut être repris ; ce qui s'écrit désormais a de nouvelles clés.",
  revokedPending: (count) =>
    `${count} dépositaire${count === 1 ? " n'a" : "s n'ont"} pas encore confirmé. Relancez la commande.`,
  revokedLogged: 'Elle est au journal public, cosignée par les trois dépositaires : nul ne peut plus la nier.',
  revokedNotLogged: "Tous les dépositaires ne l'ont pas encore cosignée au journal public : appliquée, non définitive.",
  connected: (url) => `FHIR R4 pour les applications de cette machine : ${url}`,
  smartKey: (jwk) => `Clé que l’opérateur de l’edge déclare, avec l’adresse /oauth/callback de cette porte : ${jwk}`,
  keysWatched: 'Retirer sa clé de sécurité déconnecte aussitôt.',
  keysNotWatched: 'Ce système n’indique pas ici le retrait d’une clé de sécurité : une session sans requête '
    + 'finit après 5 minutes.',
  keyPulled: 'Une clé de sécurité a été retirée : la personne connectée avec elle ne l’est plus.',
  tokenIn: (path) => `Jeton (Authorization: Bearer …) dans ${path}`,
  stateSees: "Ce que l'État voit de ce coffre",
  stateDoesNotSee: 'Il ne voit pas : noms, identifiants, noms des catégories, types, codes, dates de soin, clés.',
  seen: {
    mode: 'mode', controller: 'contrôleur', created: 'créé', trustees: 'dépositaires', custodian: 'gardien',
    manifests: 'manifestes', commits: 'dépôts', capsules: 'capsules', records: 'enregistrements',
    categories: 'catégories', epoch: 'époque', strict: 'stricte', sizes: 'tailles des corps scellés',
    newest: 'derniers enregistrements',
    grants: 'partages', revoked: 'révoqué', accesses: 'accès (qui, quand, pourquoi, combien de capsules)',
  },
  proofs: {
    noRecord: (what) => `${what} n'est pas dans les dossiers de cet établissement.`,
    written: (path) => `Preuve, que chacun peut vérifier avec scelle verify --receipt : ${path}`,
    kept: (count, folder) => `${count} preuve${count > 1 ? 's' : ''} dans ${folder}`,
  },
  openings: {
    head: ['quand', 'qui', 'pourquoi', 'catégories', 'issue', 'registre'],
    none: "Personne n'a ouvert ce dossier.",
    agreed: "Tous les récits concordent : l'index, les dépositaires, et ce que les lecteurs ont écrit.",
    released: (who) => `libéré par ${who}`,
    refused: (by) => `refusé (${by})`,
    unreleased: 'inscrit, aucune libération déclarée',
    proven: 'prouvé',
    unproven: 'non prouvé',
    offline: (purpose, time, reason) => `${purpose}, hors ligne le ${time} : ${reason}`,
  },
  findings: {
    'entry-missing': (who, access, by) =>
      `${who} a ouvert ce dossier (accès ${access}, libéré par ${by}) sans rien écrire pour le patient.`,
    'entry-garbled': (who, access) =>
      `${who} a écrit une entrée illisible ou inexacte${access === '' ? '' : ` (accès ${access})`}.`,
    'access-dropped': (who, access, by) =>
      `${who} passe sous silence l'accès ${access}${by === '' ? '' : `, libéré par ${by}`}.`,
    'release-unlogged': (who, access) => `${who} a libéré l'accès ${access}, qui avait été refusé.`,
    'charge-missing': (who, access) =>
      `${who} a libéré l'accès ${access} sans le compter à personne : son compteur n'en est pas un.`,
    'trustee-silent': (who) => `${who} ne dit pas ce qu'il a libéré, ou ce qu'il en dit ne tient pas.`,
    'unknown': (who, access) => `${who} doit s'expliquer sur l'accès ${access}.`,
  },
  badDuration: 'Une durée est un nombre suivi de m, h, d ou y, comme 12h ou 7d.',
  badCategories: (known) => `Les catégories sont : ${known}`,
  badRights: 'Les droits sont : read, write, relay, shareOn',
  failed: (detail) => `Cela n'a pas marché : ${detail}`,
  card: CARD_FR,
  did: DID_FR,
  log: LOG_FR,
}

export const MESSAGES: Record<Language, Messages> = { en, fr }

/** The language asked for, else the environment's, else English. */
export const languageOf = (asked: string | undefined, env: Record<string, string | undefined>): Language => {
  const wanted = asked ?? env['LC_ALL'] ?? env['LC_MESSAGES'] ?? env['LANG'] ?? 'en'
  return wanted.toLowerCase().startsWith('fr') ? 'fr' : 'en'
}
