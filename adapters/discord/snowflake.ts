/** Discord's ids carry the time of their making: discord.com/developers/docs/reference#snowflakes */
const EPOCH = 1_420_070_400_000;

/** The id that comes before every one made at or after `ms`. */
export function before(ms: number): string {
  // 42 bits of time.
  const first = BigInt(Math.min(2 ** 41, Math.max(0, Math.floor(ms) - EPOCH))) << 22n;
  return String(first === 0n ? 0n : first - 1n);
}

/** Milliseconds since the Unix epoch. */
export function timeOf(snowflake: string): number {
  return Number(BigInt(snowflake) >> 22n) + EPOCH;
}

export function isSnowflake(value: unknown): value is string {
  return typeof value === "string" && /^\d{15,20}$/.test(value);
}
