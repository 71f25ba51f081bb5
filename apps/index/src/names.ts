/** Bytes as the key of a Map: one character each, made in one native call where hex takes dozens. For inside only. */
export const nameOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
