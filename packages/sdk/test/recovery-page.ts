/** What the browser's test calls in its page. */
import { openWrap, sealWrap, wrapByPasskey, wrapByPrinted, newPrinted, rootByPasskey, rootByPrinted, wrapPlace } from
  '@scelle/seal/recovery'
import { toHex } from '@scelle/seal/verify'
import { deviceSecret, keptDeviceKey, prfInput, prfOutput, withoutPrf } from '../src/recovery/recovery.ts'

const context = { now: Date.now, random: (length: number) => crypto.getRandomValues(new Uint8Array(length)) }
const first = prfInput() as Uint8Array<ArrayBuffer>

const created = async (): Promise<PublicKeyCredential> => {
  const made = await navigator.credentials.create({
    publicKey: {
      rp: { id: 'localhost', name: 'Scellé' },
      user: { id: context.random(16), name: 'j', displayName: 'j' },
      challenge: context.random(32), pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
      authenticatorSelection: { userVerification: 'required', residentKey: 'required' },
      extensions: { prf: { eval: { first } } },
    },
  })
  if (!(made instanceof PublicKeyCredential)) throw new Error('no passkey was made')
  return made
}

const asked = async (id: BufferSource): Promise<PublicKeyCredential> => {
  const got = await navigator.credentials.get({
    publicKey: {
      challenge: context.random(32), rpId: 'localhost', userVerification: 'required',
      allowCredentials: [{ type: 'public-key', id }], extensions: { prf: { eval: { first } } },
    },
  })
  if (!(got instanceof PublicKeyCredential)) throw new Error('no passkey answered')
  return got
}

/** Makes a passkey, wraps a root by it, asks it again, and unwraps. */
const passkey = async () => {
  const made = await created()
  const again = await asked(made.rawId)
  const [one, two] = [made, again].map((each) => prfOutput(each.getClientExtensionResults()))
  if (one === undefined || two === undefined) throw new Error('this authenticator has no PRF')
  const root = context.random(32)
  const stored = await sealWrap(wrapByPasskey(root, context), wrapPlace(one), context)
  const opened = rootByPasskey(await openWrap(stored, wrapPlace(two)))
  const prf = btoa(String.fromCharCode(...two)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  // Whether `toJSON` writes the output differs from one release of a browser to the next: WebAuthn has it do so.
  const json = { ...again.toJSON() as object, clientExtensionResults: { prf: { results: { first: prf } } } }
  const sent = [again.toJSON(), made.toJSON(), json].map((each: unknown) => JSON.stringify(withoutPrf(each)))
  return { same: toHex(opened) === toHex(root), prf, raw: JSON.stringify(json), sent: sent.join() }
}

const printed = async (): Promise<boolean> => {
  const [root, sheet] = [context.random(32), await newPrinted()]
  return toHex(await rootByPrinted(await wrapByPrinted(root, sheet, context), sheet)) === toHex(root)
}

const device = async () => {
  const key = await keptDeviceKey('scelle-recovery')
  const exported = await crypto.subtle.exportKey('raw', key).then(() => 'exported', (error: unknown) => String(error))
  return { secret: toHex(await deviceSecret(key)), extractable: key.extractable, exported }
}

Object.assign(globalThis, { recovery: { passkey, printed, device } })
