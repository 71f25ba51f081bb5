/** What is asked of a trustee's meter beside releases: decoys, orders, withdrawals, where a reader stands. */
import { decode, encode, fromHex } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import {
  DecoyNotice, EmergencyList, MeterAnswer, MeterRequest, MeterStatus, OrderNotice, WithdrawalNotice,
} from '@scelle/wire/messages'
import type { Server } from '@scelle/wire/server'
import { TRUSTEE_LIMITS } from '../limits.ts'
import { certify, type Serving } from '../routes.ts'
import { keepDecoy } from './decoy-notice.ts'
import { verifyOrder } from './orders.ts'
import { spentStatement } from './replay.ts'
import { isSignedOut } from '../sessions.ts'
import type { Spending } from './spending.ts'
import { namedIn, standingOf, verifyStatuses } from './standing.ts'
import { verifyWithdrawal } from './withdrawals.ts'

const addChanges = (server: Pick<Server, 'route'>, { store, issuers, context }: Serving): void => {
  server.route({
    method: 'POST',
    url: '/v1/decoys',
    policy: 'self-certifying',
    maxBody: TRUSTEE_LIMITS.decoyBody,
    certify: (body, signer) => certify(decode(DecoyNotice, body), signer, store),
    handler: async ({ certified, principal: signer }) => {
      await keepDecoy({ ...certified, signer }, issuers, store.meter.decoys)
      return { status: 204 }
    },
  })
  server.route({
    method: 'POST',
    url: '/v1/orders',
    policy: 'self-certifying',
    maxBody: TRUSTEE_LIMITS.orderBody,
    certify: (body, signer) => certify(decode(OrderNotice, body), signer, store),
    handler: async ({ certified: { request, principals } }) => {
      const now = Math.floor(context.now() / 1000)
      const changes = store.meter.changes.about(namedIn(request.statuses, principals), now)
      store.order(await verifyOrder(request, principals, { issuers, now, changes }), principals.heads, now)
      return { status: 204 }
    },
  })
  server.route({
    method: 'POST',
    url: '/v1/withdrawals',
    policy: 'self-certifying',
    maxBody: TRUSTEE_LIMITS.withdrawalBody,
    certify: (body, signer) => certify(decode(WithdrawalNotice, body), signer, store),
    handler: async ({ certified: { request, principals } }) => {
      const now = Math.floor(context.now() / 1000)
      store.withdraw(await verifyWithdrawal(request, principals, { issuers, now }), principals.heads)
      return { status: 204 }
    },
  })
}

const addSpending = (
  server: Pick<Server, 'route'>, { identity, store, context }: Serving, spending: Spending,
): void => {
  server.route({
    method: 'GET',
    url: '/v1/meter/spent',
    policy: 'public',
    handler: async () => ({ body: await spentStatement(identity, store, context.now()) }),
  })
  server.route({
    method: 'GET',
    url: '/v1/meter/spent/:peer',
    policy: 'public',
    handler: ({ params }) => {
      const word = spending.of(fromHex(params['peer'] ?? '') ?? new Uint8Array(0))
      if (word === undefined) throw new Problem('not-found')
      return { body: word }
    },
  })
}

/** For officers of the organisation whose people broke the glass; for all of them, one who answers for all. */
const addReview = (server: Pick<Server, 'route'>, { store, issuers, context }: Serving): void => {
  server.route({
    method: 'POST',
    url: '/v1/emergencies',
    policy: 'self-certifying',
    maxBody: TRUSTEE_LIMITS.orderBody,
    certify: (body, signer) => certify(decode(MeterRequest, body), signer, store),
    handler: async ({ certified: { request, principals }, principal: officer }) => {
      const now = Math.floor(context.now() / 1000)
      const changes = store.meter.changes.about(namedIn(request.statuses, principals), now)
      const statuses = await verifyStatuses(request.statuses, { issuers, principals, now, changes })
      const status = statuses.of(officer.id)
      if (officer.kind !== 'person' || status?.role !== 'officer' || status.organisation === undefined) {
        throw new Problem('not-permitted')
      }
      const { organisation } = status
      return {
        body: encode(EmergencyList, store.asked((meter) =>
          meter.emergencies.of(organisation, WIRE_LIMITS.emergencyList)
            .map(({ access, vault, time, reason, reviewed }) =>
              ({ access, vault, time, reason, ...(reviewed === undefined ? {} : { reviewed }) })))),
      }
    },
  })
}

export const addMeterRoutes = (
  server: Pick<Server, 'route'>, serving: Serving, spending: Spending,
): void => {
  const { store, issuers, context } = serving
  addSpending(server, serving, spending)
  addChanges(server, serving)
  addReview(server, serving)
  server.route({
    method: 'POST',
    url: '/v1/meter',
    policy: 'self-certifying',
    maxBody: TRUSTEE_LIMITS.orderBody,
    certify: (body, signer) => certify(decode(MeterRequest, body), signer, store),
    handler: async ({ certified: { request, principals }, principal: reader }) => {
      const now = Math.floor(context.now() / 1000)
      const changes = store.meter.changes.about(namedIn(request.statuses, principals), now)
      const rules = { issuers, principals, now }
      // It is told where it stands by what its register said, and that this was taken back.
      const said = await verifyStatuses(request.statuses, { ...rules, changes: { ...changes, withdrawn: [] } })
      const standing = standingOf({ reader, grants: [], custodian: undefined }, said)
      const { isWithdrawn } = await verifyStatuses(request.statuses, { ...rules, changes })
      const gone = [reader.id, ...standing.houses].some(isWithdrawn) ? 'withdrawn' : undefined
      const { session } = reader
      const over = session !== undefined && isSignedOut(session, store.log.signOuts(reader.id, session.id))
      return {
        body: store.looked((meter) => {
          const locked = over ? 'signed-out' : gone ?? meter.lockOf(standing)?.cause
          return encode(MeterAnswer, {
            counter: meter.counter(standing, now), ...(locked === undefined ? {} : { locked }),
          })
        }),
      }
    },
  })
  server.route({
    method: 'GET',
    url: '/v1/meter',
    policy: 'public',
    handler: () => {
      const now = Math.floor(context.now() / 1000)
      return {
        body: store.looked((meter) => encode(MeterStatus, {
          shadow: meter.shadow, locks: meter.locks.all().length, ...meter.everyone(now),
        })),
      }
    },
  })
}
