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
