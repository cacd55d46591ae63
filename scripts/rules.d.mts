export function violations(sources: ReadonlyMap<string, string>): string[];
export function lockViolations(text: string): string[];
export function readSources(root: string): Map<string, string>;
