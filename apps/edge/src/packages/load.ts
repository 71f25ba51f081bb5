/** Profiles from packages that the operator laid down: folders of JSON, or `.tgz` as registries give them. */
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { FhirError } from '@scelle/fhir/outcomes'
import { ProfileSet } from '@scelle/fhir/profiles'
import { parseJson } from '@scelle/fhir/validate'
import { EDGE_LIMITS } from '../limits.ts'
import { type ArchiveFile, filesInTarball, PackageFault } from './tarball.ts'

/** Reads all packages, once, at the start. Throws PackageFault, the package's path first. */
export const loadPackages = (paths: readonly string[]): ProfileSet => {
  let current = ''
  function* resources(): Generator {
    for (const path of paths) {
      current = path
      for (const file of filesOf(path)) if (isDefinition(file.name)) yield resourceIn(file)
    }
  }
  try {
    return new ProfileSet(resources())
  } catch (cause) {
    const known = cause instanceof PackageFault || cause instanceof FhirError
    throw new PackageFault(`${current}: ${known ? cause.message : 'cannot be read'}`, { cause })
  }
}

const filesOf = (path: string): Iterable<ArchiveFile> => {
  const stat = lstatSync(path)
  if (stat.isDirectory()) return filesInFolder(path)
  if (!stat.isFile()) throw new PackageFault('neither a folder nor a file')
  if (stat.size > EDGE_LIMITS.packageBytes) throw new PackageFault('too large')
  return filesInTarball(readFileSync(path))
}

/** A link would lead out of the folder that the operator named: it is refused, not followed. */
function* filesInFolder(folder: string): Generator<ArchiveFile> {
  const names = readdirSync(folder).toSorted()
  if (names.length > EDGE_LIMITS.packageFiles) throw new PackageFault('the folder holds too many files')
  let total = 0
  for (const name of names) {
    const path = join(folder, name)
    const stat = lstatSync(path)
    if (stat.isSymbolicLink()) throw new PackageFault(`${name}: a link`)
    if (!stat.isFile() || !isDefinition(name)) continue
    total += stat.size
    if (total > EDGE_LIMITS.packageBytes) throw new PackageFault('too large')
    yield { name, bytes: readFileSync(path) }
  }
}

/** Packages keep definitions in `package/`, what is beside (examples, other formats) in folders of its own. */
const isDefinition = (name: string): boolean =>
  /^(?:package\/)?(?:StructureDefinition|ValueSet|CodeSystem)[-.][^/]*\.json$/.test(name)

const decoder = new TextDecoder('utf-8', { fatal: true })

const resourceIn = ({ name, bytes }: ArchiveFile): unknown => {
  if (bytes.length > EDGE_LIMITS.packageFile) throw new PackageFault(`${name}: too large`)
  try {
    return parseJson(decoder.decode(bytes), EDGE_LIMITS.packageFile)
  } catch (cause) {
    throw new PackageFault(`${name}: not JSON that can be used`, { cause })
  }
}
