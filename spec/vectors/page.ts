/** What the browser test loads: the vectors' check, on the window. */
import { failures } from './failures.ts'

Object.assign(globalThis, { failures })
