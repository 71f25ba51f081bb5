/** What tests in a browser stand on: a register, a house that it knows, the page as it is served, and the browser. */
import { createIdentity, type Identity } from '@scelle/seal/identity'
import type { Browser } from 'playwright-core'
import { hasChromium, launch, ReturnServer, serveBuilt, type Site } from './browser.ts'
import { constellationOf, context, type House, newHouse } from './world.ts'

export interface Scene {
  readonly register: Identity
  readonly house: House
  readonly returned: ReturnServer
  readonly site: Site
  readonly browser: Browser
  readonly close: () => Promise<void>
}

/** Undefined where no Chromium is installed: then nothing runs that would need it. */
export const openScene = async (): Promise<Scene | undefined> => {
  if (!hasChromium) return undefined
  const register = await createIdentity('organisation', context)
  const house = await newHouse(register)
  const returned = new ReturnServer()
  await returned.start()
  const site = await serveBuilt((origin) => constellationOf(origin, register))
  const browser = await launch()
  return {
    register, house, returned, site, browser,
    close: async () => {
      await browser.close()
      await site.server.close()
      returned.close()
    },
  }
}
