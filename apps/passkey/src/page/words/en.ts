import { guardiansEn, pinEn } from './guardians-en.ts'
import type { Words } from './words.ts'

export const en: Words = {
  language: 'en',
  otherLanguage: 'Français',
  pageTitle: 'Scellé · Signing',
  footer: (origin) => `You are on ${origin}. No password is ever asked for here.`,
  labels: {
    house: 'Organisation',
    certified: 'name certified by the register',
    person: 'You',
    application: 'Application, by the organisation’s word',
    purposes: 'For',
    until: 'Until',
    returnTo: 'Then back to',
    what: 'You confirm',
    reason: 'Reason',
    patients: 'Patients',
    scope: 'Reach',
    target: 'Fingerprint of the target',
    replacement: 'Fingerprint of the key in its place',
    duty: 'Legal duty',
    device: 'Key',
    vendor: 'Print of the vendor',
    number: 'Ticket number',
    others: 'May subcontract',
  },
  actions: {
    signIn: 'Sign me in',
    confirm: 'Confirm',
    signOut: 'Sign me out everywhere',
    enrol: 'Begin',
    add: 'Add a key',
    remove: 'Remove this key',
    recover: 'Regain access',
    decline: 'Decline',
    cancel: 'Give up',
    retry: 'Try again',
    next: 'Continue',
    printSheet: 'Print the sheet',
    sheetKept: 'I have the sheet in my hand',
    checkSheet: 'Check the sheet',
    sheetAgain: 'See the sheet again',
  },
  purposes: {
    treatment: 'care',
    emergency: 'emergencies',
    administration: 'administration',
    'patient-request': 'the patient’s request',
    legal: 'a legal duty',
    research: 'research',
  },
  confirmations: {
    'step-up': 'that you yourself go on beyond your free count',
    colleague: 'that a colleague may go on',
    officer: 'as the second officer, an opening for a legal duty',
    session: 'your session at a server of the organisation',
  },
  duties: { coding: 'coding', vigilance: 'vigilance', litigation: 'litigation' },
  orders: {
    lock: 'lock', clear: 'lift a lock', surge: 'widen budgets (surge)', review: 'broken glass reviewed',
    replace: 'another key in the place of a lost one, for a shift',
  },
  scopes: {
    device: 'a device or an account', person: 'a person, with every device', organisation: 'an organisation',
    vendor: 'a software vendor',
  },
  onePatient: 'one patient alone',
  manyPatients: 'several, within your budget',
  allPatients: 'all that the target can open',
  namedPatients: (count) => (count === 0 ? 'none' : count === 1 ? 'one, by name' : `${count}, each by name`),
  yes: 'yes',
  no: 'no',
  noLimit: 'no end is given',
  signIn: {
    title: 'Sign in?',
    lead: (house) => `${house} will be able to open records in your name, with your rights and your count.`,
  },
  proof: {
    title: 'Confirm who you are?',
    lead: (house) => `${house} learns that it is you. It will be able to open nothing in your name.`,
  },
  confirm: { title: 'Confirm?', lead: 'Your confirmation is signed and kept with its reason.' },
  order: { title: 'Sign this order?', lead: 'It goes into the public log, without your name.' },
  ticket: {
    title: 'Let this vendor in?',
    lead: 'Its engineers may open the patients named, until the time shown. The patients will see it, and your house '
      + 'gets the report.',
  },
  signOut: {
    title: 'Sign out everywhere?',
    lead: 'Every session of yours that was opened before now ends, on every workstation, within a minute.',
  },
  enrol: {
    title: 'Create your passkey',
    lead: 'It takes three minutes. You need a security key or this device, and a printer or a pen.',
    steps: [
      'Create your passkey: two gestures on your security key or this device.',
      'Print or copy your recovery sheet.',
      'Check the sheet: it is the only way back if you lose your key.',
    ],
  },
  add: {
    title: 'Add a passkey',
    lead: 'You need a key that you have already, then the new one.',
    steps: ['Unlock with a key that you have already.', 'Create the new one: two gestures.'],
  },
  remove: {
    title: 'Remove a lost key',
    lead: 'The removed key signs nothing more, anywhere. Sessions that were opened with it end.',
    which: 'Which key shall be removed?',
    passkey: (number, ending) => `Key ${number}, its id ends in ${ending}`,
    last: 'This is your only key. Add another one before you remove it.',
  },
  recover: {
    title: 'You have no key left',
    lead: 'You need your recovery sheet and a new security key.',
    effect: 'All your earlier keys will stop working.',
  },
  sheet: {
    title: 'Your recovery sheet',
    lead: 'Print it or copy the letters, then keep it far from your key. It will never be shown again.',
    heading: 'Scellé recovery sheet',
    use: 'With this sheet and a new security key you regain access. So does whoever finds it: keep it locked away. Do '
      + 'not photograph it.',
    forAge: 'For the program age:',
    of: (person, house, day) => `${person} · ${house} · ${day}`,
    qr: 'QR code of the recovery sheet',
  },
  rehearse: {
    title: 'Let us check the sheet',
    lead: 'Type the letters off the paper, or read the QR code with a hand scanner. Spaces and capitals do not matter.',
    label: 'Letters of the sheet',
    wrong: 'These are not the letters of your sheet: compare them group by group.',
    typed: (count) => `${count} of 58 letters`,
  },
  touch: {
    sign: { title: 'Touch your key', lead: 'Your browser asks for your security key, your PIN or your finger.' },
    unlock: { title: 'Unlock with a key that you have', lead: 'Touch it when your browser asks for it.' },
    create: { title: 'Create the new key', lead: 'Plug it in, then follow your browser: first gesture.' },
    bind: { title: 'One more gesture', lead: 'Touch the new key a second time: it protects your secret.' },
  },
  problems: {
    declined: {
      title: 'Nothing was signed',
      lead: 'The gesture did not happen, came too late, or was on a key that does not count here. Plug in your key, '
        + 'then try again.',
    },
    'no-passkey': {
      title: 'No key to use',
      lead: 'This key is registered already, or none of your keys is here. Take another one.',
    },
    'not-device-bound': {
      title: 'This key can be copied',
      lead: 'It is synced between devices. Professionals need a security key, or the chip of this workstation.',
    },
    'no-recovery': {
      title: 'This key is not enough',
      lead: 'It cannot protect your secret (PRF extension). Take a recent key, or update your browser.',
    },
    unsupported: {
      title: 'This browser will not do',
      lead: 'It did not give what is needed. Take a recent version of Firefox, Chrome, Edge or Safari.',
    },
    changed: {
      title: 'The kept secret does not open',
      lead: 'What the organisation kept is not this key’s, or was changed. Take another key, or your sheet.',
    },
  },
  stops: {
    'nothing-asked': {
      title: 'Nothing to sign here',
      lead: 'This page is opened by your application. Go back there and begin again.',
    },
    malformed: {
      title: 'Unreadable request',
      lead: 'The link is damaged or incomplete. Go back to your application and begin again.',
    },
    'not-from-house': {
      title: 'Forged request',
      lead: 'The organisation that is named did not sign this request. Go no further, and tell your IT officer.',
    },
    'house-unknown': {
      title: 'Unknown organisation',
      lead: 'No recognised register vouches for whoever sent you here. It may be a trap: go no further, and tell your '
        + 'IT officer.',
    },
    expired: {
      title: 'Request too old',
      lead: 'Go back to your application and begin again. If this stays so, check the clock of this workstation.',
    },
    'return-refused': {
      title: 'Unprotected return',
      lead: 'The request would send your signature to an address that is not secure. Tell your IT officer.',
    },
    'other-network': {
      title: 'Another network',
      lead: 'This request is for another network than that of this page. Tell your IT officer.',
    },
    'other-person': {
      title: 'Request for somebody else',
      lead: 'It is not in your name. Go back to your application and choose your name.',
    },
    'not-for-this-page': {
      title: 'Unexpected request',
      lead: 'This page does not sign this kind of thing. Tell your IT officer.',
    },
    framed: {
      title: 'Page shown within another one',
      lead: 'Another site tries to show this page as its own. Close it: it is a trap.',
    },
    'wrong-origin': {
      title: 'Wrong address',
      lead: 'This page is not served at its address. Go no further, and tell your IT officer.',
    },
    unsupported: {
      title: 'Browser too old',
      lead: 'It cannot use passkeys. Take a recent version of Firefox, Chrome, Edge or Safari.',
    },
  },
  guardians: guardiansEn,
  pin: pinEn,
  stopNothingSigned: 'Nothing was signed and nothing was sent.',
  going: (where) => `Done. Going back to ${where}…`,
  waiting: 'Checking the request…',
}
