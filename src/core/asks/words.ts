/** The words by which people decide when they just write. */
const YES = /^(y|yes|yep|ok|okay|approved?|allow|go|go ahead|do it|👍|✅)[.!]*$/iu;
const NO = /^(n|no|nope|reject|deny|don'?t|👎|❌)[.!]*$/iu;

export function isYes(text: string): boolean {
  return YES.test(text.trim());
}

export function isNo(text: string): boolean {
  return NO.test(text.trim());
}
