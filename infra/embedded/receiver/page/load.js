// Asks the receiver. What does not answer in time, or answers with an error, is thrown in words.

const PATIENCE = 10_000; // milliseconds

/** The JSON of an address below the page; null for a 404. */
export async function load(path, parameters = null) {
  const query = parameters ? `?${new URLSearchParams(parameters)}` : "";
  const answer = await fetch(path + query, { signal: AbortSignal.timeout(PATIENCE) });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Refused(await reason(answer));
  return answer.json();
}

/** The receiver is there, and says what is wrong with the question. */
export class Refused extends Error {}

async function reason(answer) {
  try {
    return (await answer.json()).detail ?? answer.statusText;
  } catch {
    return `${answer.status} ${answer.statusText}`;
  }
}
