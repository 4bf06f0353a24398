// Chromium, and the pages it visits: a shop on another origin than Signalbox.

import { readFileSync } from 'node:fs'
import http from 'node:http'
import { createRequire } from 'node:module'
import path from 'node:path'

import { chromium } from 'playwright-core'

import { FLAGS } from './flags.mjs'

const require = createRequire(import.meta.url)
const UMD = path.resolve(import.meta.dirname, '../node_modules/@segment/analytics-next/dist/umd')
const snippet = require('@segment/snippet')

/** Serves the shop's pages: `/` with the npm package's library, `/snippet` with the snippet, `/empty` with nothing. */
function shop(snippetHost) {
  const html = (script) => `<!doctype html><meta charset="utf-8"><title>Shöp</title><script></script>${script}`
  const pages = {
    '/': html('<script src="/library.js"></script>'),
    '/snippet': html(`<script>${snippet.min({ apiKey: 'sdk-write-key', host: snippetHost, page: true })}</script>`),
    '/empty': html(''),
  }
  return http.createServer((request, answer) => {
    const { pathname } = new URL(request.url, 'http://shop')
    if (pathname === '/library.js') {
      answer.setHeader('content-type', 'text/javascript; charset=utf-8')
      return answer.end(readFileSync(path.join(UMD, 'index.js')))
    }
    answer.statusCode = pages[pathname] ? 200 : 404
    answer.setHeader('content-type', 'text/html; charset=utf-8')
    answer.end(pages[pathname] ?? '')
  })
}

/** A browser with a shop. Started when first asked for. */
export class Shop {
  static async open(snippetHost) {
    const opened = new Shop()
    opened.server = shop(snippetHost)
    await new Promise((resolve) => opened.server.listen(0, '127.0.0.1', resolve))
    // Another host than Signalbox's, so another origin and another site.
    opened.origin = `http://localhost:${opened.server.address().port}`
    opened.browser = await chromium.launch({ executablePath: '/usr/bin/chromium', headless: true, args: FLAGS })
    return opened
  }

  /** A page of a new visitor, and all its requests to Signalbox with their answers. */
  async visit(where = '/') {
    // No authority has signed the certificate of these tests.
    const context = await this.browser.newContext({ ignoreHTTPSErrors: true })
    const page = await context.newPage()
    const requests = []
    context.on('response', async (response) => {
      const url = new URL(response.url())
      if (url.host === new URL(this.origin).host) return
      const headers = response.headers()
      requests.push({
        at: Date.now(),
        method: response.request().method(),
        path: url.pathname,
        status: response.status(),
        retryAfter: Number(headers['retry-after'] ?? 0),
      })
    })
    const failures = []
    page.on('pageerror', (error) => failures.push(String(error)))
    await page.goto(this.origin + where)
    return { context, page, requests, failures }
  }

  async close() {
    await this.browser.close()
    this.server.close()
    this.server.closeAllConnections()
  }
}
