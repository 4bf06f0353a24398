// The tester: why a mapping takes an event or does not, where values come from, and a test event to the end.

import { accessible, allWell, reader } from '../lib/browser.mjs'
import { order } from '../lib/router.mjs'

export function tester(test, router) {
  test('the tester explains an event at each sink, and sends it as a test event', async () => {
    const page = await reader({ viewport: { width: 1280, height: 900 } })
    await page.goto(`${router().page}/ui/tester`)
    await page.getByLabel('One call as JSON, as a client sends it').fill(JSON.stringify(order('tester')))
    await page.getByRole('button', { name: 'Test', exact: true }).click()
    await page.getByText('Of 3 sinks 3 would send the event').waitFor()
    const sink = page.getByRole('article', { name: 'Sink pinterest' })
    await sink.getByText('takes the event', { exact: false }).first().waitFor()
    // The order's value is told with its place in the event.
    await sink.getByText('properties.revenue', { exact: false }).first().waitFor({ state: 'attached' })
    if ((await sink.innerHTML()).includes('a-token-of-the-sandbox')) throw new Error('the page shows the token of the sink')
    await accessible(page)
    await sink.getByRole('button', { name: 'Send as a test event' }).click()
    await page.getByRole('heading', { name: 'Answer of the destination' }).waitFor()
    allWell(page)
    await page.end()
  })

  test('the tester tells clause by clause why no mapping takes an event', async () => {
    const page = await reader()
    await page.goto(`${router().page}/ui/tester`)
    await page.getByLabel('One call as JSON, as a client sends it').fill(
      JSON.stringify({ type: 'track', event: 'Nothing Like It', userId: 'u', properties: {} }),
    )
    await page.getByRole('button', { name: 'Test', exact: true }).click()
    await page.getByText('3 filter it').waitFor()
    const sink = page.getByRole('article', { name: 'Sink meta' })
    await sink.getByText('mappings do not take it', { exact: false }).click()
    await sink.getByText('does not hold').first().waitFor({ state: 'attached' })
    allWell(page)
    await page.end()
  })

  test('a test event that counts is sent after a question alone', async () => {
    const page = await reader()
    await page.goto(`${router().page}/ui/tester`)
    await page.getByLabel('One call as JSON, as a client sends it').fill(JSON.stringify(order('counts')))
    await page.locator('select[name=sink]').selectOption('meta')
    await page.getByRole('button', { name: 'Test', exact: true }).click()
    const sink = page.getByRole('article', { name: 'Sink meta' })
    await sink.getByLabel('Test code', { exact: false }).fill('TEST12345')
    await sink.getByRole('button', { name: 'Send as a test event' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('counts test events').waitFor()
    await dialog.getByRole('button', { name: 'Go on' }).click()
    await page.getByRole('heading', { name: 'Answer of the destination' }).waitFor()
    allWell(page)
    await page.end()
  })

  test('what is no event is told', async () => {
    const page = await reader()
    await page.goto(`${router().page}/ui/tester`)
    await page.getByLabel('One call as JSON, as a client sends it').fill('{"type":')
    await page.getByRole('button', { name: 'Test', exact: true }).click()
    const field = page.getByLabel('One call as JSON, as a client sends it')
    await page.getByText('This is no event that a source takes').waitFor()
    const state = await field.evaluate((text) => [text.value, text.getAttribute('aria-invalid'), text === document.activeElement])
    if (state.join() !== '{"type":,true,true') throw new Error(`the field: ${state}`)
    await accessible(page)
    await field.fill(JSON.stringify(order('mended')))
    await page.getByRole('button', { name: 'Test', exact: true }).click()
    await page.getByText('Of 3 sinks 3 would send the event').waitFor()
    const focused = await page.evaluate(() => document.activeElement.id)
    if (focused !== 'results') throw new Error(`the focus is at ${focused}`)
    allWell(page)
    await page.end()
  })

  test("a mapping's fields are shown on the pipeline's page", async () => {
    const page = await reader()
    await page.goto(`${router().page}/ui/pipeline?sink=pinterest&mapping=Checkout`)
    await page.getByRole('heading', { name: 'Fields of Checkout' }).waitFor()
    await page.getByRole('cell', { name: 'user_data.em', exact: true }).waitFor()
    await accessible(page)
    allWell(page)
    await page.end()
  })
}
