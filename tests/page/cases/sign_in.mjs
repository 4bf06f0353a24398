// Sign-in over HTTPS: with a wrong token and a right one, through a link of another site, and without the right to act.

import { accessible, allWell, reader } from '../lib/browser.mjs'
import { Router, order } from '../lib/router.mjs'

const READER = 'a-token-that-reads'
const OPERATOR = 'a-token-that-acts'
const TOKENS = `tokens = [
  { name = "media-team", role = "read", token = "${READER}" },
  { name = "on-call", role = "operator", token = "${OPERATOR}" },
]`

async function signIn(page, token) {
  await page.getByLabel('Your token').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

export function signIns(test) {
  test('sign-in over HTTPS', async () => {
    const router = await Router.start({ admin: TOKENS, tls: true })
    try {
      await router.send([order(1)])
      for (const colorScheme of ['light', 'dark']) await formOf(router, colorScheme)
      await sessionOf(router)
      await actsOf(router)
    } finally {
      await router.stop()
    }
  })
}

/** The form leads back to the page that was asked for, and says what is wrong. */
async function formOf(router, colorScheme) {
  const page = await reader({ viewport: { width: 360, height: 800 }, colorScheme })
  await page.goto(`${router.page}/ui/events?outcome=delivered`)
  await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
  await accessible(page)
  allWell(page)
  await signIn(page, 'a-wrong-token')
  await page.getByRole('alert').getByText('not known here').waitFor()
  await accessible(page)
  // Chromium reports the status of the answer.
  page.wrong = page.wrong.filter((told) => !told.includes('status of 401'))
  await signIn(page, READER)
  await page.waitForURL('**/ui/events?outcome=delivered')
  allWell(page)
  await page.end()
}

/** A session holds through a link of another site, reads, and ends with the sign-out. */
async function sessionOf(router) {
  const page = await reader()
  await page.goto(`${router.page}/`)
  await signIn(page, READER)
  await page.getByText('media-team · read only').waitFor()
  const [cookie] = await page.context().cookies()
  const strict = cookie.name === '__Host-signalbox' && cookie.httpOnly && cookie.secure && cookie.sameSite === 'Strict'
  if (!strict || cookie.value.includes(READER)) throw new Error(`the cookie is ${JSON.stringify(cookie)}`)
  const refused = await page.evaluate(async () => {
    const answer = await fetch('/reload', { method: 'POST', headers: { 'X-Signalbox': '1' } })
    return `${answer.status} ${await answer.text()}`
  })
  if (!refused.startsWith('403 ') || !refused.includes('role "read"')) throw new Error(`a reader acts: ${refused}`)
  page.wrong = page.wrong.filter((told) => !told.includes('status of 403'))
  allWell(page)
  const linked = await page.context().newPage()
  await linked.setContent(`<a href="${router.page}/ui/quality">a link in a mail</a>`)
  await linked.getByRole('link').click()
  await linked.waitForURL('**/ui/quality')
  await linked.getByText('media-team · read only').waitFor()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
  await page.goto(`${router.page}/ui/overview`)
  await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
  await page.end()
}

/** An operator's act and the sign-ins are in the audit log. */
async function actsOf(router) {
  const page = await reader()
  await page.goto(`${router.page}/ui/event?message_id=page-order-1`)
  await signIn(page, OPERATOR)
  await page.getByText('on-call · operator').waitFor()
  // The router's certificate is signed by nobody, so the page asks in place of the suite.
  await page.waitForFunction(async () => {
    const { funnels } = await (await fetch('/api/overview')).json()
    const pinterest = funnels.find(({ sink }) => sink === 'pinterest')
    return pinterest.steps.at(-1).events === 1
  })
  const answer = await page.evaluate(async () => {
    const sent = await fetch('/api/event/resend', {
      method: 'POST',
      headers: { 'X-Signalbox': '1' },
      body: JSON.stringify({ message_id: 'page-order-1', sink: 'pinterest' }),
    })
    return sent.status
  })
  if (answer !== 200) throw new Error(`the act is answered with ${answer}`)
  await page.goto(`${router.page}/ui/audit`)
  const row = page.getByRole('row').filter({ hasText: 'Events sent again' })
  await row.getByText('on-call (operator)').waitFor()
  await row.getByText('pinterest').waitFor()
  await page.getByRole('row').filter({ hasText: 'not known' }).first().waitFor()
  if ((await page.content()).includes('page-order-1')) throw new Error('the audit log shows an id')
  await accessible(page)
  allWell(page)
  await page.end()
}
