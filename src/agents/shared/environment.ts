/** The environment of a program: little of the gateway's own, so that its tokens stay with it. */
const PASSED_ON = /^(PATH|HOME|LANG|LC_[A-Z_]+|TZ|TMPDIR)$/;

/** What of the gateway's environment a program gets, with the configuration's `env` on top. */
export function passedOn(own: NodeJS.ProcessEnv, added: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return { ...Object.fromEntries(Object.entries(own).filter(([name]) => PASSED_ON.test(name))), ...added };
}
