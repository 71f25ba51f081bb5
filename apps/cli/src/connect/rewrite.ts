/** Keeps an application behind the sidecar: what the edge says of its own address, said of the sidecar's. */

const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)

/**
 * Rewrites the addresses that a client follows: `link.url`, `fullUrl`, `location`, `implementation.url`, attachments.
 * Works on the text, so numbers keep their digits (1.50 stays 1.50), and touches only values that begin with the edge's
 * own base: clinical text is left alone.
 */
export const rewriteAnswer = (json: string, edgeBase: string, localBase: string): string =>
  json.replaceAll(
    new RegExp(String.raw`("(?:url|fullUrl|location)"\s*:\s*")${escape(edgeBase)}(?=[/?"])`, 'g'),
    (_, before: string) => before + localBase,
  )

/** The way back: absolute references to the sidecar become the edge's, or it would take them for another server's. */
export const rewriteRequest = (json: string, edgeBase: string, localBase: string): string =>
  json.replaceAll(new RegExp(String.raw`"${escape(localBase)}(?=[/?"])`, 'g'), () => `"${edgeBase}`)

/** `Location` and `Content-Location`. */
export const rewriteHeader = (value: string, edgeBase: string, localBase: string): string =>
  value.startsWith(`${edgeBase}/`) ? localBase + value.slice(edgeBase.length) : value
