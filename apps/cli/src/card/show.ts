/** `scelle card show`: at an emergency site, without a network. No party is asked for anything. */
import { readFile } from 'node:fs/promises'
import { cardOpeningIn, fromQr, openCardOffline, SdkError, SealError, toHex } from '@scelle/sdk'
import { importIdentity } from '@scelle/seal/identity'
import { statementId } from '@scelle/seal/verify'
import { CommandError, EXIT } from '../errors.ts'
import type { AnyResource } from '../import/read.ts'
import type { Io } from '../io.ts'
import { CLI_LIMITS } from '../limits.ts'
import { MESSAGES } from '../messages.ts'
import { summary } from '../open.ts'
import { EMERGENCY } from '../run/register.ts'
import { personIn } from '../share.ts'

/** Where notes are until they are told. */
export const NOTES = [EMERGENCY, 'notes'] as const

export interface CardToShow {
  /** One card, or the texts of its codes, a line each. */
  readonly files: readonly string[]
  readonly as: string
  readonly reason: string
  readonly json: boolean
}

const CODES = /^SCELLE1\//

const contentOf = async (io: Io, path: string): Promise<Uint8Array> => {
  try {
    const content = new Uint8Array(await readFile(path))
    if (content.length <= CLI_LIMITS.cardFile) return content
  } catch (cause) {
    throw new CommandError('failed', MESSAGES[io.language].card.unreadable(path), { cause })
  }
  throw new CommandError('failed', MESSAGES[io.language].card.unreadable(path))
}

const cardIn = async (io: Io, files: readonly string[]): Promise<Uint8Array> => {
  const contents = await Promise.all(files.map((path) => contentOf(io, path)))
  const texts = contents.map((content) => new TextDecoder().decode(content))
  if (texts.every((text) => CODES.test(text))) {
    return fromQr(texts.flatMap((text) => text.split(/\r?\n/)).filter((line) => line !== ''))
  }
  const [only, ...more] = contents
  if (only === undefined || more.length > 0) {
    throw new CommandError('usage', MESSAGES[io.language].card.unreadable(files.join(' ')))
  }
  return only
}

/** What went wrong, in words; the rest is passed on. */
const told = (io: Io, error: unknown): unknown => {
  if (!(error instanceof SdkError) && !(error instanceof SealError)) return error
  const { card } = MESSAGES[io.language]
  if (error instanceof SdkError && error.code === 'frames-missing') {
    return new CommandError('failed', card.missing(error.items.join(', ')), { cause: error })
  }
  const { other, ...known } = card.refused
  const words: Readonly<Record<string, string>> = known
  return new CommandError('failed', words[error.code] ?? other(error.code), { cause: error })
}

/** The entries of a bundle, for people: as far as it is one. */
const resourcesIn = (content: Uint8Array): AnyResource[] => {
  const bundle = JSON.parse(new TextDecoder().decode(content)) as { entry?: readonly { resource?: AnyResource }[] }
  return (bundle.entry ?? []).flatMap(({ resource }) =>
    resource === undefined || resource.resourceType === 'Composition' ? [] : [resource])
}

export const showCard = async (io: Io, { files, as, reason, json }: CardToShow): Promise<number> => {
  const { card: messages } = MESSAGES[io.language]
  const site = await io.home.read(EMERGENCY, 'identity')
  if (site === undefined) throw new CommandError('failed', messages.noSite)
  const installation = await io.home.installation()
  let path = ''
  try {
    const opened = await openCardOffline({
      card: await cardIn(io, files), site: await importIdentity(site), reader: await personIn(io, as), reason,
      context: io,
      ...(installation === undefined ? {} : { organisation: installation.ids.edge }),
      keep: async (note) => {
        path = await io.home.write(note, ...NOTES, toHex(statementId(note)))
      },
    })
    io.terminal.write(`${messages.kept(path)}\n`)
    if (json) {
      io.out(new TextDecoder().decode(opened.summary))
      return EXIT.done
    }
    const issued = new Date(opened.issued).toISOString().slice(0, 10)
    const title = messages.shown(opened.vault.slice(0, 12), messages.by[opened.mode], issued)
    for (const line of [title, '', ...summary(io, resourcesIn(opened.summary), messages.title)]) io.out(line)
    return EXIT.done
  } catch (error) {
    throw told(io, error)
  }
}

/** Whether a note is somebody's. */
export const isBy = (note: Uint8Array, reader: Uint8Array): boolean =>
  toHex(cardOpeningIn(note).reader) === toHex(reader)
