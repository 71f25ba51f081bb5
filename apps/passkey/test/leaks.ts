/** A search for secrets in what left a browser: as they are, and in every way that text is usually made of octets. */

/** Text of octets that stands anywhere within a longer base64 text: the three ways that it can be aligned. */
const base64Pieces = (secret: Uint8Array): string[] =>
  [0, 1, 2].map((shift) => {
    const shifted = Buffer.concat([Buffer.alloc(shift), Buffer.from(secret)]).toString('base64').replaceAll('=', '')
    return shifted.slice(shift === 0 ? 0 : shift + 1, -1)
  })

const spellings = (secret: Uint8Array): string[] => {
  const octets = Buffer.from(secret)
  const base64 = base64Pieces(secret)
  return [
    octets.toString('hex'),
    octets.toString('hex').toUpperCase(),
    ...base64,
    ...base64.map((piece) => piece.replaceAll('+', '-').replaceAll('/', '_')),
    ...base64.map((piece) => encodeURIComponent(piece)),
    octets.toString('latin1'),
    [...octets].join(','),
    encodeURIComponent(octets.toString('latin1')),
  ]
}

/** The text itself, and what its longer runs are if they are base64. */
const layers = (text: string): string[] => [
  text,
  ...[...text.matchAll(/[\w+/=-]{24,}/g)].map(([run]) => Buffer.from(run, 'base64').toString('latin1')),
]

/** Names of the secrets that are found, in what was sent or in what was encoded within it. */
export const leaksOf = (secrets: Readonly<Record<string, Uint8Array>>, sent: readonly string[]): string[] => {
  const texts = sent.flatMap(layers).flatMap(layers)
  return Object.entries(secrets)
    .filter(([, secret]) => spellings(secret).some((form) => texts.some((text) => text.includes(form))))
    .map(([name]) => name)
}
