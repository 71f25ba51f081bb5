/** A certificate for some names, drawn for one run: an X.509 certificate (RFC 5280) that signs itself. */
import { generateKeyPairSync, sign } from 'node:crypto'

const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts)
const oid = (...octets: readonly number[]): Buffer => der(0x06, Buffer.from(octets))
const bits = (octets: Uint8Array): Buffer => der(0x03, Buffer.from([0]), octets)
const time = (date: Date): Buffer =>
  der(0x18, Buffer.from(`${date.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}Z`))

const ECDSA_SHA256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02))
const COMMON_NAME = oid(0x55, 0x04, 0x03)
const ALTERNATIVE_NAMES = oid(0x55, 0x1d, 0x11)
const BASIC_CONSTRAINTS = oid(0x55, 0x1d, 0x13)
const TRUE = der(0x01, Buffer.from([0xff]))
const DAY = 24 * 3_600_000

/** PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** Valid from yesterday for a month. */
export const certificateFor = (...names: readonly string[]): Certificate => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const issuer = sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from('Scelle tests')))))
  const now = Date.now()
  const alternatives = sequence(...names.map((name) => der(0x82, Buffer.from(name))))
  const certificate = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), der(0x02, Buffer.from([1])), ECDSA_SHA256, issuer,
    sequence(time(new Date(now - DAY)), time(new Date(now + 30 * DAY))), issuer,
    publicKey.export({ format: 'der', type: 'spki' }),
    der(0xa3, sequence(
      sequence(BASIC_CONSTRAINTS, TRUE, der(0x04, sequence(TRUE))),
      sequence(ALTERNATIVE_NAMES, der(0x04, alternatives)),
    )),
  )
  const signed = sequence(certificate, ECDSA_SHA256, bits(sign('sha256', certificate, privateKey)))
  const lines = signed.toString('base64').replaceAll(/.{64}/g, '$&\n')
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  }
}
