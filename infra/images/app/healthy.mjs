// Container health check: ends with 0 if the URL given answers with success within 4 s, else with 1.
const milliseconds = 4000;
const [url = ''] = process.argv.slice(2);
const answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(milliseconds) }).catch(
  error => error,
);
if (!answer.ok) {
  console.error(`${url}: ${answer.status ?? answer.message}`);
  process.exit(1);
}
