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

const [mode, url] = process.argv.slice(2)
const modes = { flags }
modes[mode](url)
