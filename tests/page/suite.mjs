// Runs every case, or those whose title has the words given.

import { setTimeout as sleep } from 'node:timers/promises'

import { events } from './cases/events.mjs'
import { failures } from './cases/failures.mjs'
import { tester } from './cases/tester.mjs'
import { picture, views } from './cases/views.mjs'
import { close } from './lib/browser.mjs'
import { Router, visits } from './lib/router.mjs'
import { stopAll } from '../sdk/lib/process.mjs'

const cases = []
const test = (title, run) => cases.push({ title, run })
let router
views(test, () => router)
events(test, () => router)
failures(test, () => router)
tester(test, () => router)
picture(test)

const words = process.argv.slice(2)
const chosen = cases.filter(({ title }) => words.every((word) => title.includes(word)))

async function main() {
  router = await Router.start()
  await router.send(visits())
  await router.settled(visits().length)
  let failed = 0
  for (const { title, run } of chosen) {
    const begun = Date.now()
    try {
      // What hangs, fails.
      const late = sleep(60_000, null, { ref: false }).then(() => Promise.reject(new Error('it takes too long')))
      await Promise.race([run(), late])
      console.log(`ok    ${title} (${((Date.now() - begun) / 1000).toFixed(1)} s)`)
    } catch (error) {
      failed += 1
      console.log(`FAIL  ${title}\n${error.stack ?? error}`)
    }
  }
  if (failed > 0) console.log(`\nThe end of the router's output:\n${router.process.output.slice(-3000)}`)
  await close()
  await router.stop()
  console.log(`\n${chosen.length - failed} passed, ${failed} failed`)
  return failed === 0 && chosen.length > 0 ? 0 : 1
}

let code = 1
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, async () => {
    await stopAll()
    process.exit(1)
  })
}
process.on('unhandledRejection', (error) => console.log(`Nobody waited for: ${error?.stack ?? error}`))
try {
  code = await main()
} catch (error) {
  console.log(`The suite broke off: ${error.stack ?? error}\n\n0 passed, ${chosen.length} failed`)
} finally {
  await stopAll()
}
process.exit(code)
