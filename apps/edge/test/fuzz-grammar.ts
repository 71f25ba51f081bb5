/** A grammar of requests between right and wrong, drawn from a seed: the same seed sends the same requests. */
import { createHash } from 'node:crypto'
import { CANARY, SearchGrammar } from './fuzz-search-grammar.ts'

export { CANARY } from './fuzz-search-grammar.ts'

export interface FuzzRequest {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly raw?: string | Uint8Array
}

const TYPES = ['Patient', 'Observation', 'Condition', 'AllergyIntolerance', 'Organization', 'Encounter', 'Binary',
  'Bundle', 'Parameters', 'Basic', 'Provenance', 'Group', 'Nonsense', 'patient', '__proto__', 'constructor', '']
/** Served as they are: refusals mean nothing where nothing is ever accepted. */
const SERVED = ['Patient/p', 'Observation/o', 'Observation?patient=p', 'Patient', 'Observation', 'Condition',
  'Organization',
  'Patient/p/$everything', 'Patient/p/_history/1', 'Observation/o/_history', 'Patient?birthdate=ge1980&_sort=name',
  'Observation?patient=p&_include=Observation:subject', 'Observation?patient=p&subject:Patient.name=x',
  'Observation?patient=p&value-quantity=gt4', 'Observation?patient=p&code-value-quantity=2339-0$5&_summary=true',
  'Patient?_id=p&_revinclude=Observation:subject', 'Observation?patient=p&_elements=status&_total=none',
  'Patient/p/$summary', 'Patient/$summary?identifier=urn:x|1', 'Composition/c/$document', '$scelle-duplicates',
  'Patient/$merge', 'DocumentReference?patient=p&creation=ge2024', 'Organization/_history', 'Patient/p/$export',
  'Binary', 'Binary/b', 'Binary/b/$upload', 'Patient/$match', 'Observation/$lastn?patient=p',
  'Patient/p/Observation?code:in=x']
const IDS = ['p', 'o', 'nobody', 'a_b', '..', '%2e%2e', 'a%2fb', '%zz', '%00', '%F0%9F%92%A9', 'p%20', '-', '.',
  'a'.repeat(64), 'a'.repeat(65), CANARY, `${CANARY}%0d%0aX: y`, '_history',
  '$everything', '$nothing', '$summary', '$export', '$match', '$validate', '$document', '$merge', '$docref', '*',
  'p;x=1']
const METHODS = ['GET', 'GET', 'GET', 'POST', 'POST', 'PUT', 'PUT', 'PATCH', 'DELETE', 'HEAD']
const NAMES = ['_id', 'patient', 'subject', 'code', 'date', 'category', 'status', '_lastUpdated', 'identifier', 'name',
  'birthdate', 'gender', 'active', '_sort', '_count', '_total', '_summary', '_format', '_pretty', '_cursor', '_include',
  '_has:Observation:patient:code', 'patient.name', 'value-quantity', 'constructor', '__proto__', 'toString', '',
  '_text',
  '_elements', 'PATIENT', 'mine']
const MODIFIERS = ['', '', '', ':not', ':missing', ':exact', ':contains', ':text', ':in', ':Patient', ':Group', ':',
  ':x']
const VALUES = ['p', 'Patient/p', 'Patient/nobody', 'Group/p', 'http://edge.test/fhir/Patient/p', 'http://x/Patient/p',
  'true', 'false', '0', '1', '-1', '1e3', '99999999999', '2024', 'ge2024-02-30', 'lt2024-01', 'ap2024', 'eqeq2024',
  '2024-01-15T10:00:00+02:00', '2024-01-15T10:00:00%2B02:00', '|', 'a|', '|a', 'a|b', 'a|b|c', 'a,b', ',', 'a,', '\\',
  '\\,',
  'a\\x', '$', '%', '%E0%A4', '%ED%A0%80', '%00', '+', 'xml', 'json', 'accurate', 'count', 'date', '-date', 'date,', '',
  CANARY, `urn:x|${CANARY}`, 'a'.repeat(3_000), '‮', 'final', 'laboratory']
const HEADERS: readonly (readonly [string, readonly string[]])[] = [
  ['if-match', ['W/"1"', '"1"', 'W/"999"', '*', '1', '', 'W/"1", W/"2"', CANARY, 'W/"-1"', 'W/"1e9"']],
  ['if-none-match', ['*', 'W/"1"', CANARY, '']],
  ['if-modified-since', ['Thu, 01 Jan 2026 00:00:00 GMT', CANARY, '0', '']],
  ['if-none-exist', ['identifier=urn:x|1', 'name=' + CANARY, '?', 'x', 'Patient?_id=p', '%', '_count=1', '']],
  ['prefer', ['handling=lenient', 'handling=strict', 'handling=lenient, return=minimal', 'handling=x',
    'handling=lenient; handling=strict', 'return=minimal',
    'return=OperationOutcome', 'return=x', 'respond-async', ';,=', CANARY]],
  ['accept', ['*/*', 'application/fhir+xml', 'application/fhir+json;q=0', 'text/html', CANARY, ',,;',
    'application/json; fhirVersion=3.0']],
  ['content-type', ['application/fhir+json', 'application/json; charset=latin1', 'text/plain', 'application/fhir+xml',
    'application/json-patch+json', 'application/x-www-form-urlencoded', 'multipart/form-data', 'image/png',
    'application/octet-stream', 'x', CANARY]],
  ['range', ['bytes=0-0', 'bytes=5-1', 'bytes=-1', 'bytes=0-,1-2', 'items=0-1', CANARY]],
  ['content-range', ['bytes 0-0/2', 'bytes */2', 'bytes 5-1/2', CANARY]],
  ['x-security-context', ['Patient/p', 'Patient/nobody', 'x', CANARY]],
  ['content-encoding', ['gzip', 'br']],
  ['transfer-encoding-x', ['chunked']],
  ['x-http-method-override', ['DELETE']],
]

/** JSON text: what a serialiser would not write is written by hand. */
const SCALARS = ['null', 'true', '0', '-0', '1e400', '1e-400', '123456789012345678901234567890', '0.10', '""', '" "',
  `"${CANARY}"`, '"\\ud800"', '"\\u0000"', '"\\u001b[31m"', '[]', '{}', '[null]', '[[]]', '{"a":1,"a":2}',
    '{"__proto__":{}}',
  '"2024-02-30"', '"Patient/p"', '"#"', '"#x"', '"urn:uuid:00000000-0000-0000-0000-000000000001"', '"Patient?_id=p"',
  '"Group/g"', '"http://edge.test/fhir/Patient/p"', '{"reference":"Patient/p"}', '[{"reference":"#x"}]', '01', "'a'",
  'NaN']
const MEMBERS = ['id', 'meta', 'text', 'contained', 'extension', 'modifierExtension', 'status', 'subject', 'patient',
  'code',
  'category', 'name', 'birthDate', 'gender', 'active', 'valueQuantity', 'valueString', 'effectiveDateTime',
  'identifier',
  'note', 'entry', 'type', 'total', 'data', 'contentType', '_status', '_name', '__proto__', 'constructor', 'mine',
  'resourceType']

const RIGHT: Readonly<Record<string, string>> = {
  Patient: `"name":[{"family":"${CANARY}"}]`,
  Observation: '"status":"final","code":{"coding":[{"system":"http://loinc.org","code":"2339-0"}]},'
    + '"subject":{"reference":"Patient/p"}',
  Condition: '"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"E11"}]},'
    + '"subject":{"reference":"Patient/p"}',
  Organization: '"name":"o"',
  Basic: '"code":{"text":"x"}',
  Binary: '"contentType":"text/plain","data":"QQ=="',
}

export class Grammar {
  /** State of a 32-bit generator (mulberry32): plenty for a test, and the same everywhere. */
  #state: number

  readonly #search: SearchGrammar

  constructor(seed: string) {
    this.#search = new SearchGrammar((bound) => this.#below(bound))
    this.#state = createHash('sha256').update(seed).digest().readUInt32BE()
  }

  request(): FuzzRequest {
    const method = this.#one(METHODS)
    const headers: Record<string, string> = {}
    for (const [name, values] of HEADERS) if (this.#chance(30)) headers[name] = this.#one(values)
    if (method === 'GET' || method === 'HEAD') return { method, path: this.#path(), headers }
    const form = method === 'POST' && this.#chance(6)
    if (form) {
      return { method, path: `${this.#one(TYPES)}/_search`, raw: this.#query(),
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers } }
    }
    if (method === 'PATCH') headers['content-type'] ??= 'application/json-patch+json'
    if (method === 'DELETE') return { method, path: this.#path(), headers }
    const path = method === 'POST' && this.#chance(2) ? '' : this.#path()
    return { method, path, headers, raw: this.#body(method, path) }
  }

  #below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }

  #one<T>(values: readonly T[]): T {
    return values[this.#below(values.length)] as T
  }

  /** One in `of`. */
  #chance(of: number): boolean {
    return this.#below(of) === 0
  }

  #times(most: number): number {
    return this.#below(most + 1)
  }

  #path(): string {
    if (this.#chance(3)) return this.#one(SERVED)
    const type = this.#one(TYPES)
    const parts = [type, ...Array.from({ length: this.#times(3) }, () => this.#one([...IDS, ...TYPES]))]
    if (this.#chance(3)) parts.splice(1, parts.length, this.#one(['p', 'o', 'nobody']), this.#one(['_history',
      '$everything', 'Observation', '_history/1']))
    return parts.join(this.#chance(20) ? '//' : '/') + (this.#chance(2) ? `?${this.#query()}` : '')
  }

  #query(): string {
    const pair = (): string => {
      const value = this.#one(VALUES)
      const encoded = value.includes('%') ? value : encodeURIComponent(value)
      return `${this.#one(NAMES)}${this.#one(MODIFIERS)}${this.#chance(15) ? '' : '='}${encoded}`
    }
    const pairs = Array.from({ length: this.#times(3) }, () => (this.#chance(2) ? pair() : this.#search.pair()))
    if (this.#chance(2)) pairs.push('patient=p')
    return pairs.join(this.#chance(10) ? '&&' : '&')
  }

  #body(method: string, path: string): string | Uint8Array {
    const text = this.#text(method, path)
    if (this.#chance(15)) return `\ufeff${text}`
    if (this.#chance(15)) return text.slice(0, this.#times(text.length))
    if (this.#chance(20)) return Buffer.from(text.replace(CANARY, `${CANARY}é`), 'latin1')
    if (this.#chance(30)) return `${'{"a":'.repeat(this.#times(200))}1`
    if (this.#chance(40)) return ''
    return text
  }

  #text(method: string, path: string): string {
    if (method === 'PATCH') return this.#patch()
    if (path === '') return this.#bundle()
    return this.#resource(this.#chance(4) ? this.#one(TYPES) : path.split(/[/?]/)[0] ?? '', path.split(/[/?]/)[1])
  }

  #resource(type: string, id?: string): string {
    const members = [`"resourceType":${JSON.stringify(type)}`]
    if (id !== undefined && !this.#chance(8)) members.push(`"id":${JSON.stringify(id)}`)
    if (RIGHT[type] !== undefined && !this.#chance(10)) members.push(RIGHT[type])
    for (let count = this.#chance(3) ? 0 : this.#times(2); count > 0; count--) {
      members.push(`${JSON.stringify(this.#one(MEMBERS))}:${this.#one(SCALARS)}`)
    }
    return `{${members.join(',')}}`
  }

  #bundle(): string {
    const urls = ['Patient', 'Patient/p', 'Observation', 'Observation/o', 'Patient?_id=p', 'Patient?name=x',
      'Observation?patient=p',
      'Patient?_id=p&_revinclude=Observation:subject', 'Observation?patient=p&_include=*', 'Patient/p/$summary',
      'Observation?patient=p&value-quantity=lt5', 'Patient?_has:Observation:patient:code=x', '$export',
      '', '/', '../x', 'http://x/Patient', 'Nonsense/1', 'metadata', '$everything', 'Patient/p/$everything',
      'Patient/p/_history', '%', CANARY]
    const full = ['urn:uuid:00000000-0000-0000-0000-000000000001', 'urn:uuid:00000000-0000-0000-0000-000000000002',
      'http://edge.test/fhir/Patient/p', 'http://x/Observation/1', 'x', '']
    const entry = (): string => {
      if (this.#chance(20)) return this.#one(SCALARS)
      const type = this.#one(['Patient', 'Observation', 'Observation', 'Organization', 'Binary', 'Parameters'])
      const members: string[] = []
      if (!this.#chance(5)) members.push(`"fullUrl":"${this.#one(full)}"`)
      if (!this.#chance(5)) members.push(`"resource":${this.#resource(type, this.#chance(2) ? this.#one(['p',
        'o']) : undefined)
        .replace('"Patient/p"', () => (this.#chance(3) ? `"${this.#one(full)}"` : '"Patient/p"'))}`)
      const request = [`"method":"${this.#one([...METHODS, 'post',
        'OPTIONS'])}"`, `"url":"${this.#chance(2) ? type : this.#one(urls)}"`]
      if (this.#chance(6)) request.push(`"ifMatch":${this.#one(['"W/\\"1\\""', '"x"', '1', 'null'])}`)
      if (this.#chance(6)) request.push(`"ifNoneExist":${this.#one(['"identifier=urn:x|1"', '""', '"?"', '1',
        '"_id=p"'])}`)
      if (this.#chance(10)) request.push('"ifNoneMatch":"*"')
      if (!this.#chance(20)) members.push(`"request":{${request.join(',')}}`)
      return `{${members.join(',')}}`
    }
    const entries = Array.from({ length: this.#times(4) }, entry)
    const type = this.#one(['"transaction"', '"transaction"', '"batch"', '"document"', '"x"', 'null'])
    const list = this.#chance(20) ? this.#one(SCALARS) : `[${entries.join(',')}]`
    return `{"resourceType":"Bundle","type":${type},"entry":${list}}`
  }

  #patch(): string {
    const paths = ['/status', '/name', '/name/0', '/name/-', '/name/0/family', '/id', '/resourceType', '', '/',
      'name', '/~2', '/__proto__/x',
      '/constructor/prototype/x', '/name/99', '/name/01', '/name/-1', '/meta/versionId', '/extension/0']
    const operation = (): string => {
      if (this.#chance(20)) return this.#one(SCALARS)
      const members = [`"op":"${this.#one(['add', 'remove', 'replace', 'move', 'copy', 'test',
        'merge'])}"`, `"path":"${this.#one(paths)}"`]
      if (!this.#chance(5)) members.push(`"value":${this.#one(SCALARS)}`)
      if (this.#chance(2)) members.push(`"from":"${this.#one(paths)}"`)
      return `{${members.join(',')}}`
    }
    return this.#chance(20) ? this.#one(SCALARS) : `[${Array.from({ length: this.#times(4) }, operation).join(',')}]`
  }
}
