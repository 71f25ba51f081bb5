/** Statements that the server parses and plans once a connection, by name. */
import { createHash } from 'node:crypto'
import type { ClientBase, QueryResultRow } from 'pg'

export type Parameter = Uint8Array | string | number | null

/** Makes a statement that is prepared on first use: two texts never share a name. */
export const prepared = <Row extends QueryResultRow>(text: string) => {
  const name = createHash('sha256').update(text).digest('base64url').slice(0, 32)
  return async (client: Pick<ClientBase, 'query'>, ...values: Parameter[]): Promise<Row[]> =>
    (await client.query<Row>({ name, text, values })).rows
}
