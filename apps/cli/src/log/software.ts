/** `scelle software`: puts on record what an origin serves, and holds what it serves against that. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { LogError } from '@scelle/log'
import { connect } from '@scelle/sdk'
import { fromHex, SealError } from '@scelle/seal/verify'
import { logPolicy, QUORUM } from '@scelle/wire/log'
import { changedFiles, RELEASE_PATH, verifyRelease } from '@scelle/wire/software'
import { CommandError, EXIT } from '../errors.ts'
import { type Installation, PARTIES, urlOf } from '../home.ts'
import type { Io } from '../io.ts'
import { CLI_LIMITS } from '../limits.ts'
import { MESSAGES } from '../messages.ts'
import { identityIn } from '../run/identities.ts'
import { readMemory } from './memory.ts'
import { followOptions, type LogOptions } from './monitor.ts'
import { partiesOf } from './parties.ts'
import { readFromServer, SourceError } from './source.ts'
import { tell } from './verify.ts'

export interface Publication {
  readonly folder: string
  readonly origin: string
  readonly version: string
}

/** What stands in a folder, without what an earlier publication left there. */
const filesIn = async (folder: string): Promise<Map<string, Uint8Array>> => {
  const names = (await readdir(folder)).filter((name) => `/${name}` !== RELEASE_PATH).toSorted()
  return new Map(await Promise.all(names.map(async (name): Promise<[string, Uint8Array]> =>
    [`/${name}`, new Uint8Array(await readFile(join(folder, name)))])))
}

/** By the publisher whose keys are in this home, made on first use. Its id is what everybody pins. */
export const publishSoftware = async (
  io: Io, installation: Installation, { folder, origin, version }: Publication,
): Promise<number> => {
  const trustees = PARTIES.filter((party) => party.startsWith('trustee'))
  const client = await connect({
    index: urlOf(installation, 'index'),
    trustees: trustees.map((party) => urlOf(installation, party)),
    identity: await identityIn(io.home, 'publisher', 'organisation', io),
    context: io,
    pins: { index: installation.ids.index, trustees: trustees.map((party) => installation.ids[party]) },
  })
  const release = await client.publish({ name: basename(folder), version, origin, files: await filesIn(folder) })
  const file = join(folder, RELEASE_PATH)
  await writeFile(file, release)
  io.out(MESSAGES[io.language].log.released(Buffer.from(client.identity.id).toString('hex'), file))
  return EXIT.done
}

interface Check extends LogOptions {
  readonly origin: string
  readonly publisher: string
}

const originOf = (io: Io, text: string): string => {
  const url = URL.parse(text)
  if (url === null || url.origin !== text.replace(/\/$/, '')) {
    throw new CommandError('usage', MESSAGES[io.language].unknownOption(text))
  }
  return url.origin
}

/** Status 1 where it serves anything else than what its publisher put on record for it. */
export const checkSoftware = async (io: Io, options: Check): Promise<number> => {
  const { log } = MESSAGES[io.language]
  const origin = originOf(io, options.origin)
  const publisher = fromHex(options.publisher)
  if (publisher?.length !== 32) throw new CommandError('usage', MESSAGES[io.language].unknownOption(options.publisher))
  const served = readFromServer(origin)
  const read = (path: string): Promise<Uint8Array | undefined> => served(path.slice(1), CLI_LIMITS.releaseFile)
  const refuse = (...lines: string[]): number => {
    for (const line of lines) io.out(line)
    return EXIT.partly
  }
  try {
    const { pins, read: readLog } = await followOptions(io, options)
    const { index, trustees } = await partiesOf(pins, readLog, await readMemory(io.home, pins.index))
    const file = await read(RELEASE_PATH)
    if (file === undefined) return refuse(log.noRelease(origin))
    const policy = logPolicy({ index, trustees, quorum: QUORUM.final })
    const { software, leaf } = await verifyRelease(file, { publisher, policy })
    if (software.origin !== origin) return refuse(log.releaseElsewhere(software.origin ?? '-'))
    const changed = await changedFiles(software, read)
    if (changed.length > 0) return refuse(...changed.map((path) => log.releaseChanged(path)))
    const { name, version, time } = software
    return tell(io, options.json, { status: 'good', leaf, version }, log.releaseHolds(name, version, time, leaf))
  } catch (error) {
    if (error instanceof SourceError) return tell(io, options.json, { status: 'unreachable', detail: error.message })
    if (!(error instanceof LogError || error instanceof SealError)) throw error
    return refuse(error.message)
  }
}
