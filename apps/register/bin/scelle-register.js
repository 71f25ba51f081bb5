#!/usr/bin/env node
/*
 * Starts ../src/main.ts of this app on the Node.js 24 that package-lock.json pins.
 *
 * Plain JavaScript that Node.js 18 and later can read, because it must run where the system's Node.js is too old for
 * the sources. The same file stands in every app's bin/ (tools/launchers checks that the copies are equal): a launcher
 * that imports another file can be broken by moving that file.
 */
import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { constants } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

var NODE_MAJOR_MIN = 24
var SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGBREAK']
// A terminal sends these to the whole foreground group, so the child has them already: passing them on would make one
// Ctrl-C count as two.
var TERMINAL_SIGNALS = ['SIGINT', 'SIGQUIT', 'SIGBREAK']

var here = fileURLToPath(import.meta.url)
var entry = join(dirname(here), '..', 'src', 'main.ts')
var args = process.argv.slice(2)

/** The pinned runtime, in the nearest node_modules above this file that has one; undefined where none is installed. */
function findPinned() {
  var platform = process.platform === 'win32' ? 'win' : process.platform
  var file = process.platform === 'win32' ? 'node.exe' : 'node'
  for (var folder = dirname(here); ; folder = dirname(folder)) {
    var candidate = join(folder, 'node_modules', 'node-' + platform + '-' + process.arch, 'bin', file)
    if (existsSync(candidate)) return realpathSync(candidate)
    if (dirname(folder) === folder) return undefined
  }
}

function currentIsNewEnough() {
  return Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN
}

function runHere() {
  process.argv[1] = entry
  import(pathToFileURL(entry).href).catch(function (error) {
    console.error(error)
    process.exitCode = 1
  })
}

function refuse() {
  var name = basename(here, '.js')
  console.error(
    name + ': Node.js ' + NODE_MAJOR_MIN + ' or later is needed, this is ' + process.version + '. ' +
      'Run `npm ci` in the clone, which installs it on Linux (x64, arm64) and Windows (x64), or install it.\n' +
      name + ' : il faut Node.js ' + NODE_MAJOR_MIN + ' ou plus récent, celui-ci est ' + process.version + '. ' +
      'Lancez `npm ci` dans le dépôt, qui l’installe sous Linux (x64, arm64) et Windows (x64), ou installez-le.',
  )
  process.exitCode = 1
}

/** Ends as the child ended, by the same signal if it was one, so that a supervisor sees the truth. */
function endAs(code, signal) {
  if (signal === null) process.exit(code)
  SIGNALS.forEach(function (name) { process.removeAllListeners(name) })
  process.kill(process.pid, signal)
  // Where a signal cannot end this process (Windows, or an ignored one), the shell's convention says the same.
  setTimeout(function () { process.exit(128 + (constants.signals[signal] || 0)) }, 100)
}

function runOn(runtime) {
  // Compiled code is kept beside the runtime, which whoever installed it owns: a start is then twice as fast and a
  // third smaller. Where that folder cannot be written, nothing is kept.
  var cache = join(dirname(runtime), '..', '..', '.cache', 'scelle')
  var env = Object.assign({ NODE_COMPILE_CACHE: cache }, process.env)
  var child = spawn(runtime, process.execArgv.concat([entry], args), { stdio: 'inherit', env: env })
  SIGNALS.forEach(function (name) {
    if (!(name in constants.signals)) return
    process.on(name, function () {
      if (process.stdin.isTTY && TERMINAL_SIGNALS.indexOf(name) >= 0) return
      child.kill(name)
    })
  })
  child.on('exit', endAs)
  // The pinned runtime needs glibc: on a musl system it is there and cannot start.
  child.on('error', function () {
    if (currentIsNewEnough()) runHere()
    else refuse()
  })
}

var pinned = findPinned()
if (pinned !== undefined && pinned !== realpathSync(process.execPath)) runOn(pinned)
else if (currentIsNewEnough()) runHere()
else refuse()
