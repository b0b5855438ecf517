// Asks the receiver. What does not answer in time, or answers with an error, is thrown in words.

const PATIENCE = 10_000; // milliseconds

/** The receiver is there, and says what is wrong with the question. */
export class Refused extends Error {}

/** There was no answer, or not all of it. */
export class Unanswered extends Error {}

/** The JSON of an address below the page; null for a 404. Throws Refused, with the problem's detail, and Unanswered. */
export async function load(path, parameters = null) {
  const query = parameters ? `?${new URLSearchParams(parameters)}` : "";
  let answer, body;
  try {
    answer = await fetch(path + query, { signal: AbortSignal.timeout(PATIENCE) });
    body = await answer.text();
  } catch (error) {
    throw new Unanswered(path, { cause: error });
  }
  if (answer.status === 404) return null;
  if (answer.ok) return JSON.parse(body);
  throw new Refused(JSON.parse(body).detail);
}
