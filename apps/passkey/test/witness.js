// Put into the page by its tests, before its own script: notes what the browser handed over, and keeps it for the test
// in the page's own origin. The page knows nothing of it.
if (globalThis.navigator?.credentials !== undefined) {
  const { credentials } = navigator
  const noted = () => JSON.parse(sessionStorage.getItem('witnessed') ?? '{"prf":[],"registrations":[]}')
  const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, '0')).join('')
  const get = credentials.get.bind(credentials)
  const create = credentials.create.bind(credentials)
  credentials.get = async (options) => {
    const given = await get(options)
    const first = given.getClientExtensionResults().prf?.results?.first
    if (first !== undefined) {
      const { prf, ...rest } = noted()
      sessionStorage.setItem('witnessed', JSON.stringify({ ...rest, prf: [...prf, hex(first)] }))
    }
    return given
  }
  credentials.create = async (options) => {
    const given = await create(options)
    const { registrations, ...rest } = noted()
    const one = {
      id: given.id, clientDataJSON: hex(given.response.clientDataJSON),
      attestationObject: hex(given.response.attestationObject),
    }
    sessionStorage.setItem('witnessed', JSON.stringify({ ...rest, registrations: [...registrations, one] }))
    return given
  }
}
