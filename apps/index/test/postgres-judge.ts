/** Judges what processes left in a database by its tables alone, without the program that wrote them. */
import { expect } from 'vitest'
import { query } from './postgres.ts'

const CHECKS: Readonly<Record<string, string>> = {
  'no leaf waits for its number': 'SELECT * FROM pending',
  'numbers of the log have no gap':
    'SELECT count(*), max(sequence) FROM leaves HAVING count(*) <> coalesce(max(sequence), 0)',
  'the head is the last of them':
    'SELECT size FROM log_head WHERE size <> (SELECT coalesce(max(sequence), 0) FROM leaves)',
  'each statement is one leaf': `SELECT t.seq FROM statements t LEFT JOIN leaves l
    ON l.vault = t.vault AND l.seq = t.seq AND l.id = t.id AND l.salt = t.salt WHERE l.sequence IS NULL`,
  'each leaf is a statement': `SELECT l.sequence FROM leaves l LEFT JOIN statements t
    ON l.vault = t.vault AND l.seq = t.seq WHERE t.seq IS NULL`,
  'a vault counts without a gap': `SELECT v.vault FROM vaults v JOIN statements t ON t.vault = v.vault
    GROUP BY v.vault, v.counter HAVING count(*) <> v.counter OR max(t.seq) <> v.counter`,
  'the order of a vault is kept': `SELECT a.sequence FROM leaves a JOIN leaves b
    ON b.vault = a.vault AND b.seq = a.seq + 1 WHERE b.sequence < a.sequence`,
  'effects are there whole': `SELECT c.seq FROM commits c WHERE NOT EXISTS
    (SELECT FROM records r WHERE r.vault = c.vault AND r.seq = c.seq)`,
  'no checkpoint covers what is not there': 'SELECT checkpoint FROM log_head WHERE checkpoint > size',
}

export const judge = async (url: string): Promise<void> => {
  for (const [rule, statementText] of Object.entries(CHECKS)) expect(await query(url, statementText), rule).toEqual([])
}
