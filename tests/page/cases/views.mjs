// Each view at two widths and in both colour schemes.

import { copyFileSync, mkdirSync } from 'node:fs'
import path from 'node:path'

import { accessible, allWell, reader } from '../lib/browser.mjs'
import { PICTURES, README_PICTURE, demo } from '../lib/router.mjs'
import { stop, until } from '../../sdk/lib/process.mjs'

const WIDTHS = [360, 1920]
const SCHEMES = ['light', 'dark']

export function views(test, router) {
  mkdirSync(PICTURES, { recursive: true })
  for (const width of WIDTHS) {
    for (const colorScheme of SCHEMES) {
      test(`all views, ${width} wide, ${colorScheme}`, async () => {
        const page = await reader({ viewport: { width, height: 900 }, colorScheme })
        await page.goto(`${router().page}/`)
        const links = await page.locator('nav[aria-label=Views] a').evaluateAll((found) => found.map(({ href }) => href))
        if (links.length === 0) throw new Error('the menu is empty')
        for (const link of links) await look(page, link, `${width}-${colorScheme}`)
        // An event has a page, which the list of events links to.
        await page.goto(`${router().page}/ui/events`)
        const event = page.locator('main a[href^="/ui/event?"]').first()
        if (await event.count() > 0) await look(page, new URL(await event.getAttribute('href'), page.url()).href, `${width}-${colorScheme}`)
        await page.end()
      })
    }
  }

  test('the rules of accessibility find a fault', async () => {
    const page = await reader()
    await page.setContent('<html><body><img src="data:,"><input></body></html>')
    const found = await accessible(page).then(() => '', (error) => error.message)
    if (!found.includes('image-alt') || !found.includes('label')) throw new Error(`they find: ${found}`)
    await page.end()
  })

  test('a wrong address is told, in the frame of the page', async () => {
    const page = await reader()
    const answer = await page.goto(`${router().page}/ui/overview?sink=none`)
    if (answer.status() !== 404) throw new Error(`it answers ${answer.status()}`)
    await page.getByText("There is no sink 'none'.").waitFor()
    const missing = await page.goto(`${router().page}/ui/overviews/`)
    if (missing.status() !== 404) throw new Error(`it answers ${missing.status()}`)
    await page.getByText('There is no such page.').waitFor()
    await page.goto(`${router().page}/ui/`)
    await page.waitForURL('**/ui/overview')
    await page.end()
  })

  test('parts that change are brought up to date, unless the reader does not want it', async () => {
    const page = await reader()
    await page.clock.install()
    await page.goto(`${router().page}/ui/overview`)
    const received = page.locator('.funnel .count').first()
    const before = Number((await received.innerText()).replaceAll(/\D/g, ''))
    await router().send([{ type: 'page', messageId: `live-${Date.now()}`, userId: 'u', properties: {} }])
    await router().settled(before + 1)
    await page.getByLabel('Update by itself').uncheck()
    await page.clock.runFor(30_000)
    if (Number((await received.innerText()).replaceAll(/\D/g, '')) !== before) throw new Error('it was updated all the same')
    await page.getByLabel('Update by itself').check()
    await page.locator('h1').click()
    const updated = page.waitForResponse((answer) => answer.url().includes('/ui/overview'))
    await page.clock.runFor(11_000)
    await updated
    await page.waitForFunction((count) => document.querySelector('.funnel .count').textContent !== String(count), before)
    allWell(page)
    await page.end()
  })
}

/** The demo with its page, as the README shows it. */
export function picture(test) {
  test('the demo shows its page', async () => {
    const { program, page: address } = await demo()
    await until(() => program.output, async () => {
      const answer = await fetch(`${address}/api/overview`, { headers: { 'x-signalbox': '1' } })
      const { funnels } = await answer.json()
      return funnels.every(({ steps }) => steps[0].events > 45)
    })
    const page = await reader({ viewport: { width: 1280, height: 1150 }, colorScheme: 'light' })
    await page.goto(`${address}/ui/overview`)
    const taken = path.join(PICTURES, 'readme.png')
    await page.screenshot({ path: taken })
    if (process.env.UPDATE_DOCS) copyFileSync(taken, README_PICTURE)
    allWell(page)
    await page.end()
    const { code } = await stop(program)
    if (code !== 0) throw new Error(`it ends with ${code}: ${program.output}`)
  })
}

/** Opens a view and holds it to the rules of all views. */
async function look(page, link, suffix) {
  await page.goto(link)
  const name = new URL(link).pathname.split('/').pop()
  const headings = await page.locator('h1').count()
  if (headings !== 1) throw new Error(`${link} has ${headings} headings of the first level`)
  const { scroll, window } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, window: innerWidth }))
  if (scroll > window) throw new Error(`${link} is ${scroll} wide in a window of ${window}`)
  await accessible(page)
  await page.screenshot({ path: path.join(PICTURES, `${name}-${suffix}.png`), fullPage: true })
  allWell(page)
}
