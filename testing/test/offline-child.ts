/** A stranger's process: a file of evidence and whom it pins come in, what it shows goes out. It reaches nobody. */
import { Socket as Datagram } from 'node:dgram'
import { Socket } from 'node:net'
import process from 'node:process'
import { buffer } from 'node:stream/consumers'
import { fromHex, toHex } from '@scelle/seal/verify'
import { checkEvidence } from '@scelle/wire/evidence'

const offline = (): never => {
  throw new Error('there is no network')
}
Socket.prototype.connect = offline
Datagram.prototype.send = offline
globalThis.fetch = offline

const { file, trustees } = JSON.parse((await buffer(process.stdin)).toString()) as { file: string; trustees: string[] }
const bytesOf = (hex: string): Uint8Array => fromHex(hex) as Uint8Array
const verdict = await checkEvidence(bytesOf(file), { trustees: trustees.map(bytesOf) })
process.stdout.write(JSON.stringify({ ...verdict, liar: { ...verdict.liar, id: toHex(verdict.liar.id) } }))
