/** A file of its own beside the index's database: of one table or two, each write flushed by itself. */
import { DatabaseSync } from 'node:sqlite'

export interface OwnFile {
  /** SQL of an empty file, and its number: another number is another program's. */
  readonly tables: string
  readonly version: number
  /** What is in it, for whoever reads the error. */
  readonly of: string
}

/** Throws where the file is of another program. */
export const openOwnFile = (file: string, { tables, version, of }: OwnFile): DatabaseSync => {
  const database = new DatabaseSync(file)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF')
  const { user_version: found } = database.prepare('PRAGMA user_version').get() as { user_version: number }
  if (found === 0) database.exec(`BEGIN; ${tables} PRAGMA user_version = ${version}; COMMIT`)
  else if (found !== version) {
    database.close()
    throw new Error(`the database of ${of} has schema ${found}, this program needs ${version}`)
  }
  return database
}
