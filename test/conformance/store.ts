/**
 * Holds an implementation of `Store` to its contract. Every part goes through the port's own methods only, so
 * that each implementation passes the same suite.
 */
import { describe } from "vitest";
import { describeAskLists } from "./store/ask-lists.ts";
import { describeAskMessages } from "./store/ask-messages.ts";
import { describeAskTurns } from "./store/ask-turns.ts";
import { describeAsks } from "./store/asks.ts";
import { describeCards } from "./store/cards.ts";
import { describeCommands } from "./store/commands.ts";
import { describeConcurrency } from "./store/concurrency.ts";
import { describeFigures } from "./store/figures.ts";
import { describeIntake } from "./store/intake.ts";
import { describeJournal } from "./store/journal.ts";
import { describeLists } from "./store/lists.ts";
import { describeMemory } from "./store/memory.ts";
import { describeOperators } from "./store/operators.ts";
import { describeOwnership } from "./store/ownership.ts";
import { describeReplies } from "./store/replies.ts";
import { describeRestore } from "./store/restore.ts";
import { describeSchedules } from "./store/schedules.ts";
import type { OpenHarness } from "./store/stage.ts";
import { describeTurns } from "./store/turns.ts";
import { describeViews } from "./store/views.ts";

export { DEDUPE_FOR, KEEP, type OpenHarness, type StoreHarness } from "./store/stage.ts";

export function describeStore(name: string, open: OpenHarness): void {
  describe(`store conformance: ${name}`, () => {
    describeIntake(open);
    describeMemory(open);
    describeOwnership(open);
    describeTurns(open);
    describeCommands(open);
    describeRestore(open);
    describeReplies(open);
    describeAsks(open);
    describeCards(open);
    describeAskLists(open);
    describeAskTurns(open);
    describeAskMessages(open);
    describeOperators(open);
    describeViews(open);
    describeFigures(open);
    describeLists(open);
    describeJournal(open);
    describeSchedules(open);
    describeConcurrency(open);
  });
}
