/** Debian's `torchwood` tools, other people's code for these formats, in the folder SCELLE_TORCHWOOD or in PATH. */
import { execFileSync, spawn, type ChildProcess, spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { formatKey, type NoteKey, parseKey } from '@scelle/log'

const folders = [process.env['SCELLE_TORCHWOOD'] ?? '', ...(process.env['PATH'] ?? '').split(delimiter)].filter(Boolean)
const find = (...names: readonly string[]): string | undefined =>
  folders.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => existsSync(path))

const spicy = find('spicy-torchwood')
const [litewitness, witnessctl] = [find('litewitness'), find('witnessctl')]
const agent = [find('ssh-agent'), find('ssh-add'), find('ssh-keygen')]

export const hasSpicy = spicy !== undefined
export const hasWitness = ![litewitness, witnessctl, ...agent].includes(undefined)
if (!hasSpicy) console.warn('torchwood: no spicy-torchwood (SCELLE_TORCHWOOD, PATH), so our proofs are not shown to it')
if (!hasWitness) console.warn('torchwood: no litewitness, or no ssh-agent for its key, so it is not asked to cosign')

/** Runs `spicy` in a folder, to its end. */
export const runSpicy = (folder: string, ...args: readonly string[]): { ok: boolean; said: string } => {
  const { status, stdout, stderr } = spawnSync(spicy as string, args, { cwd: folder, encoding: 'utf8' })
  return { ok: status === 0, said: `${stdout}${stderr}` }
}

/** Whether `spicy` accepts a proof, as it wants it, for a file with that content. */
export const spicyAccepts = (folder: string, key: string, content: Uint8Array, proof: string): boolean => {
  writeFileSync(join(folder, 'entry'), content)
  writeFileSync(join(folder, 'entry.spicy'), proof)
  const { ok, said } = runSpicy(folder, '-verify', key, 'entry')
  if (ok !== said.includes('verified')) throw new Error(`spicy says otherwise than it ends: ${said}`)
  return ok
}

const freePort = async (): Promise<number> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

export interface LiteWitness {
  readonly key: NoteKey
  readonly post: (body: Uint8Array) => Promise<Response>
  readonly close: () => Promise<void>
}

const ended = async (process: ChildProcess): Promise<void> => {
  const exit = new Promise((resolve) => process.once('exit', resolve))
  if (process.exitCode === null && process.kill()) await exit
}

/** A witness of that name that knows one log by its key, with a key of its own in an agent of its own. */
export const startWitness = async (folder: string, name: string, log: NoteKey): Promise<LiteWitness> => {
  const [agentPath, add, keygen] = agent as [string, string, string]
  const at = (file: string): string => join(folder, file)
  execFileSync(keygen, ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', at('key')])
  const fingerprint = execFileSync(keygen, ['-lf', at('key.pub')], { encoding: 'utf8' }).split(' ')[1] ?? ''
  const agentProcess = spawn(agentPath, ['-D', '-a', at('agent')], { stdio: ['ignore', 'pipe', 'ignore'] })
  // It says where it listens once it does.
  await new Promise((resolve) => agentProcess.stdout.once('data', resolve))
  execFileSync(add, ['-q', at('key')], { env: { ...process.env, SSH_AUTH_SOCK: at('agent') }, stdio: 'ignore' })
  execFileSync(witnessctl as string, ['add-log', '-db', at('db'), '-origin', log.name], { stdio: 'ignore' })
  const addKey = ['add-key', '-db', at('db'), '-origin', log.name, '-key', formatKey(log)]
  execFileSync(witnessctl as string, addKey, { stdio: 'ignore' })

  const port = await freePort()
  const listen = ['-db', at('db'), '-name', name, '-key', fingerprint, '-ssh-agent', at('agent')]
  const witness = spawn(litewitness as string, [...listen, '-listen', `127.0.0.1:${port}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let key: NoteKey | undefined
  for await (const line of createInterface(witness.stderr)) {
    const [, written] = / vkey=(\S+)/.exec(line) ?? []
    if (written !== undefined) key = parseKey(written)
    if (line.includes('msg=listening')) break
  }
  if (key === undefined) throw new Error('litewitness did not start')
  witness.stderr.resume()
  return {
    key,
    post: async (body) => {
      const request = { method: 'POST', body: new Uint8Array(body) }
      return fetch(`http://127.0.0.1:${port}/add-checkpoint`, request)
    },
    close: async () => {
      await ended(witness)
      await ended(agentProcess)
    },
  }
}
