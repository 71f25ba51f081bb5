/**
 * Names that restricting gives, in the custodian's own manifest: nobody else reads those. A category's successor takes
 * its name over, so that readers and writers go on with it.
 */

/** What was put aside at the manifest of this version. */
export const hiddenCode = (code: string, version: number): string => `${code}~${version}`

/** What was there before that: kept for the custodian, and read by nobody. */
export const retiredCode = (code: string, version: number): string => `${code}~${version}~old`

export const isRetired = (code: string): boolean => /~\d+~old$/.test(code)

/** The name that the successor of a retired category has. */
export const successorOf = (code: string): string => code.replace(/~\d+~old$/, '')

/** The category that something was put aside from; undefined where the name is not of such. */
export const restrictedFrom = (code: string): string | undefined => /^(.+)~\d+$/.exec(code)?.[1]
