/**
 * Notices: officers' orders, bindings of identities, links of vaults, recoveries of roots and objections to them,
 * registers' withdrawals, on record for trustees, who open them. The index reads none: an order tells which meter is
 * whose, a binding whose vault it is. Whether an officer is one, trustees decide, by a register that the index does not
 * know; so what anybody may append is bounded in length and number.
 */
import {
  controlSubject, decode, decodeSigned, equalBytes, Notice, type NoticeAbout, requireCurrentKey, requireSuite,
  statementId, toHex, verifySigned,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import type { Answer, Server, SignedRequest } from '@scelle/wire/server'
import { INDEX_LIMITS } from '../limits.ts'
import { requirePast } from '../registry.ts'
import { applyOne, isAdmitted, receiptFor, secondsNow, type Services } from '../services.ts'

const requireNotice = ({ about, keys, ...notice }: Notice, wanted: NoticeAbout): void => {
  requireSuite(notice)
  const names = new Set(keys.map(({ trustee }) => toHex(trustee)))
  if (about !== wanted) throw new Problem('bad-statement', `This route takes notices about an ${wanted}.`)
  if (names.size === 0 || names.size < keys.length) {
    throw new Problem('bad-statement', 'A notice is sealed to each of its trustees once.')
  }
}

const record = async (
  services: Services, { body, principal }: SignedRequest, about: NoticeAbout,
): Promise<Answer> => {
  const signed = decodeSigned('notice', body)
  if (!equalBytes(signed.signer, principal.id)) throw new Problem('not-permitted')
  const id = statementId(body)
  // Asked again, the same is said: whoever lost the answer must not have it logged a second time.
  const before = await services.store.position(id, principal.id)
  if (before !== undefined) return receiptFor(services, id, before)
  requireCurrentKey(signed, principal)
  await verifySigned('notice', body, principal)
  const notice = decode(Notice, signed.body)
  requireNotice(notice, about)
  const now = secondsNow(services)
  requirePast(notice.time, now)
  // Trustees carry an order out as of this time: who kept an old one back must not have it carried out now.
  if (notice.time < now - INDEX_LIMITS.noticeAge) throw new Problem('bad-statement', 'The notice is too old.')
  if (!isAdmitted(services, principal) && !services.notices.take(principal.id, INDEX_LIMITS.noticesPerHour, now)) {
    throw new Problem('overloaded', 'Too many notices of one principal. Send it again in an hour.')
  }
  const position = await applyOne(services, {
    kind: 'notice', statement: { id, bytes: body, subject: controlSubject(body) }, signer: principal.id,
  })
  services.log.hurry(position.sequence - 1)
  return receiptFor(services, id, position)
}

export const addNoticeRoutes = (server: Server, services: Services): void => {
  const taken = (about: NoticeAbout) => (request: SignedRequest) => record(services, request, about)
  const limits = { policy: 'signed', maxBody: INDEX_LIMITS.statementsBody } as const
  server.route({ method: 'POST', url: '/v1/orders', ...limits, handler: taken('order') })
  server.route({ method: 'POST', url: '/v1/bindings', ...limits, handler: taken('binding') })
  server.route({ method: 'POST', url: '/v1/links', ...limits, handler: taken('link') })
  server.route({ method: 'POST', url: '/v1/recoveries', ...limits, handler: taken('recovery') })
  server.route({ method: 'POST', url: '/v1/objections', ...limits, handler: taken('objection') })
  server.route({ method: 'POST', url: '/v1/withdrawals', ...limits, handler: taken('withdrawal') })
}
