export const RIGHTS = ['read', 'write', 'search', 'share', 'export'] as const
/** What the configuration lets an application do at this edge. What the organisation may do is the grants' matter. */
export type Right = (typeof RIGHTS)[number]
