/** Markdown → parts that fit into one Discord message each. */
import { splitMarkdown } from "../shared/split.ts";
import { MARK_LENGTH } from "./marks.ts";
import { render } from "./render.ts";

/** Discord's limit, less the mark of each post: discord.com/developers/docs/resources/message#create-message */
export const MAX_TEXT = 2000 - MARK_LENGTH;

/**
 * What Discord is sent may be longer than the Markdown, by its escapes: where a part is too long it is split again, with
 * less room. That depends on the part alone, so the first parts of a growing answer stay what they were.
 */
export function partsOf(markdown: string, max = MAX_TEXT): string[] {
  return splitMarkdown(markdown, { max, measure: (part) => render(part).length }).flatMap((part) => {
    const size = render(part).length;
    if (size <= MAX_TEXT) return [part];
    return partsOf(part, Math.max(1, Math.floor(max * Math.min(0.9, (0.95 * MAX_TEXT) / size))));
  });
}
