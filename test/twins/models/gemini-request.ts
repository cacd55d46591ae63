/** A request to the Gemini API, which names its model in the path and says everything in parts. */
import { z } from "zod";
import type { Said } from "./request.ts";

const PATH = /^\/v1(?:beta|alpha)?\/models\/([^/:]+):(streamGenerateContent|generateContent)$/;

/** Undefined where the path is of something else. */
export function placeIn(path: string): { readonly model: string; readonly stream: boolean } | undefined {
  const [, model, method] = PATH.exec(path) ?? [];
  return model === undefined ? undefined : { model, stream: method === "streamGenerateContent" };
}

const part = z.looseObject({
  text: z.string().optional(),
  inlineData: z.unknown().optional(),
  thought: z.boolean().optional(),
  functionCall: z.looseObject({ name: z.string() }).optional(),
  functionResponse: z
    .looseObject({ name: z.string(), response: z.record(z.string(), z.unknown()).optional() })
    .optional(),
});
const content = z.object({ role: z.string().optional(), parts: z.array(part) });
const body = z.object({
  contents: z.array(content).min(1),
  systemInstruction: z.union([content, z.string()]).optional(),
  tools: z
    .array(z.looseObject({ functionDeclarations: z.array(z.looseObject({ name: z.string() })).optional() }))
    .optional(),
});
type Content = z.infer<typeof content>;

interface Spoken {
  readonly system: string;
  readonly said: readonly Said[];
  readonly tools: readonly string[];
}

export function spokenIn(json: unknown): Spoken | { readonly invalid: string } {
  const { success, data } = body.safeParse(json);
  if (!success) return { invalid: "* GenerateContentRequest.contents: contents is not specified" };
  const { contents, systemInstruction: system = "", tools = [] } = data;
  const wrong = mismatch(contents);
  if (wrong !== undefined) return { invalid: wrong };
  return {
    system: typeof system === "string" ? system : textOf(system),
    said: contents.flatMap(saidOf),
    tools: tools.flatMap(({ functionDeclarations = [] }) => functionDeclarations.map(({ name }) => name)),
  };
}

/** The turn after one that calls functions has as many results as that has calls. */
function mismatch(contents: readonly Content[]): string | undefined {
  const isWrong = contents.some(({ role, parts }, index) => {
    if (role !== "model") return false;
    const calls = parts.filter(({ functionCall }) => functionCall !== undefined).length;
    const results = contents[index + 1]?.parts.filter(({ functionResponse }) => functionResponse !== undefined).length;
    return calls > 0 && calls !== results;
  });
  if (!isWrong) return undefined;
  return "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.";
}

function saidOf(content: Content): Said[] {
  const { role, parts } = content;
  const results = parts.flatMap(({ functionResponse }) =>
    functionResponse === undefined ? [] : [resultOf(functionResponse.response ?? {})],
  );
  const calls = parts.flatMap(({ functionCall }) => (functionCall === undefined ? [] : [functionCall.name]));
  const images = parts.filter(({ inlineData }) => inlineData !== undefined).length;
  const text = textOf(content);
  if (text === "" && images === 0 && calls.length === 0) return results;
  return [...results, { role: role === "model" ? "assistant" : "user", text, images, calls }];
}

function resultOf({ output, error, ...rest }: Readonly<Record<string, unknown>>): Said {
  const given = output ?? error ?? rest;
  return { role: "tool", text: typeof given === "string" ? given : JSON.stringify(given), images: 0, calls: [] };
}

function textOf({ parts }: Content): string {
  return parts.flatMap(({ text, thought }) => (text === undefined || thought ? [] : [text])).join("\n\n");
}
