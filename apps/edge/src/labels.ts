/**
 * Labels of what this edge keeps for itself: keys derived from its identity, and tables. Nothing here is part of the
 * format: other parties never see bytes made under them.
 */
export const EDGE_LABELS = {
  directory: 'scelle.health/edge/v1/directory',
  lookup: 'scelle.health/edge/v1/lookup',
  handle: 'scelle.health/edge/v1/handle',
  digest: 'scelle.health/edge/v1/digest',
  cursor: 'scelle.health/edge/v1/cursor',
} as const

/**
 * How somebody signed in, for applications. `phr`: OpenID's name of what no imitated page gets (EAP ACR Values 1.0).
 * `stepUp`: that, and a confirmation by passkey, with a reason, which trustees count.
 */
export const ACR = { passkey: 'phr', stepUp: 'urn:scelle:acr:step-up' } as const
