// Runs every case, or those whose title has the words given.

import { browsers } from './cases/browsers.mjs'
import { servers } from './cases/servers.mjs'
import { Router } from './lib/router.mjs'
import { runCases } from './lib/suite.mjs'

const cases = []
const test = (title, run) => cases.push({ title, run })
let router
servers(test, () => router)
browsers(test, () => router)

await runCases(cases, {
  seconds: 90,
  output: () => router.output(),
  async start() {
    router = await Router.start()
  },
  async finish() {
    const status = await router.status()
    await browsers.close()
    await router.stop()
    return status.sums_close ? [] : [`the sums of the pipeline close\n${JSON.stringify(status, null, 1)}`]
  },
})
