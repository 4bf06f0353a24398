// Chromium, and pages that remember what went wrong in them.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

import { chromium } from 'playwright-core'

import { FLAGS } from '../../sdk/lib/flags.mjs'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let browser

/** Opens a context of a new reader. */
export async function reader(options = {}) {
  browser ??= await chromium.launch({ executablePath: '/usr/bin/chromium', headless: true, args: FLAGS })
  // No authority has signed the certificate of these tests.
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options })
  const page = await context.newPage()
  // Errors in the console hold violations of the content security policy too.
  page.wrong = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) page.wrong.push(`console: ${message.text()}`)
  })
  page.on('pageerror', (error) => page.wrong.push(`exception: ${error}`))
  page.on('requestfailed', (request) => {
    // Leaving a page ends its requests.
    if (request.failure()?.errorText !== 'net::ERR_ABORTED') page.wrong.push(`request: ${request.url()}`)
  })
  page.end = () => context.close()
  return page
}

/** Fails if anything went wrong in a page, with the reasons. */
export function allWell(page) {
  if (page.wrong.length > 0) throw new Error(`${page.url()}:\n${page.wrong.join('\n')}`)
}

/** Fails if the rules of accessibility find something serious in a page. */
export async function accessible(page) {
  // Debugging tools are not held to the page's policy, which would refuse the script.
  const session = await page.context().newCDPSession(page)
  await session.send('Runtime.evaluate', { expression: AXE })
  const asked = await session.send('Runtime.evaluate', {
    expression: `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }).then(({ violations }) =>
      violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, help, nodes }) => id + ': ' + help + '\\n  ' + nodes.slice(0, 3).map(({ html, any }) => html.slice(0, 160) + ' ' + (any[0]?.message ?? '')).join('\\n  ')))`,
    awaitPromise: true,
    returnByValue: true,
  })
  await session.detach()
  if (asked.exceptionDetails) throw new Error(`axe: ${JSON.stringify(asked.exceptionDetails)}`)
  const found = asked.result.value
  if (found.length > 0) throw new Error(`${page.url()} is not accessible:\n${found.join('\n')}`)
}

/** Ends Chromium. */
export async function close() {
  await browser?.close()
}
