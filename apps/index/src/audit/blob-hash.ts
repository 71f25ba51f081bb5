/** A blob's file as it is. */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'

/** SHA-256 and size; undefined where there is no file. */
export const hashFile = async (file: string): Promise<{ digest: Uint8Array; size: number } | undefined> => {
  if (!existsSync(file)) return undefined
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of createReadStream(file) as AsyncIterable<Uint8Array>) {
    hash.update(chunk)
    size += chunk.length
  }
  return { digest: new Uint8Array(hash.digest()), size }
}
