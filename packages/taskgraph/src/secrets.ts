/**
 * A text with nothing in it that gives access to anything, for what is printed, recorded or sent on. What it speaks of stays
 * readable: `redis://…@host:6379`, `https://host/file.pt?…`.
 *
 * Taken out are, as they may be in a message of whatever code:
 *
 * - of addresses, who asks (RFC 3986 section 3.2.1) and the query and fragment, where signatures and tokens stand;
 * - the value of each variable of the environment whose name ends with TOKEN, SECRET, PASSWORD or KEY, and the password of
 *   each address in the environment: what is shorter than 8 letters may be any word;
 * - what begins as tokens do (hf_…, ghp_…), or follows "Bearer".
 */
export function withoutSecrets(text: string): string {
  let safe = text.replace(address, (_, scheme, user, place, rest) => {
    return `${scheme}${user ? '…@' : ''}${place}${rest ? '?…' : ''}`;
  });
  secrets ??= ofEnvironment();
  for (const secret of secrets) safe = safe.replaceAll(secret, '…');
  return safe.replace(token, '$1$2…');
}

/** With one slash, too, as it is left of an address that was taken for a path. */
const address =
  /\b([a-z][a-z\d+.-]{1,30}:\/\/|https?:\/)([^\s/?#"'<>]*@)?([^\s?#"'<>\\]*)([?#][^\s"'<>]*)?/gi;
const token = /\b((?:hf|gh[oprsu]|github_pat)_)[a-z\d]{16}\w*|\b(bearer\s)[\w.~+/=-]{8,}/gi;
const telling = /(TOKEN|SECRET|PASSWORD|PASSWD|KEY)$/i;
const shortest = 8;

/** As the environment was when they were asked for first: to read it takes long. */
let secrets: readonly string[] | undefined;

/** The longest first, for one may be within another. */
function ofEnvironment(): string[] {
  const found = Object.entries(process.env).flatMap(([name, value = '']) => [
    ...(telling.test(name) ? [value] : []),
    ...passwordsOf(value),
  ]);
  return found.filter(({ length }) => length >= shortest).sort((a, b) => b.length - a.length);
}

/** As it is written and as it is meant. */
function passwordsOf(value: string): string[] {
  if (!/:\/\/[^/]*@/.test(value) || !URL.canParse(value)) return [];
  const { password } = new URL(value);
  try {
    return [password, decodeURIComponent(password)];
  } catch {
    return [password];
  }
}
