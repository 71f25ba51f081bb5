/** RFC 9449, OAuth 2.0 Demonstrating Proof of Possession: its worked examples, at their own time. */
import { describe, expect, it } from 'vitest'
import { checkProof, ProofMemory } from '../src/smart/proof.ts'

const HEADER = 'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXp'
  + 'Da0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2'
  + 'In19'

/** Figure 2: to the token endpoint. */
const TO_TOKEN = `${HEADER}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wb`
  + 'GUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK'
  + '70nfbV37xRZT3Lg'

/** Figure 13: to a protected resource. */
const TO_RESOURCE = `${HEADER}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5le`
  + 'GFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1O'
  + 'UlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA'

const TOKEN = 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU'
const THUMBPRINT = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'

const resource = {
  method: 'GET', url: 'https://resource.example.org/protectedresource', token: TOKEN, thumbprint: THUMBPRINT,
}
const AT = 1_562_262_618_000

describe('RFC 9449', () => {
  it('section 4.1, figures 2 and 4: the proof to the token endpoint', async () => {
    const proof = await checkProof(TO_TOKEN, { method: 'POST', url: 'https://server.example.com/token' }, AT - 2_000)
    expect(proof).toEqual({ thumbprint: THUMBPRINT, jti: '-BwC3ESc6acc2lTc', nonce: undefined })
  })

  it('sections 6.1 and 7.1, figures 9, 13 and 14: the proof to a resource, its ath, its key', async () => {
    const proof = await checkProof(TO_RESOURCE, resource, AT)
    expect(proof).toEqual({ thumbprint: THUMBPRINT, jti: 'e1j3V_bKic8-LAEB', nonce: undefined })
  })

  it('section 4.3: another method, address, token, key or time is refused, without query and fragment', async () => {
    const refused = (changed: object, at = AT): Promise<unknown> =>
      checkProof(TO_RESOURCE, { ...resource, ...changed }, at)
    await expect(refused({ method: 'POST' })).rejects.toThrow('another method')
    await expect(refused({ url: 'https://resource.example.org/other' })).rejects.toThrow('another address')
    await expect(refused({ url: 'http://resource.example.org/protectedresource' })).rejects.toThrow('another address')
    await expect(refused({ token: 'other' })).rejects.toThrow('another access token')
    await expect(refused({ thumbprint: 'other' })).rejects.toThrow('another key')
    await expect(refused({}, AT + 61_000)).rejects.toThrow('too long ago')
    await expect(refused({}, AT - 61_000)).rejects.toThrow('in the future')
    const { jti } = await checkProof(TO_RESOURCE, { ...resource, url: `${resource.url}?a=1#b` }, AT)
    expect(jti).toBe('e1j3V_bKic8-LAEB')
  })

  it('section 4.3: a signature that does not hold, and what is no proof', async () => {
    const changed = `${TO_RESOURCE.slice(0, -4)}AAAA`
    await expect(checkProof(changed, resource, AT)).rejects.toThrow('does not fit this request')
    await expect(checkProof('not.a.proof', resource, AT)).rejects.toThrow('does not fit this request')
    await expect(checkProof('a'.repeat(5_000), resource, AT)).rejects.toThrow('too long')
  })

  it('sections 9 and 11.1: a nonce is asked for, taken for a while, and a proof is good once', () => {
    const time = { now: AT }
    const memory = new ProofMemory(() => time.now, new Uint8Array(32))
    const proof = { thumbprint: THUMBPRINT, jti: 'one', nonce: memory.nonce() }
    expect(() => memory.use({ ...proof, nonce: undefined })).toThrow('needs the nonce')
    expect(() => memory.use({ ...proof, nonce: 'eyJ7S_zG.eyJH0-Z.HX4w-7v' })).toThrow('needs the nonce')
    expect(() => memory.use(proof)).not.toThrow()
    expect(() => memory.use(proof)).toThrow('already received')
    time.now += 60_000
    expect(() => memory.use(proof)).toThrow('already received')
    expect(() => memory.use({ ...proof, jti: 'two' })).not.toThrow()
    time.now += 60_000
    expect(() => memory.use({ ...proof, jti: 'three' })).toThrow('needs the nonce')
    time.now -= 120_000 // a clock that goes back brings nothing back
    expect(() => memory.use(proof)).toThrow('needs the nonce')
  })
})
