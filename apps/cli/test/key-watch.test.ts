/** Which keys are plugged in, and whose session ends when one of them is pulled. */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FidoDevices, isFido } from '../src/connect/fido-devices.ts'
import { KeyWatch } from '../src/connect/key-watch.ts'
import { CLI_LIMITS } from '../src/limits.ts'
import { DESCRIPTORS, FakeBus } from './fake-bus.ts'

let bus: FakeBus
let now: number
let pulled: string[]
beforeEach(async () => {
  bus = await FakeBus.make()
  now = 1_000_000
  pulled = []
})
afterEach(() => bus.close())

const watching = (): KeyWatch => new KeyWatch({
  devices: new FidoDevices(bus.folder), now: () => now,
  pulled: (holder) => {
    pulled.push(holder)
  },
})

describe('a security key', () => {
  test('is told from a keyboard by its usage page, wherever that stands in the descriptor', () => {
    const of = (hex: string): boolean => isFido(Buffer.from(hex, 'hex'))
    expect([of(DESCRIPTORS.key), of(DESCRIPTORS.both), of(DESCRIPTORS.keyboard)]).toEqual([true, true, false])
    // The same bytes as a value of something else, in a long item, or cut off.
    expect(['26d0f1', 'fe040006d0f109', '06d0', '', 'fe'].map(of)).toEqual([false, false, false, false, false])
    expect(of('07d0f10000')).toBe(true)
  })

  test('hostile descriptors end, and throw nothing', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 512 }), (bytes) => typeof isFido(bytes) === 'boolean'))
  })

  test('is there while it is plugged in; pulled and put back, it is another one', async () => {
    const devices = new FidoDevices(bus.folder)
    const key = await bus.plug('key', 'hidraw0')
    await bus.plug('keyboard', 'hidraw1')
    const first = devices.now()
    expect(first.size).toBe(1)
    await key.pull()
    await bus.plug('key', 'hidraw0')
    expect([...devices.now()].filter((each) => first.has(each))).toEqual([])
    expect(devices.now().size).toBe(1)
  })

  test('is not told of where the system has no such folder', () => {
    const none = new FidoDevices('/nonexistent/hidraw')
    expect([none.isTold, none.now().size, new FidoDevices(bus.folder).isTold]).toEqual([false, 0, true])
  })
})

describe('whose key is pulled', () => {
  test('is signed out at the next look, once', async () => {
    const key = await bus.plug('key', 'hidraw0')
    const watch = watching()
    watch.signedIn('alice')
    watch.look()
    expect(pulled).toEqual([])
    await key.pull()
    watch.look()
    watch.look()
    expect(pulled).toEqual(['alice'])
  })

  test('though another one is put in its place between two looks', async () => {
    const key = await bus.plug('key', 'hidraw0')
    const watch = watching()
    watch.signedIn('alice')
    await key.pull()
    await bus.plug('key', 'hidraw0')
    watch.look()
    expect(pulled).toEqual(['alice'])
  })

  test('though it was pulled before the sign-in came through', async () => {
    const key = await bus.plug('key', 'hidraw0')
    const watch = watching()
    await key.pull()
    watch.signedIn('alice')
    expect(pulled).toEqual(['alice'])
  })

  test('and nobody else: who signed in after it went, who signed out, a keyboard, a key that came later', async () => {
    const first = await bus.plug('key', 'hidraw0')
    const keyboard = await bus.plug('keyboard', 'hidraw1')
    const watch = watching()
    watch.signedIn('alice')
    watch.signedOut('alice')
    await first.pull()
    watch.look()
    now += CLI_LIMITS.keyGrace + 1
    const second = await bus.plug('key', 'hidraw2')
    watch.signedIn('bob')
    const third = await bus.plug('key', 'hidraw3')
    watch.look()
    await third.pull()
    await keyboard.pull()
    watch.look()
    expect(pulled).toEqual([])
    await second.pull()
    watch.look()
    expect(pulled).toEqual(['bob'])
  })

  test('of several that were there, each counts: one too many locks a screen', async () => {
    const [one] = [await bus.plug('key', 'hidraw0'), await bus.plug('both', 'hidraw1')]
    const watch = watching()
    watch.signedIn('alice')
    await one.pull()
    watch.look()
    expect(pulled).toEqual(['alice'])
  })
})
