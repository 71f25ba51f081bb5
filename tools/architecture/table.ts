/** Reads the table of rooms out of ARCHITECTURE.md, so that the page people read is the rule the tests apply. */
import { readText } from '../repository.ts'

export type Room = { room: string; mayImport: string[]; testsMayImport: string[] }

const codeSpans = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')

export const parseRooms = (markdown: string): Room[] =>
  markdown
    .split('\n')
    .filter((line) => /^\| `[^`]+` \|/.test(line))
    .map((line) => {
      const [room = '', purpose = '', mayImport = '', testsMayImport = ''] = line.split('|').slice(1, -1)
      if (purpose.trim() === '') throw new Error(`ARCHITECTURE.md: the row of ${room.trim()} says no purpose`)
      return {
        room: codeSpans(room)[0] ?? '',
        mayImport: codeSpans(mayImport),
        testsMayImport: codeSpans(testsMayImport),
      }
    })

export const readRooms = (): Room[] => parseRooms(readText('ARCHITECTURE.md'))

/** True where one of the patterns allows the specifier: equal, or equal up to a final `*`. */
export const allows = (patterns: string[], specifier: string): boolean =>
  patterns.some((pattern) =>
    pattern.endsWith('*') ? specifier.startsWith(pattern.slice(0, -1)) : pattern === specifier,
  )
