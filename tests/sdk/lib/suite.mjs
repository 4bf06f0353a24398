// Runs cases one after the other, and ends the process.

import { setTimeout as sleep } from 'node:timers/promises'

import { stopAll } from './process.mjs'

/**
 * Runs every case, or those whose title has the words of the command line; exits with 0 if all pass.
 *
 * `start` runs before the cases; `finish` runs after them and returns further failures, each a text; `output` is the router's.
 */
export async function runCases(cases, { start, finish, output, seconds }) {
  const words = process.argv.slice(2)
  const chosen = cases.filter(({ title }) => words.every((word) => title.includes(word)))
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, async () => {
      await stopAll()
      process.exit(1)
    })
  }
  process.on('unhandledRejection', (error) => console.log(`Nobody waited for: ${error?.stack ?? error}`))
  let code = 1
  try {
    await start()
    let failed = 0
    for (const { title, run } of chosen) {
      const begun = Date.now()
      try {
        // What hangs, fails.
        const late = sleep(seconds * 1000, null, { ref: false }).then(() => Promise.reject(new Error('it takes too long')))
        await Promise.race([run(), late])
        console.log(`ok    ${title} (${((Date.now() - begun) / 1000).toFixed(1)} s)`)
      } catch (error) {
        failed += 1
        console.log(`FAIL  ${title}\n${error.stack ?? error}`)
      }
    }
    const shown = output()
    const more = await finish()
    for (const problem of more) console.log(`FAIL  ${problem}`)
    failed += more.length
    if (failed > 0) console.log(`\nThe end of the router's output:\n${shown.slice(-3000)}`)
    console.log(`\n${chosen.length + more.length - failed} passed, ${failed} failed`)
    code = failed === 0 && chosen.length > 0 ? 0 : 1
  } catch (error) {
    console.log(`The suite broke off: ${error.stack ?? error}\n\n0 passed, ${chosen.length} failed`)
  } finally {
    await stopAll()
  }
  process.exit(code)
}
