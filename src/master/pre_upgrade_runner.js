'use strict'
// Run by node -e, with the hook's file as its argument and the request on standard input: calls what the file exports,
// function (data, callback), and says on standard output what the callback was given.
const path = require('path')
const request = JSON.parse(require('fs').readFileSync(0, 'utf8'))
const file = path.resolve(process.argv[1])

const fail = (text) => {
  console.error(`${file}: ${text}`)
  process.exit(1)
}
const text_of = (error) => (error && error.message) || String(error)

let called = false
const callback = (error, value) => {
  if (called) fail('called its callback twice')
  called = true
  if (error) fail(text_of(error))
  if (value !== undefined && value !== null && value !== request.value) {
    if (typeof value !== 'string') fail('called its callback with a value that is no path')
    console.log('target=' + path.resolve(value))
  }
  // What it does behind its callback's back is not waited for, as little as what it left open.
  setImmediate(() => process.exit(0))
}

const load = async () => {
  if (file.endsWith('.mjs')) return import(require('url').pathToFileURL(file).href)
  try {
    return require(file)
  } catch (error) {
    if (error.code !== 'ERR_REQUIRE_ESM') throw error
    return import(require('url').pathToFileURL(file).href)
  }
}

process.on('exit', (status) => {
  if (called || status !== 0) return
  console.error(`${file}: ended without calling its callback`)
  process.exitCode = 1
})

load().then((exported) => {
  const hook = typeof exported === 'function' ? exported : exported && exported.default
  if (typeof hook !== 'function') fail('exports no function (data, callback)')
  return hook(request, callback)
}).catch((error) => fail((error && error.stack) || text_of(error)))
