import type { VNode } from "preact";

/** An empty channel: what this is, and something to try. */
export function Welcome({
  suggestions,
  onPick,
}: {
  suggestions: readonly string[];
  onPick(text: string): void;
}): VNode {
  return (
    <div class="welcome">
      <img src="./icon.svg" alt="" width="44" height="44" />
      <h2>A new chat</h2>
      <p>
        Send as many messages as you like: each waits its turn and is answered once. Close the page or stop the gateway
        in the middle; nothing is lost.
      </p>
      {suggestions.length > 0 && (
        <>
          <p class="try">The demo agent understands, for example:</p>
          <ul class="chips" aria-label="Suggestions">
            {suggestions.map((suggestion) => (
              <li key={suggestion}>
                <button type="button" onClick={() => onPick(suggestion)}>
                  {suggestion}
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
