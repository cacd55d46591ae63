import { chat } from "./chat.ts";
import { gemini } from "./gemini.ts";
import { messages } from "./messages.ts";
import type { Wire } from "./reply.ts";
import type { WireName } from "./request.ts";
import { responses } from "./responses.ts";

export const wires: Readonly<Record<WireName, Wire>> = { chat, responses, messages, gemini };
