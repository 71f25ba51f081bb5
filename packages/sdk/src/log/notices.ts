/** Notices: what trustees must know and the index must not read goes on record sealed to them. */
import { signNotice } from '@scelle/seal/grants'
import type { NoticeAbout } from '@scelle/seal/verify'
import type { Connection } from '../connection.ts'

const PATHS: Record<NoticeAbout, string> = {
  order: '/v1/orders', binding: '/v1/bindings', link: '/v1/links', recovery: '/v1/recoveries',
  objection: '/v1/objections', withdrawal: '/v1/withdrawals',
}

/**
 * Has the index log it for the trustees that this client has ever met, be they up or not. Each applies it before it
 * cosigns what comes after. Throws as `Connection.record` does.
 */
export const logNotice = async (
  connection: Connection, notice: { readonly about: NoticeAbout; readonly target: Uint8Array; content: Uint8Array },
): Promise<void> => {
  const trustees = (await connection.metTrustees()).map(({ keys }) => keys)
  const signed = await signNotice({ ...notice, signer: connection.identity, trustees }, connection.context)
  await connection.record(PATHS[notice.about], signed)
}
