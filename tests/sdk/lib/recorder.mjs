// A proxy that notes each request and its answer, so that retries and their timing can be seen.

import http from 'node:http'
import { gunzipSync } from 'node:zlib'

/** The events of a batch. */
function ids(body, encoding) {
  const text = encoding === 'gzip' ? gunzipSync(body) : body
  return JSON.parse(text).batch.map((event) => event.messageId)
}

/** `first` is called before the first request is passed on. */
export async function recorder(target, first = async () => {}) {
  const requests = []
  let ready
  const server = http.createServer(async (request, answer) => {
    const at = Date.now()
    const body = Buffer.concat(await request.toArray())
    await (ready ??= first())
    const forwarded = http.request(target + request.url, { method: request.method, headers: request.headers })
    forwarded.end(body)
    forwarded.on('error', () => answer.destroy())
    forwarded.on('response', (got) => {
      requests.push({
        at,
        answered: Date.now(),
        path: request.url,
        status: got.statusCode,
        retryAfter: Number(got.headers['retry-after'] ?? 0),
        retryCount: Number(request.headers['x-retry-count'] ?? 0),
        ids: ids(body, request.headers['content-encoding']),
      })
      answer.writeHead(got.statusCode, got.headers)
      got.pipe(answer)
    })
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
