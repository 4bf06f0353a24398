// Runs every case, or those whose title has the words given.

import { events } from './cases/events.mjs'
import { failures } from './cases/failures.mjs'
import { quality } from './cases/quality.mjs'
import { signIns } from './cases/sign_in.mjs'
import { tester } from './cases/tester.mjs'
import { picture, views } from './cases/views.mjs'
import { close } from './lib/browser.mjs'
import { Router, visits } from './lib/router.mjs'
import { runCases } from '../sdk/lib/suite.mjs'

const cases = []
const test = (title, run) => cases.push({ title, run })
let router
views(test, () => router)
events(test, () => router)
failures(test, () => router)
quality(test, () => router)
tester(test, () => router)
signIns(test)
picture(test)

await runCases(cases, {
  seconds: 60,
  output: () => router.process.output,
  async start() {
    router = await Router.start()
    await router.send(visits())
    await router.settled(visits().length)
  },
  async finish() {
    await close()
    await router.stop()
    return []
  },
})
