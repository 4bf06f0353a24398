// Sends calls with a Node SDK: node drivers/node.mjs PACKAGE JOB.json; prints what the SDK reports as JSON.

import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const [name, file] = process.argv.slice(2)
const job = JSON.parse(readFileSync(file, 'utf8'))
const { host, writeKey, calls, options = {} } = job
const errors = []
const report = () => process.stdout.write(JSON.stringify({ errors }) + '\n')
const textOf = (error) => String(error?.reason?.message ?? error?.message ?? error?.code ?? error).slice(0, 200)

if (name === 'rudder') {
  const { default: module } = await import('@rudderstack/rudder-sdk-node')
  const Client = module.default ?? module
  const client = new Client(writeKey, { dataPlaneUrl: host, ...options })
  // Each flush sends one batch; a failed one rejects its promise besides calling back.
  process.on('unhandledRejection', () => {})
  let open = calls.length
  for (const { type, ...call } of calls) {
    client[type](call, (error) => {
      open -= 1
      if (error) errors.push(textOf(error))
    })
  }
  while (open > 0) {
    await Promise.race([client.flush().catch(() => {}), sleep(100)])
    await sleep(5)
  }
  report()
  // It keeps timers.
  process.exit()
} else {
  const { Analytics } = await import(name)
  const client = new Analytics({ writeKey, host, ...options })
  client.on('error', (error) => errors.push(textOf(error)))
  for (const { type, ...call } of calls) {
    client[type](call)
  }
  await client.closeAndFlush({ timeout: 60_000 })
  report()
}
