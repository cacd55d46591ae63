import { render } from "preact";
import { App } from "./app.tsx";
import { Chat } from "./chat.ts";
import { copyFromCode } from "./copy.ts";

const root = document.getElementById("app");
document.addEventListener("click", copyFromCode);
if (root !== null) render(<App chat={new Chat()} />, root);
