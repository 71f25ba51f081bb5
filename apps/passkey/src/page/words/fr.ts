import { guardiansFr, pinFr } from './guardians-fr.ts'
import type { Words } from './words.ts'

export const fr: Words = {
  language: 'fr',
  otherLanguage: 'English',
  pageTitle: 'Scellé · Signature',
  footer: (origin) => `Vous êtes sur ${origin}. Aucun mot de passe n’est jamais demandé ici.`,
  labels: {
    house: 'Établissement',
    certified: 'nom certifié par le registre',
    person: 'Vous',
    application: 'Logiciel, selon l’établissement',
    purposes: 'Pour',
    until: 'Jusqu’à',
    returnTo: 'Retour ensuite vers',
    what: 'Vous confirmez',
    reason: 'Motif',
    patients: 'Patients',
    scope: 'Portée',
    target: 'Empreinte de la cible',
    replacement: 'Empreinte de la clé de remplacement',
    duty: 'Obligation légale',
    device: 'Clé',
    vendor: 'Empreinte de l’éditeur',
    number: 'Numéro du ticket',
    others: 'Peut sous-traiter',
  },
  actions: {
    signIn: 'Me connecter',
    confirm: 'Confirmer',
    signOut: 'Me déconnecter partout',
    enrol: 'Commencer',
    add: 'Ajouter une clé',
    remove: 'Retirer cette clé',
    recover: 'Reprendre l’accès',
    decline: 'Refuser',
    cancel: 'Abandonner',
    retry: 'Réessayer',
    next: 'Continuer',
    printSheet: 'Imprimer la feuille',
    sheetKept: 'J’ai la feuille en main',
    checkSheet: 'Vérifier la feuille',
    sheetAgain: 'Revoir la feuille',
  },
  purposes: {
    treatment: 'soigner',
    emergency: 'urgences',
    administration: 'gestion administrative',
    'patient-request': 'demande du patient',
    legal: 'obligation légale',
    research: 'recherche',
  },
  confirmations: {
    'step-up': 'que vous continuez vous-même au-delà de votre compteur libre',
    colleague: 'qu’un ou une collègue peut continuer',
    officer: 'comme second responsable, une ouverture pour obligation légale',
    session: 'votre session sur un serveur de l’établissement',
  },
  duties: { coding: 'codage', vigilance: 'vigilance', litigation: 'contentieux' },
  orders: {
    lock: 'verrouiller', clear: 'lever un verrou', surge: 'élargir les budgets (afflux)', review: 'bris de glace relu',
    replace: 'une autre clé à la place d’une clé perdue, pour une garde',
  },
  scopes: {
    device: 'un appareil ou un compte', person: 'une personne, tous ses appareils', organisation: 'un établissement',
    vendor: 'un éditeur de logiciel',
  },
  onePatient: 'un seul patient',
  manyPatients: 'plusieurs, dans la limite de votre budget',
  allPatients: 'tous ceux que la cible peut ouvrir',
  namedPatients: (count) => (count === 0 ? 'aucun' : count === 1 ? 'un seul, désigné' : `${count}, désignés un à un`),
  yes: 'oui',
  no: 'non',
  noLimit: 'sans fin indiquée',
  signIn: {
    title: 'Vous connecter ?',
    lead: (house) => `${house} pourra ouvrir des dossiers en votre nom, avec vos droits et votre compteur.`,
  },
  proof: {
    title: 'Confirmer que c’est vous ?',
    lead: (house) => `${house} apprend que c’est bien vous. Rien ne pourra être ouvert en votre nom.`,
  },
  confirm: { title: 'Confirmer ?', lead: 'Votre confirmation est signée et conservée avec son motif.' },
  order: { title: 'Signer cet ordre ?', lead: 'Il est inscrit au journal public, sans votre nom.' },
  ticket: {
    title: 'Laisser entrer cet éditeur ?',
    lead: 'Ses techniciens pourront ouvrir les dossiers désignés, jusqu’à l’heure dite. Les patients le verront, et '
      + 'votre établissement en reçoit le relevé.',
  },
  signOut: {
    title: 'Vous déconnecter partout ?',
    lead: 'Toutes vos sessions ouvertes jusqu’à maintenant prennent fin, sur tous les postes, en moins d’une minute.',
  },
  enrol: {
    title: 'Créer votre clé d’accès',
    lead: 'Comptez trois minutes. Il vous faut une clé de sécurité ou cet appareil, et une imprimante ou un stylo.',
    steps: [
      'Créez votre clé d’accès : deux gestes sur votre clé de sécurité ou cet appareil.',
      'Imprimez ou recopiez votre feuille de secours.',
      'Vérifiez la feuille : elle est la seule issue si vous perdez votre clé.',
    ],
  },
  add: {
    title: 'Ajouter une clé d’accès',
    lead: 'Il vous faut une clé que vous avez déjà, puis la nouvelle.',
    steps: ['Ouvrez avec une clé que vous avez déjà.', 'Créez la nouvelle : deux gestes.'],
  },
  remove: {
    title: 'Retirer une clé perdue',
    lead: 'La clé retirée ne signera plus rien, nulle part. Les sessions ouvertes avec elle prennent fin.',
    which: 'Quelle clé retirer ?',
    passkey: (number, ending) => `Clé ${number}, identifiant finissant par ${ending}`,
    last: 'C’est votre seule clé. Ajoutez-en une autre avant de la retirer.',
  },
  recover: {
    title: 'Vous n’avez plus aucune clé',
    lead: 'Il vous faut votre feuille de secours et une nouvelle clé de sécurité.',
    effect: 'Toutes vos anciennes clés cesseront de fonctionner.',
  },
  sheet: {
    title: 'Votre feuille de secours',
    lead: 'Imprimez-la ou recopiez les lettres, puis rangez-la loin de votre clé. Elle ne sera plus jamais affichée.',
    heading: 'Feuille de secours Scellé',
    use: 'Avec cette feuille et une nouvelle clé de sécurité, vous reprenez l’accès. Qui la trouve peut le faire '
      + 'aussi : gardez-la sous clé. Ne la photographiez pas.',
    forAge: 'Pour le programme age :',
    of: (person, house, day) => `${person} · ${house} · ${day}`,
    qr: 'Code QR de la feuille de secours',
  },
  rehearse: {
    title: 'Vérifions la feuille',
    lead: 'Tapez les lettres depuis le papier, ou lisez le code QR avec une douchette. Ni les espaces ni la casse ne '
      + 'comptent.',
    label: 'Lettres de la feuille',
    wrong: 'Ce ne sont pas les lettres de votre feuille : comparez-les groupe par groupe.',
    typed: (count) => `${count} lettres sur 58`,
  },
  touch: {
    sign: {
      title: 'Touchez votre clé',
      lead: 'Le navigateur vous demande votre clé de sécurité, votre code ou votre doigt.',
    },
    unlock: { title: 'Ouvrez avec une clé que vous avez', lead: 'Touchez-la quand le navigateur la demande.' },
    create: { title: 'Créez la nouvelle clé', lead: 'Branchez-la, puis suivez le navigateur : premier geste.' },
    bind: { title: 'Encore un geste', lead: 'Touchez la nouvelle clé une seconde fois : elle protège votre secret.' },
  },
  problems: {
    declined: {
      title: 'Rien n’a été signé',
      lead: 'Le geste n’a pas eu lieu, est venu trop tard, ou d’une clé qui ne compte pas ici. Branchez votre clé, '
        + 'puis réessayez.',
    },
    'no-passkey': {
      title: 'Aucune clé utilisable',
      lead: 'Cette clé est déjà enregistrée, ou aucune de vos clés n’est ici. Prenez-en une autre.',
    },
    'not-device-bound': {
      title: 'Cette clé se copie',
      lead: 'Elle est synchronisée entre appareils. Pour un professionnel, prenez une clé de sécurité ou la puce de ce '
        + 'poste.',
    },
    'no-recovery': {
      title: 'Cette clé ne suffit pas',
      lead: 'Elle ne sait pas protéger votre secret (extension PRF). Prenez une clé récente, ou mettez le navigateur à '
        + 'jour.',
    },
    unsupported: {
      title: 'Ce navigateur ne convient pas',
      lead: 'Il n’a pas donné ce qu’il faut. Prenez une version récente de Firefox, Chrome, Edge ou Safari.',
    },
    changed: {
      title: 'Le secret gardé ne s’ouvre pas',
      lead: 'Ce que l’établissement a gardé n’est pas à cette clé, ou a été modifié. Prenez une autre clé, ou votre '
        + 'feuille.',
    },
  },
  stops: {
    'nothing-asked': {
      title: 'Rien à signer ici',
      lead: 'Cette page s’ouvre depuis votre logiciel. Retournez-y et recommencez.',
    },
    malformed: {
      title: 'Demande illisible',
      lead: 'Le lien est abîmé ou incomplet. Retournez à votre logiciel et recommencez.',
    },
    'not-from-house': {
      title: 'Demande falsifiée',
      lead: 'L’établissement nommé n’a pas signé cette demande. N’allez pas plus loin et prévenez votre responsable '
        + 'informatique.',
    },
    'house-unknown': {
      title: 'Établissement inconnu',
      lead: 'Aucun registre reconnu ne répond de celui qui vous envoie ici. C’est peut-être un piège : n’allez pas '
        + 'plus loin et prévenez votre responsable informatique.',
    },
    expired: {
      title: 'Demande trop ancienne',
      lead: 'Retournez à votre logiciel et recommencez. Si cela persiste, vérifiez l’heure de ce poste.',
    },
    'return-refused': {
      title: 'Retour non protégé',
      lead: 'La demande veut envoyer votre signature vers une adresse non sécurisée. Prévenez votre responsable '
        + 'informatique.',
    },
    'other-network': {
      title: 'Autre réseau',
      lead: 'Cette demande est pour un autre réseau que celui de cette page. Prévenez votre responsable informatique.',
    },
    'other-person': {
      title: 'Demande pour quelqu’un d’autre',
      lead: 'Elle n’est pas à votre nom. Retournez à votre logiciel et choisissez votre nom.',
    },
    'not-for-this-page': {
      title: 'Demande non prévue',
      lead: 'Cette page ne signe pas ce genre de chose. Prévenez votre responsable informatique.',
    },
    framed: {
      title: 'Page affichée dans une autre',
      lead: 'Un autre site tente d’afficher cette page chez lui. Fermez-le : c’est un piège.',
    },
    'wrong-origin': {
      title: 'Mauvaise adresse',
      lead: 'Cette page n’est pas servie à son adresse. N’allez pas plus loin et prévenez votre responsable '
        + 'informatique.',
    },
    unsupported: {
      title: 'Navigateur trop ancien',
      lead: 'Il ne sait pas utiliser de clé d’accès. Prenez une version récente de Firefox, Chrome, Edge ou Safari.',
    },
  },
  guardians: guardiansFr,
  pin: pinFr,
  stopNothingSigned: 'Rien n’a été signé et rien n’a été envoyé.',
  going: (where) => `C’est fait. Retour vers ${where}…`,
  waiting: 'Vérification de la demande…',
}
