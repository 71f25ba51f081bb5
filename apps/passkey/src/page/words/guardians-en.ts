import type { GuardianWords, PinWords } from './words.ts'

export const guardiansEn: GuardianWords = {
  people: 'Guardians',
  about: 'For',
  steps: {
    key: {
      title: 'Your digits as a guardian',
      lead: 'Somebody wants to leave a part of their way back with you. You will read them twenty digits, by voice.',
      agree: 'See my digits',
    },
    name: {
      title: 'Name your three guardians',
      lead: 'If you lose your keys and your sheet, two of them give you access again, after three days. Call them now, '
        + 'one after the other.',
      agree: 'Begin',
    },
    try: {
      title: 'Check your guardians',
      lead: 'Each of them had to open their part. Your key checks that: the organisation cannot say it for them.',
      agree: 'Check',
    },
    guard: {
      title: 'Keep a part for somebody?',
      lead: 'Your part alone opens nothing. It will be of use if this person loses every key.',
      agree: 'Open the part',
    },
    end: {
      title: 'End your guardians?',
      lead: 'Their parts will be worth nothing, for good. You may name three others.',
      agree: 'End them',
    },
    object: {
      title: 'Stop this recovery?',
      lead: 'Two of your guardians said that you lost everything. If that was not you, stop it here.',
      agree: 'Stop it',
    },
    begin: {
      title: 'Regain access with your guardians',
      lead: 'You need a new security key, then two of your guardians on the telephone, then three days.',
      agree: 'Create the new key',
      warning: 'The request goes into the public log. Whoever still has one of your keys can stop it.',
    },
    release: {
      title: 'Give a part back?',
      lead: 'You are told that somebody lost everything. Call them yourself, at the number that you know.',
      agree: 'I have them on the line',
      warning: 'If it was they who called, hang up and call them back. Believe no mail and no message.',
    },
    fetch: {
      title: 'The three days are over',
      lead: 'Take the key that you began with: it asks the trustees for their parts.',
      agree: 'Ask for the parts',
    },
    finish: {
      title: 'Your guardians answered',
      lead: 'One more gesture, then a new recovery sheet.',
      agree: 'Regain access',
      warning: 'All your earlier keys will stop working.',
    },
  },
  digits: {
    own: {
      title: 'Read these digits aloud',
      lead: 'By voice, to the person who names you a guardian, and from this page alone.',
    },
    ask: {
      title: 'Write these digits down',
      lead: 'Your guardians will call you back and ask for them. Do not send them: read them aloud.',
    },
  },
  call: (name) => ({
    title: `Call ${name}`,
    lead: 'Ask for the twenty digits that their signing page shows, and type them here.',
  }),
  confirm: (name) => ({
    title: `Is this really ${name}?`,
    lead: 'Know their voice, then ask for the twenty digits that they wrote down, and type them here.',
  }),
  heard: 'Digits that you hear',
  twenty: 'Twenty digits; spaces do not matter.',
  otherDigits: 'These are not the same digits. Have them read again; if they still differ, give up: somebody has come '
    + 'between you.',
  accept: {
    title: 'You become a guardian',
    lead: 'The part is good. The organisation keeps it, sealed; your key alone opens it.',
    agree: 'I keep this part',
  },
  notAll: {
    title: 'A guardian is missing',
    lead: 'All three have to have opened their part. Ask them, then come back.',
  },
}

export const pinEn: PinWords = {
  choose: {
    title: 'Choose a PIN for this browser',
    lead: 'Your key cannot protect your secret. This browser does so in its place, with a PIN of six characters at '
      + 'least. The trustees count the tries, ten and no more.',
  },
  enter: {
    title: 'Type the PIN of this browser',
    lead: 'You will leave this page for a moment: two trustees answer, without seeing your PIN.',
  },
  label: 'PIN',
  again: 'The same PIN once more',
  different: 'The two PINs differ.',
  short: 'Six characters at least, sixty-four at most.',
  wrong: (left) => `This is not the PIN. Tries left: ${left}.`,
  unanswered: 'The trustees did not answer, or too late. Type the PIN once more.',
}
