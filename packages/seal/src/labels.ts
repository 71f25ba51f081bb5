/**
 * Every domain-separation label of the format, in one place.
 *
 * A label is ASCII, ends in a version, and is followed by a zero byte wherever bytes follow it, so that no label is a
 * prefix of another one's input. Changing a label changes the format: bump the suite instead.
 */
export const LABELS = {
  signature: 'scelle.health/v1/signature',
  statementId: 'scelle.health/v1/statement-id',
  headerHash: 'scelle.health/v1/capsule-header',
  releaseCommitment: 'scelle.health/v1/release-commitment',
  shareCommitment: 'scelle.health/v1/share-commitment',
  encapsulationId: 'scelle.health/v1/encapsulation-id',
  courierSecret: 'scelle.health/v1/courier-secret',
  courierSeal: 'scelle.health/v1/courier-seal',
  categorySecret: 'scelle.health/v1/category-encapsulation',
  capsuleKey: 'scelle.health/v1/capsule-key',
  recordContext: 'scelle.health/v1/record-context',
  epochWrap: 'scelle.health/v1/epoch-wrap',
  manifestSeal: 'scelle.health/v1/manifest-seal',
  grantSeal: 'scelle.health/v1/grant-seal',
  releaseSeal: 'scelle.health/v1/release-seal',
  aheadSeal: 'scelle.health/v1/ahead-seal',
  commitLink: 'scelle.health/v1/commit-link',
  leafRecord: 'scelle.health/v1/leaf-record',
  leafCapsule: 'scelle.health/v1/leaf-capsule',
  feedHead: 'scelle.health/v1/feed-head',
  leafCommitment: 'scelle.health/v1/log-commitment',
  leafSubject: 'scelle.health/v1/log-subject',
  followingSalt: 'scelle.health/v1/log-following-salt',
  cardSeal: 'scelle.health/v1/card-seal',
  cardBody: 'scelle.health/v1/card-body',
  noticeSubject: 'scelle.health/v1/log-notice-subject',
  noticeSeal: 'scelle.health/v1/notice-seal',
  noticeKey: 'scelle.health/v1/notice-key',
  softwareSubject: 'scelle.health/v1/log-software-subject',
  pageRequest: 'scelle.health/v1/page-request',
  assertion: 'scelle.health/v1/assertion',
  handle: 'scelle.health/v1/resource-handle',
  pseudonym: 'scelle.health/v1/pseudonym',
  discoveryPossession: 'scelle.health/v1/discovery-possession',
  discoveryDealing: 'scelle.health/v1/discovery-dealing',
  pairwiseSecrets: 'scelle.health/v1/pairwise-secrets',
  rootCheck: 'scelle.health/v1/root-check',
  wrapInput: 'scelle.health/v1/wrap-input',
  wrapSecrets: 'scelle.health/v1/wrap-secrets',
  wrapWriter: 'scelle.health/v1/wrap-writer',
  wrapBody: 'scelle.health/v1/wrap-body',
  guardianShare: 'scelle.health/v1/guardian-share',
  guardianPacket: 'scelle.health/v1/guardian-packet',
  guardianAnswer: 'scelle.health/v1/guardian-answer',
  recoverySet: 'scelle.health/v1/recovery-set',
  recoveryAsk: 'scelle.health/v1/recovery-ask',
  recoveryCase: 'scelle.health/v1/recovery-case',
  recoveryPart: 'scelle.health/v1/recovery-part',
  recoveryPartSeal: 'scelle.health/v1/recovery-part-seal',
  recoveryRelease: 'scelle.health/v1/recovery-release',
  recoveredRoot: 'scelle.health/v1/recovered-root',
  guardianKey: 'scelle.health/v1/guardian-key',
  guardianRehearsal: 'scelle.health/v1/guardian-rehearsal',
  recoveryDevice: 'scelle.health/v1/recovery-device',
  pinSet: 'scelle.health/v1/pin-set',
  pinInput: 'scelle.health/v1/pin-input',
  pinShareSeal: 'scelle.health/v1/pin-share-seal',
  pinSecrets: 'scelle.health/v1/pin-secrets',
} as const

export type Label = keyof typeof LABELS

/** Of what a trustee seals to itself alone. */
export const TRUSTEE_LABELS = { journal: 'scelle.health/v1/meter-journal' } as const

const encoder = new TextEncoder()

const encoded = new Map(Object.entries(LABELS).map(([label, text]) => [label, encoder.encode(`${text}\0`)]))

/** The label's bytes followed by one zero byte. The same array each time: not to be changed. */
export const labelBytes = (label: Label): Uint8Array => encoded.get(label) as Uint8Array
