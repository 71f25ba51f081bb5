/** Paths of bulk exports. */
import type { Server } from '@scelle/wire/server'
import type { FhirRoutes } from '../router.ts'
import { BASE, type Handling } from '../server.ts'
import { EXPORT_FILE, EXPORT_STATUS, type Exports } from './exports.ts'

/** Before the routes with `:type` and `:id`. */
export const addExportRoutes = (routes: FhirRoutes, exports: Exports): void => {
  const rights = ['export', 'read', 'search'] as const
  for (const method of ['GET', 'POST'] as const) {
    routes.add(method, '$export', rights, (call) => exports.ofAll(call))
    routes.add(method, 'Patient/$export', rights, (call) => exports.ofPatients(call))
    routes.add(method, 'Group/:id/$export', rights, (call) => exports.ofGroup(call, call.params['id'] ?? ''))
  }
  routes.add('GET', `${EXPORT_STATUS}/:job`, ['export'], (call) => exports.status(call))
  routes.add('DELETE', `${EXPORT_STATUS}/:job`, ['export'], (call) => exports.cancel(call))
}

/** Files are no FHIR JSON: they are asked for, and sent, as lines. */
export const addExportFiles = (server: Server, door: Handling, exports: Exports): void => {
  server.route({
    policy: 'signed', method: ['GET', 'HEAD'], url: `${BASE}/${EXPORT_FILE}/:job/:place`,
    handler: (request) => {
      const { accept: _, ...headers } = request.headers
      const { job = '', place = '' } = request.params
      return door.serve({ ...request, headers }, (call) => exports.file(call, job, place))
    },
  })
}
