/** Who may decide. */
import type { Approvers, Ask, AskRequest, Sender } from "../../model.ts";

/** One rule for all kinds of asks, or one for each. */
export type ApproverRules = Approvers | { readonly [Kind in AskRequest["kind"]]?: Approvers | undefined };

export function approversOf(rules: ApproverRules, kind: AskRequest["kind"]): Approvers {
  if (typeof rules === "string" || isList(rules)) return rules;
  return rules[kind] ?? "requester";
}

/** Admins may always: an ask must not be lost with the one person who may decide it. */
export function mayDecide(ask: Pick<Ask, "approvers" | "requester">, sender: Sender, isAdmin: boolean): boolean {
  if (isAdmin) return true;
  switch (ask.approvers) {
    case "members":
      return true;
    case "admins":
      return false;
    case "requester":
      return sender.id === ask.requester.id;
    default:
      return ask.approvers.includes(sender.id);
  }
}

/** For whom it is, as the end of a sentence. */
export function decidersOf({ approvers, requester }: Pick<Ask, "approvers" | "requester">): string {
  switch (approvers) {
    case "members":
      return "everybody here";
    case "admins":
      return "this gateway's admins";
    case "requester":
      return requester.name;
    default:
      return "those whom the operator named";
  }
}

function isList(rules: ApproverRules): rules is readonly string[] {
  return Array.isArray(rules);
}
