import type { Intake } from "../../src/channel.ts";

/** A door for adapters that does nothing but take. */
export function taking(take: Intake["take"]): Intake {
  return { take, amend: async () => {}, missed: () => {}, press: async () => ({ text: "", ok: false }) };
}
