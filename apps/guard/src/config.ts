/** One guard's configuration: JSON, as every server's. */
import { PERSON_ROLES, PURPOSES } from '@scelle/seal/verify'
import {
  authorities, filePath, listenAddress, peer, peers, principalId, principalIds, settings,
} from '@scelle/wire/config'
import * as v from 'valibot'
import { GUARD_LIMITS } from './limits.ts'
import { requirePlainPath } from './rules.ts'

/** The guard's own, so that none of them can be meant for the legacy system. */
const OWN = new Set(['/healthz', '/readyz', '/v1/self', '/v1/sessions'])

const isPath = (path: string): boolean => {
  try {
    requirePlainPath(path.replace(/\/\*$/, '/'))
    return !OWN.has(path)
  } catch {
    return false
  }
}

const rule = v.pipe(
  settings({
    methods: v.pipe(
      v.array(v.picklist(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])), v.minLength(1, 'a method'),
    ),
    path: v.pipe(v.string(), v.check(isPath, 'a plain path, `/*` at its end for all below; none of the guard\'s own')),
    roles: v.optional(v.array(v.picklist(PERSON_ROLES)), []),
    purpose: v.optional(v.picklist(PURPOSES), 'treatment'),
    machines: v.optional(principalIds, []),
  }),
  v.check(({ roles, machines }) => roles.length + machines.length > 0, 'roles or machines: a rule for nobody is none'),
)

export const Configuration = settings({
  listen: listenAddress,
  authorities,
  /** Of a machine: what `exportIdentity` wrote, or the description of a token. */
  identity: filePath,
  index: peer,
  trustees: v.pipe(peers, v.length(3, 'all three trustees')),
  /** Registers whose word it is who a professional is. */
  issuers: v.pipe(principalIds, v.minLength(1, 'a register')),
  /** The house whose people come through here. */
  house: principalId,
  /** The one system behind: scheme, host and port. */
  legacy: v.pipe(v.string(), v.regex(/^https?:\/\/[^\s/?#@]+$/, 'an http or https origin, without a path')),
  /** Where a line is kept of each request that was let through. */
  audit: filePath,
  allow: v.pipe(v.array(rule), v.minLength(1, 'a rule'), v.maxLength(GUARD_LIMITS.rules, 'fewer rules')),
})
