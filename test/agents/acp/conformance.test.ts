import { describeAgent } from "../../conformance/agent.ts";
import { TestAgent } from "./harness.ts";

for (const processes of ["session", "shared"] as const) {
  describeAgent(`acp, processes: ${processes}`, {
    start: async () => {
      const test = new TestAgent({ load: true, close: true }, { processes });
      return {
        agent: { compacts: true, open: (options) => test.open(options) },
        leftovers: () => test.work(),
        stop: () => test.stop(),
      };
    },
    prompts: {
      echo: (text) => `echo ${text}`,
      endless: "endless",
      fails: "fail",
      failsOnce: "once",
      large: { prompt: "large 500000", atLeast: 500_000 },
      counts: { prompt: "count" },
      asks: { permission: "permission", plan: "plan", questions: "questions" },
    },
  });
}
