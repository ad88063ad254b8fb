// posthog-node (npm): one mode of the benchmarks of peers. README.md says what the modes are.

const { PostHog } = require('posthog-node')
// What the package exports does not have its version.
const { version } = require('./node_modules/posthog-node/package.json')

const PERSON = { email: 'someone@customer.example', plan: 'pro', seats: 42 }
const IDS = Array.from({ length: 1024 }, (_, number) => `user_${String(number).padStart(8, '0')}`)

/** The best of some rounds, a call. */
async function nanoseconds(call, calls, rounds = 5) {
  let best = Infinity
  for (let round = 0; round < rounds; round++) {
    const begun = process.hrtime.bigint()
    for (let number = 0; number < calls; number++) await call(IDS[number % IDS.length])
    best = Math.min(best, Number(process.hrtime.bigint() - begun) / calls)
  }
  return best
}

function figure(group, value) {
  console.log(`${group}\tposthog-node ${version}\tns\t${value.toFixed(0)}`)
}

async function flags(url) {
  const client = new PostHog('phc_benchmark', {
    host: url,
    personalApiKey: 'phx_benchmark',
    featureFlagsPollingInterval: 3_600_000,
  })
  if (!(await client.waitForLocalEvaluationReady(10_000))) throw new Error('no definitions')
  const options = { personProperties: PERSON, onlyEvaluateLocally: true }
  const one = (id) => client.getFeatureFlag('flag-000', id, { ...options, sendFeatureFlagEvents: false })
  const every = (id) => client.getAllFlags(id, options)
  const [value, all] = [await one(IDS[0]), await every(IDS[0])]
  if (!['control', 'test', false].includes(value) || Object.keys(all).length !== 200) throw new Error('wrong flags')
  figure('local evaluation of one flag', await nanoseconds(one, 2_000))
  figure('local evaluation of 200 flags', await nanoseconds(every, 50))
  await client.shutdown()
}

const BURST = 5_000

/** Captures in bursts, for which the queue is made large enough, each flushed; every call is timed. */
async function capture(url, rounds, packing) {
  const client = new PostHog('phc_benchmark', {
    host: url,
    maxQueueSize: 2 * BURST,
    disableCompression: packing === 'plain',
  })
  const latencies = new Float64Array(rounds * BURST)
  const begun = process.hrtime.bigint()
  for (let number = 0; number < rounds * BURST; number++) {
    const start = process.hrtime.bigint()
    client.capture({
      distinctId: IDS[number % IDS.length],
      event: 'order placed',
      properties: { plan: 'pro', source: 'web checkout', amount: 4999 + (number % 1024) },
    })
    latencies[number] = Number(process.hrtime.bigint() - start)
    if (number % BURST === BURST - 1) await client.flush()
  }
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9
  await client.shutdown()
  const name = `capture, beside others\tposthog-node ${version}`
  console.log(`${name}\t${packing}/s\t${((rounds * BURST) / seconds).toFixed(0)}`)
  if (packing === 'plain') return
  const empty = new Float64Array(100_000).map(() => {
    const start = process.hrtime.bigint()
    return Number(process.hrtime.bigint() - start)
  })
  const [timer, sorted] = [empty.sort()[50_000], latencies.sort()]
  for (const [metric, fraction] of [['p50', 0.5], ['p90', 0.9], ['p99', 0.99], ['p99.9', 0.999]]) {
    console.log(`${name}\t${metric}\t${Math.max(0, sorted[Math.floor(sorted.length * fraction)] - timer)}`)
  }
}

const [mode, url, ...rest] = process.argv.slice(2)
const modes = { flags, capture: (url, rounds, packing) => capture(url, Number(rounds), packing) }
modes[mode](url, ...rest)
